// A paid AI provider as its wire shows it: chat/completions, responses, messages and completions, streamed and not, with
// everything that goes wrong there. Answers by a script, and keeps what it was sent, byte for byte.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { providerWires, type WireAnswer } from './providerWires.ts';

export interface Script extends WireAnswer {
  status?: number;
  headers?: Record<string, string>;
  /** Sent instead of an answer, as it is. */
  raw?: string | Buffer;
  /** Breaks the connection after so many events (or, not streamed, in the middle of the body). */
  cutAfter?: number;
  /** An error event after so many events, and then the end. */
  errorAfter?: number;
  /** Leaves out the event that ends the answer, and ends the body cleanly. */
  noTerminal?: boolean;
  /** Waited for before the head. */
  before?: Promise<unknown>;
  /** Waited for after the first event. */
  inside?: Promise<unknown>;
  /** Bytes are written in pieces of this size. */
  pieceBytes?: number;
}

export interface SeenByProvider {
  method: string;
  path: string;
  headers: IncomingMessage['headers'];
  bytes: Buffer;
  body: Record<string, unknown>;
  /** What was written back. */
  readonly answered: Buffer;
  answeredBytes: number;
}

export class ScriptedProvider {
  readonly seen: SeenByProvider[] = [];
  /** Answers that the other side did not wait for. */
  cancelled = 0;
  /** What it lists. */
  models = ['m'];
  script: (question: string, seen: SeenByProvider) => Script = question => ({ text: `Answer ${this.seen.length} to: ${question}` });
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async open(): Promise<ScriptedProvider> {
    const server = createServer();
    const provider = new ScriptedProvider(server);
    server.on('request', (request, response) => void provider.#answer(request, response).catch(() => response.destroy()));
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    return provider;
  }

  /** Without /v1. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get asked(): number {
    return this.seen.length;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise(resolve => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const bytes = Buffer.concat(chunks);
    const path = (request.url ?? '').split('?')[0]!;
    const written: Buffer[] = [];
    const seen: SeenByProvider = {
      method: request.method ?? '', path: request.url ?? '', headers: request.headers, bytes, body: jsonOf(bytes), answeredBytes: 0,
      get answered() {
        return Buffer.concat(written);
      },
    };
    response.once('close', () => {
      if (!response.writableFinished && !cutting) this.cancelled += 1;
    });
    let cutting = false;
    const write = response.write.bind(response);
    const say = async (text: string | Buffer, pieceBytes?: number): Promise<void> => {
      const whole = Buffer.from(text);
      written.push(whole);
      seen.answeredBytes += whole.length;
      for (let at = 0; at < whole.length; at += pieceBytes ?? whole.length) {
        if (!write(whole.subarray(at, at + (pieceBytes ?? whole.length))) && !response.destroyed) {
          await new Promise<void>(resolve => {
            const goOn = (): void => {
              response.off('drain', goOn);
              response.off('close', goOn);
              resolve();
            };
            response.on('drain', goOn);
            response.on('close', goOn);
          });
        }
      }
    };
    this.seen.push(seen);
    if (path === '/v1/models') return void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ object: 'list', data: this.models.map(id => ({ id, object: 'model' })) }));
    if (path === '/v1/messages/count_tokens') return void response.writeHead(200, { 'content-type': 'application/json' }).end('{"input_tokens":17}');
    const script = this.script(questionIn(seen.body), seen);
    cutting = script.cutAfter !== undefined;
    await script.before;
    if (response.destroyed) return;
    if (script.raw !== undefined) {
      response.writeHead(script.status ?? 200, { 'content-type': 'application/json', ...script.headers });
      await say(script.raw, script.pieceBytes);
      return void response.end();
    }
    const wire = providerWires[path];
    if (wire === undefined) return void response.writeHead(404, { 'content-type': 'application/json' }).end('{"error":{"message":"no such path"}}');
    const answer = { ...script, model: String(seen.body['model'] ?? ''), number: this.seen.length };
    if (seen.body['stream'] !== true) {
      const text = JSON.stringify(wire.object(answer, seen.body));
      response.writeHead(200, { 'content-type': 'application/json', ...script.headers });
      if (script.cutAfter === undefined) {
        await say(text, script.pieceBytes);
        return void response.end();
      }
      await say(text.slice(0, text.length / 2));
      return void setImmediate(() => response.destroy());
    }
    await this.#stream(response, say, wire.events(answer, seen.body), script, wire.error);
  }

  async #stream(
    response: ServerResponse,
    say: (text: string, pieceBytes?: number) => Promise<void>,
    events: string[],
    script: Script,
    error: string,
  ): Promise<void> {
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', ...script.headers });
    const told = script.noTerminal === true ? events.slice(0, -1) : events;
    for (let at = 0; at < told.length; at += 1) {
      if (at === script.cutAfter) return void setTimeout(() => response.destroy(), 5);
      if (at === script.errorAfter) {
        await say(error);
        return void response.end();
      }
      await say(told[at]!, script.pieceBytes);
      if (at === 0) await script.inside;
      if (response.destroyed) return;
    }
    response.end();
  }
}

function jsonOf(bytes: Buffer): Record<string, unknown> {
  try {
    return JSON.parse(bytes.toString('utf8')) as Record<string, unknown>;
  } catch {
    return {};
  }
}

/** The text of the last user message, in whatever form the API has it. */
function questionIn({ messages, input, prompt }: Record<string, unknown>): string {
  const list = messages ?? input ?? prompt;
  if (typeof list === 'string') return list;
  const users = (Array.isArray(list) ? list : []).filter(message => (message as { role?: string } | null)?.role === 'user');
  const content = (users.at(-1) as { content?: unknown } | undefined)?.content;
  if (typeof content === 'string') return content;
  return Array.isArray(content) ? content.map(part => (part as { text?: string } | null)?.text ?? '').join(' ') : '';
}
