import { expect, test } from 'vitest';
import { questionOf, resolveTarget, type TargetParts } from '../../../../client/routes/askTarget.ts';
import type { AskRecord } from '../../../../client/routes/asks.ts';
import { demoModel } from '../../../../client/routes/models.ts';
import type { EntryDetail } from '../../../../server/protocol/messages.ts';

const record = (id: string, entryId: string | null): AskRecord =>
  ({ id, entryId, question: `question ${id}`, status: { phase: 'answered', decision: null, model: 'GPT', tookMs: 1, codeChanged: false } }) as AskRecord;
const records = [record('a1', 'e1'), record('a2', 'e2'), record('a3', null)];

function parts(active: { scheme: string; query?: string; asked?: string; answered?: string } | null, picks = -1): TargetParts {
  const uri = { scheme: active?.scheme, query: active?.query ?? '' };
  return {
    editor: {
      window: {
        activeTextEditor: active === null ? undefined : { document: { uri }, selection: { active: { line: 3 } } },
        showQuickPick: async (items: unknown[]) => items[picks],
        showInformationMessage: async () => undefined,
      },
    } as never,
    asks: {
      get: (id: string) => records.find(each => each.id === id) ?? null,
      ofEntry: (id: string) => records.find(each => each.entryId === id) ?? null,
      recent: () => records,
    } as never,
    answers: { askIn: () => active?.answered ?? null },
    decorations: { askAt: (_document: unknown, line: number) => (line === 3 ? (active?.asked ?? null) : null) } as never,
  };
}

test.each([
  { why: 'the ask it was given', argument: { askId: 'a2' }, active: { scheme: 'file', asked: 'a1' }, target: { record: records[1], entryId: 'e2' } },
  { why: 'what the document it was given shows by now', argument: { answerIn: {} as never }, active: { scheme: 'file', asked: 'a1', answered: 'a2' }, target: { record: records[1], entryId: 'e2' } },
  { why: 'the entry it was given, with the ask it came from', argument: { entryId: 'e1' }, active: null, target: { record: records[0], entryId: 'e1' } },
  { why: 'an entry of another session', argument: { entryId: 'far' }, active: null, target: { record: null, entryId: 'far' } },
  { why: 'the answer that is looked at', argument: undefined, active: { scheme: 'semcache-answer', answered: 'a1' }, target: { record: records[0], entryId: 'e1' } },
  { why: 'the line that the cursor is on', argument: undefined, active: { scheme: 'file', asked: 'a2' }, target: { record: records[1], entryId: 'e2' } },
  { why: 'the entry that is edited', argument: undefined, active: { scheme: 'semcache-entry', query: 'e2' }, target: { record: records[1], entryId: 'e2' } },
])('resolveTarget() is $why', async ({ argument, active, target }) => {
  expect(await resolveTarget(parts(active), argument)).toEqual(target);
});

test('resolveTarget() lets the person pick where they look at nothing that was asked', async () => {
  expect(await resolveTarget(parts({ scheme: 'file' }, 2), undefined)).toEqual({ record: records[2], entryId: null });
  expect(await resolveTarget(parts(null), undefined)).toBeUndefined();
});

const entry = (change: Partial<EntryDetail>) => ({
  get: async () => ({ instruction: 'why?', context: [], llmString: '{"model":"semcache-demo","parameters":{"temperature":0}}', ...change }) as unknown as EntryDetail,
});
const far = { record: null, entryId: 'far' };

test('questionOf() makes the request of an entry from elsewhere again, as far as it is stored', async () => {
  expect(await questionOf(far, entry({}), [demoModel])).toEqual({
    id: '', question: 'why?', model: demoModel,
    request: { model: 'semcache-demo', parameters: { temperature: 0 }, messages: [{ role: 'user', parts: [{ type: 'text', text: 'why?' }] }], tools: [] },
  });
});

test.each([
  { why: 'its code is not stored', change: { context: [{ kind: 'selection', name: 'a.ts', sha256: 'x' }] } as Partial<EntryDetail> },
  { why: 'its model is not there', change: { llmString: '{"model":"gone","parameters":{}}' } },
  { why: 'another program wrote its llmString', change: { llmString: "[('model', 'gpt-4o')]" } },
  { why: 'it has no question in words', change: { instruction: '' } },
])('questionOf() does not guess where $why', async ({ change }) => {
  expect(await questionOf(far, entry(change), [demoModel])).toBeNull();
});
