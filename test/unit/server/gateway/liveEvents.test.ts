// Answers written while they come: each API's own recorder must read from the events what was said.

import { expect, test } from 'vitest';
import type { ContentPart } from '../../../../server/protocol/answer.ts';
import type { Json, LiveEvents, ServerEvent } from '../../../../server/gateway/api.ts';
import { apiForms } from '../../../gateway/apiForms.ts';

const fresh = { id: 'abc', createdAt: 1_700_000_000, promptTokens: 7 };
const body: Json = { model: 'editor:v/one', stream: true, stream_options: { include_usage: true } };
type Written = Parameters<LiveEvents['part']>[0];
const text = (said: string): Written => ({ type: 'text', text: said });
const call = (callId: string, input: unknown): Written => ({ type: 'tool-call', callId, name: 'read', input });

const answers: Array<{ why: string; parts: Written[]; finish: 'stop' | 'tool-calls' }> = [
  { why: 'text in pieces', parts: [text('A '), text('monad'), text(' 🌯.')], finish: 'stop' },
  { why: 'a tool call alone', parts: [call('c1', { path: 'a' })], finish: 'tool-calls' },
  { why: 'text, two calls and text', parts: [text('Let me'), text(' look.'), call('c1', { path: 'a' }), call('c2', {}), text('So.')], finish: 'tool-calls' },
  { why: 'nothing', parts: [], finish: 'stop' },
];

for (const { name, api } of apiForms) {
  test.each(answers)(`live() of ${name} is read back by its recorder: $why`, ({ parts, finish }) => {
    const live = api.live!(body, fresh);
    const events = [...live.begin(), ...parts.flatMap(part => live.part(part)), ...live.end(finish, 5)];
    const recorder = api.recorder();
    const terminal = events.map(({ data }) => recorder.event(data));
    expect(terminal.at(-1)).toBe(true);
    const { content, ...end } = api.finished(recorder.final()!);
    // A message of chat has one text, and then its calls.
    expect(joined(content)).toEqual(joined(parts, name === 'chat'));
    expect(end).toMatchObject({ finish, usage: { promptTokens: 7, completionTokens: 5 }, model: 'editor:v/one' });
  });

  test(`live() of ${name} writes what replaying its record writes, but for where the text is cut`, () => {
    const live = api.live!(body, fresh);
    const events = [...live.begin(), ...live.part(text('All at once.')), ...live.part(call('c1', { path: 'a' })), ...live.end('tool-calls', 5)];
    const recorder = api.recorder();
    for (const { data } of events) recorder.event(data);
    expect(kinds(events)).toEqual(kinds(api.events(recorder.final()!, body)));
  });

  test(`live() of ${name} tells a failure so that its recorder records nothing`, () => {
    const live = api.live!(body, fresh);
    const recorder = api.recorder();
    for (const { data } of [...live.begin(), ...live.part(text('Half')), ...live.error('The model broke.')]) recorder.event(data);
    expect(recorder.final()).toBeNull();
  });
}

/** Neighbouring texts as one; with `textFirst` all of them as one, before the calls. */
function joined(parts: ContentPart[], textFirst = false): ContentPart[] {
  const sum: ContentPart[] = [];
  for (const part of parts) {
    const last = textFirst ? sum.find(({ type }) => type === 'text') : sum.at(-1);
    if (part.type === 'text' && last?.type === 'text') last.text += part.text;
    else if (part.type === 'text' && textFirst) sum.unshift({ ...part });
    else sum.push({ ...part });
  }
  return sum;
}

/** What each event is, whatever it says. */
function kinds(events: ServerEvent[]): unknown[] {
  return events.map(({ event, data }) => {
    if (event !== undefined) return event;
    if (data === '[DONE]') return data;
    const { choices: [choice] = [] } = JSON.parse(data) as { choices?: Array<{ delta: object; finish_reason: unknown }> };
    return choice === undefined ? 'usage' : [...Object.keys(choice.delta), choice.finish_reason];
  });
}
