import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { UpstreamPart } from '../../../../server/protocol/answer.ts';
import type { HttpUpstreamConfig } from '../../../../server/protocol/messages.ts';
import type { ModelRequest } from '../../../../server/protocol/prompt.ts';
import { createHttpUpstream } from '../../../../server/upstream/httpUpstream.ts';

const never = new AbortController().signal;

interface Seen {
  path: string;
  headers: IncomingMessage['headers'];
  body: Record<string, unknown>;
}

/** A provider on loopback that answers every request with `reply`. */
async function provider(reply: (response: ServerResponse) => void): Promise<{ url: string; seen: Seen[] }> {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', chunk => (body += chunk));
    request.on('end', () => {
      seen.push({ path: request.url!, headers: request.headers, body: JSON.parse(body) });
      reply(response);
    });
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

function streaming(...events: Array<string | object>): (response: ServerResponse) => void {
  return response => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const event of events) {
      const data = typeof event === 'string' ? event : JSON.stringify(event);
      const name = typeof event === 'object' && 'type' in event ? `event: ${event.type}\n` : '';
      response.write(`${name}data: ${data}\n\n`);
    }
    response.end();
  };
}

const request: ModelRequest = {
  model: 'm',
  parameters: { temperature: 0 },
  messages: [
    { role: 'system', parts: [{ type: 'text', text: 'be brief' }] },
    { role: 'user', parts: [{ type: 'text', text: 'explain' }, { type: 'text', kind: 'selection', name: 'a.py', text: 'x = "```"' }] },
    { role: 'assistant', parts: [{ type: 'tool-call', callId: 'c1', name: 'ls', input: { path: '.' } }] },
    { role: 'user', parts: [{ type: 'tool-result', callId: 'c1', parts: [{ type: 'text', text: 'a.py' }] }, { type: 'data', mimeType: 'image/png', base64: 'aGk=' }] },
  ],
  tools: [{ name: 'ls', description: 'lists', inputSchema: { type: 'object', properties: { path: { type: 'string' } } } }],
};

async function answer(config: Omit<HttpUpstreamConfig, 'name' | 'models'>, signal = never): Promise<UpstreamPart[]> {
  const parts: UpstreamPart[] = [];
  const upstream = createHttpUpstream({ name: 'provider', models: ['m'], ...config }, 'm');
  for await (const part of upstream.answer(request, signal)) parts.push(part);
  return parts;
}

