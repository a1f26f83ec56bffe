import { expect, test } from 'vitest';
import { countText, moneyText, numberOf, priceOf, savedMoney, savedTokenCount, sizeText } from '../../../../client/view/amounts.ts';
import { settingsTable } from '../../../../server/protocol/settings.ts';

const prices = { 'gpt-4o-mini*': [0.15, 0.6], 'gpt-4o*': [2.5, 10], 'claude-*haiku*': [1, 5] } as const;

test.each([
  { model: 'gpt-4o-mini-2024-07-18', price: [0.15, 0.6], why: 'the first row that fits' },
  { model: 'gpt-4o', price: [2.5, 10], why: 'a star that stands for nothing' },
  { model: 'GPT-4o', price: [2.5, 10], why: 'another case' },
  { model: 'openrouter/openai/gpt-4o', price: [2.5, 10], why: 'the name after the last slash' },
  { model: 'claude-3-5-haiku-latest', price: [1, 5], why: 'a star inside' },
  { model: 'my-gpt-4o', price: null, why: 'a pattern that must begin the name' },
  { model: 'gptX4o', price: null, why: 'a point or dash that is no wildcard' },
])('priceOf() is $price for $model: $why', ({ model, price }) => {
  expect(priceOf(model, prices)).toEqual(price);
});

test('savedMoney() adds what every priced model would have cost, for a million tokens each', () => {
  const saved = [
    { model: 'gpt-4o', promptTokens: 1_000_000, completionTokens: 100_000 },
    { model: 'claude-haiku', promptTokens: 0, completionTokens: 1_000_000 },
    { model: 'semcache-demo', promptTokens: 5_000_000, completionTokens: 5_000_000 },
  ];
  expect(savedMoney(saved, prices)).toBeCloseTo(2.5 + 1 + 5, 9);
  expect(savedTokenCount(saved)).toBe(12_100_000);
});

test('savedMoney() is null and not 0 where no price is known', () => {
  expect(savedMoney([{ model: 'semcache-demo', promptTokens: 1, completionTokens: 1 }], prices)).toBeNull();
  expect(savedMoney([], prices)).toBeNull();
});

test('the default price table has a price for the models its rows were made for', () => {
  const table = settingsTable.prices.default;
  for (const model of ['gpt-4o-mini', 'gpt-4o', 'gpt-4.1', 'claude-sonnet-4-5', 'claude-opus-4-1', 'claude-3-5-haiku']) {
    expect(priceOf(model, table), model).not.toBeNull();
  }
});

test.each([
  [0, '$0'], [0.00001, 'less than $0.0001'], [0.0042, '$0.0042'], [0.5, '$0.50'], [1.999, '$2.00'], [1234.5, '$1,234.50'],
])('moneyText(%d) is %s', (dollars, text) => {
  expect(moneyText(dollars)).toBe(text);
});

test.each([[0, '0 B'], [999, '999 B'], [1000, '1.0 kB'], [1_234_567, '1.2 MB'], [5e12, '5000.0 GB']])('sizeText(%d) is %s', (bytes, text) => {
  expect(sizeText(bytes)).toBe(text);
});

test('numberOf() counts one and many', () => {
  expect([numberOf(0, 'answer'), numberOf(1, 'answer'), numberOf(1204, 'answer'), numberOf(2, 'entry', 'entries')]).toEqual([
    '0 answers', '1 answer', '1,204 answers', '2 entries',
  ]);
  expect(countText(1e6)).toBe('1,000,000');
});
