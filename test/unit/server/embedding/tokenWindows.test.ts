import { expect, test } from 'vitest';
import { windowsOf } from '../../../../server/embedding/tokenWindows.ts';

const tokens = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

test.each([
  { why: 'no tokens', count: 0, sizes: [0] },
  { why: 'one token', count: 1, sizes: [1] },
  { why: 'exactly what fits', count: 510, sizes: [510] },
  { why: 'one more', count: 511, sizes: [510, 65] },
  { why: 'two full windows', count: 956, sizes: [510, 510] },
  { why: 'a long text', count: 4000, sizes: [510, 510, 510, 510, 510, 510, 510, 510, 432] },
])('windowsOf() makes windows of $sizes of $why', ({ count, sizes }) => {
  expect(windowsOf(tokens(count), 510).map(window => window.length)).toEqual(sizes);
});

test('windowsOf() keeps every token in order, and repeats 64 at each seam', () => {
  const windows = windowsOf(tokens(2000), 510);
  expect(windows.flatMap((window, i) => (i === 0 ? window : window.slice(64)))).toEqual(tokens(2000));
  for (const [i, window] of windows.slice(1).entries()) expect(window.slice(0, 64)).toEqual(windows[i]!.slice(-64));
});
