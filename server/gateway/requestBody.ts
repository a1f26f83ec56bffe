// A request's body: its bytes as they came, and what they say.
// Always true: what is read is bounded, compressed or not; what is wrong becomes a refusal with its status.

import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import { isJson, type Json } from './api.ts';

/** The largest body that Anthropic accepts. */
export const maxBodyBytes = 32 * 1024 * 1024;
/**
 * A client that is still sending would meet a closed connection before our refusal: this much of what is too large is
 * read and thrown away first.
 */
const maxDiscardedBytes = 32 * 1024 * 1024;
/** Deeper values are not compared, only passed on. */
const maxDepth = 100;

export class BodyRefused extends Error {
  readonly status: 400 | 408 | 413 | 415;

  constructor(status: BodyRefused['status'], message: string) {
    super(message);
    this.status = status;
  }
}

/** @throws BodyRefused */
export async function readBody(request: IncomingMessage, limit = maxBodyBytes): Promise<Buffer> {
  const tooLarge = new BodyRefused(413, `The body is larger than ${limit / 1024 / 1024} MiB. Send less, or ask the provider directly.`);
  const most = limit + maxDiscardedBytes;
  if (Number(request.headers['content-length'] ?? 0) > most) throw tooLarge;
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of request) {
      size += (chunk as Buffer).length;
      if (size > most) throw tooLarge;
      if (size > limit) chunks.length = 0;
      else chunks.push(chunk as Buffer);
    }
  } catch (error) {
    throw error instanceof BodyRefused ? error : new BodyRefused(400, 'The body stopped before its end.');
  }
  if (size > limit) throw tooLarge;
  return Buffer.concat(chunks, size);
}

export interface ParsedBody {
  json: Json;
  /** Why it is passed on without being compared; null when it can be. */
  odd: string | null;
}

/** @throws BodyRefused for what no provider could understand either */
export async function parseBody(bytes: Buffer, encoding: string | undefined): Promise<ParsedBody> {
  const plain = await decompressed(bytes, encoding);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(plain);
  } catch {
    throw new BodyRefused(400, 'The body is not valid UTF-8.');
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new BodyRefused(400, 'The body is not valid JSON.');
  }
  if (!isJson(value)) throw new BodyRefused(400, 'The body must be a JSON object.');
  return { json: value, odd: whyOdd(value, text) };
}

async function decompressed(bytes: Buffer, encoding: string | undefined): Promise<Buffer> {
  const name = (encoding ?? 'identity').trim().toLowerCase();
  if (name === 'identity' || name === '') return bytes;
  const decompress = decompressors[name];
  if (decompress === undefined) throw new BodyRefused(415, `Bodies encoded as "${name.slice(0, 40)}" are not understood. Send plain JSON.`);
  try {
    return await decompress(bytes, { maxOutputLength: maxBodyBytes });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw new BodyRefused(413, `The body is larger than ${maxBodyBytes / 1024 / 1024} MiB when it is decompressed.`);
    }
    throw new BodyRefused(400, `The body is not valid ${name}.`);
  }
}

const decompressors: Record<string, (bytes: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>> = Object.assign(
  Object.create(null),
  {
    gzip: promisify(zlib.gunzip),
    deflate: promisify(zlib.inflate),
    br: promisify(zlib.brotliDecompress),
    ...('zstdDecompress' in zlib ? { zstd: promisify(zlib.zstdDecompress) } : {}),
  },
);

/** Values whose canonical form could meet that of another one, or takes too long to make. */
function whyOdd(value: Json, text: string): string | null {
  if (isDeep(value)) return 'it is nested too deeply';
  // A surrogate without its partner has no UTF-8 form: in a hash, all of them look alike.
  const mayBeBroken = /\\u[dD][89a-fA-F]/.test(text);
  return mayBeBroken && /\\ud[89a-f]/.test(JSON.stringify(value)) ? 'it holds broken characters' : null;
}

function isDeep(root: Json): boolean {
  let level: unknown[] = [root];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > maxDepth) return true;
    level = level.flatMap(value => (typeof value === 'object' && value !== null ? Object.values(value) : []));
  }
  return false;
}
