// Every ask of this window on its way: through the daemon, or past it when it cannot be reached.
// Owns: what is known of each ask, for the views and for the commands that speak of it later.
// Does not know: how an answer is shown.
// Always true: an ask whose daemon is gone goes to the editor's model directly, and says so.

import { createHash } from 'node:crypto';
import type { AnswerPart, ContentPart } from '../../server/protocol/answer.ts';
import { bypassWords, type Decision } from '../../server/protocol/decision.ts';
import { messageOf, SemcacheError } from '../../server/protocol/errors.ts';
import type { ModelRequest, Route } from '../../server/protocol/prompt.ts';
import type { AnswerInEditor, DaemonConnection, Subscription } from '../daemon/connection.ts';
import type { ShownAsk } from '../view/answerStatus.ts';
import type { NearOffer } from '../view/nearOffer.ts';
import type { KnownModel } from './models.ts';

/** One ask and what is known of it so far. Its fields change until `status.phase` is settled. */
export interface AskRecord extends ShownAsk {
  readonly request: ModelRequest;
  readonly model: KnownModel;
  readonly route: Route;
  readonly startedAt: number;
  /** What was answered beside text. */
  readonly content: ContentPart[];
}

export interface AskOptions {
  /** What the person typed. */
  question: string;
  request: ModelRequest;
  model: KnownModel;
  route: Route;
  refresh?: boolean;
  answerInEditor: AnswerInEditor;
}

/** An ask that has begun: its record, and its parts, which must be read to the end. */
export interface StartedAsk {
  record: AskRecord;
  parts: AsyncIterable<AnswerPart>;
}

const keptAsks = 200;

export class Asks {
  readonly #connection: Pick<DaemonConnection, 'ask'>;
  readonly #workspace: () => string | null;
  readonly #now: () => number;
  readonly #newId: () => string;
  readonly #records = new Map<string, AskRecord>();
  readonly #listeners = new Set<(record: AskRecord) => void>();

  constructor(parts: {
    connection: Pick<DaemonConnection, 'ask'>;
    workspace: () => string | null;
    now: () => number;
    newId: () => string;
  }) {
    this.#connection = parts.connection;
    this.#workspace = parts.workspace;
    this.#now = parts.now;
    this.#newId = parts.newId;
  }

