// Waiting that ends: by the result, by the clock, or by the caller.

import { SemcacheError } from '../protocol/errors.ts';

export interface DeadlineOptions {
  deadlineMs: number;
  signal: AbortSignal | undefined;
  /** Message of the error after `deadlineMs`. */
  timeoutText: string;
}

/** What `work` resolves to. @throws embedding-timeout after the deadline; cancelled when the signal fires; what `work` throws */
export async function withinDeadline<T>(work: Promise<T>, options: DeadlineOptions): Promise<T> {
  const { deadlineMs, signal, timeoutText } = options;
  work.catch(() => undefined);
  if (signal?.aborted) throw cancelled();
  const stop = Promise.withResolvers<never>();
  const timer = setTimeout(() => stop.reject(new SemcacheError('embedding-timeout', timeoutText)), deadlineMs);
  const onAbort = (): void => stop.reject(cancelled());
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work, stop.promise]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  }
}

function cancelled(): SemcacheError {
  return new SemcacheError('cancelled', 'The embedding was cancelled by the one who asked for it.');
}
