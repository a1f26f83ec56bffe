// From a request to its answer, in the order it happens: look up, have a near hit judged, then serve, or ask upstream,
// record and store.
// Owns: the order of the steps, and what may be stored.
// Does not know: HTTP; VS Code; which store, embedder or upstream is in use.
// Always true: no failure of the cache makes the prompt fail; only a failing upstream does.

import type { AnswerPart, AnswerPrompt, Ask, ContentPart, EndPart, FinishReason, Outcome, Usage, WirePart } from '../protocol/answer.ts';
import { bypassWords, missWords, type Decision } from '../protocol/decision.ts';
import { SemcacheError } from '../protocol/errors.ts';
import type { Prompt } from '../protocol/prompt.ts';
import type { Counters } from './counters.ts';
import { Judging } from './judging.ts';
import { promptFromRequest } from './promptFromRequest.ts';
import { keysOf } from './scope.ts';
import { contentOf, generationOf, type Found, type SemanticCache } from './semanticCache.ts';
import { SingleFlight } from './singleFlight.ts';

/** What upstream calls yield once recorded: content, then the end with its outcome. */
type RecordedPart = ContentPart | WirePart | (EndPart & Outcome);

export function createAnswerPrompt(parts: {
  cache: SemanticCache;
  counters: Counters;
  now: () => number;
  /** Told of a failure to store, which no prompt sees. */
  onFailure: (error: unknown) => void;
}): AnswerPrompt {
  const { cache, counters, now, onFailure } = parts;
  const flights = new SingleFlight<RecordedPart>();
  const judging = new Judging({ now });

  async function* answerPrompt(ask: Ask, signal: AbortSignal): AsyncIterable<AnswerPart | WirePart> {
    if (!ask.settings.enabled || ask.bypass !== undefined) {
      const decision: Decision = ask.settings.enabled
        ? { status: 'bypass', reason: 'uncacheable', why: ask.bypass ?? bypassWords.uncacheable }
        : { status: 'bypass', reason: 'cache-off', why: bypassWords['cache-off'] };
      counters.count(decision);
      yield decided(ask, decision);
      yield* unrecorded(ask, now, signal);
      return;
    }

    const prompt = promptFromRequest(ask.request);
    const keys = keysOf(prompt);
    const flightKey = `${keys.entryId} ${ask.wire ?? ''}`;
    const running = flights.get(flightKey);
    if (running?.landing === true) {
      await running.landed(signal);
    } else if (running !== undefined) {
      const joined = yield* join(running.read(signal), () => running.begun, decision => decided(ask, decision, { prompt, keys }));
      if (joined) return;
    }

    const found = await judged(
      ask,
      ask.refresh === true
        ? { decision: { status: 'miss', reason: 'refresh', why: missWords.refresh }, entry: null, keys, vector: null }
        : await cache.find(prompt, ask.settings, signal, ask.accepts),
      prompt,
    );
    if (signal.aborted) throw new SemcacheError('cancelled', 'The request was cancelled before its answer was begun. Nothing was stored.');

    if (found.entry !== null) {
      yield* served(found, found.entry, decided(ask, found.decision, { prompt, ...found }));
      return;
    }
    counters.count(found.decision);
    yield decided(ask, found.decision, { prompt, ...found });
    const flight = flights.get(flightKey) ?? flights.begin(flightKey, (abort, land) => recorded(ask, prompt, found, abort, land));
    yield* flight.read(signal);
  }
  // Wire parts come from wire upstreams only, and those are asked by readers of wire parts.
  return answerPrompt as AnswerPrompt;

  /** A near hit goes to the judge, where the person wants one. */
  async function judged(ask: Ask, found: Found, { instruction }: Prompt): Promise<Found> {
    const near = found.verdict?.near;
    if (ask.judge === undefined || found.decision.status !== 'miss' || !near || ask.settings.maxWrongHitRate === 0) return found;
    const { judgement, isFirst } = await judging.ask(ask.judge, { stored: near.entry.instruction, asked: instruction });
    if (isFirst) counters.countJudgement(judgement);
    return cache.judged(found, judgement);
  }

  /** The part that tells a decision, after whoever wants to explain it later was given what that takes. */
  function decided(ask: Ask, decision: Decision, known: { prompt?: Prompt } & Partial<Pick<Found, 'keys' | 'verdict'>> = {}): AnswerPart {
    if (ask.explain !== undefined) {
      const { prompt = promptFromRequest(ask.request), keys = keysOf(prompt), verdict } = known;
      ask.explain(cache.explainer(prompt, keys, { decision, settings: ask.settings }, verdict));
    }
    return { type: 'decision', decision };
  }

  /** Reads along with an equal prompt. False if that failed before it said anything: then we ask ourselves. */
  async function* join(
    stream: AsyncIterable<RecordedPart>,
    begun: () => boolean,
    tell: (decision: Decision) => AnswerPart,
  ): AsyncGenerator<AnswerPart | WirePart, boolean> {
    const decision: Decision = { status: 'miss', reason: 'in-flight', why: missWords['in-flight'] };
    let told = false;
    try {
      for await (const part of stream) {
        if (!told) {
          counters.count(decision);
          yield tell(decision);
          told = true;
        }
        yield part;
      }
      return true;
    } catch (error) {
      if (told || begun() || isCancelled(error)) throw error;
      return false;
    }
  }

  function* served(found: Found, entry: NonNullable<Found['entry']>, decision: AnswerPart): Iterable<AnswerPart> {
    const [generation] = entry.generations;
    counters.count(found.decision, entry.usage === null ? undefined : { model: entry.model, ...tokensOf(entry.usage) });
    cache.recordHit(entry.id);
    yield decision;
    if (generation !== undefined) yield* contentOf(generation);
    yield {
      type: 'end',
      finish: (generation?.generationInfo?.finishReason as FinishReason | undefined) ?? 'stop',
      ...(entry.usage === null ? {} : { usage: entry.usage }),
      model: entry.model,
      ...(generation?.message === undefined ? {} : { message: generation.message }),
      entryId: entry.id,
      upstreamMs: 0,
    };
  }

  async function* recorded(
    ask: Ask,
    prompt: Prompt,
    found: Found,
    signal: AbortSignal,
    land: () => void,
  ): AsyncIterable<RecordedPart> {
    const content: ContentPart[] = [];
    const startedAt = now();
    for await (const part of ask.upstream.answer(ask.request, signal)) {
      if (part.type === 'wire') {
        if (part.step === 'done' || (part.step === 'body' && part.terminal === true)) land();
        yield part;
        continue;
      }
      if (part.type !== 'end') {
        content.push(part);
        yield part;
        continue;
      }
      land();
      const upstreamMs = now() - startedAt;
      const usage = part.usage ?? estimatedUsage(prompt, content);
      const model = part.model ?? ask.request.model;
      yield { ...part, usage, model, ...(await store(ask, prompt, found, content, { ...part, usage, model, upstreamMs })) };
      return;
    }
    throw new SemcacheError(
      'upstream-failed',
      `The answer of ${ask.upstream.name} stopped before its end. What arrived is shown; nothing was stored. Ask again.`,
    );
  }

  async function store(
    ask: Ask,
    prompt: Prompt,
    found: Found,
    content: ContentPart[],
    answer: EndPart & { usage: Usage; model: string; upstreamMs: number },
  ): Promise<Outcome> {
    const { finish, usage, model, message, upstreamMs } = answer;
    const notStored = whyNotStored(finish, content, ask);
    if (notStored !== null) return { entryId: null, notStored, upstreamMs };
    try {
      const entry = await cache.keep({
        prompt,
        keys: found.keys,
        vector: found.vector,
        generations: [{ ...generationOf(content, { finishReason: finish, model, usage }), ...(message === undefined ? {} : { message }) }],
        facts: { model, route: ask.route, workspace: ask.workspace, usage, upstreamMs },
        settings: ask.settings,
      });
      counters.entriesChanged();
      return { entryId: entry.id, upstreamMs };
    } catch (error) {
      onFailure(error);
      return { entryId: null, notStored: 'the store failed', upstreamMs };
    }
  }
}

