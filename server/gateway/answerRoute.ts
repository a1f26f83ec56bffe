// One request to a model: read, answered through the cache, and written as its API writes answers.
// Owns: the order of these steps, and what of a failure a client sees.
// Does not know: how a body is read (the four APIs), what may hit (the cache), where answers come from (upstreamChoice).
// Always true: a fresh answer is passed on byte for byte; no failure of ours makes a request fail that a provider
// would have answered.

import { createHash, randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AnswerPart, Ask, ContentPart, WirePart, WireUpstream } from '../protocol/answer.ts';
import type { Decision } from '../protocol/decision.ts';
import { errorCodes, messageOf, SemcacheError } from '../protocol/errors.ts';
import { mayLeadBack } from '../protocol/lentModels.ts';
import type { HttpUpstreamConfig } from '../protocol/messages.ts';
import type { ModelRequest } from '../protocol/prompt.ts';
import { ownCredentials } from './admission.ts';
import { textOrEmpty, type Api, type Json, type Reading } from './api.ts';
import { canonicalJson } from './canonicalJson.ts';
import { controlOf, headersOf, type Control } from './control.ts';
import { createEditorAnswer } from './editorAnswer.ts';
import { editorModelIn, questionForEditor } from './editorQuestion.ts';
import type { GatewayParts } from './gatewayParts.ts';
import { refuseOwnAddress } from './loop.ts';
import type { Metrics } from './metrics.ts';
import type { ModelLists } from './modelLists.ts';
import { createProviderUpstream } from './providerUpstream.ts';
import { canServe, finalOf } from './recorded.ts';
import { sendBytes, sendEvents, sendHead, sendJson } from './reply.ts';
import { BodyRefused, parseBody, readBody } from './requestBody.ts';
import type { ServedRequests } from './servedRequests.ts';
import { upstreamHeaders, upstreamUrl } from './upstreamChoice.ts';

export interface AnswerContext {
  parts: GatewayParts;
  metrics: Metrics;
  served: ServedRequests;
  lists: ModelLists;
}

export async function answerRoute(context: AnswerContext, api: Api, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const startedAt = performance.now();
  const gone = new AbortController();
  const onClose = (): void => gone.abort();
  outgoing.once('close', onClose);
  try {
    const bytes = await readBody(incoming);
    const { json, odd } = await parseBody(bytes, incoming.headers['content-encoding']);
    const model = textOrEmpty(json['model']);
    const editorModel = editorModelIn(model);
    const answerer = editorModel === null ? await providerOf(context.lists, api, model, incoming) : editorOf(api, editorModel);
    const exchange: Exchange = {
      context, api, incoming, outgoing, bytes, answerer, startedAt,
      // An answer of the editor is kept by nobody but us.
      body: answerer.kind === 'editor' ? { ...json, store: false } : json,
      control: controlOf(incoming.headers),
      providerAsked: false,
      settled: () => outgoing.off('close', onClose),
    };
    const reading = readingOf(exchange, odd);
    await throughCache(exchange, reading, upstreamOf(exchange, reading), gone.signal);
  } catch (error) {
    fail(context, api, outgoing, gone.signal, error);
  } finally {
    outgoing.off('close', onClose);
  }
}

interface Exchange {
  context: AnswerContext;
  api: Api;
  incoming: IncomingMessage;
  outgoing: ServerResponse;
  body: Json;
  /** The body as it came. */
  bytes: Buffer;
  answerer: Answerer;
  control: Control;
  startedAt: number;
  providerAsked: boolean;
  /** Called when the client has the whole answer: that it closes its connection then is no reason to stop. */
  settled: () => void;
}

/** Who answers what the cache cannot. */
type Answerer =
  | { kind: 'provider'; upstream: HttpUpstreamConfig }
  /** `model` as the editor names it. */
  | { kind: 'editor'; model: string; api: Api & Required<Pick<Api, 'live'>> };

