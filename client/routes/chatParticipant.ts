// @semcache in the chat view.
// Owns: the turns of a chat as one request, the reply with its status line, the follow-ups. Does not know: the cache.
// Always true: what the status line said is no part of a later turn, so that equal conversations stay equal.

import type * as vscode from 'vscode';
import { messageOf, SemcacheError } from '../../server/protocol/errors.ts';
import type { Message, MessagePart, ModelRequest } from '../../server/protocol/prompt.ts';
import { statusLine } from '../view/answerStatus.ts';
import { commandLink, escaped, shortened } from '../view/markdownText.ts';
import { offerCommands, offerMarkdown } from '../view/nearOffer.ts';
import { abortSignalOf } from './abortSignal.ts';
import type { AskRecord, Asks } from './asks.ts';
import { answerWithEditorModel } from './editorModel.ts';
import type { Entries } from './entries.ts';
import { messagesForEditor } from './modelMessages.ts';
import { editorModel, ownVendor, type KnownModel, type Models } from './models.ts';

export const participantId = 'semcache.ask';

export interface ChatParticipantParts {
  editor: typeof vscode;
  asks: Asks;
  models: Pick<Models, 'find'>;
  /** The model of the setting, where the chat's model is one of ours that has gone. */
  currentModel: () => Promise<KnownModel>;
  entries: Pick<Entries, 'wrongAnswer'>;
}

/** Travels with the reply, for the turns that follow. */
interface ReplyFacts {
  askId: string;
  entryId: string | null;
  question: string;
  text: string;
}

export function registerChatParticipant(parts: ChatParticipantParts): vscode.Disposable {
  const { editor } = parts;
  const participant = editor.chat.createChatParticipant(participantId, (request, context, stream, token) =>
    reply(parts, request, context, stream, token),
  );
  participant.iconPath = new editor.ThemeIcon('database');
  participant.followupProvider = { provideFollowups: result => followups(factsOf(result)) };
  return participant;
}

function followups(facts: ReplyFacts | null): vscode.ChatFollowup[] {
  if (facts === null) return [];
  const again = { prompt: facts.question, participant: participantId };
  return [
    { ...again, command: 'fresh', label: 'Refresh' },
    ...(facts.entryId === null ? [] : [{ ...again, command: 'wrong', label: 'Wrong answer: ask again and replace' }]),
  ];
}

async function reply(
  parts: ChatParticipantParts,
  request: vscode.ChatRequest,
  context: vscode.ChatContext,
  stream: vscode.ChatResponseStream,
  token: vscode.CancellationToken,
): Promise<vscode.ChatResult> {
  const { editor, asks, entries } = parts;
  try {
    const model = await modelOf(parts, request);
    const again = request.command === 'fresh' || request.command === 'wrong';
    const turns = turnsOf(context.history, again ? request.prompt : null);
    const asked = await requestOf(editor, request, turns.messages, model);
    if (request.command === 'wrong' && turns.repeated?.entryId) {
      await entries.wrongAnswer(turns.repeated.entryId, asked);
    }
    const { record, parts: answer } = asks.start(
      {
        question: request.prompt,
        request: asked,
        model,
        route: 'participant',
        refresh: again,
        answerInEditor: answerWithEditorModel(
          () => ({ messages: messagesForEditor(asked.messages, editor), options: {} }),
          editor,
        ),
      },
      abortSignalOf(token),
    );
    for await (const part of answer) {
      if (part.type === 'decision' && !('match' in part.decision)) stream.progress(`Asking ${model.name}`);
      if (part.type === 'decision' && record.offer !== null) stream.markdown(offerQuote(editor, record));
      if (part.type === 'text') stream.markdown(part.text);
    }
    stream.markdown(statusMarkdown(editor, record, turns.messages.length > 0));
    const facts: ReplyFacts = { askId: record.id, entryId: record.entryId, question: record.question, text: record.text };
    return { metadata: { semcache: facts } };
  } catch (error) {
    if (token.isCancellationRequested || (error instanceof SemcacheError && error.code === 'cancelled')) return {};
    return { errorDetails: { message: messageOf(error) } };
  }
}

async function modelOf(parts: ChatParticipantParts, { model }: vscode.ChatRequest): Promise<KnownModel> {
  if (model.vendor !== ownVendor) return editorModel(model);
  return parts.models.find(model.id) ?? (await parts.currentModel());
}

async function requestOf(
  editor: typeof vscode,
  request: vscode.ChatRequest,
  turns: Message[],
  model: KnownModel,
): Promise<ModelRequest> {
  const attached = await Promise.all(request.references.map(reference => attachment(editor, reference)));
  return {
    model: model.model,
    parameters: {},
    messages: [...turns, { role: 'user', parts: [...attached, { type: 'text', text: request.prompt }] }],
    tools: [],
  };
}

