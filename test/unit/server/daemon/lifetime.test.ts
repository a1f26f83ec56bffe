import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Lifetime } from '../../../../server/daemon/lifetime.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function newLifetime(idleMinutes: number, isFindable = (): boolean => true): { lifetime: Lifetime; over: string[] } {
  const over: string[] = [];
  return { lifetime: new Lifetime({ idleMinutes, isFindable, onOver: reason => over.push(reason) }), over };
}
const minutes = (count: number): void => void vi.advanceTimersByTime(count * 60_000);

test('the idle clock runs from the start, and ends it once', () => {
  const { over } = newLifetime(5);
  minutes(4.99);
  expect(over).toEqual([]);
  minutes(60);
  expect(over).toEqual(['no window was attached for 5 minutes']);
});

test('a window stops the clock, and the last one to leave starts it anew', () => {
  const { lifetime, over } = newLifetime(5);
  minutes(4);
  lifetime.setSessions(1);
  lifetime.setSessions(2);
  minutes(60);
  lifetime.setSessions(1);
  minutes(60);
  lifetime.setSessions(0);
  minutes(4.9);
  expect(over).toEqual([]);
  minutes(0.2);
  expect(over).toHaveLength(1);
});

test('0 is never; a new time counts from when it is set', () => {
  const { lifetime, over } = newLifetime(0);
  minutes(1000);
  lifetime.setIdleMinutes(10);
  minutes(9.9);
  expect(over).toEqual([]);
  lifetime.setIdleMinutes(10);
  minutes(0.2);
  expect(over).toHaveLength(1);
});

test('a week is not cut to what a timer can hold', () => {
  const { over } = newLifetime(10_080);
  minutes(10_079);
  expect(over).toEqual([]);
  minutes(2);
  expect(over).toHaveLength(1);
});

test('a daemon that cannot be found any more is over though windows are attached', () => {
  let isFindable = true;
  const { lifetime, over } = newLifetime(5, () => isFindable);
  lifetime.setSessions(1);
  minutes(10);
  expect(over).toEqual([]);
  isFindable = false;
  minutes(0.1);
  expect(over).toEqual([expect.stringContaining('record')]);
  minutes(10);
  expect(over).toHaveLength(1);
});

test('after stop() nothing ends it', () => {
  const { lifetime, over } = newLifetime(5, () => false);
  lifetime.stop();
  minutes(100);
  expect(over).toEqual([]);
});