/** @throws SemcacheError upstream-missing, upstream-loop */
async function providerOf(lists: ModelLists, api: Api, model: string, incoming: IncomingMessage): Promise<Answerer> {
  const upstream = await lists.upstreamFor(model, api.name, incoming);
  if (upstream === null) throw noUpstream(model);
  refuseOwnAddress(upstream, incoming.socket.localPort);
  return { kind: 'provider', upstream };
}

/** @throws BodyRefused for an API in which no model of the editor can answer; SemcacheError upstream-loop */
function editorOf(api: Api, model: string): Answerer {
  const { live } = api;
  if (live === undefined) throw new BodyRefused(400, `Models of the editor are asked through /v1/chat/completions, /v1/messages or /v1/responses, not ${api.path}.`);
  if (mayLeadBack(model)) throw mayBeUs(model);
  return { kind: 'editor', model, api: { ...api, live } };
}

/** What the cache compares: the body's own, and what of the headers changes whose answer it is. */
function readingOf({ api, body, incoming, answerer, control, context }: Exchange, odd: string | null): Reading {
  if (odd !== null) return asItIs(body, odd);
  let reading: Reading;
  try {
    reading = api.read(body, name => textOrEmpty(incoming.headers[name]) || undefined);
  } catch {
    return asItIs(body, 'it is not understood');
  }
  const { parts } = context;
  const isClientsOwn = answerer.kind === 'provider' && answerer.upstream.apiKey === undefined && !parts.sharedBetweenKeys();
  const own = isClientsOwn ? Object.values(ownCredentials(incoming.headers, parts.token)) : [];
  const parameters = {
    ...reading.request.parameters,
    ...(own.length === 0 ? {} : { 'semcache credential': sha256(own.map(bare).sort().join(' ')) }),
    ...(control.namespace === null ? {} : { 'semcache namespace': control.namespace }),
  };
  // By the name that the editor's own asks have: what was asked there is answered here, and the other way round.
  const model = answerer.kind === 'editor' ? answerer.model.slice(answerer.model.indexOf('/') + 1) : reading.request.model;
  return { ...reading, request: { ...reading.request, model, parameters } };
}

function asItIs(body: Json, bypass: string): Reading {
  return { request: { model: textOrEmpty(body['model']), parameters: {}, messages: [], tools: [] }, bypass };
}

/** A fault in the cache is no reason to leave a client without the answer that the provider would give. */
async function throughCache(exchange: Exchange, reading: Reading, upstream: WireUpstream, signal: AbortSignal): Promise<void> {
  try {
    await exchangeAnswer(exchange, reading, upstream, signal);
  } catch (error) {
    if (!exchange.outgoing.headersSent && !signal.aborted && isUpstreamFailure(error) && (await replayStale(exchange, reading, upstream, signal))) return;
    if (exchange.providerAsked || exchange.outgoing.headersSent || signal.aborted || error instanceof SemcacheError) throw error;
    exchange.context.parts.log.warning('A request could not be compared because of a fault in Semcache; it was passed on.');
    await exchangeAnswer(exchange, asItIs(exchange.body, 'the cache failed'), upstream, signal);
  }
}

async function exchangeAnswer(exchange: Exchange, reading: Reading, upstream: WireUpstream, signal: AbortSignal): Promise<void> {
  const { context, api, control } = exchange;
  let decision: Decision | null = null;
  const hit: Array<AnswerPart & { type: 'text' | 'data' | 'tool-call' }> = [];
  let fromProvider = false;

  for await (const part of context.parts.answerPrompt(askOf(exchange, reading, upstream), signal)) {
    switch (part.type) {
      case 'decision':
        ({ decision } = part);
        context.metrics.decided(api.name, decision, performance.now() - exchange.startedAt);
        if (decision.status === 'miss' && decision.near !== undefined) remember(exchange, decision.near.entryId, reading.request, true);
        if (control.onlyIfCached && !isHit(decision)) return sendNotCached(exchange, decision);
        break;
      case 'wire':
        if (part.step === 'head' && isFailing(part.status) && (await replayStale(exchange, reading, upstream, signal))) return;
        fromProvider = true;
        await passOn(exchange, part, decision);
        break;
      case 'end':
        if (!fromProvider) replay(exchange, reading.request, decision, { ...part, content: hit, model: part.model ?? reading.request.model });
        break;
      default:
        if (!fromProvider) hit.push(part);
    }
  }
}

