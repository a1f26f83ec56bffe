import { expect, test } from 'vitest';
import { askInstruction, InstructionHistory } from '../../../../client/routes/askInstruction.ts';

interface Item {
  label: string;
  instruction?: string;
}

/** A quick pick that a test types into and accepts, as the editor reports it. */
function setUp(history: string[]) {
  const on: Record<string, (value?: unknown) => void> = {};
  const input = {
    items: [] as Item[], selectedItems: [] as Item[], value: '', title: '', placeholder: '',
    onDidChangeValue: (listener: never) => (on['value'] = listener),
    onDidTriggerItemButton: (listener: never) => (on['button'] = listener),
    onDidAccept: (listener: never) => (on['accept'] = listener),
    onDidHide: (listener: never) => (on['hide'] = listener),
    show: () => undefined,
    hide: () => on['hide']!(),
    dispose: () => undefined,
  };
  class ThemeIcon {}
  const asked = askInstruction({ window: { createQuickPick: () => input }, ThemeIcon } as never, { title: '', placeholder: '', history });
  const type = (text: string): void => {
    input.value = text;
    on['value']!(text);
  };
  return { asked, input, type, on };
}

test('askInstruction() takes what was typed, whatever the list had selected', async () => {
  const { asked, input, type, on } = setUp(['old question']);
  input.selectedItems = [input.items[0]!];
  type('  new question ');
  on['accept']!();
  expect(await asked).toBe('new question');
});

test('askInstruction() takes an earlier question where nothing was typed', async () => {
  const { asked, input, on } = setUp(['last', 'before\nthat']);
  expect(input.items.map(({ label }) => label)).toEqual(['$(history) last', '$(history) before that']);
  input.selectedItems = [input.items[1]!];
  on['accept']!();
  expect(await asked).toBe('before\nthat');
});

test('askInstruction() puts an earlier question into the field to be changed', async () => {
  const { asked, input, type, on } = setUp(['how do I sort?']);
  on['button']!({ item: input.items[0] });
  expect(input.value).toBe('how do I sort?');
  type('how do I sort backwards?');
  on['accept']!();
  expect(await asked).toBe('how do I sort backwards?');
});

test('askInstruction() asks nothing for an empty field, and nothing when the person leaves', async () => {
  const { asked, on } = setUp([]);
  on['accept']!();
  on['hide']!();
  expect(await asked).toBeUndefined();
});

test('InstructionHistory has every instruction once, the last first, and 30 of them', async () => {
  const kept = new Map<string, unknown>();
  const memento = { get: (key: string, none: unknown) => kept.get(key) ?? none, update: async (key: string, value: unknown) => void kept.set(key, value) };
  const history = new InstructionHistory(memento as never);
  for (let i = 0; i < 40; i++) await history.add(`question ${i}`);
  await history.add('question 20');
  expect(history.all()).toHaveLength(30);
  expect(history.all().slice(0, 3)).toEqual(['question 20', 'question 39', 'question 38']);
});
