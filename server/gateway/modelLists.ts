// What providers offer that have no list of models in the settings, as they say themselves.
// Owns: asking them, and for how long their word counts. Does not know: what a listed model is asked.
// Always true: a provider that cannot be reached, or is slow to tell, offers nothing and stops nobody.

import type { IncomingMessage } from 'node:http';
import type { HttpUpstreamConfig } from '../protocol/messages.ts';
import { isJson, jsonList, textOrEmpty, type ApiName } from './api.ts';
import type { GatewayParts } from './gatewayParts.ts';
import { callProvider } from './providerCall.ts';
import { upstreamFor, upstreamHeaders, upstreamUrl } from './upstreamChoice.ts';

/** Longest wait for a list. */
const deadlineMs = 3000;
const countsForMs = 5 * 60_000;
/** A younger list that lacks the model is believed: names that nobody has cost no request each. */
const lacksForMs = 30_000;

interface Told {
  models: readonly string[];
  at: number;
}

export class ModelLists {
  readonly #parts: Pick<GatewayParts, 'upstreams' | 'token' | 'name' | 'now'>;
  readonly #told = new Map<string, Told>();
  readonly #asking = new Map<string, Promise<Told>>();

  constructor(parts: Pick<GatewayParts, 'upstreams' | 'token' | 'name' | 'now'>) {
    this.#parts = parts;
  }

  /** As the settings say; of several providers that take every model, one that offers this one. Null where none is set. */
  async upstreamFor(model: string, api: ApiName, incoming: IncomingMessage): Promise<HttpUpstreamConfig | null> {
    const chosen = upstreamFor(this.#parts.upstreams(), model, api);
    const open = this.#parts.upstreams().filter(({ models }) => models.length === 0);
    if (model === '' || open.length < 2 || chosen === null || !open.includes(chosen)) return chosen;
    const offers = await Promise.all(open.map(upstream => this.#offers(upstream, model, incoming)));
    return upstreamFor(open.filter((_, at) => offers[at]), model, api) ?? chosen;
  }

  /** What it offers now. */
  async ask(upstream: HttpUpstreamConfig, incoming: IncomingMessage): Promise<readonly string[]> {
    return (await this.#ask(upstream, incoming)).models;
  }

  async #offers(upstream: HttpUpstreamConfig, model: string, incoming: IncomingMessage): Promise<boolean> {
    const told = this.#told.get(keyOf(upstream));
    const has = told?.models.includes(model) === true;
    const isRecent = told !== undefined && this.#parts.now() - told.at < (has ? countsForMs : lacksForMs);
    if (isRecent) return has;
    const asked = this.#ask(upstream, incoming);
    // Nobody waits for a list that has grown old.
    return has || (await asked).models.includes(model);
  }

  #ask(upstream: HttpUpstreamConfig, incoming: IncomingMessage): Promise<Told> {
    const key = keyOf(upstream);
    const running = this.#asking.get(key);
    if (running !== undefined) return running;
    const asking = listOf(upstream, incoming, this.#parts).then(models => {
      const told = { models, at: this.#parts.now() };
      this.#told.set(key, told);
      this.#asking.delete(key);
      return told;
    });
    this.#asking.set(key, asking);
    return asking;
  }
}

function keyOf({ name, baseUrl }: HttpUpstreamConfig): string {
  return `${name} ${baseUrl}`;
}

/** Empty where it does not tell. */
async function listOf(upstream: HttpUpstreamConfig, incoming: IncomingMessage, parts: Pick<GatewayParts, 'token' | 'name'>): Promise<string[]> {
  const isAnthropic = upstream.kind === 'anthropic';
  const headers = upstreamHeaders(upstream, incoming.headers, parts);
  delete headers['content-type'];
  delete headers['content-encoding'];
  // Anthropic wants its version, which tools of another API do not send, and tells 20 models where it is not asked for more.
  if (isAnthropic) headers['anthropic-version'] ??= '2023-06-01';
  try {
    const { status, body } = await callProvider(
      { provider: upstream.name, url: upstreamUrl(upstream, isAnthropic ? '/v1/models?limit=1000' : '/v1/models'), method: 'GET', headers, body: null },
      AbortSignal.timeout(deadlineMs),
    );
    const chunks: Buffer[] = [];
    for await (const chunk of body) chunks.push(chunk);
    const list: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'));
    return status === 200 && isJson(list) ? jsonList(list['data']).map(({ id }) => textOrEmpty(id)).filter(id => id !== '') : [];
  } catch {
    return [];
  }
}
