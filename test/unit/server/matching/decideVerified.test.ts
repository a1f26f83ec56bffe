import { expect, test } from 'vitest';
import { calibration, mayServeTrivial, probabilityBound, probabilityOf, strictestBound, tightened, type Calibration } from '../../../../server/matching/calibration.ts';
import { decide } from '../../../../server/matching/decide.ts';
import { featureNames } from '../../../../server/matching/pairFeatures.ts';
import { candidate } from './candidate.ts';

const verified = { mode: 'verified', scoreThreshold: 0, maxWrongHitRate: 0.01 } as const;
const known = { fingerprint: calibration.embedder };

test('decide() serves the same words but for slips and courtesy, without a model', async () => {
  const verdict = await decide({
    ...verified, instruction: 'please sort a lsit of dicts by name', candidates: [candidate('sort a list of dicts by name', 0.1)],
  });
  expect(verdict.accepted?.entry.instruction).toBe('sort a list of dicts by name');
  expect(verdict.explanation[0]).toMatchObject({ outcome: 'accepted', trivial: true, guards: [] });
});

test('decide() refuses a near miss however near it is, and says what differs', async () => {
  const verdict = await decide({ ...verified, instruction: 'turn off dark mode', candidates: [candidate('turn on dark mode', 0.001, known)] });
  expect(verdict).toMatchObject({ accepted: null, near: null, missReason: 'refused', why: 'Opposites: "off" here, "on" in the stored question.' });
  expect(verdict.explanation[0]?.guards?.map(g => g.guard)).toEqual(['opposite']);
});

test('decide() passes over a refused candidate and serves one farther away', async () => {
  const candidates = [candidate('list the last 5 commits', 0.01, known), candidate('list the last 10 commits', 0.02, known)];
  const verdict = await decide({ ...verified, instruction: 'list last 10 commits please', candidates });
  expect(verdict.accepted?.entry.instruction).toBe('list the last 10 commits');
  expect(verdict.explanation.map(e => e.outcome)).toEqual(['refused', 'accepted']);
});

test('decide() never serves a tombstoned pair, not even one of equal words', async () => {
  const tombstoned = candidate('sort a list by name', 0, { ...known, tombstoned: true });
  const verdict = await decide({ ...verified, instruction: 'please sort a list by name', candidates: [tombstoned] });
  expect(verdict).toMatchObject({ accepted: null, missReason: 'tombstone' });
});

const reworded = { instruction: 'how can I read a file line by line in python', stored: 'python: reading a file one line at a time' };

test('decide() weighs a rewording: probability, bound and features are told', async () => {
  const verdict = await decide({ ...verified, instruction: reworded.instruction, candidates: [candidate(reworded.stored, 0.03, known)] });
  const [explained] = verdict.explanation;
  expect(explained?.features).toHaveLength(featureNames.length);
  expect(explained?.bound).toBe(probabilityBound(0.01, calibration.words));
  expect(verdict.accepted !== null).toBe(explained!.probability! >= explained!.bound!);
});

test('decide() serves what is sure by its words without the verifier, but not near a question that was called another one', async () => {
  const judged = async (disputes: string[], maxWrongHitRate: number) => {
    let asked = 0;
    const verdict = await decide({
      ...verified, maxWrongHitRate, instruction: 'In Python, how do I reverse a list?',
      candidates: [candidate('how do I reverse a list in python', 0.05, { ...known, disputes })],
      verifier: async pairs => {
        asked += pairs.length;
        return pairs.map(() => -6);
      },
    });
    return { asked, served: verdict.accepted !== null, probability: verdict.explanation[0]!.probability! };
  };
  const { wrongShare, probability } = strictestBound(calibration.words);
  const sure = await judged([], 0.01);
  expect(sure).toMatchObject({ asked: 0, served: true });
  expect(sure.probability).toBeGreaterThan(probability);
  expect(await judged(['key of another'], 0.01)).toMatchObject({ asked: 2, served: false });
  expect(await judged([], wrongShare / 2)).toMatchObject({ asked: 2, served: false });
});

test('of a candidate that the verifier was not asked about, no probability is told but why', async () => {
  const { explanation } = await decide({
    ...verified, instruction: reworded.instruction, verifiable: 1, verifier: async pairs => pairs.map(() => 0),
    candidates: [candidate('what does a merge conflict look like', 0.5, known), candidate(reworded.stored, 0.6, known)],
  });
  expect(explanation[0]).toMatchObject({ outcome: 'not-considered', why: 'Its words say that it is another question.' });
  expect(explanation[0]).not.toHaveProperty('bound');
});

test('decide() asks the verifier in both orders, and its answers count', async () => {
  const judged = async (logit: number) => {
    const asked: [string, string][] = [];
    const verdict = await decide({
      ...verified, instruction: reworded.instruction, candidates: [candidate(reworded.stored, 0.03, known)],
      verifier: async pairs => {
        asked.push(...pairs);
        return pairs.map(() => logit);
      },
    });
    return { asked, explained: verdict.explanation[0]! };
  };
  const sure = await judged(6);
  expect(sure.asked).toEqual([[reworded.instruction, reworded.stored], [reworded.stored, reworded.instruction]]);
  expect(sure.explained).toMatchObject({ logits: [6, 6], bound: probabilityBound(0.01, calibration.verifier) });
  expect((await judged(-6)).explained.probability!).toBeLessThan(sure.explained.probability!);
});

