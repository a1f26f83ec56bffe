// Entries as rows and back, and filters as SQL.

import type { SQLInputValue, SQLOutputValue } from 'node:sqlite';
import type { Entry, EntryFacts, EntryFilter, EntrySummary } from '../protocol/entry.ts';
import { folded, previewOf, searchWords } from './summary.ts';
import { vectorFromBytes } from './vectors.ts';

export type Row = Record<string, SQLOutputValue>;

const summaryColumns = `e.row, e.id, e.scope, e.llm_string, e.instruction, e.instruction_key, e.fingerprint, e.model, e.route,
  e.workspace, e.usage, e.upstream_ms, e.created_at, e.updated_at, e.expires_at, e.last_hit_at, e.hits`;

export const selectSummaries = `SELECT ${summaryColumns}, e.preview FROM entries e`;

export const selectEntries = `SELECT ${summaryColumns}, a.context, a.generations, v.vector
  FROM entries e JOIN answers a ON a.entry = e.row LEFT JOIN vectors v ON v.entry = e.row`;

export const selectFacts = `SELECT ${summaryColumns}, a.context FROM entries e JOIN answers a ON a.entry = e.row`;

/** An entry by the row of its vector, which the caller has already. */
export const selectEntryOfVector = `SELECT ${summaryColumns}, a.context, a.generations
  FROM vectors v JOIN entries e ON e.row = v.entry JOIN answers a ON a.entry = e.row WHERE v.row = ?`;

/** Keeps createdAt, hits and lastHitAt of the entry that is there. */
export const upsertEntry = `
  INSERT INTO entries (id, scope, llm_string, instruction, folded, instruction_key, fingerprint, model, route, workspace,
    usage, upstream_ms, created_at, updated_at, expires_at, last_hit_at, used_at, hits, preview)
  VALUES (:id, :scope, :llmString, :instruction, :folded, :instructionKey, :fingerprint, :model, :route, :workspace,
    :usage, :upstreamMs, :createdAt, :updatedAt, :expiresAt, :lastHitAt, :usedAt, :hits, :preview)
  ON CONFLICT (id) DO UPDATE SET scope = excluded.scope, llm_string = excluded.llm_string,
    instruction = excluded.instruction, folded = excluded.folded, instruction_key = excluded.instruction_key,
    fingerprint = excluded.fingerprint, model = excluded.model, route = excluded.route, workspace = excluded.workspace,
    usage = excluded.usage, upstream_ms = excluded.upstream_ms, updated_at = excluded.updated_at,
    expires_at = excluded.expires_at, used_at = excluded.used_at, preview = excluded.preview
  RETURNING row`;

export function entryValues(entry: Entry, usedAt: number): Record<string, SQLInputValue> {
  const { vector, generations, context, usage, ...columns } = entry;
  return {
    ...columns,
    usage: usage === null ? null : JSON.stringify(usage),
    folded: folded(entry.instruction),
    preview: previewOf(entry),
    usedAt,
  };
}

/** An entry from `selectEntries`, or from `selectEntryOfVector` with its vector. */
export function entryFromRow(row: Row, vector = vectorOf(row)): Entry {
  return {
    ...sharedFields(row),
    context: JSON.parse(row.context as string),
    vector,
    generations: JSON.parse(row.generations as string),
  };
}

export function factsFromRow(row: Row): EntryFacts {
  return { ...sharedFields(row), context: JSON.parse(row.context as string) };
}

export function summaryFromRow(row: Row): EntrySummary {
  return { ...sharedFields(row), preview: row.preview as string };
}

/** Conditions on `entries e` for unexpired entries that fit, with their values in order. */
export function whereLive(now: number, filter: EntryFilter, search?: string): { sql: string; values: SQLInputValue[] } {
  const sql = ['e.expires_at > ?'];
  const values: SQLInputValue[] = [now];
  const add = (condition: string, value: string | undefined) => {
    if (value === undefined) return;
    sql.push(condition);
    values.push(value);
  };
  add('e.id IN (SELECT value FROM json_each(?))', filter.ids && JSON.stringify(filter.ids));
  add('e.llm_string = ?', filter.llmString);
  add('e.model = ?', filter.model);
  add('e.workspace = ?', filter.workspace);
  for (const word of searchWords(search)) add('instr(e.folded, ?) > 0', word);
  return { sql: `WHERE ${sql.join(' AND ')}`, values };
}

function sharedFields(row: Row): Omit<EntrySummary, 'preview'> {
  return {
    id: row.id as string,
    scope: row.scope as string,
    llmString: row.llm_string as string,
    instruction: row.instruction as string,
    instructionKey: row.instruction_key as string,
    fingerprint: row.fingerprint as string | null,
    model: row.model as string,
    route: row.route as Entry['route'],
    workspace: row.workspace as string | null,
    usage: row.usage === null ? null : JSON.parse(row.usage as string),
    upstreamMs: row.upstream_ms as number,
    createdAt: row.created_at as number,
    updatedAt: row.updated_at as number,
    expiresAt: row.expires_at as number,
    lastHitAt: row.last_hit_at as number | null,
    hits: row.hits as number,
  };
}

function vectorOf(row: Row): Float32Array | null {
  return row.vector === null ? null : vectorFromBytes(row.vector as Uint8Array);
}
