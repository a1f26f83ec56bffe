// The built-in demo model: canned answers, slow on purpose, so that the saving is felt before any key is set.
// Always true: every answer says that it is canned.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Upstream, UpstreamPart } from '../protocol/answer.ts';
import { SemcacheError } from '../protocol/errors.ts';
import type { ModelRequest } from '../protocol/prompt.ts';

export const demoModelName = 'Semcache demo model (canned answers)';

/** About as long as a hosted model takes for a short answer. */
const answerMs = 1500;

export function createDemoUpstream(): Upstream {
  return {
    name: demoModelName,
    async *answer(request: ModelRequest, signal: AbortSignal): AsyncIterable<UpstreamPart> {
      const words = cannedAnswer(lastUserText(request)).split(/(?<=\s)/);
      try {
        await sleep(answerMs / 3, undefined, { signal });
        for (const word of words) {
          await sleep((answerMs * 2) / 3 / words.length, undefined, { signal });
          yield { type: 'text', text: word };
        }
      } catch (error) {
        throw signal.aborted ? new SemcacheError('cancelled', 'The demo model was stopped.', error) : error;
      }
      yield { type: 'end', finish: 'stop', model: 'semcache-demo' };
    },
  };
}

const canned: Array<{ words: RegExp; answer: string }> = [
  {
    words: /revers\w* .*(list|array)|(list|array).* revers/i,
    answer: 'Use `items.reverse()` to reverse a Python list in place, or `items[::-1]` for a reversed copy.\n\n```python\nitems = [1, 2, 3]\nitems.reverse()      # in place\nbackwards = items[::-1]  # a copy\n```',
  },
  {
    words: /explain|what does|how does|describe/i,
    answer: 'This code takes its input, checks the special cases first, and then does its main work step by step. Read it from the outermost call inwards: each function has one job, and its name says which.',
  },
  {
    words: /test/i,
    answer: 'Cover three cases: the usual input, the empty input, and the input that must be refused.\n\n```ts\ntest(\'returns an empty list for empty input\', () => {\n  expect(run([])).toEqual([]);\n});\n```',
  },
  {
    words: /fix|bug|error|wrong/i,
    answer: 'Look at the first value that is not what the next line expects, check it where it enters the function, and return early with a clear message. Then add a test that fails without the check.',
  },
];

function cannedAnswer(question: string): string {
  const found = canned.find(({ words }) => words.test(question));
  const text = found?.answer ?? 'A real model would answer this. The demo model only shows how the cache works: ask the same thing again in other words, and this text comes back at once.';
  return `${text}\n\n*Canned answer of the Semcache demo model: no AI was asked. Connect a real one with “Semcache: Choose Model…”.*`;
}

function lastUserText(request: ModelRequest): string {
  const message = request.messages.findLast(({ role }) => role === 'user');
  return (message?.parts ?? []).map(part => (part.type === 'text' && part.kind === undefined ? part.text : '')).join(' ');
}
