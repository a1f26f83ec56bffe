// Asks the judge about a near hit, before the model that answers is asked.
// Owns: how long it may take, and that equal questions at once are judged once.
// Does not know: what the judge is asked (judge.ts); what becomes of its verdict.
// Always true: never throws; any doubt, failure or delay is no verdict.

import type { Upstream, Usage } from '../protocol/answer.ts';
import type { Judgement } from '../protocol/decision.ts';
import { messageOf } from '../protocol/errors.ts';
import { judgeRequest, longestVerdict, verdictIn } from './judge.ts';

/** The person waits for it, mostly in vain. */
const judgeDeadlineMs = 1000;

export interface Judged {
  stored: string;
  asked: string;
}

export class Judging {
  readonly #now: () => number;
  readonly #deadlineMs: number;
  readonly #running = new Map<string, Promise<Judgement>>();

  constructor(parts: { now: () => number; deadlineMs?: number }) {
    this.#now = parts.now;
    this.#deadlineMs = parts.deadlineMs ?? judgeDeadlineMs;
  }

  /** One that is asked the same at once is asked once; `isFirst` for whoever it is asked for. */
  async ask(judge: Upstream, judged: Judged): Promise<{ judgement: Judgement; isFirst: boolean }> {
    const key = JSON.stringify([judge.name, judged.stored, judged.asked]);
    const running = this.#running.get(key);
    if (running !== undefined) return { judgement: await running, isFirst: false };
    const judging = this.#ask(judge, judged);
    this.#running.set(key, judging);
    try {
      return { judgement: await judging, isFirst: true };
    } finally {
      this.#running.delete(key);
    }
  }

  async #ask(judge: Upstream, { stored, asked }: Judged): Promise<Judgement> {
    const request = judgeRequest(stored, asked);
    const sent = request.messages.flatMap(({ parts }) => parts.map(part => (part.type === 'text' ? part.text : ''))).join('');
    const startedAt = this.#now();
    const abort = new AbortController();
    const late = Promise.withResolvers<Reply>();
    const timer = setTimeout(() => late.resolve({ problem: `it took longer than ${this.#deadlineMs} ms` }), this.#deadlineMs);
    let reply: Reply;
    try {
      reply = await Promise.race([replyOf(judge.answer(request, abort.signal)), late.promise]);
    } catch (error) {
      reply = { problem: messageOf(error) };
    } finally {
      clearTimeout(timer);
      // An answer that is no verdict already, or comes too late, is not read to its end.
      abort.abort();
    }
    const { promptTokens, completionTokens } = reply.usage ?? { promptTokens: Math.ceil(sent.length / 4), completionTokens: 1 };
    return {
      judge: judge.name,
      verdict: reply.verdict ?? null,
      ...(reply.problem === undefined ? {} : { problem: reply.problem }),
      ms: Math.max(0, this.#now() - startedAt),
      promptTokens,
      completionTokens,
    };
  }
}

interface Reply {
  verdict?: 'yes' | 'no';
  /** Why there is no verdict. */
  problem?: string;
  usage?: Usage;
}

async function replyOf(answer: ReturnType<Upstream['answer']>): Promise<Reply> {
  let text = '';
  for await (const part of answer) {
    if (part.type === 'text') text += part.text;
    if (part.type === 'data' || part.type === 'tool-call' || text.trim().length > longestVerdict) return { problem: unclear };
    if (part.type !== 'end') continue;
    const verdict = part.finish === 'stop' ? verdictIn(text) : null;
    return { ...(verdict === null ? { problem: unclear } : { verdict }), ...(part.usage === undefined ? {} : { usage: part.usage }) };
  }
  return { problem: 'its answer stopped before its end' };
}

const unclear = 'it said something other than yes or no';

/** In a person's words, to stand behind why there was a near hit only. */
export function judgementWords({ judge, verdict, problem, ms }: Judgement): string {
  if (verdict === null) return `${judge} was asked whether it is the same question, and gave no verdict: ${problem}.`;
  return `${judge} was asked whether it is the same question, and said ${verdict} (${Math.round(ms)} ms).`;
}