describe('an OpenAI-compatible upstream', () => {
  const chunk = (delta: object, finish: string | null = null): object => ({ model: 'm-2026', choices: [{ index: 0, delta, finish_reason: finish }] });

  test('sends messages, tools, images and tool results in its wire format, and the key in a header only', async () => {
    const { url, seen } = await provider(streaming(chunk({ content: 'ok' }, 'stop'), '[DONE]'));
    await answer({ kind: 'openai', baseUrl: url, apiKey: 'secret' });
    expect(seen[0]!.path).toBe('/v1/chat/completions');
    expect(seen[0]!.headers.authorization).toBe('Bearer secret');
    expect(JSON.stringify(seen[0]!.body)).not.toContain('secret');
    expect(seen[0]!.body).toEqual({
      temperature: 0,
      model: 'm',
      stream: true,
      stream_options: { include_usage: true },
      tools: [{ type: 'function', function: { name: 'ls', description: 'lists', parameters: request.tools[0]!.inputSchema } }],
      messages: [
        { role: 'system', content: 'be brief' },
        { role: 'user', content: 'explain\n\nSelected code (a.py):\n````\nx = "```"\n````' },
        { role: 'assistant', content: null, tool_calls: [{ id: 'c1', type: 'function', function: { name: 'ls', arguments: '{"path":"."}' } }] },
        { role: 'tool', tool_call_id: 'c1', content: 'a.py' },
        { role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,aGk=' } }] },
      ],
    });
  });

  test('reads text, tool calls in pieces, usage and the model', async () => {
    const { url } = await provider(
      streaming(
        chunk({ role: 'assistant', content: '' }),
        chunk({ content: 'Hel' }),
        chunk({ content: 'lo' }),
        chunk({ tool_calls: [{ index: 0, id: 'c2', function: { name: 'ls', arguments: '{"pa' } }] }),
        chunk({ tool_calls: [{ index: 0, function: { arguments: 'th":"."}' } }] }, 'tool_calls'),
        { model: 'm-2026', choices: [], usage: { prompt_tokens: 3, completion_tokens: 2 } },
        '[DONE]',
      ),
    );
    expect(await answer({ kind: 'openai', baseUrl: `${url}/v1/` })).toEqual([
      { type: 'text', text: 'Hel' },
      { type: 'text', text: 'lo' },
      { type: 'tool-call', callId: 'c2', name: 'ls', input: { path: '.' } },
      { type: 'end', finish: 'tool-calls', usage: { promptTokens: 3, completionTokens: 2 }, model: 'm-2026' },
    ]);
  });

  test('a finished answer without [DONE] is complete, an unfinished one is an error', async () => {
    const finished = await provider(streaming(chunk({ content: 'ok' }, 'stop')));
    expect((await answer({ kind: 'openai', baseUrl: finished.url })).at(-1)).toMatchObject({ finish: 'stop' });
    const cut = await provider(streaming(chunk({ content: 'ok' })));
    await expect(answer({ kind: 'openai', baseUrl: cut.url })).rejects.toMatchObject({ code: 'upstream-failed', message: expect.stringContaining('stopped before its end') });
  });

  test('an error in the middle of the stream is told in the provider\'s words', async () => {
    const { url } = await provider(streaming(chunk({ content: 'half' }), { error: { message: 'overloaded' } }));
    await expect(answer({ kind: 'openai', baseUrl: url })).rejects.toThrow('overloaded');
  });
});

describe('an Anthropic upstream', () => {
  const start = { type: 'message_start', message: { model: 'claude-x', usage: { input_tokens: 3, cache_read_input_tokens: 4 } } };

  test('sends its wire format with the key it was given, and its way', async () => {
    const { url, seen } = await provider(streaming(start, { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 1 } }, { type: 'message_stop' }));
    await answer({ kind: 'anthropic', baseUrl: url, apiKey: 'secret' });
    await answer({ kind: 'anthropic', baseUrl: url, apiKey: 'secret', bearer: true });
    expect(seen[0]!.path).toBe('/v1/messages');
    expect(seen[0]!.headers).toMatchObject({ 'x-api-key': 'secret', 'anthropic-version': '2023-06-01' });
    expect(seen[1]!.headers.authorization).toBe('Bearer secret');
    expect(seen[0]!.body).toMatchObject({
      system: 'be brief',
      max_tokens: expect.any(Number),
      stream: true,
      tools: [{ name: 'ls', description: 'lists', input_schema: request.tools[0]!.inputSchema }],
      messages: [
        { role: 'user', content: [{ type: 'text', text: 'explain' }, { type: 'text', text: expect.stringContaining('a.py') }] },
        { role: 'assistant', content: [{ type: 'tool_use', id: 'c1', name: 'ls', input: { path: '.' } }] },
        {
          role: 'user',
          content: [
            { type: 'tool_result', tool_use_id: 'c1', content: [{ type: 'text', text: 'a.py' }] },
            { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'aGk=' } },
          ],
        },
      ],
    });
  });

  test('reads text, tool calls, usage with cached tokens and the model', async () => {
    const { url } = await provider(
      streaming(
        start,
        { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
        { type: 'ping' },
        { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hi' } },
        { type: 'content_block_stop', index: 0 },
        { type: 'content_block_start', index: 1, content_block: { type: 'tool_use', id: 't1', name: 'ls', input: {} } },
        { type: 'content_block_delta', index: 1, delta: { type: 'input_json_delta', partial_json: '{"path":' } },
        { type: 'content_block_delta', index: 1, delta: { type: 'input_json_delta', partial_json: '"."}' } },
        { type: 'content_block_stop', index: 1 },
        { type: 'message_delta', delta: { stop_reason: 'tool_use' }, usage: { output_tokens: 9 } },
        { type: 'message_stop' },
      ),
    );
    expect(await answer({ kind: 'anthropic', baseUrl: url })).toEqual([
      { type: 'text', text: 'Hi' },
      { type: 'tool-call', callId: 't1', name: 'ls', input: { path: '.' } },
      { type: 'end', finish: 'tool-calls', usage: { promptTokens: 7, completionTokens: 9 }, model: 'claude-x' },
    ]);
  });

  test.each([
    { stop: 'max_tokens', finish: 'length' },
    { stop: 'refusal', finish: 'content-filter' },
    { stop: 'pause_turn', finish: 'unknown' },
  ])('$stop is no complete answer', async ({ stop, finish }) => {
    const { url } = await provider(streaming(start, { type: 'message_delta', delta: { stop_reason: stop } }, { type: 'message_stop' }));
    expect((await answer({ kind: 'anthropic', baseUrl: url })).at(-1)).toMatchObject({ finish });
  });
});

describe('what a person is told when an upstream fails', () => {
  test.each([
    { status: 401, words: ['401', 'bad key', 'Set API Key'] },
    { status: 429, words: ['429', 'bad key'] },
  ])('status $status', async ({ status, words }) => {
    const { url } = await provider(response => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ error: { message: 'bad key.' } }));
    });
    const asked = answer({ kind: 'openai', baseUrl: url, apiKey: 'secret' });
    for (const word of words) await expect(asked).rejects.toThrow(word);
    await expect(asked).rejects.not.toThrow('secret');
  });

  test('nobody listens there', async () => {
    const once = createServer().listen(0, '127.0.0.1');
    await new Promise(resolve => once.once('listening', resolve));
    const { port } = once.address() as AddressInfo;
    await new Promise(resolve => once.close(resolve));
    await expect(answer({ kind: 'openai', baseUrl: `http://127.0.0.1:${port}` })).rejects.toThrow(
      `cannot be reached at 127.0.0.1:${port} (ECONNREFUSED)`,
    );
  });

  test('the connection breaks in the middle of the answer', async () => {
    const { url } = await provider(response => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: {"choices":[{"delta":{"content":"half"}}]}\n\n', () => response.destroy());
    });
    await expect(answer({ kind: 'openai', baseUrl: url })).rejects.toThrow(/broke in the middle/);
  });

  test('a cancelled request ends the connection and is cancelled, not failed', async () => {
    let closed = false;
    const { url, seen } = await provider(response => {
      response.on('close', () => (closed = true));
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: {"choices":[{"delta":{"content":"half"}}]}\n\n');
    });
    const abort = new AbortController();
    const asked = answer({ kind: 'openai', baseUrl: url }, abort.signal);
    await expect.poll(() => seen.length).toBe(1);
    abort.abort();
    await expect(asked).rejects.toMatchObject({ code: 'cancelled' });
    await expect.poll(() => closed).toBe(true);
  });
});
