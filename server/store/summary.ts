// What lists show of an entry, and which entries a search finds: the same words in every store.

import type { Entry, EntryFilter, EntrySummary } from '../protocol/entry.ts';

const previewLength = 200;

/** The start of the first answer on one line, at most 200 characters. */
export function previewOf(entry: Pick<Entry, 'generations'>): string {
  const start = (entry.generations[0]?.text ?? '').slice(0, previewLength * 4);
  return Array.from(start.replace(/\s+/g, ' ').trim()).slice(0, previewLength).join('');
}

export function summaryOf(entry: Entry): EntrySummary {
  const { vector, generations, context, ...rest } = entry;
  return { ...rest, preview: previewOf(entry) };
}

/** Text as searches compare it. */
export function folded(text: string): string {
  return text.toLowerCase();
}

/** The words of a search, each of which must occur somewhere in the folded instruction. */
export function searchWords(search: string | undefined): string[] {
  return folded(search ?? '').split(/\s+/).filter(word => word !== '');
}

export function isEverything(filter: EntryFilter): boolean {
  return Object.values(filter).every(value => value === undefined);
}

export function fits(entry: Entry, filter: EntryFilter): boolean {
  return (
    (filter.ids === undefined || filter.ids.includes(entry.id)) &&
    (filter.llmString === undefined || filter.llmString === entry.llmString) &&
    (filter.model === undefined || filter.model === entry.model) &&
    (filter.workspace === undefined || filter.workspace === entry.workspace)
  );
}
