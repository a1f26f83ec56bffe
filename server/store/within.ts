// Waiting with an end.

import { messageOf } from '../protocol/errors.ts';

/**
 * What `work` resolves to, if it does in time; late results and failures are dropped.
 *
 * Errors: "no reply in 50 ms", or what `work` failed with.
 */
export async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no reply in ${Math.max(0, Math.round(ms))} ms`)), Math.max(0, ms));
  });
  try {
    return await Promise.race([work, deadline]);
  } catch (error) {
    throw error instanceof Error ? error : new Error(messageOf(error));
  } finally {
    clearTimeout(timer);
    work.catch(() => undefined);
  }
}
