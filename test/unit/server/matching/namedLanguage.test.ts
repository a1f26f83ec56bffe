import { expect, test } from 'vitest';
import { namesLanguage } from '../../../../server/matching/namedLanguage.ts';

test.each([
  'how do I reverse a list in python',
  'How can I reverse a list in Python, please?',
  'python: reverse a list',
  'python reverse list',
  'reverse a list in js',
  'using Go, how do I sort a slice',
  'how do I sort a slice in go?',
  'rewrite it in Rust.',
  'write this in C++',
  'sort in c#',
  'in python 3 how do I reverse a list',
  'in bash: loop over the lines of a file',
  'how do I reverse a list in python or ruby',
])('namesLanguage() hears it in "%s"', instruction => expect(namesLanguage(instruction)).toBe(true));

test.each([
  { why: 'no name', instruction: 'how do I reverse a list' },
  { why: 'a word that is also a name', instruction: 'go to the next error' },
  { why: 'a word that is also a name, at the end', instruction: 'how far can it go' },
  { why: 'what the question is about, not how it is answered', instruction: 'how do I run a python script' },
  { why: 'what is called, from whatever is written here', instruction: 'call python from here' },
  { why: 'part of another name', instruction: 'what are decorators in python scripts' },
  { why: 'what is converted', instruction: 'convert python to go' },
  { why: 'a quoted name', instruction: 'what does `in python` mean' },
  { why: 'another tool', instruction: 'undo the last commit in git' },
])('namesLanguage() hears none in $why: "$instruction"', ({ instruction }) => expect(namesLanguage(instruction)).toBe(false));