/** A file, a place in one, a picture, or a text that the person attached. */
async function attachment(editor: typeof vscode, { id, value, modelDescription }: vscode.ChatPromptReference): Promise<MessagePart> {
  const read = async (uri: vscode.Uri, range?: vscode.Range): Promise<MessagePart> => ({
    type: 'text',
    kind: range === undefined ? 'file' : 'selection',
    name: editor.workspace.asRelativePath(uri),
    text: (await editor.workspace.openTextDocument(uri)).getText(range),
  });
  if (value instanceof editor.Uri) return read(value);
  if (value instanceof editor.Location) return read(value.uri, value.range);
  if (typeof value === 'string') return { type: 'text', kind: 'file', name: id, text: value };
  const binary = value as { mimeType?: unknown; data?: unknown } | null;
  if (typeof binary?.mimeType === 'string' && typeof binary.data === 'function') {
    const bytes = (await (binary.data as () => Promise<Uint8Array>)()) as Uint8Array;
    return { type: 'data', mimeType: binary.mimeType, base64: Buffer.from(bytes).toString('base64') };
  }
  return { type: 'text', kind: 'wrapper', name: id, text: modelDescription ?? id };
}

/**
 * Earlier turns as messages. A turn that got no answer is left out with its question. `again` is a question that is
 * asked once more: if it was the last turn it is left out too, so that its answer is replaced and not continued.
 */
export function turnsOf(
  history: readonly (vscode.ChatRequestTurn | vscode.ChatResponseTurn)[],
  again: string | null,
): { messages: Message[]; repeated: ReplyFacts | null } {
  const pairs: Array<{ question: string; answer: string; facts: ReplyFacts | null }> = [];
  let question: string | null = null;
  for (const turn of history) {
    if ('prompt' in turn) question = turn.prompt;
    else if (question !== null) {
      const facts = factsOf(turn.result);
      const answer = facts?.text ?? markdownOf(turn);
      if (answer !== '') pairs.push({ question, answer, facts });
      question = null;
    }
  }
  let repeated: ReplyFacts | null = null;
  while (again !== null && pairs.at(-1)?.question === again) {
    const { facts } = pairs.pop()!;
    repeated ??= facts;
  }
  const text = (value: string): MessagePart[] => [{ type: 'text', text: value }];
  const messages = pairs.flatMap(({ question, answer }): Message[] => [
    { role: 'user', parts: text(question) },
    { role: 'assistant', parts: text(answer) },
  ]);
  return { messages, repeated };
}

function factsOf(result: vscode.ChatResult): ReplyFacts | null {
  return (result.metadata?.['semcache'] as ReplyFacts | undefined) ?? null;
}

function markdownOf(turn: vscode.ChatResponseTurn): string {
  return turn.response
    .map(part => ('value' in part && !Array.isArray(part.value) && 'value' in part.value ? String(part.value.value) : ''))
    .join('');
}

function statusMarkdown(editor: typeof vscode, record: AskRecord, hasTurns: boolean): vscode.MarkdownString {
  const { status, entryId, notStored } = record;
  const { decision } = status;
  const notes = [escaped(statusLine(status))];
  if (decision !== null && 'match' in decision && decision.match === 'semantic') {
    notes.push(`matched “${escaped(shortened(decision.instruction, 80))}”`);
  }
  if (decision?.status === 'bypass') notes.push(escaped(decision.why));
  if (notStored !== null) notes.push(`not stored: ${escaped(notStored)}`);
  if (entryId !== null) notes.push(commandLink('Show entry', 'semcache.showEntry', { entryId }));
  if (decision !== null) notes.push(commandLink('Why?', 'semcache.explain', { askId: record.id }));
  const lines = [`*${notes.join(' · ')}*`];
  if (hasTurns && decision?.status === 'miss' && decision.reason === 'no-entry') {
    lines.push('*Earlier turns of this chat are part of the question. A new chat asks it on its own.*');
  }
  const markdown = new editor.MarkdownString(`\n\n---\n\n${lines.join('\n\n')}`, true);
  markdown.isTrusted = { enabledCommands: ['semcache.showEntry', 'semcache.explain'] };
  return markdown;
}

/** The offer before the fresh answer, told apart from it. */
function offerQuote(editor: typeof vscode, { id, offer }: AskRecord): vscode.MarkdownString {
  const lines = offer === null ? [] : offerMarkdown(offer, id).split('\n');
  const markdown = new editor.MarkdownString(`${lines.map(line => `> ${line}`).join('\n')}\n\n`, true);
  markdown.isTrusted = { enabledCommands: [...offerCommands] };
  return markdown;
}
