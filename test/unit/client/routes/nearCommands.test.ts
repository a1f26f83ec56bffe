import { expect, test } from 'vitest';
import type { AskRecord } from '../../../../client/routes/asks.ts';
import { NearCommands } from '../../../../client/routes/nearCommands.ts';
import { SemcacheError } from '../../../../server/protocol/errors.ts';

const request = { model: 'm', parameters: {}, messages: [], tools: [] };
const offered = { id: 'a1', question: 'how can I leave vim?', request, entryId: 'own', offer: { near: { entryId: 'near' }, said: null } } as unknown as AskRecord;
const plain = { ...offered, id: 'a2', offer: null } as AskRecord;

function setUp(answer?: string, failure?: Error) {
  const seen: unknown[][] = [];
  const note = (...what: unknown[]): void => void seen.push(what);
  const change = (what: string) => async (...more: unknown[]) => {
    if (failure !== undefined) throw failure;
    note(what, ...more);
  };
  const commands = new NearCommands({
    editor: { window: { showInformationMessage: async (text: string) => (note('told', text), answer) } } as never,
    asks: {
      get: (id: string) => [offered, plain].find(record => record.id === id) ?? null,
      said: (record: AskRecord, entryId: string, said: string) => note('said', record.id, entryId, said),
      forget: (ids: Set<string>) => note('forget', ...ids),
    } as never,
    answers: { askIn: () => null },
    decorations: { askAt: () => null },
    entries: { sameQuestion: change('same'), notTheSame: change('not the same') },
    show: async argument => note('show', argument),
  });
  return { commands, seen };
}

test('sameQuestion() tells the daemon, notes it, says so briefly, and shows the stored answer if wanted', async () => {
  const { commands, seen } = setUp('Show It');
  await commands.sameQuestion({ askId: 'a1' });
  expect(seen).toEqual([
    ['same', 'near', request],
    ['said', 'a1', 'near', 'same'],
    ['told', 'From now on this question is answered from the cache.'],
    ['show', { entryId: 'near' }],
  ]);
});

test('notTheSame() tells the daemon that the offer was wrong, and notes it', async () => {
  const { commands, seen } = setUp();
  await commands.notTheSame({ askId: 'a1' });
  expect(seen).toEqual([
    ['not the same', 'near', request],
    ['said', 'a1', 'near', 'not-the-same'],
    ['told', 'That answer is not offered for this question again.'],
  ]);
});

test('showNear() shows the entry that is offered, not the ask\'s own', async () => {
  const { commands, seen } = setUp();
  await commands.showNear({ askId: 'a1' });
  expect(seen).toEqual([['show', { entryId: 'near' }]]);
});

test('a candidate can be named that was not offered', async () => {
  const { commands, seen } = setUp();
  await commands.sameQuestion({ askId: 'a2', nearId: 'refused' });
  expect(seen[0]).toEqual(['same', 'refused', request]);
});

test('where nothing is offered the person is told so, and nothing is changed', async () => {
  const { commands, seen } = setUp();
  await commands.sameQuestion({ askId: 'a2' });
  expect(seen).toEqual([['told', 'No similar question is offered for this one.']]);
});

test('an offer whose entry has gone is withdrawn, and the failure is told', async () => {
  const { commands, seen } = setUp(undefined, new SemcacheError('entry-not-found', 'It has gone.'));
  await expect(commands.notTheSame({ askId: 'a1' })).rejects.toThrow('It has gone.');
  expect(seen).toEqual([['forget', 'near']]);
});
