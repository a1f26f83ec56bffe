import { expect, test } from 'vitest';
import { align } from '../../../../server/matching/alignment.ts';
import { guards, guardVerdicts } from '../../../../server/matching/guards.ts';

interface Row {
  guard: string;
  asked: string;
  stored: string;
}

const refused: Row[] = [
  { guard: 'number', asked: 'set the timeout to 30 seconds', stored: 'set the timeout to 60 seconds' },
  { guard: 'number', asked: 'regex for an ipv6 address', stored: 'regex for an ipv4 address' },
  { guard: 'number', asked: 'type hints in python 3.8', stored: 'type hints in py3.12' },
  { guard: 'number', asked: 'keep the last three releases', stored: 'keep the last 5 releases' },
  { guard: 'flag', asked: 'what does grep -v do', stored: 'what does grep -V do' },
  { guard: 'flag', asked: 'explain --max-cost of this tool', stored: 'explain --max-heads of this tool' },
  { guard: 'path', asked: 'add a test for src/date.ts', stored: 'add a test for src/time.ts' },
  { guard: 'address', asked: 'fetch https://a.example/x with curl', stored: 'fetch https://b.example/x with curl' },
  { guard: 'identifier', asked: 'rename getUser everywhere in this file', stored: 'rename getOrder everywhere in this file' },
  { guard: 'identifier', asked: 'accept only "OPEN" as the status', stored: 'accept only "open" as the status' },
  { guard: 'symbol', asked: 'difference of == and ===', stored: 'difference of == and !==' },
  { guard: 'negation', asked: 'match lines that do not end with a comma', stored: 'match lines that end with a comma' },
  { guard: 'negation', asked: 'merge the branch without squashing', stored: 'merge the branch squashing' },
  { guard: 'opposite', asked: 'turn off dark mode', stored: 'turn on dark mode' },
  { guard: 'opposite', asked: 'sort the users ascending', stored: 'sort the users descending' },
  { guard: 'opposite', asked: 'show the first commit of a branch', stored: 'show the last commit of a branch' },
  { guard: 'name', asked: 'write binary search in Rust', stored: 'write binary search in Go' },
  { guard: 'name', asked: 'install the packages with yarn', stored: 'install the packages with pnpm' },
  { guard: 'quantifier', asked: 'run only unique tests', stored: 'run tests' },
  { guard: 'direction', asked: 'convert this JSON to YAML', stored: 'convert this YAML to JSON' },
  { guard: 'direction', asked: 'copy the files from staging to production', stored: 'copy the files from production to staging' },
  { guard: 'direction', asked: 'run lint before build', stored: 'run build before lint' },
  { guard: 'only difference', asked: 'round to 2 decimals', stored: 'round decimals' },
  { guard: 'quotation', asked: 'rephrase the prompt "sort a list of users by name"', stored: 'sort a list of users by name' },
  { guard: 'referent', asked: 'do it again', stored: 'do that again please' },
];

test.each(refused)('guard "$guard" refuses "$asked" for "$stored"', ({ guard, asked, stored }) => {
  const verdicts = guardVerdicts({ alignment: align(asked, stored), bare: true });
  expect(verdicts.map(v => v.guard)).toContain(guard);
  for (const { reason } of verdicts) expect(reason).toMatch(/^\S[^\n]+[.…]$/);
});

test('every guard has a row here', () => {
  expect([...new Set(refused.map(row => row.guard))].sort()).toEqual(guards.map(g => g.name).sort());
});

const silent: { why: string; asked: string; stored: string }[] = [
  { why: 'a number with its unit in other spelling', asked: 'add a 500 ms delay', stored: 'add a delay of 500 milliseconds' },
  { why: 'thousands separators', asked: 'insert 20,000 rows', stored: 'insert 20000 rows' },
  { why: 'a language by its short name', asked: 'debounce in ts', stored: 'debounce in TypeScript' },
  { why: 'quotes round a name', asked: 'sort by the "created_at" key', stored: 'sort by the created_at key' },
  { why: 'a name without its capitals', asked: 'when does useeffect run', stored: 'when does useEffect run' },
  { why: 'a slip in a negation', asked: 'sort wihtout copying the array', stored: 'sort without copying the array' },
  { why: 'direction said the other way round', asked: 'to YAML, convert this JSON', stored: 'convert this JSON to YAML' },
  { why: 'a contraction', asked: "the build doesn't start", stored: 'the build does not start' },
  { why: 'another order of equals', asked: 'tabs vs spaces', stored: 'spaces vs tabs' },
  { why: 'a referent with its context', asked: 'explain this please', stored: 'explain this' },
];

test.each(silent)('no guard refuses $why', ({ asked, stored }) => {
  expect(guardVerdicts({ alignment: align(asked, stored), bare: false })).toEqual([]);
});

test('a referent without context is refused, with context it is not', () => {
  const alignment = align('fix it', 'fix it please');
  expect(guardVerdicts({ alignment, bare: true }).map(v => v.guard)).toEqual(['referent']);
  expect(guardVerdicts({ alignment, bare: false })).toEqual([]);
});

test('guards are symmetric: exchanging the two questions changes no verdict but its wording', () => {
  for (const { asked, stored } of [...refused, ...silent]) {
    const names = (a: string, b: string) => guardVerdicts({ alignment: align(a, b), bare: true }).map(v => v.guard);
    expect(names(stored, asked)).toEqual(names(asked, stored));
  }
});
