// A gateway that would ask itself: straight, by way of another gateway, or by way of a model of the editor.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { UpstreamPart } from '../../server/protocol/answer.ts';
import type { HttpUpstreamConfig } from '../../server/protocol/messages.ts';
import { apiForms } from './apiForms.ts';
import { jsonOf, openGatewayForTest, type TestGateway } from './openGatewayForTest.ts';

let first: TestGateway;
let second: TestGateway;
/** Whom the two ask. */
let ofFirst: HttpUpstreamConfig[];
let ofSecond: HttpUpstreamConfig[];
beforeAll(async () => {
  first = await openGatewayForTest({
    options: {
      upstreams: () => ofFirst,
      editorUpstream: model => ({ name: model, answer: request => throughTheEditor(model, request.messages) }),
    },
  });
  second = await openGatewayForTest({ options: { upstreams: () => ofSecond } });
});
afterAll(() => Promise.all([first.close(), second.close()]));
beforeEach(async () => {
  for (const at of [first, second]) {
    await at.parts.clear({});
    at.provider.seen.length = 0;
  }
  ofFirst = [named('second', second.gateway.url, second.gateway.token)];
  ofSecond = [named('real', second.provider.url)];
});

function named(name: string, baseUrl: string, apiKey?: string): HttpUpstreamConfig {
  return { name, kind: 'openai', baseUrl, models: [], ...(apiKey === undefined ? {} : { apiKey }) };
}

/** A model of the editor that is `first` itself, under the name of a provider's model. */
async function* throughTheEditor(model: string, messages: unknown): AsyncIterable<UpstreamPart> {
  const [{ parts }] = messages as [{ parts: [{ text: string }] }];
  const response = await first.post('/v1/chat/completions', { model: model.slice('other/'.length), messages: [{ role: 'user', content: parts[0].text }] });
  yield { type: 'text', text: (await jsonOf(response)).choices[0].message.content };
  yield { type: 'end', finish: 'stop' };
}

describe.each(apiForms)('$name', form => {
  const ask = (more = {}): Promise<Response> => first.post(form.path, form.ask('What is a monad?', more));

  test('two gateways in a row answer, and the provider is not told the token of either', async () => {
    const response = await ask();
    expect(response.status).toBe(200);
    expect(second.provider.asked).toBe(1);
    const sent = JSON.stringify(second.provider.seen[0]!.headers);
    for (const { gateway } of [first, second]) expect(sent).not.toContain(gateway.token);
    await response.text();
    expect((await ask()).headers.get('x-semcache-status')).toBe('hit');
  });

  test.each([
    { why: 'straight', stream: false, set: () => (ofFirst = [named('itself', first.gateway.url, first.gateway.token)]) },
    { why: 'by way of another gateway', stream: false, set: () => (ofSecond = [named('first', first.gateway.url, first.gateway.token)]) },
    { why: 'by way of another gateway, streamed', stream: true, set: () => (ofSecond = [named('first', first.gateway.url, first.gateway.token)]) },
    { why: 'by way of another gateway that has the wrong token', stream: false, set: () => (ofSecond = [named('first', first.gateway.url, 'wrong')]) },
  ])('a provider that is the gateway itself is refused at once, $why: 508 in the API\'s own shape', async ({ stream, set }) => {
    set();
    const response = await ask({ stream });
    expect(response.status).toBe(508);
    const said = await jsonOf(response);
    expect(said.error.message).toMatch(/this gateway/);
    expect(said.type).toBe(form.name === 'messages' ? 'error' : undefined);
    for (const { parts } of [first, second]) expect((await parts.store.size()).entries).toBe(0);
  });
});

test.each(['/v1/messages/count_tokens', '/v1/embeddings', '/v1/moderations'])('%s ends in a circle of gateways, too', async path => {
  ofSecond = [named('first', first.gateway.url, first.gateway.token)];
  expect((await first.post(path, { model: 'm', input: 'x', messages: [] })).status).toBe(508);
});

test('the list of models ends in a circle of gateways, too', async () => {
  ofSecond = [named('first', first.gateway.url, first.gateway.token)];
  ofFirst.push(named('real', first.provider.url));
  const { data } = await jsonOf(await fetch(`${first.gateway.url}/v1/models`, { headers: { 'x-api-key': first.gateway.token } }));
  expect(data).toMatchObject([{ id: 'm', owned_by: 'real' }]);
});

test('a model of the editor that asks this gateway for a provider\'s model does not wait for itself', async () => {
  ofFirst = [named('real', first.provider.url)];
  first.provider.script = () => ({ text: 'A burrito.' });
  const response = await first.post('/v1/chat/completions', { model: 'editor:other/m-large', messages: [{ role: 'user', content: 'What is a monad?' }] });
  expect((await jsonOf(response)).choices[0].message.content).toBe('A burrito.');
  expect(first.provider.asked).toBe(1);
});

test.each(['semcache/m-large', 'customendpoint/m-large', 'customoai/m-large', 'other/editor:copilot/m-large'])('%s is refused: it may lead back here', async model => {
  for (const form of apiForms) {
    const response = await first.post(form.path, form.ask('What is a monad?', { model: `editor:${model}` }));
    expect(response.status).toBe(508);
    expect(await jsonOf(response)).toEqual(form.api.error(508, expect.stringContaining('may lead back to this gateway') as unknown as string));
  }
});
