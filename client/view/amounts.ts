// Amounts in words: counts, sizes, and what hits saved in tokens and money.
// Does not know: where prices come from (the setting semcache.prices) or what was counted (the daemon).

import type { SavedTokens } from '../../server/protocol/stats.ts';

/** Model name, with `*`, to US dollars for a million prompt tokens and a million answer tokens. */
export type Prices = Record<string, readonly [prompt: number, answer: number]>;

/** US dollars that these tokens would have cost; null where no row of the table fits any of the models. */
export function savedMoney(saved: readonly SavedTokens[], prices: Prices): number | null {
  let sum: number | null = null;
  for (const { model, promptTokens, completionTokens } of saved) {
    const price = priceOf(model, prices);
    if (price !== null) sum = (sum ?? 0) + (promptTokens * price[0] + completionTokens * price[1]) / 1e6;
  }
  return sum;
}

/** The first row that fits the model's name, or what follows the last slash of it ("openai/gpt-4o"). */
export function priceOf(model: string, prices: Prices): readonly [number, number] | null {
  const names = [model, model.slice(model.lastIndexOf('/') + 1)].map(name => name.toLowerCase());
  for (const [pattern, price] of Object.entries(prices)) {
    if (names.some(name => matchesPattern(name, pattern.toLowerCase()))) return price;
  }
  return null;
}

function matchesPattern(name: string, pattern: string): boolean {
  const source = pattern.split('*').map(text => text.replace(/[.+?^${}()|[\]\\]/g, '\\$&')).join('.*');
  return new RegExp(`^${source}$`).test(name);
}

/** "$1.23", "$0.0042", "less than $0.0001". */
export function moneyText(dollars: number): string {
  if (dollars === 0) return '$0';
  if (dollars < 0.0001) return 'less than $0.0001';
  const digits = dollars < 0.1 ? 4 : 2;
  return `$${dollars.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })}`;
}

export function savedTokenCount(saved: readonly SavedTokens[]): number {
  return saved.reduce((sum, { promptTokens, completionTokens }) => sum + promptTokens + completionTokens, 0);
}

/** "12,345". */
export function countText(count: number): string {
  return count.toLocaleString('en-US');
}

/** "1 answer", "12 answers". */
export function numberOf(count: number, one: string, many = `${one}s`): string {
  return `${countText(count)} ${count === 1 ? one : many}`;
}

/** "512 B", "1.2 MB". */
export function sizeText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB'];
  const power = Math.min(units.length - 1, bytes < 1 ? 0 : Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** power;
  return `${power === 0 ? value : value.toFixed(1)} ${units[power]}`;
}