test('decide() asks the verifier about no more candidates than it may be asked about, the likeliest first, and never about refused ones', async () => {
  const asked: string[] = [];
  const verdict = await decide({
    ...verified, instruction: reworded.instruction, verifiable: 1,
    candidates: [
      candidate('how can I read a file line by line in ruby', 0.01, known),
      candidate('what does a merge conflict look like', 0.5, known),
      candidate(reworded.stored, 0.6, known),
    ],
    verifier: async pairs => {
      asked.push(...pairs.map(([, stored]) => stored));
      return pairs.map(() => 0);
    },
  });
  expect(verdict.explanation[0]!.guards).not.toEqual([]);
  expect(asked).toEqual([reworded.stored, reworded.instruction]);
  expect(verdict.explanation.map(({ probability }) => probability !== undefined)).toEqual([false, false, true]);
});

test('where the verifier fails the words decide, by bounds of their own', async () => {
  const asked = { ...verified, instruction: reworded.instruction, candidates: [candidate(reworded.stored, 0.03, known)] };
  const failing = await decide({ ...asked, verifier: () => Promise.reject(new Error('out of memory')) });
  expect(failing.explanation).toEqual((await decide(asked)).explanation);
  expect(failing.explanation[0]!.bound).toBe(probabilityBound(0.01, calibration.words));
});

/** Pairs of which one or the other has a probability between the loosest bound and the strictest. */
const rewordings: [asked: string, stored: string][] = [
  ['how do I sort a list of dicts by a key', 'sort list of dictionaries by key'],
  ['delete every local branch that is merged into main', 'remove all local branches merged into main'],
  ['how can I read a file line by line in python', 'python: reading a file one line at a time'],
  ['what does the useEffect hook do', 'explain the useEffect hook to me'],
  ['how do I delete a branch in git', 'how can I remove a git branch'],
];

test('what is only just served is not, once the stored question was called wrong for another', async () => {
  const [strictest, ...looser] = calibration.verifier.bounds;
  const judged = async (pair: [string, string], logit: number, maxWrongHitRate: number, disputes: string[]) => {
    const candidates = [candidate(pair[1], 0.1, { ...known, disputes })];
    return decide({ ...verified, maxWrongHitRate, instruction: pair[0], candidates, verifier: async pairs => pairs.map(() => logit) });
  };
  let met = 0;
  for (const pair of rewordings) {
    for (const logit of [0, 1, 2, 3, 4]) {
      const [found] = (await judged(pair, logit, 0.2, [])).explanation;
      const justServed = looser.find(bound => bound.probability <= (found?.probability ?? 0))?.wrongShare;
      if (found?.trivial === true || found?.logits === undefined || found!.probability! >= strictest!.probability || justServed === undefined) continue;
      met += 1;
      expect((await judged(pair, logit, justServed, [])).accepted).not.toBeNull();
      const disputed = await judged(pair, logit, justServed, ['key of another']);
      expect(disputed).toMatchObject({ accepted: null, missReason: 'refused', why: expect.stringContaining('you said of another question') });
      expect(disputed.explanation[0]!.bound).toBeGreaterThan(probabilityBound(justServed, calibration.verifier));
    }
  }
  expect(met).toBeGreaterThan(0);
});

test('a stored question that was called wrong for another stored one is not served to what is nearer to that', async () => {
  const asked = { ...verified, maxWrongHitRate: 0.1, instruction: 'please sort a list of dicts by name' };
  const wrong = candidate('sort a list of dicts by name', 0.2, { ...known, disputes: ['key of dictionaries, sorted'] });
  const other = (distance: number) => candidate('dictionaries, sorted', distance, known);
  expect((await decide({ ...asked, candidates: [wrong, other(0.3)] })).accepted?.entry.id).toBe(wrong.entry.id);
  const verdict = await decide({ ...asked, candidates: [other(0.1), wrong] });
  expect(verdict.accepted?.entry.id).not.toBe(wrong.entry.id);
  expect(verdict.explanation[1]).toMatchObject({ outcome: 'refused', why: expect.stringContaining('nearer to this one') });
});

test('tightened() asks for a quarter each time, never looser than before and never stricter than what was measured', () => {
  const { words } = calibration;
  const strictest = words.bounds[0]!.wrongShare;
  expect(tightened(0.2, 0, words)).toBe(0.2);
  expect(tightened(0.2, 1, words)).toBeCloseTo(0.05);
  expect(tightened(0.2, 9, words)).toBe(strictest);
  expect(tightened(strictest / 2, 3, words)).toBe(strictest / 2);
  expect(tightened(0, 1, words)).toBe(0);
});

test('decide() gives no probability to distances of another embedder', async () => {
  const verdict = await decide({ ...verified, instruction: reworded.instruction, candidates: [candidate(reworded.stored, 0.03)] });
  expect(verdict.accepted).toBeNull();
  expect(verdict.explanation[0]?.probability).toBeUndefined();
});

