// Errors as OpenAI's APIs write them.

import type { Json } from './api.ts';

const types: Record<number, string> = {
  401: 'authentication_error', 403: 'permission_error', 404: 'not_found_error', 429: 'rate_limit_error',
};

export function openAiError(status: number, message: string): Json {
  const type = types[status] ?? (status < 500 ? 'invalid_request_error' : 'server_error');
  return { error: { message, type, param: null, code: null } };
}