/** A stored answer that is older than was asked for, where the request prefers one to a failure. False where there is none. */
async function replayStale(exchange: Exchange, reading: Reading, upstream: WireUpstream, signal: AbortSignal): Promise<boolean> {
  const { context, api, body, control } = exchange;
  if (!control.staleIfError || reading.bypass !== undefined) return false;
  const { refresh: _refresh, judge: _judge, ...ask } = askOf(exchange, reading, upstream);
  const content: ContentPart[] = [];
  let decision: Decision | null = null;
  // Of a form of its own, so that it does not read along with the call that has just failed.
  for await (const part of context.parts.answerPrompt({ ...ask, wire: 'stale', accepts: entry => canServe(api, body, entry) }, signal)) {
    if (part.type === 'decision') {
      if (!isHit(part.decision)) return false;
      decision = { ...part.decision, status: 'stale', why: `${part.decision.why} The provider failed, and the request takes an older answer then.` };
      context.metrics.decided(api.name, decision, performance.now() - exchange.startedAt);
    } else if (part.type === 'end') {
      replay(exchange, reading.request, decision, { ...part, content, model: part.model ?? reading.request.model });
    } else if (part.type !== 'wire') content.push(part);
  }
  return true;
}

function isUpstreamFailure(error: unknown): boolean {
  return error instanceof SemcacheError && (error.code === 'upstream-failed' || error.code === 'upstream-missing');
}

/** Errors of the provider's own, and its asking for patience; of the others the client is the cause. */
function isFailing(status: number): boolean {
  return status >= 500 || status === 429;
}

function askOf(exchange: Exchange, reading: Reading, upstream: WireUpstream): Ask & { wire: string } {
  const { context, api, body, control } = exchange;
  const { parts } = context;
  const settings = parts.settings();
  const { maxWrongHitRate } = control;
  // Whoever wants a stored answer only, wants nobody to be asked.
  const judge = control.onlyIfCached ? null : parts.judge();
  const oldest = control.maxAgeMs === null ? -Infinity : parts.now() - control.maxAgeMs;
  return {
    request: reading.request,
    upstream: {
      name: upstream.name,
      answer(request, signal) {
        exchange.providerAsked = true;
        return upstream.answer(request, signal);
      },
    },
    route: 'gateway',
    workspace: null,
    settings: maxWrongHitRate === null ? settings : { ...settings, maxWrongHitRate },
    // A model of the editor may ask this gateway for a provider's, with the same prompt: it must not wait for itself.
    wire: canonicalJson([api.name, body['stream'] === true, body['stream_options'] ?? null, exchange.answerer.kind]),
    accepts: entry => entry.updatedAt >= oldest && canServe(api, body, entry),
    ...(judge === null ? {} : { judge }),
    ...(control.refresh ? { refresh: true } : {}),
    ...(control.noStore ? { noStore: true } : {}),
    ...(reading.bypass === undefined ? {} : { bypass: `Passed on: ${reading.bypass}.` }),
  };
}

/** @throws BodyRefused for what a model of the editor cannot be asked */
function upstreamOf({ context: { parts }, api, answerer, body, bytes, incoming }: Exchange, reading: Reading): WireUpstream {
  if (answerer.kind === 'editor') {
    const { model } = answerer;
    return createEditorAnswer({
      api: answerer.api, body, fresh: freshOf(parts),
      question: questionForEditor(reading, model),
      upstream: () => parts.editorUpstream(model) ?? noWindow(model),
    });
  }
  const { upstream } = answerer;
  return createProviderUpstream(api, {
    provider: upstream.name,
    url: upstreamUrl(upstream, incoming.url ?? api.path),
    method: 'POST',
    headers: upstreamHeaders(upstream, incoming.headers, parts),
    body: bytes,
  });
}

