// Which ask or entry a command is about: what it was given, what the person looks at, or what they pick.

import type * as vscode from 'vscode';
import { invocationOf, type ModelRequest } from '../../server/protocol/prompt.ts';
import type { AnswerDocuments } from '../view/answerDocument.ts';
import { statusText } from '../view/answerStatus.ts';
import type { Decorations } from '../view/decorations.ts';
import { entryScheme } from '../view/entryDocument.ts';
import { shortened } from '../view/markdownText.ts';
import type { AskRecord, Asks } from './asks.ts';
import type { Entries } from './entries.ts';
import type { KnownModel } from './models.ts';

/** What links, lenses and follow-ups hand to a command. */
export interface TargetArgument {
  askId?: string;
  entryId?: string;
  /** The answer document whose ask is meant: what it shows by now, for lenses are drawn later than the text. */
  answerIn?: vscode.Uri;
}

export interface Target {
  /** The ask; null when only its entry is known, from another window or an earlier session. */
  record: AskRecord | null;
  entryId: string | null;
}

export interface TargetParts {
  editor: Pick<typeof vscode, 'window'>;
  asks: Asks;
  answers: Pick<AnswerDocuments, 'askIn'>;
  decorations: Pick<Decorations, 'askAt'>;
}

/** Undefined if the person left, or had nothing to pick from and was told so. */
export async function resolveTarget(parts: TargetParts, argument: TargetArgument | undefined): Promise<Target | undefined> {
  const { asks } = parts;
  const askId = askIdOf(argument, parts.answers);
  const record = askId === null ? null : asks.get(askId);
  if (record !== null) return { record, entryId: record.entryId };
  if (argument?.entryId !== undefined) return { record: asks.ofEntry(argument.entryId), entryId: argument.entryId };
  return lookedAt(parts) ?? (await pickRecent(parts));
}

/** Null where the argument names none. */
export function askIdOf(argument: TargetArgument | undefined, answers: TargetParts['answers']): string | null {
  return argument?.askId ?? (argument?.answerIn === undefined ? null : answers.askIn(argument.answerIn));
}

/** The ask of the active answer document, the entry that is edited, or the ask about the cursor's line. */
export function lookedAt({ editor, asks, answers, decorations }: TargetParts): Target | null {
  const active = editor.window.activeTextEditor;
  if (active === undefined) return null;
  const { document, selection } = active;
  if (document.uri.scheme === entryScheme) {
    return { record: asks.ofEntry(document.uri.query), entryId: document.uri.query };
  }
  const askId = answers.askIn(document.uri) ?? decorations.askAt(document, selection.active.line);
  const record = askId === null ? null : asks.get(askId);
  return record === null ? null : { record, entryId: record.entryId };
}

async function pickRecent({ editor, asks }: TargetParts): Promise<Target | undefined> {
  const recent = asks.recent().filter(({ status }) => status.phase !== 'asking');
  if (recent.length === 0) {
    void editor.window.showInformationMessage(
      'Nothing was asked in this window yet. Stored answers of earlier sessions are in “Semcache: Browse Cached Answers…”.',
    );
    return undefined;
  }
  const items = recent.map(record => ({
    label: shortened(record.question, 120),
    description: statusText(record.status),
    record,
  }));
  const picked = await editor.window.showQuickPick(items, { title: 'Which question?', matchOnDescription: true });
  return picked === undefined ? undefined : { record: picked.record, entryId: picked.record.entryId };
}

/** What is needed to ask again. */
export type Question = Pick<AskRecord, 'id' | 'question' | 'request' | 'model'>;

/**
 * The request of the target. Of an entry from elsewhere only the question is stored, not its context: it can be asked
 * again only if it had none, and if a model of its name is there. Null otherwise.
 */
export async function questionOf(
  target: Target,
  entries: Pick<Entries, 'get'>,
  models: readonly KnownModel[],
): Promise<Question | null> {
  if (target.record !== null) return target.record;
  const entry = target.entryId === null ? null : await entries.get(target.entryId);
  if (entry === null || entry.context.length > 0 || entry.instruction === '') return null;
  const invocation = invocationOf(entry.llmString);
  const model = models.find(each => each.model === invocation?.model);
  if (invocation === null || model === undefined) return null;
  const request: ModelRequest = {
    ...invocation,
    messages: [{ role: 'user', parts: [{ type: 'text', text: entry.instruction }] }],
    tools: [],
  };
  return { id: '', question: entry.instruction, request, model };
}