/** Only whole answers are kept: an empty, cut, filtered or failed one would be served again and again. */
function whyNotStored(finish: FinishReason, content: ContentPart[], ask: Ask): string | null {
  if (ask.noStore === true) return 'the request asked for that';
  if (ask.settings.ttl === 0) return 'semcache.ttl is 0';
  switch (finish) {
    case 'stop':
    case 'tool-calls':
      return content.some(part => part.type !== 'text' || part.text.trim() !== '') ? null : 'the answer is empty';
    case 'length':
      return 'the answer was cut at the model\'s token limit';
    case 'content-filter':
      return 'the provider filtered the answer';
    case 'cancelled':
      return 'the answer was cancelled';
    case 'error':
    case 'unknown':
      return 'the answer did not end properly';
  }
}

async function* unrecorded(ask: Ask, now: () => number, signal: AbortSignal): AsyncIterable<AnswerPart | WirePart> {
  const startedAt = now();
  for await (const part of ask.upstream.answer(ask.request, signal)) {
    yield part.type === 'end'
      ? { ...part, entryId: null, notStored: ask.bypass ?? 'the cache is switched off', upstreamMs: now() - startedAt }
      : part;
  }
}

/** Four characters a token, where the upstream reports nothing. */
function estimatedUsage(prompt: Prompt, content: ContentPart[]): Usage {
  const asked = prompt.context.reduce((sum, part) => sum + part.text.length, prompt.instruction.length);
  const answered = content.reduce((sum, part) => sum + (part.type === 'text' ? part.text.length : 0), 0);
  return { promptTokens: Math.ceil(asked / 4), completionTokens: Math.ceil(answered / 4), estimated: true };
}

function tokensOf({ promptTokens, completionTokens }: Usage): { promptTokens: number; completionTokens: number } {
  return { promptTokens, completionTokens };
}

function isCancelled(error: unknown): boolean {
  return error instanceof SemcacheError && error.code === 'cancelled';
}