function freshOf({ now }: GatewayParts): { id: string; createdAt: number } {
  return { id: randomBytes(12).toString('hex'), createdAt: Math.floor(now() / 1000) };
}

async function passOn({ outgoing, settled }: Exchange, part: WirePart, decision: Decision | null): Promise<void> {
  switch (part.step) {
    case 'head':
      return sendHead(outgoing, part, decision === null ? {} : headersOf(decision));
    case 'body':
      if (part.terminal === true) settled();
      return sendBytes(outgoing, part.bytes);
    case 'done':
      settled();
      outgoing.end();
  }
}

function replay(exchange: Exchange, request: ModelRequest, decision: Decision | null, answer: Parameters<typeof finalOf>[2]): void {
  const { context, api, outgoing, body, settled } = exchange;
  const final = finalOf(api, body, answer, freshOf(context.parts));
  const headers = decision === null ? {} : headersOf(decision);
  if (decision !== null && isHit(decision)) remember(exchange, decision.entryId, request, false);
  settled();
  if (body['stream'] === true) sendEvents(outgoing, api.events(final, body), headers);
  else sendJson(outgoing, 200, final, headers);
}

function remember({ context, bytes }: Exchange, entryId: string, request: ModelRequest, offered: boolean): void {
  context.served.remember(entryId, { request, offered, sizeBytes: bytes.length });
}

function sendNotCached({ api, outgoing }: Exchange, decision: Decision): void {
  sendJson(outgoing, 504, api.error(504, `No stored answer fits (only-if-cached was asked for). ${decision.why}`), headersOf(decision));
}

function fail({ parts, metrics }: AnswerContext, api: Api, outgoing: ServerResponse, signal: AbortSignal, error: unknown): void {
  if (signal.aborted) return void outgoing.destroy();
  const status = error instanceof BodyRefused ? error.status : error instanceof SemcacheError ? errorCodes[error.code] : 500;
  metrics.failed(api.name, status);
  if (status >= 500) parts.log.warning(`A request through the gateway failed with status ${status}: ${error instanceof SemcacheError ? error.message : 'an error of ours'}`);
  // After the head a failure can only be told by breaking off, as the provider did.
  if (outgoing.headersSent) return void outgoing.destroy();
  const said = error instanceof SemcacheError || error instanceof BodyRefused ? messageOf(error) : 'The gateway failed. Its log says where; the provider was not asked.';
  sendJson(outgoing, status, api.error(status, said), status === 413 ? { connection: 'close' } : {});
}

function noUpstream(model: string): SemcacheError {
  return new SemcacheError(
    'upstream-missing',
    `No provider is set for the model "${model.slice(0, 100)}", so nobody can answer. Add one to semcache.upstreams, or start with --upstream URL.`,
  );
}

function mayBeUs(model: string): SemcacheError {
  return new SemcacheError(
    'upstream-loop',
    `"${model.slice(0, 100)}" is not lent to other tools, since it may lead back to this gateway, which would then ask itself. ` +
      'Ask for a model of another vendor, or list the endpoint in semcache.upstreams.',
  );
}

function noWindow(model: string): never {
  throw new SemcacheError(
    'upstream-missing',
    `No window of the editor lets other tools use "${model.slice(0, 100)}" now. Open VS Code with Semcache, switch on semcache.gateway.editorModels, ` +
      'and ask GET /v1/models for what there is.',
  );
}

function isHit(decision: Decision): decision is Decision & { status: 'hit' | 'stale' } {
  return decision.status === 'hit' || decision.status === 'stale';
}

function bare(credential: string): string {
  return credential.replace(/^bearer\s+/i, '').trim();
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
