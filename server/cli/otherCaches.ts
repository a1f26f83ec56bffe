// Entries of other caches, brought over and handed on: `import --from`, `export --to`.
// Owns: progress, what is left out and why. Does not know: the other caches' layouts (langchain/, store/gptcacheFile.ts).
// Always true: an entry is stored before the next is read, so that ending it loses nothing; one that is there already is
// passed by, so that doing it again goes on where it ended; an answer that depends on code, files or earlier turns is
// never handed to a cache that compares questions only.

import { promptFromText } from '../cache/promptFromRequest.ts';
import { keysOf } from '../cache/scope.ts';
import { SemanticCache } from '../cache/semanticCache.ts';
import type { Parts } from '../daemon/parts.ts';
import { prepareRedisVl, redisVlEntries, writeRedisVl } from '../langchain/redisvlLayout.ts';
import { SeedCache } from '../langchain/seedCache.ts';
import type { Generation } from '../protocol/answer.ts';
import { messageOf, SemcacheError } from '../protocol/errors.ts';
import { defaultCacheSettings } from '../protocol/settings.ts';
import { gptCacheEntries } from '../store/gptcacheFile.ts';
import { connectRedis, type RedisTarget } from '../store/redisConnection.ts';
import { cosineDistance } from '../store/vectors.ts';
import { exitCodes, type CommandIo } from './commandIo.ts';
import { printResult, withParts, type CommonOptions } from './verbs.ts';

export interface ImportOptions extends CommonOptions {
  from: 'langchain' | 'langchain-redis' | 'redisvl' | 'gptcache';
  name: string;
  model: string;
}

export interface ExportOptions extends CommonOptions {
  to: 'langchain' | 'redisvl';
  name: string;
}

interface Foreign {
  prompt: string;
  llmString: string;
  generations: Generation[];
  vector: Float32Array | null;
  ttlMs: number | null;
}

const connectTimeoutMs = 5000;
const dayMs = 24 * 60 * 60 * 1000;
const progressEvery = 500;
/** Entries stored at the same time. */
const atOnce = 64;
/** Vectors of one model under two runtimes are this near; those of two models are not. */
const sameModelWithin = 0.01;
/** Vectors that are made again to see whether the other cache used the same model. */
const samples = 3;

export async function importFrom(source: string, options: ImportOptions, io: CommandIo): Promise<number> {
  const done = { imported: 0, alreadyThere: 0, reembedded: 0, failed: 0 };
  const interrupted = stopOnInterrupt();
  await withParts(options, io, async parts => {
    const cache = new SemanticCache({ store: parts.store, embedder: parts.embedder, now: io.now });
    const fit = new VectorsFit(parts);
    let batch: Promise<void>[] = [];
    for await (const foreign of foreignEntries(source, options, io)) {
      if (interrupted()) break;
      batch.push(takeOver(foreign, { parts, cache, fit, done, told: text => io.stderr.write(`semcache: ${text}\n`) }));
      if (batch.length < atOnce) continue;
      await Promise.all(batch);
      batch = [];
      const seen = done.imported + done.alreadyThere + done.failed;
      if (seen % progressEvery < atOnce) io.stderr.write(`semcache: ${seen} entries read, ${done.imported} imported …\n`);
    }
    await Promise.all(batch);
  });
  const rest = interrupted() ? ' It was interrupted: what was read is stored, and the same command goes on from there.' : '';
  const text =
    `Imported ${done.imported} stored answers (${done.reembedded} embedded again); ${done.alreadyThere} were there already` +
    `${done.failed === 0 ? '' : `; ${done.failed} could not be stored`}.${rest}`;
  printResult(options, io, { ...done, interrupted: interrupted() }, text);
  return done.failed === 0 && !interrupted() ? exitCodes.done : exitCodes.failed;
}

export async function exportTo(address: string | undefined, options: ExportOptions, io: CommandIo): Promise<number> {
  if (address === undefined) throw new SemcacheError('bad-request', `export --to ${options.to} needs the address of a Redis: semcache export redis://… --to ${options.to}.`);
  const done = { exported: 0, leftOut: 0 };
  await withParts(options, io, async parts => {
    const write = await writerTo(targetOf(address, io), options);
    try {
      for await (const entry of parts.store.entries()) {
        if (entry.context.length > 0 || entry.vector === null) {
          done.leftOut += 1;
          continue;
        }
        await write.put({ ...entry, vector: entry.vector }, entry.expiresAt - io.now());
        done.exported += 1;
        if (done.exported % progressEvery === 0) io.stderr.write(`semcache: ${done.exported} exported …\n`);
      }
    } finally {
      write.close();
    }
  });
  const text =
    `Exported ${done.exported} stored answers.` +
    (done.leftOut === 0 ? '' : ` ${done.leftOut} were left out: they depend on code, files or earlier turns, which ${options.to} does not compare.`);
  return printResult(options, io, done, text);
}

