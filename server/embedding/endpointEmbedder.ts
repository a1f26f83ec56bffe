// Vectors from any service that speaks OpenAI's /embeddings.
// Owns: that wire format, and what of a failure may be told. Does not know: what is embedded, or why.
// Always true: neither the key nor a text that was sent is part of an error; redirects are not followed.

import { messageOf, SemcacheError } from '../protocol/errors.ts';
import { withinDeadline } from './deadline.ts';
import type { OpenedEmbedder } from './embedder.ts';

export interface EndpointOptions {
  /** With or without /v1 or /embeddings at its end. */
  baseUrl: string;
  model: string;
  apiKey?: string;
  /** Longest wait of one embed() call. */
  deadlineMs: number;
  /** Asks the service for vectors of this length. Left out: the service's own length. */
  dimensions?: number;
}

/** Texts in one request. OpenAI takes 2,048; small self-hosted services choke on fewer. */
const BATCH_SIZE = 64;

/**
 * Asks the service once, to learn how long its vectors are.
 *
 * Errors: embedding-failed, embedding-timeout.
 */
export async function openEndpointEmbedder(options: EndpointOptions): Promise<OpenedEmbedder> {
  const endpoint: Endpoint = { ...options, url: embeddingsUrl(options.baseUrl) };
  const [probe] = await ask(endpoint, ['semcache'], { deadlineMs: options.deadlineMs, signal: undefined });
  return new EndpointEmbedder(endpoint, probe!.length);
}

interface Endpoint extends Omit<EndpointOptions, 'baseUrl'> {
  url: URL;
}

class EndpointEmbedder implements OpenedEmbedder {
  readonly fingerprint: string;
  readonly dimensions: number;
  readonly ready = Promise.resolve();
  readonly #endpoint: Endpoint;
  readonly #closed = new AbortController();
  #deadlineMs: number;

  constructor(endpoint: Endpoint, dimensions: number) {
    this.#endpoint = endpoint;
    this.#deadlineMs = endpoint.deadlineMs;
    this.dimensions = dimensions;
    this.fingerprint = `${endpoint.url.host}${endpoint.url.pathname}/${endpoint.model}/${dimensions}`;
  }

  setDeadlineMs(deadlineMs: number): void {
    this.#deadlineMs = deadlineMs;
  }

  async embed(texts: string[], signal?: AbortSignal): Promise<Float32Array[]> {
    if (texts.length === 0) return [];
    const vectors = await ask(this.#endpoint, texts, {
      deadlineMs: this.#deadlineMs,
      signal: signal ? AbortSignal.any([signal, this.#closed.signal]) : this.#closed.signal,
    });
    const other = vectors.find(vector => vector.length !== this.dimensions);
    if (other) throw unreadable(this.#endpoint, `a vector has ${other.length} numbers, not ${this.dimensions} as at first`);
    return vectors;
  }

  async close(): Promise<void> {
    this.#closed.abort();
  }
}

/** One L2-normalised vector a text, in order. */
async function ask(
  endpoint: Endpoint,
  texts: string[],
  { deadlineMs, signal }: { deadlineMs: number; signal: AbortSignal | undefined },
): Promise<Float32Array[]> {
  const stop = new AbortController();
  const batches: string[][] = [];
  for (let start = 0; start < texts.length; start += BATCH_SIZE) batches.push(texts.slice(start, start + BATCH_SIZE));
  try {
    const answers = await withinDeadline(Promise.all(batches.map(batch => post(endpoint, batch, stop.signal))), {
      deadlineMs,
      signal,
      timeoutText:
        `${endpoint.url.host} did not send its embeddings within ${deadlineMs} ms, so the prompt goes to the model as if nothing ` +
        'were stored. If it happens often, raise semcache.embedding.deadlineMs.',
    });
    return answers.flat();
  } finally {
    stop.abort();
  }
}

async function post(endpoint: Endpoint, texts: string[], signal: AbortSignal): Promise<Float32Array[]> {
  const { url, model, apiKey, dimensions } = endpoint;
  let response: Response;
  let body: string;
  try {
    response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(apiKey ? { authorization: `Bearer ${apiKey}` } : {}) },
      body: JSON.stringify({ model, input: texts, encoding_format: 'float', ...(dimensions ? { dimensions } : {}) }),
      redirect: 'error',
      signal,
    });
    body = await response.text();
  } catch (error) {
    throw failed(endpoint, `cannot be reached (${reasonOf(error)})`, 'Check semcache.embedding.endpoint and that the service runs.');
  }
  if (!response.ok) throw refused(endpoint, response.status, body);
  return vectorsIn(endpoint, body, texts.length);
}

