// What Prometheus reads of the gateway.
// Always true: no label holds a prompt, a key, or anything that a client could make up without bound.

import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Decision } from '../protocol/decision.ts';
import type { Stats } from '../protocol/stats.ts';

export class Metrics {
  readonly #registry = new Registry();
  readonly #requests: Counter<'api' | 'status'>;
  readonly #failures: Counter<'api' | 'code'>;
  readonly #feedback: Counter<'verdict'>;
  readonly #deciding: Histogram<'status'>;

  constructor(stats: () => Promise<Stats>) {
    const registers = [this.#registry];
    this.#requests = new Counter({ name: 'semcache_gateway_requests_total', help: 'Requests to a model, by what became of them.', labelNames: ['api', 'status'], registers });
    this.#failures = new Counter({ name: 'semcache_gateway_failures_total', help: 'Requests that got an error of the gateway itself.', labelNames: ['api', 'code'], registers });
    this.#feedback = new Counter({ name: 'semcache_gateway_feedback_total', help: 'Answers that a person judged.', labelNames: ['verdict'], registers });
    this.#deciding = new Histogram({
      name: 'semcache_gateway_deciding_seconds', help: 'From the request to the decision, embedding included: what a miss takes longer.',
      labelNames: ['status'], buckets: [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 2], registers,
    });
    this.#gauges(stats);
  }

  decided(api: string, { status }: Decision, ms: number): void {
    this.#requests.inc({ api, status });
    this.#deciding.observe({ status }, ms / 1000);
  }

  failed(api: string, code: number): void {
    this.#failures.inc({ api, code });
  }

  judged(verdict: 'right' | 'wrong'): void {
    this.#feedback.inc({ verdict });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }

  /** The cache's own counts, over all routes, as they are when they are asked for. */
  #gauges(stats: () => Promise<Stats>): void {
    const rows = ['hits', 'exactHits', 'misses', 'bypasses', 'refreshes', 'wrongHits', 'entries', 'sizeBytes'] as const;
    const gauge = new Gauge({
      name: 'semcache_cache', help: 'Counts of the cache over all routes, since they were last reset.', labelNames: ['what'], registers: [this.#registry],
      async collect() {
        const counted = await stats();
        for (const row of rows) gauge.set({ what: row }, counted[row]);
        const { judge } = counted;
        if (judge !== undefined) {
          for (const row of ['yes', 'no', 'noVerdict', 'ms'] as const) gauge.set({ what: `judge.${row}` }, judge[row]);
          gauge.set({ what: 'judge.tokens' }, judge.tokens.reduce((sum, row) => sum + row.promptTokens + row.completionTokens, 0));
        }
        gauge.set({ what: 'savedPromptTokens' }, counted.saved.reduce((sum, row) => sum + row.promptTokens, 0));
        gauge.set({ what: 'savedCompletionTokens' }, counted.saved.reduce((sum, row) => sum + row.completionTokens, 0));
      },
    });
  }
}
