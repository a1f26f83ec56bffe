import { expect, test } from 'vitest';
import { followEdits, type Edit, type Mark } from '../../../../client/view/marks.ts';

const before = 'import os\n\ndef total(orders):\n    return 1\n\nprint(total([]))\n';
const asked = 'def total(orders):\n    return 1';
const mark: Mark = { askId: 'a', start: before.indexOf(asked), end: before.indexOf(asked) + asked.length, askedText: asked, changed: false };

/** Edits as an editor reports them: offsets of the document before, last place first. */
function edit(text: string, edits: Edit[], of: Mark = mark): { text: string; mark: Mark } {
  const after = edits.reduce(
    (changed, { rangeOffset, rangeLength, text: put }) => changed.slice(0, rangeOffset) + put + changed.slice(rangeOffset + rangeLength),
    text,
  );
  return { text: after, mark: followEdits(of, edits, after) };
}

test.each([
  { why: 'an insertion before it', edits: [{ rangeOffset: 0, rangeLength: 0, text: '# header\n' }] },
  { why: 'a deletion before it', edits: [{ rangeOffset: 0, rangeLength: 10, text: '' }] },
  { why: 'an insertion just before it', edits: [{ rangeOffset: mark.start, rangeLength: 0, text: '\n\n' }] },
  { why: 'an edit after it', edits: [{ rangeOffset: mark.end + 1, rangeLength: 3, text: 'x' }] },
  { why: 'an insertion just after it', edits: [{ rangeOffset: mark.end, rangeLength: 0, text: '\n# done' }] },
  {
    why: 'two edits at once, one on either side',
    edits: [
      { rangeOffset: mark.end + 2, rangeLength: 5, text: 'call' },
      { rangeOffset: 0, rangeLength: 6, text: 'from' },
    ],
  },
  { why: 'a formatter that replaces the whole file', edits: [{ rangeOffset: 0, rangeLength: before.length, text: `# one\n# two\n${before}` }] },
])('followEdits() keeps the mark on its unchanged code after $why', ({ edits }) => {
  const { text, mark: moved } = edit(before, edits);
  expect(text.slice(moved.start, moved.end)).toBe(asked);
  expect(moved.changed).toBe(false);
});

test('followEdits() marks the code as changed by an edit inside it, and as asked again once that is undone', () => {
  const at = before.indexOf('1');
  const edited = edit(before, [{ rangeOffset: at, rangeLength: 1, text: '200' }]);
  expect(edited.mark.changed).toBe(true);
  expect(edited.text.slice(edited.mark.start, edited.mark.end)).toBe(asked.replace('1', '200'));
  const undone = edit(edited.text, [{ rangeOffset: at, rangeLength: 3, text: '1' }], edited.mark);
  expect(undone.mark).toEqual(mark);
});

test('followEdits() leaves nothing of a mark whose code is deleted, and brings it back with the code', () => {
  const deleted = edit(before, [{ rangeOffset: mark.start, rangeLength: asked.length, text: '' }]);
  expect(deleted.mark).toMatchObject({ changed: true, start: mark.start, end: mark.start });
  const undone = edit(deleted.text, [{ rangeOffset: mark.start, rangeLength: 0, text: asked }], deleted.mark);
  expect(undone.mark).toEqual(mark);
});

test('followEdits() takes the nearest of several equal places', () => {
  const twice = `${asked}\n\n${before}`;
  const { text, mark: moved } = edit(before, [{ rangeOffset: 0, rangeLength: before.length, text: twice }]);
  expect(text.slice(moved.start, moved.end)).toBe(asked);
  expect(moved.start).toBe(0);
});