test('decide() gives a probability to words that are joined into one', async () => {
  const verdict = await decide({ ...verified, instruction: 'read the query string of a url', candidates: [candidate('get the querystring of an address', 0.1, known)] });
  expect(verdict.explanation[0]?.probability).toBeGreaterThan(0);
});

test.each([
  { why: 'another script', asked: '本地分支如何删除', stored: '本地分支怎么删除' },
  { why: 'another language with few small words', asked: 'pip: aus einer requirements-Datei nach ./vendor installieren', stored: 'pip: nach ./vendor aus einer requirements-Datei installieren' },
  { why: 'another language', asked: 'wie kann ich die Zweige löschen, die nicht mehr da sind', stored: 'wie lösche ich die Zweige, die nicht mehr da sind' },
])('decide() gives no probability in $why', async ({ asked, stored }) => {
  const verdict = await decide({ ...verified, instruction: asked, candidates: [candidate(stored, 0.01, known)] });
  expect(verdict.accepted).toBeNull();
  expect(verdict.explanation[0]?.probability).toBeUndefined();
});

test('decide() gives a probability to English in which a word of another language stands', async () => {
  const verdict = await decide({ ...verified, instruction: 'count requests per minute per IP in redis', candidates: [candidate('how many requests are there per minute per IP, with redis', 0.1, known)] });
  expect(verdict.explanation[0]?.probability).toBeGreaterThan(0);
});

test('decide() serves nothing by meaning when no wrong hit is permitted', async () => {
  const candidates = [candidate('sort a list of dicts by name', 0.01, known)];
  expect(await decide({ ...verified, maxWrongHitRate: 0, instruction: 'please sort a list of dicts by name', candidates })).toMatchObject({ accepted: null });
});

test('decide() weighs at most three candidates', async () => {
  const candidates = ['one', 'two', 'three', 'four', 'five'].map((_, i) => candidate(`unrelated question about subject ${'abcde'[i]} entirely`, 0.3, known));
  const verdict = await decide({ ...verified, instruction: 'unrelated wish concerning things', candidates });
  expect(verdict.explanation.filter(e => e.probability !== undefined)).toHaveLength(3);
});

test('decide() refuses what lies beyond the widest distance', async () => {
  const verdict = await decide({ ...verified, instruction: 'a b c', candidates: [candidate('something else', 0.9, known)] });
  expect(verdict).toMatchObject({ accepted: null, missReason: 'too-far' });
});

test('a text of 3,000 words whose last sentence differs is judged at once and not served', async () => {
  const long = Array.from({ length: 3000 }, (_, i) => `word${'abcdefghij'[i % 10]}`).join(' ');
  const verdict = await decide({ ...verified, instruction: `${long}. Explain it.`, candidates: [candidate(`${long}. Fix it.`, 0.001, known)] });
  expect(verdict.accepted).toBeNull();
});

test('the calibration was fitted for the features of this build', () => {
  expect(calibration.features).toEqual(featureNames);
  expect(calibration.date).toMatch(/^\d{4}-\d\d-\d\d$/);
});

test.each(['words', 'verifier'] as const)('%s: stricter bounds ask for more probability, and none is stricter than what was measured', name => {
  const fit = calibration[name];
  const bounds = fit.bounds.map(b => b.probability);
  expect(bounds).toEqual([...bounds].sort((a, b) => b - a));
  expect(probabilityBound(0, fit)).toBe(Infinity);
  for (const { wrongShare, measured } of fit.bounds) {
    for (const { wrong, served } of Object.values(measured)) expect(wrong / served).toBeLessThanOrEqual(wrongShare);
  }
});

test('what the verifier is not asked about could not be served by its words either', () => {
  expect(calibration.verifier.askAbove).toBeLessThan(Math.min(...calibration.words.bounds.map(b => b.probability)));
});

test('what is the same beyond doubt by its words may be served at the default, and nothing where no wrong hit is permitted', () => {
  expect(mayServeTrivial(0)).toBe(false);
  expect(mayServeTrivial(0.01)).toBe(true);
});

test('probabilityOf() follows a tree to its leaf, at the threshold to the left, and adds what the verifier\'s trees say', () => {
  const stump = { feature: [0, -1, -1], threshold: [0.5, 0, 0], left: [1, 0, 0], right: [2, 0, 0], value: [0, -2, 2] };
  const { words, verifier } = calibration;
  const fitted: Calibration = { ...calibration, features: ['x'], words: { ...words, trees: [stump] }, verifier: { ...verifier, trees: [stump] } };
  expect(probabilityOf([0.5], false, fitted)).toBeCloseTo(1 / (1 + Math.exp(2)));
  expect(probabilityOf([0.6], false, fitted)).toBeCloseTo(1 / (1 + Math.exp(-2)));
  expect(probabilityOf([0.6], true, fitted)).toBeCloseTo(1 / (1 + Math.exp(-4)));
  expect(() => probabilityOf([1, 2], false, fitted)).toThrow('made for 1 features');
});
