import { expect, test } from 'vitest';
import { Asks, workspaceHash, type AskOptions } from '../../../../client/routes/asks.ts';
import { demoModel, type KnownModel } from '../../../../client/routes/models.ts';
import type { DaemonConnection } from '../../../../client/daemon/connection.ts';
import type { AnswerPart } from '../../../../server/protocol/answer.ts';
import { SemcacheError } from '../../../../server/protocol/errors.ts';

const gpt: KnownModel = { ...demoModel, id: 'editor:copilot/gpt', choice: { kind: 'editor', model: 'copilot/gpt' }, model: 'gpt', name: 'GPT' };
const miss: AnswerPart = { type: 'decision', decision: { status: 'miss', reason: 'no-entry', why: 'New.' } };
const end: AnswerPart = { type: 'end', finish: 'stop', entryId: 'e1', upstreamMs: 5, usage: { promptTokens: 1, completionTokens: 2 } };
const unreachable = () => new SemcacheError('daemon-unreachable', 'gone');

function setUp(ask: DaemonConnection['ask']) {
  let [time, id] = [1000, 0];
  const asks = new Asks({ connection: { ask }, workspace: () => 'w', now: () => (time += 10), newId: () => `ask${++id}` });
  return asks;
}

const options = (change: Partial<AskOptions> = {}): AskOptions => ({
  question: 'why?',
  request: { model: 'gpt', parameters: {}, messages: [], tools: [] },
  model: gpt,
  route: 'command',
  answerInEditor: async function* () {
    yield { type: 'text', text: 'because' };
    yield { type: 'end', finish: 'stop', model: 'gpt' };
  },
  ...change,
});

async function read(parts: AsyncIterable<AnswerPart>): Promise<AnswerPart[]> {
  const read: AnswerPart[] = [];
  for await (const part of parts) read.push(part);
  return read;
}

test('an ask goes through the daemon, and its record says what became of it', async () => {
  const sent: unknown[] = [];
  const asks = setUp(async function* (params) {
    sent.push(params);
    yield miss;
    yield { type: 'text', text: 'be' };
    yield { type: 'text', text: 'cause' };
    yield end;
  });
  const { record, parts } = asks.start(options({ refresh: true }), new AbortController().signal);
  expect(record).toMatchObject({ status: { phase: 'asking', decision: null }, text: '' });
  await read(parts);
  expect(sent).toEqual([
    { askId: record.id, request: record.request, upstream: { kind: 'editor', model: 'copilot/gpt' }, route: 'command', workspace: 'w', refresh: true },
  ]);
  expect(record).toMatchObject({
    text: 'because', entryId: 'e1', status: { phase: 'answered', decision: { status: 'miss' } }, usage: { completionTokens: 2 },
  });
  expect(record.status.tookMs).toBeGreaterThan(0);
  expect(asks.recent()).toEqual([record]);
  expect(asks.ofEntry('e1')).toBe(record);
});

test('an ask whose daemon is gone goes to the model of the editor, as a bypass that is not stored', async () => {
  const asks = setUp(async function* () {
    throw unreachable();
  });
  const { record, parts } = asks.start(options(), new AbortController().signal);
  expect(await read(parts)).toEqual([
    { type: 'decision', decision: { status: 'bypass', reason: 'daemon-unreachable', why: 'The Semcache daemon is not running.' } },
    { type: 'text', text: 'because' },
    { type: 'end', finish: 'stop', model: 'gpt', entryId: null, notStored: 'the Semcache daemon is not running', upstreamMs: expect.any(Number) },
  ]);
  expect(record).toMatchObject({ text: 'because', entryId: null, status: { phase: 'answered', decision: { status: 'bypass' } } });
});

test('a model that only the daemon can ask fails in words that name the way out', async () => {
  const asks = setUp(async function* () {
    throw unreachable();
  });
  const { record, parts } = asks.start(options({ model: demoModel }), new AbortController().signal);
  await expect(read(parts)).rejects.toMatchObject({ code: 'daemon-unreachable' });
  expect(record.status).toMatchObject({ phase: 'failed' });
  expect(record.status.failure).toContain('can be asked only through it. Run "Semcache: Restart Daemon"');
});

test('an answer that had begun is not begun again when the daemon dies', async () => {
  const asks = setUp(async function* () {
    yield miss;
    throw unreachable();
  });
  const { record, parts } = asks.start(options(), new AbortController().signal);
  await expect(read(parts)).rejects.toMatchObject({ code: 'daemon-unreachable' });
  expect(record.status.phase).toBe('failed');
});

test('an ask that was stopped is cancelled, and not a failure', async () => {
  const abort = new AbortController();
  const asks = setUp(async function* () {
    yield miss;
    abort.abort();
    throw new SemcacheError('cancelled', 'stopped');
  });
  const { record, parts } = asks.start(options(), abort.signal);
  await expect(read(parts)).rejects.toMatchObject({ code: 'cancelled' });
  expect(record.status).toMatchObject({ phase: 'cancelled' });
  expect(record.status.failure).toBeUndefined();
});

test('an ask whose reader leaves is cancelled', async () => {
  const asks = setUp(async function* () {
    yield miss;
    yield end;
  });
  const { record, parts } = asks.start(options(), new AbortController().signal);
  for await (const _part of parts) break;
  expect(record.status.phase).toBe('cancelled');
});

test('asks of other extensions are not kept: their prompts are not this window\'s', async () => {
  const asks = setUp(async function* () {
    yield end;
  });
  await read(asks.start(options({ route: 'model-provider' }), new AbortController().signal).parts);
  expect(asks.recent()).toEqual([]);
});

test('forget() and edited() reach every ask of an entry', async () => {
  const asks = setUp(async function* () {
    yield end;
  });
  const [first, second] = [asks.start(options(), new AbortController().signal), asks.start(options(), new AbortController().signal)];
  await read(first.parts);
  await read(second.parts);
  asks.edited('e1', 'better');
  expect([first.record.text, second.record.text]).toEqual(['better', 'better']);
  expect(asks.forget(new Set(['e1']))).toHaveLength(2);
  expect([first.record.entryId, second.record.entryId]).toEqual([null, null]);
  expect(asks.ofEntry('e1')).toBeNull();
});

test('a near hit is kept as an offer, with what the person said to it, until its entry is gone', async () => {
  const near = { entryId: 'e9', instruction: 'how so?', distance: 0.2, probability: 0.6, ageMs: 5, model: 'gpt' };
  const asks = setUp(async function* () {
    yield { type: 'decision', decision: { status: 'miss', reason: 'refused', why: 'Not sure.', near } };
    yield end;
  });
  const { record, parts } = asks.start(options(), new AbortController().signal);
  await read(parts);
  expect(record.offer).toEqual({ near, said: null });
  const changes: unknown[] = [];
  asks.onChange(({ offer }) => changes.push(offer?.said ?? null));
  asks.said(record, 'another', 'same');
  expect(changes).toEqual([]);
  asks.said(record, 'e9', 'same');
  expect(asks.forget(new Set(['e9']))).toEqual([]);
  expect(changes).toEqual(['same', null]);
  expect(record.offer).toBeNull();
});

test('workspaceHash() is the same for the same folders in any order, and null without any', () => {
  expect(workspaceHash([])).toBeNull();
  expect(workspaceHash(['file:///a', 'file:///b'])).toBe(workspaceHash(['file:///b', 'file:///a']));
  expect(workspaceHash(['file:///a'])).toMatch(/^[0-9a-f]{64}$/);
  expect(workspaceHash(['file:///a'])).not.toBe(workspaceHash(['file:///b']));
});
