// The seed's three verbs (lookup, update, clear), and the same on prompts that are already split.
// Owns: the order of the tiers (exact, then what the person called the same, then by meaning) and what an entry records.
// Does not know: which store or model is in use; upstreams; wire formats.
// Always true: find() never throws for a failing store or embedder; the decision is then a bypass with the reason.

import type { Embedder } from '../embedding/embedder.ts';
import { decide } from '../matching/decide.ts';
import type { Verdict } from '../matching/verdict.ts';
import { textOf, type ContentPart, type Generation, type Usage } from '../protocol/answer.ts';
import { bypassWords, missWords, type BypassReason, type Decision, type Judgement, type NearHit } from '../protocol/decision.ts';
import type { Candidate, Entry, EntryFilter, FoundEntry } from '../protocol/entry.ts';
import { SemcacheError } from '../protocol/errors.ts';
import type { Explanation } from '../protocol/explanation.ts';
import type { LookupResult } from '../protocol/messages.ts';
import type { ModelRequest, Prompt, Route } from '../protocol/prompt.ts';
import { seedSettings, type CacheSettings } from '../protocol/settings.ts';
import type { Store } from '../store/store.ts';
import { within } from '../store/within.ts';
import { elsewhereWords, explain, type Asked, type Judged } from './explain.ts';
import { judgementWords } from './judging.ts';
import { promptFromRequest, promptFromText } from './promptFromRequest.ts';
import { aliasedEntry, aliasWords, checkAliasable, rule } from './rulings.ts';
import { keysOf, type PromptKeys } from './scope.ts';

/** Candidates fetched for a decision. */
const candidateCount = 5;
/** A miss may wait this long for the words that say where else the question is stored: the model takes a hundred times longer. */
const elsewhereWaitMs = 10;
const dayMs = 24 * 60 * 60 * 1000;

export interface Found {
  decision: Decision;
  /** The entry that answers; null unless the decision is a hit. */
  entry: FoundEntry | null;
  keys: PromptKeys;
  /** The instruction's vector where it was made, so that storing the answer need not make it again. */
  vector: Float32Array | null;
  /** How the candidates were judged; absent where none was looked at. */
  verdict?: Verdict;
}

/** What is known of a fresh answer beside its text. */
export interface AnswerFacts {
  model: string;
  route: Route;
  workspace: string | null;
  usage: Usage | null;
  upstreamMs: number;
}

export class SemanticCache {
  readonly #store: Store;
  readonly #embedder: Embedder | null;
  readonly #now: () => number;

  constructor(parts: { store: Store; embedder: Embedder | null; now: () => number }) {
    this.#store = parts.store;
    this.#embedder = parts.embedder;
    this.#now = parts.now;
  }

  /** The seed's lookup: the nearest entry of this llmString that may answer, by the seed's rule unless told otherwise. */
  async lookup(prompt: string, llmString: string, settings: CacheSettings = seedSettings): Promise<LookupResult> {
    const { decision, entry } = await this.find(promptFromText(prompt, llmString), settings);
    return { decision, generations: entry?.generations ?? null };
  }

  /** The seed's update: stores, or replaces what the same prompt and llmString had. */
  async update(
    prompt: string,
    llmString: string,
    generations: Generation[],
    settings: CacheSettings = seedSettings,
  ): Promise<Entry> {
    const split = promptFromText(prompt, llmString);
    const facts: AnswerFacts = { model: llmString, route: 'cli', workspace: null, usage: null, upstreamMs: 0 };
    return this.keep({ prompt: split, keys: keysOf(split), vector: null, generations, facts, settings });
  }

  /** The seed's clear; an empty filter is every entry. Resolves to the number removed. */
  async clear(filter: EntryFilter = {}): Promise<number> {
    return this.#store.clear(filter);
  }

