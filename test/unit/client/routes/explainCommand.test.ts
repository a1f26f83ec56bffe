import { expect, test } from 'vitest';
import type { AskRecord } from '../../../../client/routes/asks.ts';
import { explainCommand } from '../../../../client/routes/explainCommand.ts';
import type { Explanation } from '../../../../server/protocol/explanation.ts';

const record = (decision: object | null): AskRecord => ({ id: 'a1', question: 'why?', offer: null, status: { decision } }) as unknown as AskRecord;
const explanation: Explanation = {
  instruction: 'why?', context: [], llmString: 'm', decision: { status: 'miss', reason: 'no-entry', why: 'Nothing like it.' },
  candidates: [], elsewhere: [], matching: 'verified', maxWrongHitRate: 0.01,
};

async function explained(argument: object, of: AskRecord | null, found: Explanation | null) {
  const seen = { told: [] as string[], asked: [] as string[], shown: [] as unknown[][] };
  await explainCommand(
    {
      editor: { window: { showInformationMessage: async (text: string) => void seen.told.push(text) } } as never,
      asks: { get: () => of, ofEntry: () => of } as never,
      answers: { askIn: () => null },
      decorations: { askAt: () => null },
      entries: { explain: async id => (seen.asked.push(id), found) },
      documents: { show: async (...all: unknown[]) => void seen.shown.push(all) } as never,
      care: () => null,
      now: () => 0,
    },
    argument,
  );
  return seen;
}

test('explainCommand() asks the daemon about the ask at hand and shows what it says as a document with its actions', async () => {
  const { asked, shown, told } = await explained({ askId: 'a1' }, record({ status: 'miss' }), explanation);
  expect(asked).toEqual(['a1']);
  expect(shown).toEqual([['Why – why', expect.stringContaining('Nothing like it.'), { key: 'a1', actions: [expect.objectContaining({ command: 'semcache.chooseCare' })] }]]);
  expect(told).toEqual([]);
});

test.each([
  { why: 'an ask that the daemon has forgotten', argument: { askId: 'a1' }, of: record({ why: 'Nothing like it.' }), told: /^Nothing like it\. The daemon knows no more.*Ask again/ },
  { why: 'an ask that is not decided', argument: { askId: 'a1' }, of: record(null), told: /^Nothing is decided yet\.$/ },
  { why: 'an entry of another session', argument: { entryId: 'e1' }, of: null, told: /another window or session/ },
])('explainCommand() tells why there is no document for $why', async ({ argument, of, told }) => {
  const seen = await explained(argument, of, null);
  expect(seen.shown).toEqual([]);
  expect(seen.told).toEqual([expect.stringMatching(told)]);
});