  /** Begins an ask. A failure ends its parts with the error and its record with the words for it. */
  start(options: AskOptions, signal: AbortSignal): StartedAsk {
    const record: AskRecord = {
      id: this.#newId(),
      question: options.question,
      request: options.request,
      model: options.model,
      route: options.route,
      startedAt: this.#now(),
      status: { phase: 'asking', decision: null, model: options.model.name, tookMs: 0, codeChanged: false },
      entryId: null,
      offer: null,
      text: '',
      content: [],
      usage: null,
      notStored: null,
    };
    if (options.route !== 'model-provider') this.#keep(record);
    return { record, parts: this.#answer(record, options, signal) };
  }

  get(id: string): AskRecord | null {
    return this.#records.get(id) ?? null;
  }

  /** The latest ask that was served from this entry or stored as it. */
  ofEntry(entryId: string): AskRecord | null {
    return this.recent().find(record => record.entryId === entryId) ?? null;
  }

  /** Newest first. */
  recent(): AskRecord[] {
    return [...this.#records.values()].reverse();
  }

  /** The entry has another text now. */
  edited(entryId: string, text: string): void {
    for (const record of this.#records.values()) {
      if (record.entryId !== entryId) continue;
      record.text = text;
      this.#changed(record);
    }
  }

  /** The person answered an offer: this ask's, or another stored question that they named. */
  said(record: AskRecord, entryId: string, said: NonNullable<NearOffer['said']>): void {
    if (record.offer?.near.entryId !== entryId) return;
    record.offer.said = said;
    this.#changed(record);
  }

  /** These entries are gone, and so are offers of them. Returns the asks that were answered by them. */
  forget(entryIds: ReadonlySet<string>): AskRecord[] {
    for (const record of this.#records.values()) {
      if (record.offer === null || !entryIds.has(record.offer.near.entryId)) continue;
      record.offer = null;
      this.#changed(record);
    }
    const forgotten = this.recent().filter(({ entryId }) => entryId !== null && entryIds.has(entryId));
    for (const record of forgotten) {
      record.entryId = null;
      this.#changed(record);
    }
    return forgotten;
  }

  /** Told whenever something of a record has changed. */
  onChange(listener: (record: AskRecord) => void): Subscription {
    this.#listeners.add(listener);
    return { dispose: () => this.#listeners.delete(listener) };
  }

  async *#answer(record: AskRecord, options: AskOptions, signal: AbortSignal): AsyncGenerator<AnswerPart> {
    try {
      for await (const part of this.#parts(record, options, signal)) {
        this.#take(record, part);
        yield part;
      }
    } catch (error) {
      const cancelled = signal.aborted || (error instanceof SemcacheError && error.code === 'cancelled');
      record.status.phase = cancelled ? 'cancelled' : 'failed';
      if (!cancelled) record.status.failure = messageOf(error);
      this.#changed(record);
      throw error;
    } finally {
      if (record.status.phase === 'asking') {
        record.status.phase = 'cancelled'; // The reader left before the end.
        this.#changed(record);
      }
    }
  }

  async *#parts(record: AskRecord, options: AskOptions, signal: AbortSignal): AsyncIterable<AnswerPart> {
    const { request, model, route, refresh, answerInEditor } = options;
    let begun = false;
    try {
      const params = {
        askId: record.id,
        request,
        upstream: model.choice,
        route,
        workspace: this.#workspace(),
        ...(refresh === true ? { refresh } : {}),
      };
      for await (const part of this.#connection.ask(params, signal, answerInEditor)) {
        begun = true;
        yield part;
      }
    } catch (error) {
      if (begun || !(error instanceof SemcacheError) || error.code !== 'daemon-unreachable') throw error;
      yield* this.#pastTheDaemon(record, options, error, signal);
    }
  }

  async *#pastTheDaemon(
    record: AskRecord,
    { model, answerInEditor }: AskOptions,
    unreachable: SemcacheError,
    signal: AbortSignal,
  ): AsyncIterable<AnswerPart> {
    if (model.choice.kind !== 'editor') {
      throw new SemcacheError(
        'daemon-unreachable',
        `${bypassWords['daemon-unreachable']} ${model.name} can be asked only through it. Run "Semcache: Restart ` +
          'Daemon", or pick a model of the editor with "Semcache: Choose Model…".',
        unreachable,
      );
    }
    const decision: Decision = {
      status: 'bypass',
      reason: 'daemon-unreachable',
      why: bypassWords['daemon-unreachable'],
    };
    yield { type: 'decision', decision };
    for await (const part of answerInEditor(model.choice.model, signal)) {
      yield part.type === 'end'
        ? { ...part, entryId: null, notStored: 'the Semcache daemon is not running', upstreamMs: this.#now() - record.startedAt }
        : part;
    }
  }

  #take(record: AskRecord, part: AnswerPart): void {
    record.status.tookMs = this.#now() - record.startedAt;
    switch (part.type) {
      case 'decision':
        record.status.decision = part.decision;
        if ('entryId' in part.decision) record.entryId = part.decision.entryId;
        if ('near' in part.decision && part.decision.near !== undefined) record.offer = { near: part.decision.near, said: null };
        break;
      case 'text':
        record.text += part.text;
        break;
      case 'end':
        record.status.phase = 'answered';
        record.entryId = part.entryId ?? record.entryId;
        record.notStored = part.notStored ?? null;
        record.usage = part.usage ?? null;
        break;
      default:
        record.content.push(part);
    }
    this.#changed(record);
  }

  #keep(record: AskRecord): void {
    this.#records.set(record.id, record);
    for (const id of this.#records.keys()) {
      if (this.#records.size <= keptAsks) break;
      this.#records.delete(id);
    }
  }

  #changed(record: AskRecord): void {
    for (const listener of this.#listeners) listener(record);
  }
}

/** Hash of the folders that are open; null where there is none. */
export function workspaceHash(folderUris: readonly string[]): string | null {
  if (folderUris.length === 0) return null;
  return createHash('sha256').update([...folderUris].sort().join('\n')).digest('hex');
}
