// Everything that is stored, as JSON lines, and back.
// Owns: the lines' shape. Does not know: how a store keeps them.
// Always true: import(export(store)) is the store again; a line that is not understood stops no other.

import { createReadStream, createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { z } from 'zod';
import { generation } from '../daemon/checkedParams.ts';
import type { Parts } from '../daemon/parts.ts';
import type { ContextMark, Entry } from '../protocol/entry.ts';
import { messageOf, SemcacheError } from '../protocol/errors.ts';
import type { Counts, SavedTokens } from '../protocol/stats.ts';
import { exitCodes, type CommandIo } from './commandIo.ts';
import { printResult, withParts, type CommonOptions } from './verbs.ts';

/** Raised when a line changes its meaning. */
const linesVersion = 1;

const text = z.string();
const moment = z.number().min(0);
const count = z.number().min(0);

const contextKind = z.enum([
  'system', 'turn', 'code', 'trace', 'data', 'tools', 'selection', 'file', 'diagnostics', 'terminal', 'language', 'wrapper',
]) satisfies z.ZodType<ContextMark['kind']>;

const entryLine = z.strictObject({
  type: z.literal('entry'),
  id: text.min(1),
  scope: text,
  llmString: text,
  instruction: text,
  instructionKey: text,
  context: z.array(z.object({ kind: contextKind, name: text, sha256: text })),
  fingerprint: text.nullable(),
  /** float32, little-endian, base64. */
  vector: z.base64().nullable(),
  generations: z.array(generation).min(1),
  model: text,
  route: z.enum(['command', 'participant', 'model-provider', 'gateway', 'cli']),
  storedBy: text.optional(),
  workspace: text.nullable(),
  usage: z.object({ promptTokens: count, completionTokens: count, estimated: z.boolean().optional() }).nullable(),
  upstreamMs: count,
  createdAt: moment,
  updatedAt: moment,
  expiresAt: moment,
  lastHitAt: moment.nullable(),
  hits: z.int().min(0),
});

const line = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('semcache'), version: z.literal(linesVersion), exportedAt: moment }),
  entryLine,
  z.strictObject({ type: z.literal('tombstone'), a: text, b: text, createdAt: moment }),
  z.strictObject({ type: z.literal('alias'), a: text, b: text, createdAt: moment }),
  z.strictObject({
    type: z.literal('counts'),
    since: moment,
    hits: count,
    exactHits: count,
    misses: count,
    bypasses: count,
    refreshes: count,
    wrongHits: count,
    savedMs: count,
    // Not in the exports of the first builds.
    judgeYes: count.default(0),
    judgeNo: count.default(0),
    judgeNoVerdict: count.default(0),
    judgeMs: count.default(0),
    saved: z.array(z.object({ model: text, promptTokens: count, completionTokens: count })),
  }),
]);
type Line = z.infer<typeof line>;

/** `-` is the standard output; then nothing else is printed there. */
export async function exportEntries(file: string, options: CommonOptions, io: CommandIo): Promise<number> {
  const exported = { entries: 0, tombstones: 0, aliases: 0 };
  await withParts(options, io, async parts => {
    const output: NodeJS.WritableStream = file === '-' ? io.stdout : createWriteStream(file, { mode: 0o600 });
    for await (const each of linesOf(parts, io.now())) {
      if (each.type === 'entry') exported.entries += 1;
      if (each.type === 'tombstone') exported.tombstones += 1;
      if (each.type === 'alias') exported.aliases += 1;
      if (!output.write(`${JSON.stringify(each)}\n`)) await new Promise(resolve => output.once('drain', resolve));
    }
    if (file === '-') return;
    output.end();
    await finished(output);
  });
  if (file === '-') return exitCodes.done;
  return printResult(options, io, { file, ...exported }, `Wrote ${exported.entries} stored answers to ${file}.`);
}

