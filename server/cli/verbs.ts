// The verbs of the cache on the command line: each opens the store, does its work and closes it. No daemon is needed.
// Owns: what is printed. Does not know: how a lookup decides.

import { openParts } from '../daemon/openParts.ts';
import { preparedDataFolder } from '../daemon/discovery.ts';
import { openLog } from '../daemon/log.ts';
import type { Parts } from '../daemon/parts.ts';
import { checked, updateParams } from '../daemon/checkedParams.ts';
import type { Decision } from '../protocol/decision.ts';
import type { EntryFilter } from '../protocol/entry.ts';
import { SemcacheError } from '../protocol/errors.ts';
import { dataFolderOf } from '../protocol/discovery.ts';
import { seedSettings, type CacheSettings } from '../protocol/settings.ts';
import { hitRate } from '../protocol/stats.ts';
import { exitCodes, type CommandIo } from './commandIo.ts';
import { chosenStore, type StoreOption } from './storeOption.ts';

export interface CommonOptions extends StoreOption {
  data?: string;
  json?: boolean;
}

/** The model is loaded for one question here: a person would rather wait than get a miss. */
const embeddingDeadlineMs = 60_000;

/** Opens what the verbs work on, and closes it whatever happens. */
export async function withParts<T>(options: CommonOptions, io: CommandIo, work: (parts: Parts) => Promise<T>): Promise<T> {
  const dataFolder = preparedDataFolder(dataFolderOf(options.data, io.env));
  const shared = { embeddingDeadlineMs, ...chosenStore(options, io.env) };
  const parts = openParts({ dataFolder, now: io.now, log: openLog({ now: io.now }), shared, patient: true });
  try {
    if (shared.store !== undefined) await parts.store.opened();
    const result = await work(parts);
    for (const problem of parts.health().problems) io.stderr.write(`semcache: ${problem}\n`);
    return result;
  } finally {
    await parts.close();
  }
}

export function printResult(options: CommonOptions, io: CommandIo, result: object, text: string): number {
  io.stdout.write(options.json === true ? `${JSON.stringify(result)}\n` : `${text}\n`);
  return exitCodes.done;
}

export async function lookup(
  options: CommonOptions & { prompt: string; llmString: string; threshold?: number; matching?: CacheSettings['matching'] },
  io: CommandIo,
): Promise<number> {
  const { prompt, llmString, threshold, matching } = options;
  const settings = {
    ...seedSettings,
    ...(threshold === undefined ? {} : { scoreThreshold: threshold }),
    ...(matching === undefined ? {} : { matching }),
  };
  const { decision, generations } = await withParts(options, io, parts => parts.lookup({ prompt, llmString }, settings));
  const result = { status: decision.status, distance: distanceIn(decision), generations: generations ?? [], decision };
  const text = [`${decision.status}: ${decision.why}`, ...result.generations.map(generation => generation.text)].join('\n');
  return printResult(options, io, result, text);
}

export async function update(
  options: CommonOptions & { prompt: string; llmString: string; answer?: string; generations?: string },
  io: CommandIo,
): Promise<number> {
  const { prompt, llmString } = options;
  const params = checked(updateParams, { prompt, llmString, generations: generationsFrom(options) }, 'update');
  const entry = await withParts(options, io, parts => parts.update(params, seedSettings));
  return printResult(options, io, { entryId: entry.id }, `Stored as ${entry.id}.`);
}

export async function clear(options: CommonOptions & { llmString?: string; all?: boolean }, io: CommandIo): Promise<number> {
  if (options.llmString === undefined && options.all !== true) {
    throw new SemcacheError('bad-request', 'clear needs --llm-string <text>, or --all for every stored answer. Nothing was removed.');
  }
  const filter: EntryFilter = options.llmString === undefined ? {} : { llmString: options.llmString };
  const removed = await withParts(options, io, parts => parts.clear(filter));
  return printResult(options, io, { removed }, `Removed ${removed} stored answers.`);
}

export async function list(
  options: CommonOptions & { llmString?: string; model?: string; search?: string; limit: number; offset: number },
  io: CommandIo,
): Promise<number> {
  const { llmString, model, search, limit, offset } = options;
  const filter: EntryFilter = { ...(llmString === undefined ? {} : { llmString }), ...(model === undefined ? {} : { model }) };
  const query = { filter, offset, limit, ...(search === undefined ? {} : { search }) };
  const found = await withParts(options, io, parts => parts.store.list(query));
  const lines = found.entries.map(entry => `${entry.id}  ${entry.hits} hits  ${entry.llmString}  ${entry.instruction.replaceAll('\n', ' ')}`);
  return printResult(options, io, found, [...lines, `${found.entries.length} of ${found.total} stored answers.`].join('\n'));
}

export async function stats(options: CommonOptions, io: CommandIo): Promise<number> {
  const [counted, rulings] = await withParts(options, io, parts => Promise.all([parts.counters.stats(), parts.store.rulings()]));
  const aliases = rulings.filter(({ same }) => same).length;
  const tombstones = rulings.length - aliases;
  const rate = hitRate(counted);
  const text = [
    `hit rate    ${rate === null ? 'nothing was asked yet' : `${Math.round(rate * 100)} %`}`,
    `hits        ${counted.hits} (${counted.exactHits} exact, ${counted.wrongHits} called wrong)`,
    `misses      ${counted.misses}, and ${counted.refreshes} asked afresh`,
    `bypasses    ${counted.bypasses}`,
    `time saved  ${(counted.savedMs / 1000).toFixed(1)} s`,
    `your word   pairs of questions: ${aliases} the same, ${tombstones} not`,
    `stored      ${counted.entries} answers, ${(counted.sizeBytes / 1e6).toFixed(1)} MB`,
    `since       ${new Date(counted.since).toISOString()}`,
  ].join('\n');
  return printResult(options, io, { ...counted, hitRate: rate, aliases, tombstones }, text);
}

/** What --answer or --generations says. @throws bad-request */
export function generationsFrom({ answer, generations }: { answer?: string; generations?: string }): unknown {
  return generations === undefined ? answerAlone(answer) : parsed(generations);
}

function answerAlone(answer: string | undefined): { text: string }[] {
  if (answer !== undefined) return [{ text: answer }];
  throw new SemcacheError('bad-request', 'update needs --answer <text> or --generations <json>. Nothing was stored.');
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    throw new SemcacheError('bad-request', '--generations is not JSON. It must look like [{"text": "…"}]. Nothing was stored.', error);
  }
}

function distanceIn(decision: Decision): number | null {
  if (decision.status === 'hit' || decision.status === 'stale') return decision.distance;
  return decision.status === 'miss' ? (decision.nearest?.distance ?? null) : null;
}