  /** Which entry answers this prompt, if any, and why. @throws SemcacheError cancelled, nothing else */
  async find(
    prompt: Prompt,
    settings: CacheSettings,
    signal?: AbortSignal,
    accepts: (entry: FoundEntry) => boolean = () => true,
  ): Promise<Found> {
    const keys = keysOf(prompt);
    const failed = (reason: BypassReason, vector: Float32Array | null = null): Found => ({
      decision: { status: 'bypass', reason, why: bypassWords[reason] },
      entry: null,
      keys,
      vector,
    });

    const exactOnly = settings.matching === 'exact' || prompt.exactOnly !== undefined;
    // Asked for in one round trip with the entry. Without them the look-up is as good as without a person's word.
    const aliases = exactOnly ? [] : this.#store.aliasesOf(keys.instructionKey).catch(() => []);
    let same: Entry | null;
    try {
      same = await this.#store.get(keys.entryId, keys.scope);
    } catch {
      return failed('store-failed');
    }
    if (same !== null && accepts(same)) return { ...this.#hit(same, 'exact', 0, 'The same question about the same context.'), keys, vector: null };

    const isReplayable = (entry: Entry): boolean => accepts(entry) && isReplayableByMeaning(entry);
    const aliased = await aliasedEntry(this.#store, keys, await aliases, isReplayable).catch(() => null);
    if (aliased !== null) return { ...this.#hit(aliased, 'semantic', 0, aliasWords), keys, vector: null };

    if (exactOnly) {
      if (same !== null) return { decision: { status: 'miss', reason: 'unfit', why: missWords.unfit }, entry: null, keys, vector: null };
      const why = prompt.exactOnly === undefined ? await this.#whyNoEntry(prompt, keys) : `${missWords['exact-only']} (${prompt.exactOnly})`;
      return { decision: { status: 'miss', reason: 'exact-only', why }, entry: null, keys, vector: null };
    }

    if (this.#embedder === null) return failed('embedding-failed');
    let vector: Float32Array;
    try {
      [vector] = (await this.#embedder.embed([prompt.instruction], signal)) as [Float32Array];
    } catch (error) {
      if (error instanceof SemcacheError && error.code === 'cancelled') throw error;
      return failed(error instanceof SemcacheError && error.code === 'embedding-timeout' ? 'embedding-timeout' : 'embedding-failed');
    }

    let nearest: Candidate[];
    try {
      nearest = await this.#store.nearest({
        scope: keys.scope,
        fingerprint: this.#embedder.fingerprint,
        vector,
        k: candidateCount,
        instructionKey: keys.instructionKey,
      });
    } catch {
      return failed('store-failed', vector);
    }
    const fit = nearest.filter(({ entry }) => accepts(entry));
    if (fit.length === 0 && (same !== null || nearest.length > 0)) {
      return { decision: { status: 'miss', reason: 'unfit', why: missWords.unfit }, entry: null, keys, vector };
    }
    const found = { ...(await this.#decided(prompt, fit.filter(({ entry }) => isReplayableByMeaning(entry)), settings, signal)), keys, vector };
    if (found.decision.status !== 'miss' || found.decision.reason !== 'no-entry') return found;
    return { ...found, decision: { ...found.decision, why: await this.#whyNoEntry(prompt, keys) } };
  }

  /** A near hit as a judge sees it: yes is a hit, no is a miss without an offer, and without a verdict all stays as it was. */
  judged(found: Found, judgement: Judgement): Found {
    const { decision, verdict } = found;
    if (decision.status !== 'miss' || !verdict?.near) return found;
    const words = judgementWords(judgement);
    const told = { ...found, decision: { ...decision, judgement, why: `${decision.why} ${words}` } };
    if (judgement.verdict === null) return told;
    const outcome = judgement.verdict === 'yes' ? ('accepted' as const) : ('refused' as const);
    const explanation = verdict.explanation.map(each => (each.outcome === 'near' ? { ...each, outcome, why: words } : each));
    if (outcome === 'refused') return { ...told, decision: withoutOffer(told.decision), verdict: { ...verdict, near: null, explanation } };
    const { entry, distance } = verdict.near;
    const hit = this.#hit(entry, 'semantic', distance, words, decision.near?.probability);
    return { ...found, entry, decision: { ...hit.decision, judgement }, verdict: { ...verdict, explanation } };
  }

  /**
   * What led to a decision, for whoever asks later. What it keeps until then holds none of the context's texts.
   * @param verdict of the candidates, where some were looked at
   */
  explainer({ instruction, llmString }: Prompt, keys: PromptKeys, { decision, settings }: Judged, verdict?: Verdict): () => Promise<Explanation> {
    const asked: Asked = { instruction, llmString, keys };
    const judged: Judged = { decision, candidates: verdict?.explanation, settings };
    return () => explain(this.#store, asked, judged);
  }

  /** Stores an answer under its prompt, replacing an earlier one. Without a working embedder it is found by equality only. */
  async keep(kept: {
    prompt: Prompt;
    keys: PromptKeys;
    vector: Float32Array | null;
    generations: Generation[];
    facts: AnswerFacts;
    settings: CacheSettings;
  }): Promise<Entry> {
    const { prompt, keys, facts } = kept;
    const vector = kept.vector ?? (await this.#vectorFor(prompt));
    const now = this.#now();
    const entry: Entry = {
      id: keys.entryId,
      scope: keys.scope,
      llmString: prompt.llmString,
      instruction: prompt.instruction,
      instructionKey: keys.instructionKey,
      context: keys.marks,
      fingerprint: vector === null ? null : this.#embedder!.fingerprint,
      vector,
      generations: kept.generations,
      ...facts,
      createdAt: now,
      updatedAt: now,
      expiresAt: now + kept.settings.ttl * dayMs,
      lastHitAt: null,
      hits: 0,
    };
    await this.#store.put(entry);
    return entry;
  }

  /** Marks an entry as used. A failing store is not the caller's concern. */
  recordHit(id: string): void {
    void this.#store.recordHit(id, { at: this.#now() }).catch(() => undefined);
  }

  /** Replaces the answer's text; its time to live begins again. @throws SemcacheError entry-not-found */
  async edit(id: string, text: string): Promise<void> {
    const entry = await this.#existing(id);
    const now = this.#now();
    const [first, ...others] = entry.generations;
    const { content: _recorded, message: _message, ...kept } = first ?? { text: '' };
    await this.#store.put({
      ...entry,
      generations: [{ ...kept, text }, ...others],
      updatedAt: now,
      expiresAt: now + (entry.expiresAt - entry.updatedAt),
    });
  }

  /**
   * The entry does not answer this request: the two instructions are never matched again. If they are the same
   * question, the answer itself is wrong and the entry goes. @throws SemcacheError entry-not-found
   */
  async wrongAnswer(id: string, request: ModelRequest): Promise<void> {
    const entry = await this.#existing(id);
    const keys = keysOf(promptFromRequest(request));
    if (keys.instructionKey === entry.instructionKey) await this.#store.clear({ ids: [id] });
    else await rule(this.#store, entry, keys, { same: false, at: this.#now() });
  }

  /** The entry, which was only offered, does not answer this request: as wrongAnswer(), but never removes it. @throws SemcacheError entry-not-found */
  async notTheSame(id: string, request: ModelRequest): Promise<void> {
    const entry = await this.#existing(id);
    const keys = keysOf(promptFromRequest(request));
    if (keys.instructionKey !== entry.instructionKey) await rule(this.#store, entry, keys, { same: false, at: this.#now() });
  }

  /**
   * The entry's question and this request's are the same: from now on either is answered by what the other has stored
   * about the same context, whatever is thought of their words. @throws SemcacheError entry-not-found, bad-request
   */
  async sameQuestion(id: string, request: ModelRequest): Promise<void> {
    const prompt = promptFromRequest(request);
    checkAliasable(prompt);
    const entry = await this.#existing(id);
    const keys = keysOf(prompt);
    if (keys.instructionKey !== entry.instructionKey) await rule(this.#store, entry, keys, { same: true, at: this.#now() });
  }

  async #decided(
    prompt: Prompt,
    candidates: Candidate[],
    settings: CacheSettings,
    signal?: AbortSignal,
  ): Promise<{ decision: Decision; entry: FoundEntry | null; verdict: Verdict }> {
    const verify = this.#embedder?.verify;
    const verdict = await decide({
      mode: settings.matching,
      scoreThreshold: settings.scoreThreshold,
      maxWrongHitRate: settings.maxWrongHitRate,
      instruction: prompt.instruction,
      candidates,
      verifier: verify === undefined ? undefined : pairs => verify(pairs, signal),
      verifiable: this.#embedder?.verifiable,
    });
    if (verdict.accepted !== null) {
      const { accepted, explanation, why } = verdict;
      const probability = explanation.find(({ outcome }) => outcome === 'accepted')?.probability;
      return { ...this.#hit(accepted.entry, 'semantic', accepted.distance, why, probability), verdict };
    }
    return {
      decision: {
        status: 'miss',
        reason: verdict.missReason ?? 'no-entry',
        why: verdict.why,
        ...(verdict.nearest === null ? {} : { nearest: verdict.nearest }),
        ...(verdict.near === null ? {} : { near: this.#nearHit(verdict.near, verdict) }),
      },
      entry: null,
      verdict,
    };
  }

  #nearHit({ entry, distance }: Candidate, { explanation }: Verdict): NearHit {
    return {
      entryId: entry.id,
      instruction: entry.instruction,
      distance,
      probability: explanation.find(({ outcome }) => outcome === 'near')?.probability ?? 0,
      ageMs: Math.max(0, this.#now() - entry.updatedAt),
      model: entry.model,
    };
  }

  #hit(
    entry: FoundEntry,
    match: 'exact' | 'semantic',
    distance: number,
    why: string,
    probability?: number,
  ): { decision: Decision & { status: 'hit' | 'stale' }; entry: FoundEntry } {
    return {
      decision: {
        status: 'hit',
        match,
        entryId: entry.id,
        instruction: entry.instruction,
        distance,
        ...(probability === undefined ? {} : { probability }),
        ageMs: Math.max(0, this.#now() - entry.updatedAt),
        savedMs: entry.upstreamMs,
        savedTokens: entry.usage === null ? 0 : entry.usage.promptTokens + entry.usage.completionTokens,
        model: entry.model,
        why: entry.storedBy === undefined ? why : `${why} Stored by ${entry.storedBy}.`,
      },
      entry,
    };
  }

  async #whyNoEntry({ instruction, llmString }: Prompt, keys: PromptKeys): Promise<string> {
    const asking = elsewhereWords(this.#store, { instruction, llmString, keys });
    return (await within(elsewhereWaitMs, asking).catch(() => null)) ?? missWords['no-entry'];
  }

  async #existing(id: string): Promise<Entry> {
    const entry = await this.#store.get(id);
    if (entry !== null) return entry;
    throw new SemcacheError(
      'entry-not-found',
      `There is no cached answer ${id}: it has expired, was cleared or made room for newer ones. Ask again to store a fresh one.`,
    );
  }

  async #vectorFor(prompt: Prompt): Promise<Float32Array | null> {
    if (this.#embedder === null || prompt.exactOnly !== undefined) return null;
    try {
      const [vector] = await this.#embedder.embed([prompt.instruction]);
      return vector ?? null;
    } catch {
      return null;
    }
  }
}

/** Tool calls and attachments in an answer are replayed for an identical prompt only. */
function isReplayableByMeaning(entry: FoundEntry): boolean {
  return entry.generations.every(generation =>
    (generation.content ?? []).every(part => part.type === 'text'),
  );
}

function withoutOffer({ near: _near, ...decision }: Decision & { status: 'miss' }): Decision {
  return decision;
}

/** A recorded answer as one generation. Neighbouring text parts are joined. */
export function generationOf(content: ContentPart[], info: Record<string, unknown>): Generation {
  const joined: ContentPart[] = [];
  for (const part of content) {
    const last = joined.at(-1);
    if (part.type === 'text' && last?.type === 'text') joined[joined.length - 1] = { type: 'text', text: last.text + part.text };
    else joined.push(part);
  }
  const text = textOf(joined);
  return joined.every(part => part.type === 'text')
    ? { text, generationInfo: info }
    : { text, generationInfo: info, content: joined };
}

/** What a reader is sent of a stored generation. */
export function contentOf(generation: Generation): ContentPart[] {
  return generation.content ?? [{ type: 'text', text: generation.text }];
}
