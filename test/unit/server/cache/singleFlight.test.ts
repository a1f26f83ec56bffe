import { describe, expect, test } from 'vitest';
import { SingleFlight } from '../../../../server/cache/singleFlight.ts';

const never = new AbortController().signal;

async function all<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const parts: T[] = [];
  for await (const part of stream) parts.push(part);
  return parts;
}

/** A source that says when it is pulled, when it is cancelled, and how often it was begun. */
function countedSource(parts: number): { source: (signal: AbortSignal) => AsyncIterable<number>; pulled: number; begun: number; returned: number; signal?: AbortSignal } {
  const seen = {
    pulled: 0,
    begun: 0,
    returned: 0,
    async *source(signal: AbortSignal): AsyncIterable<number> {
      seen.begun += 1;
      (seen as { signal?: AbortSignal }).signal = signal;
      try {
        for (let part = 0; part < parts; part += 1) {
          seen.pulled += 1;
          await Promise.resolve();
          yield part;
        }
      } finally {
        seen.returned += 1;
      }
    },
  };
  return seen;
}

describe('SingleFlight', () => {
  test('fifty readers share one source, and each reads it from its start', async () => {
    const seen = countedSource(5);
    const flight = new SingleFlight<number>().begin('k', seen.source);
    const read = await Promise.all(Array.from({ length: 50 }, () => all(flight.read(never))));
    expect(read).toEqual(Array.from({ length: 50 }, () => [0, 1, 2, 3, 4]));
    expect(seen.begun).toBe(1);
  });

  test('one who joins late still reads from the start', async () => {
    const flight = new SingleFlight<number>().begin('k', countedSource(3).source);
    const first = flight.read(never)[Symbol.asyncIterator]();
    await first.next();
    await first.next();
    expect(await all(flight.read(never))).toEqual([0, 1, 2]);
    expect((await first.next()).value).toBe(2);
  });

  test('reads its source no faster than its fastest reader', async () => {
    const seen = countedSource(100);
    const reader = new SingleFlight<number>().begin('k', seen.source).read(never)[Symbol.asyncIterator]();
    await reader.next();
    await new Promise(resolve => setTimeout(resolve, 20));
    expect(seen.pulled).toBe(1);
    await reader.return?.();
  });

  test('one reader leaving does not stop the others', async () => {
    const seen = countedSource(4);
    const flight = new SingleFlight<number>().begin('k', seen.source);
    const leaver = flight.read(never)[Symbol.asyncIterator]();
    const stayer = flight.read(never)[Symbol.asyncIterator]();
    await Promise.all([leaver.next(), stayer.next()]);
    await leaver.return?.();
    const rest: number[] = [];
    for (let next = await stayer.next(); next.done !== true; next = await stayer.next()) rest.push(next.value);
    expect(rest).toEqual([1, 2, 3]);
    expect(seen.signal?.aborted).toBe(false);
  });

  test('the last reader leaving cancels the source', async () => {
    const seen = countedSource(4);
    const flights = new SingleFlight<number>();
    const flight = flights.begin('k', seen.source);
    const readers = [flight.read(never), flight.read(never)].map(stream => stream[Symbol.asyncIterator]());
    await Promise.all(readers.map(reader => reader.next()));
    for (const reader of readers) await reader.return?.();
    await new Promise(resolve => setTimeout(resolve, 5));
    expect(seen.signal?.aborted).toBe(true);
    expect(seen.returned).toBe(1);
    expect(flights.get('k')).toBeUndefined();
  });

  test('a signal ends only its own reader, at once', async () => {
    const gate = Promise.withResolvers<void>();
    const flight = new SingleFlight<number>().begin('k', async function* () {
      await gate.promise;
      yield 1;
    });
    const abort = new AbortController();
    const leaving = all(flight.read(abort.signal));
    const staying = all(flight.read(never));
    abort.abort();
    await expect(leaving).rejects.toMatchObject({ code: 'cancelled' });
    gate.resolve();
    expect(await staying).toEqual([1]);
  });

  test('a failure reaches every reader, and the key is free again', async () => {
    const flights = new SingleFlight<number>();
    const flight = flights.begin('k', async function* () {
      yield 1;
      throw new Error('broken');
    });
    const readers = [all(flight.read(never)), all(flight.read(never))];
    for (const reader of readers) await expect(reader).rejects.toThrow('broken');
    expect(flights.get('k')).toBeUndefined();
  });

  test('a source that has ended can no longer be joined', async () => {
    const flights = new SingleFlight<number>();
    await all(flights.begin('k', countedSource(1).source).read(never));
    expect(flights.get('k')).toBeUndefined();
  });
});
