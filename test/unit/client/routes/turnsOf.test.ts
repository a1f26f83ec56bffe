import { expect, test } from 'vitest';
import type * as vscode from 'vscode';
import { turnsOf } from '../../../../client/routes/chatParticipant.ts';

type Turn = vscode.ChatRequestTurn | vscode.ChatResponseTurn;
const asked = (prompt: string, command?: string) => ({ prompt, command, references: [], participant: 'semcache.ask' }) as unknown as Turn;
const answered = (text: string, metadata?: object) =>
  ({ response: [{ value: { value: text } }], result: metadata ? { metadata: { semcache: metadata } } : {} }) as unknown as Turn;
const facts = (question: string, text: string) => ({ askId: 'a', entryId: 'e', question, text });
const user = (text: string) => ({ role: 'user', parts: [{ type: 'text', text }] });
const assistant = (text: string) => ({ role: 'assistant', parts: [{ type: 'text', text }] });

test('turnsOf() has the answer as the model gave it, without the status line under it', () => {
  const history = [asked('why?'), answered('because\n---\n*○ asked · 1.4 s*', facts('why?', 'because'))];
  expect(turnsOf(history, null).messages).toEqual([user('why?'), assistant('because')]);
});

test('turnsOf() has what is shown where an older reply holds no facts', () => {
  expect(turnsOf([asked('why?'), answered('because')], null).messages).toEqual([user('why?'), assistant('because')]);
});

test('turnsOf() leaves out a turn that got no answer, with its question', () => {
  const history = [asked('one'), answered(''), asked('two'), answered('2'), asked('three')];
  expect(turnsOf(history, null).messages).toEqual([user('two'), assistant('2')]);
});

test('turnsOf() leaves out the turn that is asked again, however often it was, and tells which entry it had', () => {
  const history = [
    asked('one'), answered('1', facts('one', '1')),
    asked('two'), answered('2', facts('two', '2')),
    asked('two', 'fresh'), answered('zwei', { ...facts('two', 'zwei'), entryId: 'latest' }),
  ];
  const { messages, repeated } = turnsOf(history, 'two');
  expect(messages).toEqual([user('one'), assistant('1')]);
  expect(repeated?.entryId).toBe('latest');
});

test('turnsOf() keeps a last turn of the same words where nothing is asked again', () => {
  const { messages, repeated } = turnsOf([asked('more'), answered('1', facts('more', '1'))], null);
  expect(messages).toHaveLength(2);
  expect(repeated).toBeNull();
});