/** Exit code 1 when a line was refused; all others are imported. */
export async function importEntries(file: string, options: CommonOptions, io: CommandIo): Promise<number> {
  const imported = { entries: 0, tombstones: 0, aliases: 0, refused: [] as { line: number; reason: string }[] };
  await withParts(options, io, async parts => {
    const input = file === '-' ? io.stdin : createReadStream(file);
    let at = 0;
    for await (const each of linesIn(input)) {
      at += 1;
      if (each.trim() === '') continue;
      const read = readLine(each);
      if (typeof read === 'string') {
        imported.refused.push({ line: at, reason: read });
        continue;
      }
      const reason = await take(read, parts).catch((error: unknown) => messageOf(error));
      if (reason !== null) imported.refused.push({ line: at, reason });
      else if (read.type === 'entry') imported.entries += 1;
      else if (read.type === 'tombstone') imported.tombstones += 1;
      else if (read.type === 'alias') imported.aliases += 1;
    }
  });
  for (const { line: at, reason } of imported.refused) io.stderr.write(`semcache: line ${at} was left out: ${reason}\n`);
  printResult(
    options,
    io,
    imported,
    `Read ${imported.entries} stored answers, ${imported.tombstones} tombstones and ${imported.aliases} aliases from ${file}; ${imported.refused.length} lines were left out.`,
  );
  return imported.refused.length === 0 ? exitCodes.done : exitCodes.failed;
}

/** Ends at \n only: readline would also end a line at U+2028, which an answer may hold. */
async function* linesIn(input: NodeJS.ReadableStream): AsyncIterable<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of input) {
    const lines = (rest + decoder.decode(chunk as Uint8Array, { stream: true })).split('\n');
    rest = lines.pop()!;
    yield* lines;
  }
  yield rest + decoder.decode();
}

async function* linesOf({ store }: Parts, exportedAt: number): AsyncIterable<Line> {
  yield { type: 'semcache', version: linesVersion, exportedAt };
  for await (const entry of store.entries()) {
    yield { type: 'entry', ...entry, vector: entry.vector === null ? null : base64Of(entry.vector) };
  }
  for (const { same, ...pair } of await store.rulings()) yield { type: same ? 'alias' : 'tombstone', ...pair };
  yield { type: 'counts', ...(await store.counts()) };
}

/** The line, or why it is none. The reason quotes nothing of it. */
function readLine(json: string): Line | string {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return 'it is not JSON';
  }
  const result = line.safeParse(value);
  if (result.success) return result.data;
  return result.error.issues.slice(0, 3).map(({ path, message }) => `${path.join('.') || 'the line'}: ${message}`).join('; ');
}

/** Null when taken; else why not. */
async function take(read: Line, { store }: Parts): Promise<string | null> {
  switch (read.type) {
    case 'semcache':
      return null;
    case 'entry': {
      const { type: _type, ...fields } = read;
      await store.put({ ...fields, vector: fields.vector === null ? null : vectorOf(fields.vector) } as Entry);
      return null;
    }
    case 'tombstone':
    case 'alias':
      await store.addRuling({ a: read.a, b: read.b, same: read.type === 'alias', createdAt: read.createdAt });
      return null;
    case 'counts': {
      const { type: _type, since: _since, saved, ...counts } = read;
      return takeCounts(counts, saved, { store });
    }
  }
}

/** Counters are sums: those of a store that has its own are kept, or a second import would count everything twice. */
async function takeCounts(counts: Counts, saved: SavedTokens[], { store }: Pick<Parts, 'store'>): Promise<string | null> {
  const { since: _since, saved: _saved, ...own } = await store.counts();
  if (Object.values(own).some(value => value > 0)) return null;
  await store.addCounts(counts);
  for (const tokens of saved) await store.addCounts({ saved: tokens });
  return null;
}

function base64Of(vector: Float32Array): string {
  return Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString('base64');
}

function vectorOf(base64: string): Float32Array {
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.byteLength % 4 !== 0) throw new SemcacheError('bad-request', 'vector: it is not a row of float32 values');
  const vector = new Float32Array(bytes.byteLength / 4);
  new Uint8Array(vector.buffer).set(bytes);
  return vector;
}
