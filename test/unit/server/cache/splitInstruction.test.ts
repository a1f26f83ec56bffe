import { describe, expect, test } from 'vitest';
import { splitInstruction } from '../../../../server/cache/splitInstruction.ts';

const lines = (...text: string[]): string => text.join('\n');

describe('splitInstruction()', () => {
  test('leaves a plain question whole', () => {
    expect(splitInstruction('how do I reverse a list in python?')).toEqual({
      instruction: 'how do I reverse a list in python?',
      context: [],
    });
  });

  test.each([
    {
      why: 'fenced code with a language',
      text: lines('Explain this:', '```ts', 'const a = 1;', '```', 'in one sentence'),
      instruction: 'Explain this:\nin one sentence',
      pasted: ['```ts\nconst a = 1;\n```'],
    },
    {
      why: 'a fence of tildes that holds backticks',
      text: lines('~~~', '```', '~~~', 'what is this?'),
      instruction: 'what is this?',
      pasted: ['~~~\n```\n~~~'],
    },
    {
      why: 'a longer fence round a shorter one',
      text: lines('````md', '```', 'x', '```', '````', 'render it'),
      instruction: 'render it',
      pasted: ['````md\n```\nx\n```\n````'],
    },
    {
      why: 'a fence that is never closed',
      text: lines('fix it', '```', 'const a = 1;', 'const b = 2;'),
      instruction: 'fix it',
      pasted: ['```\nconst a = 1;\nconst b = 2;'],
    },
    {
      why: 'indented code after a blank line',
      text: lines('why does this fail?', '', '    const a = 1;', '', '    const b = a;', '', 'thanks'),
      instruction: 'why does this fail?\n\nthanks',
      pasted: ['    const a = 1;\n\n    const b = a;'],
    },
    {
      why: 'a Python traceback',
      text: lines(
        'what does this mean?',
        'Traceback (most recent call last):',
        '  File "a.py", line 3, in <module>',
        '    print(x)',
        "NameError: name 'x' is not defined",
      ),
      instruction: 'what does this mean?',
      pasted: ['Traceback (most recent call last):\n  File "a.py", line 3, in <module>\n    print(x)\nNameError: name \'x\' is not defined'],
    },
    {
      why: 'a V8 stack trace',
      text: lines("TypeError: Cannot read properties of undefined (reading 'a')", '    at run (src/a.ts:3:9)', '    at main (src/b.ts:1:1)', 'how do I fix that?'),
      instruction: 'how do I fix that?',
      pasted: ["TypeError: Cannot read properties of undefined (reading 'a')\n    at run (src/a.ts:3:9)\n    at main (src/b.ts:1:1)"],
    },
    {
      why: 'a Java stack trace with its cause',
      text: lines('Exception in thread "main" java.lang.IllegalStateException', '\tat com.a.Main.main(Main.java:5)', 'Caused by: java.io.IOException: gone', '\t... 3 more', 'help'),
      instruction: 'help',
      pasted: ['Exception in thread "main" java.lang.IllegalStateException\n\tat com.a.Main.main(Main.java:5)\nCaused by: java.io.IOException: gone\n\t... 3 more'],
    },
  ])('takes out $why', ({ text, instruction, pasted }) => {
    const split = splitInstruction(text);
    expect(split.instruction).toBe(instruction);
    expect(split.context.map(part => part.text)).toEqual(pasted);
  });

  test.each([
    { why: 'inline code', text: 'what does `--force` do in ```git push```?' },
    { why: 'the continuation of a list item', text: lines('- first', '', '    more about the first', '- second') },
    { why: 'indentation in the middle of a paragraph', text: lines('one line', '    and its continuation') },
    { why: 'an error named in a sentence', text: 'what is a NullPointerException and how do I avoid it?' },
    { why: 'a sentence that begins with "at"', text: lines('at what size', 'does a hash map grow?') },
  ])('keeps $why in the instruction', ({ text }) => {
    expect(splitInstruction(text)).toEqual({ instruction: text, context: [] });
  });

  test('loses no line: what is not pasted is said', () => {
    const text = lines('a', '```', 'b', '```', 'c', '', '    d', '', 'e');
    const { instruction, context } = splitInstruction(text);
    const kept = [instruction, ...context.map(part => part.text)].join('\n');
    for (const letter of 'abcde') expect(kept).toContain(letter);
  });

  test('names blocks of a kind by their number', () => {
    const text = lines('```', 'a', '```', 'and', '```', 'b', '```');
    expect(splitInstruction(text).context.map(part => part.name)).toEqual(['fenced code 1', 'fenced code 2']);
  });

  test('line ends of Windows make no difference', () => {
    const text = lines('look', '```', 'a', '```');
    expect(splitInstruction(text.replaceAll('\n', '\r\n'))).toEqual(splitInstruction(text));
  });
});