function vectorsIn(endpoint: Endpoint, body: string, count: number): Float32Array[] {
  const rows = dataOf(body);
  if (rows?.length !== count) {
    throw unreadable(endpoint, `${rows?.length ?? 'no'} vectors came for ${count} texts`);
  }
  const vectors = new Array<Float32Array | null>(count).fill(null);
  rows.forEach((row, position) => (vectors[row.index ?? position] = numbersOf(row.embedding)));
  return vectors.map(vector => {
    const norm = vector ? Math.hypot(...vector) : 0;
    if (!vector || !Number.isFinite(norm) || norm === 0) throw unreadable(endpoint, 'a vector is missing, empty or not made of numbers');
    return vector.map(value => value / norm);
  });
}

interface Row {
  index?: number;
  embedding: unknown;
}

function dataOf(body: string): Row[] | null {
  try {
    const { data } = JSON.parse(body) as { data?: unknown };
    return Array.isArray(data) && data.every(row => typeof row === 'object' && row !== null) ? (data as Row[]) : null;
  } catch {
    return null;
  }
}

/** A list of numbers, or the base64 of little-endian float32 that some services send unasked. */
function numbersOf(embedding: unknown): Float32Array | null {
  if (Array.isArray(embedding)) return Float32Array.from(embedding as number[]);
  if (typeof embedding !== 'string') return null;
  const bytes = Buffer.from(embedding, 'base64');
  return Float32Array.from({ length: Math.floor(bytes.length / 4) }, (_, i) => bytes.readFloatLE(i * 4));
}

/** `https://host`, `https://host/v1` and `https://host/v1/embeddings` mean the same; a query stays. */
function embeddingsUrl(baseUrl: string): URL {
  const url = URL.parse(baseUrl);
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new SemcacheError(
      'embedding-failed',
      'semcache.embedding.endpoint is not an http or https URL, so nothing can be embedded. Prompts go to the model as if nothing ' +
        'were stored. Write it like "https://host/v1", or leave it empty for the local model.',
    );
  }
  const path = url.pathname.replace(/\/+$/, '').replace(/\/embeddings$/, '');
  url.pathname = `${path || '/v1'}/embeddings`;
  url.username = '';
  url.password = '';
  url.hash = '';
  return url;
}

function refused(endpoint: Endpoint, status: number, body: string): SemcacheError {
  const code = errorCodeIn(endpoint, body);
  const what = `answered with HTTP ${status}${code ? ` (${code})` : ''}`;
  if (status === 401 || status === 403) return failed(endpoint, what, 'Check the key: "Semcache: Set API Key…".');
  if (status === 404) return failed(endpoint, what, 'Check semcache.embedding.endpoint and semcache.embedding.model.');
  return failed(endpoint, what, 'See the log of that service.');
}

/** The service's word for the error. Its sentence may quote what was sent, so that is left out. */
function errorCodeIn({ apiKey }: Endpoint, body: string): string | null {
  try {
    const { error } = JSON.parse(body) as { error?: { code?: unknown; type?: unknown } };
    const code = error?.code ?? error?.type;
    const safe = typeof code === 'string' && /^[a-z_.-]{1,60}$/i.test(code) && code !== apiKey;
    return safe ? code : null;
  } catch {
    return null;
  }
}

function unreadable(endpoint: Endpoint, why: string): SemcacheError {
  return failed(endpoint, `sent embeddings that cannot be used: ${why}`, 'Check semcache.embedding.model.');
}

function failed({ url, model }: Endpoint, what: string, todo: string): SemcacheError {
  return new SemcacheError(
    'embedding-failed',
    `${url.host} ${what} for the embedding model "${model}". Prompts go to the model as if nothing were stored. ${todo}`,
  );
}

/** fetch() says "fetch failed" and keeps the reason in the cause. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  if (cause instanceof Error) return (cause as NodeJS.ErrnoException).code ?? cause.message;
  return messageOf(error);
}
