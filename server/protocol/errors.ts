// Every error code, for programs; each message says what happened, what it means and what to do, for people.

/** Codes with the HTTP status that the gateway answers with. JSON-RPC carries the code in `data.code`. */
export const errorCodes = {
  'bad-request': 400,
  'not-authenticated': 401,
  'entry-not-found': 404,
  'incompatible-protocol': 426,
  'draining': 503,
  'daemon-unreachable': 503,
  'store-unreachable': 503,
  'store-damaged': 500,
  'store-too-new': 500,
  'vector-length-mismatch': 500,
  'embedding-failed': 500,
  'embedding-timeout': 504,
  'model-file-damaged': 500,
  'upstream-missing': 502,
  'upstream-failed': 502,
  'upstream-loop': 508,
  'cancelled': 499,
  'internal-error': 500,
} as const;

export type ErrorCode = keyof typeof errorCodes;

export class SemcacheError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'SemcacheError';
    this.code = code;
  }
}

/** The text of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
