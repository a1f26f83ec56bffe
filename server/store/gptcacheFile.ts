// What GPTCache keeps in its SQLite file: questions, answers and vectors. Read only; its faiss file is not needed.

import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { messageOf, SemcacheError } from '../protocol/errors.ts';
import { vectorFromBytes } from './vectors.ts';

export interface GptCacheEntry {
  prompt: string;
  /** The newest answer; GPTCache itself serves the oldest. */
  answer: string;
  /** Null where it holds none that can be read. */
  vector: Float32Array | null;
}

/** GPTCache's type of an answer that is text. */
const textAnswer = 0;

/** @throws SemcacheError bad-request where the file is none of GPTCache's */
export function* gptCacheEntries(path: string): Iterable<GptCacheEntry> {
  const notOurs = (reason: string, cause?: unknown): SemcacheError =>
    new SemcacheError('bad-request', `${path} is no SQLite file of GPTCache: ${reason}. Name its sqlite.db; nothing was imported.`, cause);
  if (!existsSync(path)) throw notOurs('it does not exist');
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { readOnly: true });
    const rows = database.prepare(
      `SELECT q.question AS prompt, q.embedding_data AS vector,
         (SELECT a.answer FROM gptcache_answer a WHERE a.question_id = q.id AND a.answer_type = ${textAnswer} ORDER BY a.id DESC LIMIT 1) AS answer
       FROM gptcache_question q WHERE q.deleted = 0 ORDER BY q.id`,
    );
    for (const { prompt, answer, vector } of rows.iterate()) {
      if (typeof prompt !== 'string' || typeof answer !== 'string') continue;
      yield { prompt, answer, vector: vector instanceof Uint8Array && vector.length > 0 && vector.length % 4 === 0 ? vectorFromBytes(vector) : null };
    }
  } catch (error) {
    throw error instanceof SemcacheError ? error : notOurs(messageOf(error), error);
  } finally {
    database?.close();
  }
}
