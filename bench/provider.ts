// A provider in a process of its own, so that it does not share a processor's time with who measures: answers every
// chat/completions at once with the same stream. Prints its address.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const chunk = (fields: object): string => `data: ${JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'm', ...fields })}\n\n`;
const choice = (delta: object, finish_reason: string | null = null): string => chunk({ choices: [{ index: 0, delta, finish_reason }] });
const words = 'A list is reversed with items[::-1], or in place with items.reverse(). '.repeat(4).split(/(?<=\s)/);
const stream = Buffer.from(
  [choice({ role: 'assistant', content: '' }), ...words.map(content => choice({ content })), choice({}, 'stop'), 'data: [DONE]\n\n'].join(''),
);

const server = createServer((request, response) => {
  request.resume().once('end', () => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.end(stream);
  });
});
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
