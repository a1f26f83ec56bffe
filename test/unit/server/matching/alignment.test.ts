import { expect, test } from 'vitest';
import { align, isTriviallySame } from '../../../../server/matching/alignment.ts';

test.each([
  { why: 'typing slips', a: 'sort a lsit of dicts by teh "created_at" key, newest frist', b: 'sort a list of dicts by the created_at key, newest first' },
  { why: 'courtesy', a: 'Hi, could you please show me how to flatten a nested list? Thanks!', b: 'how to flatten a nested list' },
  { why: 'abbreviations', a: 'list env vars of a k8s pod', b: 'list environment variables of a kubernetes pod' },
  { why: 'capitals and punctuation', a: 'UNDO THE LAST COMMIT', b: 'undo the last commit?' },
  { why: 'one word or two', a: 'drop empty rows of a data frame', b: 'drop empty rows of a dataframe' },
])('isTriviallySame() is true for $why', ({ a, b }) => {
  expect(isTriviallySame(align(a, b))).toBe(true);
  expect(isTriviallySame(align(b, a))).toBe(true);
});

test.each([
  { why: 'one word more', a: 'undo the last commit', b: 'undo the last pushed commit' },
  { why: 'another word', a: 'write a test for this', b: 'write a text for this' },
  { why: 'a preposition exchanged', a: 'increase the timeout to 30 seconds', b: 'increase the timeout by 30 seconds' },
  { why: 'the other direction', a: 'translate the text from French', b: 'translate the text to French' },
  { why: 'another order', a: 'lint then build the project', b: 'build then lint the project' },
  { why: 'one character of a regex', a: 'what does ^\\d{3}-\\d{4}$ match', b: 'what does ^\\d{3}-\\d{4} match' },
  { why: 'the case of a class in a regex', a: 'what does /^\\D{3}$/ match', b: 'what does /^\\d{3}$/ match' },
  { why: 'columns exchanged', a: 'sum column A where column B is empty', b: 'sum column B where column A is empty' },
  { why: 'an acronym one letter apart', a: 'write an LFU cache in plain code', b: 'write an LRU cache in plain code' },
  { why: 'a negated form', a: 'make the field invisible for guests', b: 'make the field visible for guests' },
  { why: 'a tool one letter apart', a: 'cache the packages of pnpm', b: 'cache the packages of npm' },
  { why: 'the case of a quoted value', a: 'accept only "OPEN" and "CLOSED"', b: 'accept only "open" and "closed"' },
  { why: 'one word alone', a: 'explain', b: 'explain' },
])('isTriviallySame() is false for $why', ({ a, b }) => {
  expect(isTriviallySame(align(a, b))).toBe(false);
  expect(isTriviallySame(align(b, a))).toBe(false);
});

test('align() says what is left over on either side', () => {
  const { leftA, leftB, share } = align('copy the logs to backup/', 'copy the logs of nginx');
  expect(leftA.map(t => t.norm)).toEqual(['backup/']);
  expect(leftB.map(t => t.norm)).toEqual(['nginx']);
  expect(share).toBeCloseTo(2 / 3);
});

test('align() of two empty texts has nothing left over and is not trivially the same', () => {
  const alignment = align('', '');
  expect(alignment).toMatchObject({ leftA: [], leftB: [], pairs: [], share: 1 });
  expect(isTriviallySame(alignment)).toBe(false);
});

test('words that every object has are words like others', () => {
  expect(align('call the constructor and toString', 'call the constructor and toString').leftA).toEqual([]);
});
