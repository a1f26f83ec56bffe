import { expect, test } from 'vitest';
import { ServedRequests, type ServedRequest } from '../../../../server/gateway/servedRequests.ts';

const mega = 1024 * 1024;
const served = (model: string, sizeBytes = 1000): ServedRequest => ({ request: { model, parameters: {}, messages: [], tools: [] }, offered: false, sizeBytes });
const remembered = (requests: ServedRequests, ids: string[]): string[] => ids.filter(id => requests.of(id) !== undefined);

test('the last request of each of 100 entries is known', () => {
  const requests = new ServedRequests();
  const ids = Array.from({ length: 101 }, (_, at) => `entry ${at}`);
  for (const id of ids) requests.remember(id, served(id));
  expect(remembered(requests, ids)).toEqual(ids.slice(1));
  requests.remember('entry 1', served('again'));
  requests.remember('one more', served('one more'));
  expect(requests.of('entry 1')?.request.model).toBe('again');
  expect(requests.of('entry 2')).toBeUndefined();
});

test('large requests push out earlier ones, so that 32 MiB are never exceeded', () => {
  const requests = new ServedRequests();
  for (const id of ['a', 'b', 'c']) requests.remember(id, served(id, 15 * mega));
  expect(remembered(requests, ['a', 'b', 'c'])).toEqual(['b', 'c']);
  for (const _again of [1, 2, 3]) requests.remember('c', served('c', 15 * mega));
  expect(remembered(requests, ['b', 'c'])).toEqual(['b', 'c']);
  requests.remember('huge', served('huge', 33 * mega));
  expect(remembered(requests, ['b', 'c', 'huge'])).toEqual([]);
  requests.remember('small', served('small'));
  expect(remembered(requests, ['small'])).toEqual(['small']);
});