async function* foreignEntries(source: string, options: ImportOptions, io: CommandIo): AsyncIterable<Foreign> {
  if (options.from === 'gptcache') {
    for (const { prompt, answer, vector } of gptCacheEntries(source)) {
      yield { prompt, llmString: options.model, generations: [{ text: answer }], vector, ttlMs: null };
    }
    return;
  }
  if (options.from === 'langchain') {
    const seed = new SeedCache({ target: targetOf(source, io), embed: () => Promise.reject(new Error('nothing is embedded here')) });
    try {
      yield* seed.entries();
    } finally {
      seed.close();
    }
    return;
  }
  const connection = await connectRedis(targetOf(source, io), connectTimeoutMs, 'Nothing was imported.');
  try {
    for await (const entry of redisVlEntries(connection, options.name)) yield { ...entry, llmString: entry.llmString ?? options.model };
  } finally {
    connection.close();
  }
}

async function takeOver(
  foreign: Foreign,
  { parts, cache, fit, done, told }: {
    parts: Parts;
    cache: SemanticCache;
    fit: VectorsFit;
    done: { imported: number; alreadyThere: number; reembedded: number; failed: number };
    told: (text: string) => void;
  },
): Promise<void> {
  const prompt = promptFromText(foreign.prompt, foreign.llmString);
  const keys = keysOf(prompt);
  try {
    if ((await parts.store.get(keys.entryId, keys.scope)) !== null) {
      done.alreadyThere += 1;
      return;
    }
    const vector = foreign.vector !== null && prompt.instruction === foreign.prompt && (await fit.check(foreign.prompt, foreign.vector)) ? normalised(foreign.vector) : null;
    const facts = { model: foreign.llmString, route: 'cli' as const, workspace: null, usage: null, upstreamMs: 0 };
    const ttl = foreign.ttlMs === null ? defaultCacheSettings.ttl : foreign.ttlMs / dayMs;
    await cache.keep({ prompt, keys, vector, generations: foreign.generations, facts, settings: { ...defaultCacheSettings, ttl } });
    done.imported += 1;
    if (vector === null) done.reembedded += 1;
  } catch (error) {
    done.failed += 1;
    if (done.failed === 1) told(`An entry could not be stored: ${messageOf(error)}`);
  }
}

/** Whether the other cache's vectors are of our model: found out once, by making some of them again. */
class VectorsFit {
  readonly #parts: Parts;
  readonly #verdicts: Promise<boolean>[] = [];

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async check(text: string, vector: Float32Array): Promise<boolean> {
    if (this.#verdicts.length < samples) this.#verdicts.push(this.#isSame(text, vector));
    return (await Promise.all(this.#verdicts)).every(same => same);
  }

  async #isSame(text: string, vector: Float32Array): Promise<boolean> {
    const [ours] = await this.#parts.embedder.embed([text]);
    return ours!.length === vector.length && cosineDistance(ours!, normalised(vector)) < sameModelWithin;
  }
}

interface Writer {
  put(entry: { instruction: string; llmString: string; generations: Generation[]; vector: Float32Array; createdAt: number; updatedAt: number }, ttlMs: number): Promise<void>;
  close(): void;
}

async function writerTo(target: RedisTarget, { to, name }: ExportOptions): Promise<Writer> {
  if (to === 'langchain') {
    const seed = new SeedCache({ target, embed: () => Promise.reject(new Error('nothing is embedded here')) });
    return {
      async put({ instruction, llmString, generations, vector }, ttlMs) {
        await seed.update(instruction, llmString, generations, vector);
        await seed.expire(instruction, llmString, ttlMs);
      },
      close: () => seed.close(),
    };
  }
  const connection = await connectRedis(target, connectTimeoutMs, 'Nothing was exported.');
  let isPrepared = false;
  return {
    async put({ instruction, llmString, generations, vector, createdAt, updatedAt }, ttlMs) {
      if (!isPrepared) await prepareRedisVl(connection, name, vector.length);
      isPrepared = true;
      const response = generations[0]?.text ?? '';
      await writeRedisVl(connection, name, { prompt: instruction, response, vector, llmString, insertedAt: createdAt, updatedAt, ttlMs });
    },
    close: () => connection.close(),
  };
}

function targetOf(address: string, { env }: CommandIo): RedisTarget {
  const password = env['SEMCACHE_REDIS_PASSWORD'];
  return { url: address, ...(password === undefined || password === '' ? {} : { password }) };
}

/** Ctrl+C ends it after the entries at hand. */
function stopOnInterrupt(): () => boolean {
  let stopped = false;
  process.once('SIGINT', () => (stopped = true));
  return () => stopped;
}

function normalised(vector: Float32Array): Float32Array {
  const norm = Math.hypot(...vector);
  return norm === 0 ? vector : vector.map(value => value / norm);
}
