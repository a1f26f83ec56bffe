// The files of a model folder: what they must be, and that they are it.
// Always true: what readChecked() returns has the checksum that was committed with the model.

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { messageOf, SemcacheError } from '../protocol/errors.ts';

export const WEIGHTS_FILE = 'onnx/model_quantized.onnx';
export const TOKENIZER_FILE = 'tokenizer.json';
export const TOKENIZER_CONFIG_FILE = 'tokenizer_config.json';

export interface ModelFacts {
  name: string;
  dimensions: number;
  /** The longest input of the model, with its two special tokens. */
  maxTokens: number;
  weightsSha256: string;
}

/** What a model folder says of itself. @throws SemcacheError model-file-damaged */
export async function readModelFacts(folder: string): Promise<ModelFacts> {
  const config = await readJson(folder, 'config.json');
  return {
    name: path.basename(folder),
    dimensions: numberIn(folder, config, 'hidden_size'),
    maxTokens: numberIn(folder, config, 'max_position_embeddings'),
    weightsSha256: await checksumOf(folder, WEIGHTS_FILE),
  };
}

/** A file's bytes. @throws SemcacheError model-file-damaged when it is missing or not the committed one */
export async function readChecked(folder: string, file: string): Promise<Buffer<ArrayBuffer>> {
  const [bytes, wanted] = await Promise.all([read(folder, file), checksumOf(folder, file)]);
  const found = createHash('sha256').update(bytes).digest('hex');
  if (found !== wanted) throw damaged(folder, `${file} has SHA-256 ${found}, not ${wanted}`);
  return bytes;
}

/** @throws SemcacheError model-file-damaged */
export async function readJson(folder: string, file: string): Promise<Record<string, unknown>> {
  const bytes = await read(folder, file);
  try {
    return JSON.parse(bytes.toString('utf8')) as Record<string, unknown>;
  } catch (error) {
    throw damaged(folder, `${file} is not JSON`, error);
  }
}

async function checksumOf(folder: string, file: string): Promise<string> {
  const checksum = (await readJson(folder, 'checksums.json'))[file];
  if (typeof checksum !== 'string') throw damaged(folder, `checksums.json has no line for ${file}`);
  return checksum;
}

async function read(folder: string, file: string): Promise<Buffer<ArrayBuffer>> {
  try {
    return await readFile(path.join(folder, file));
  } catch (error) {
    throw damaged(folder, `${file} cannot be read (${messageOf(error)})`, error);
  }
}

function numberIn(folder: string, config: Record<string, unknown>, name: string): number {
  const value = config[name];
  if (typeof value !== 'number') throw damaged(folder, `config.json has no number "${name}"`);
  return value;
}

function damaged(folder: string, what: string, cause?: unknown): SemcacheError {
  return new SemcacheError(
    'model-file-damaged',
    `The embedding model in ${folder} is damaged: ${what}. ` +
      'Until it is repaired only identical questions are found in the cache. Install Semcache again.',
    cause,
  );
}
