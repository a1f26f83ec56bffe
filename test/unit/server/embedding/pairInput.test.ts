import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { focused, pairInput } from '../../../../server/embedding/pairInput.ts';

interface Row {
  a: string;
  b: string;
  focused: [string, string];
  piecesA: number[];
  piecesB: number[];
  ids: number[];
  types: number[];
}

/** Written by the training scripts (training/pairInputFixture.py). */
const rows = JSON.parse(readFileSync(new URL('../../../fixtures/quality/pairInput.json', import.meta.url), 'utf8')) as Row[];

test.each(rows.map((row, i) => ({ ...row, i })))('a pair is read as in training ($i)', ({ a, b, ...row }) => {
  expect(focused(a, b)).toEqual(row.focused);
  expect(pairInput(row.piecesA, row.piecesB, { begin: 101, end: 102 })).toEqual({ ids: row.ids, types: row.types });
});
