// A paid AI provider as its wire shows it: OpenAI's chat/completions and Anthropic's messages, streamed.
// Always true: every answer is counted, so that a test can tell a cached answer from a fresh one.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What the provider does with a question (the text of the last user message): text to answer with, or a refusal. */
export type Reply = string | { status: number; message: string };

export interface SeenRequest {
  path: string;
  headers: IncomingMessage['headers'];
  body: { model: string; stream?: boolean; messages: Array<{ role: string; content: unknown }> };
}

export class FakeProvider {
  readonly seen: SeenRequest[] = [];
  reply: (question: string) => Reply | Promise<Reply> = question => `Answer ${this.seen.length} to: ${question}`;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async open(): Promise<FakeProvider> {
    const server = createServer();
    const provider = new FakeProvider(server);
    server.on('request', (request, response) => void provider.#answer(request, response));
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    return provider;
  }

  /** Without /v1. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise(resolve => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    for await (const chunk of request) text += chunk;
    const wire = wires[request.url ?? ''];
    if (!wire) {
      response.writeHead(404).end();
      return;
    }
    const seen = { path: request.url!, headers: request.headers, body: JSON.parse(text) as SeenRequest['body'] };
    this.seen.push(seen);
    const reply = await this.reply(textOfContent(seen.body.messages.at(-1)?.content));
    if (typeof reply !== 'string') {
      response.writeHead(reply.status, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ type: 'error', error: { type: 'api_error', message: reply.message } }));
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.end(wire(seen.body.model, reply.split(/(?<=\s)/)));
  }
}

const wires: Record<string, (model: string, words: string[]) => string> = {
  '/v1/chat/completions': (model, words) => {
    const chunk = (fields: object) => `data: ${JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model, ...fields })}\n\n`;
    const choice = (delta: object, finish: string | null = null) => chunk({ choices: [{ index: 0, delta, finish_reason: finish }] });
    return [
      choice({ role: 'assistant', content: '' }),
      ...words.map(word => choice({ content: word })),
      choice({}, 'stop'),
      chunk({ choices: [], usage: { prompt_tokens: 20, completion_tokens: words.length, total_tokens: 20 + words.length } }),
      'data: [DONE]\n\n',
    ].join('');
  },
  '/v1/messages': (model, words) => {
    const event = (type: string, fields: object = {}) => `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;
    const message = { id: 'msg_1', type: 'message', role: 'assistant', model, content: [], stop_reason: null, usage: { input_tokens: 20, output_tokens: 1 } };
    return [
      event('message_start', { message }),
      event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }),
      event('ping'),
      ...words.map(text => event('content_block_delta', { index: 0, delta: { type: 'text_delta', text } })),
      event('content_block_stop', { index: 0 }),
      event('message_delta', { delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: words.length } }),
      event('message_stop'),
    ].join('');
  },
};

function textOfContent(content: unknown): string {
  if (typeof content === 'string') return content;
  return Array.isArray(content) ? content.map(part => (part as { text?: string }).text ?? '').join(' ') : '';
}
