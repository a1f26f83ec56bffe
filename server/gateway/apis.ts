// The APIs that the gateway speaks.

import type { Api, ApiName } from './api.ts';
import { chatCompletions } from './chatCompletions.ts';
import { completions } from './completions.ts';
import { messages } from './messages.ts';
import { responses } from './responses.ts';

const byName: Record<ApiName, Api> = { chat: chatCompletions, completions, messages, responses };

export const apis: readonly Api[] = Object.values(byName);

export function apiNamed(name: ApiName): Api {
  return byName[name];
}

/** Whose way of writing errors a path has. */
export function apiOfPath(path: string): Api {
  return path.startsWith(messages.path) ? messages : (apis.find(api => api.path === path) ?? chatCompletions);
}
