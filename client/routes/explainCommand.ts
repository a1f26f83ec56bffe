// "Explain This Answer": everything that led to the decision, as a document.

import type * as vscode from 'vscode';
import type { Care } from '../../server/protocol/care.ts';
import { fileName } from '../view/entryDocument.ts';
import { explanationActions, explanationText } from '../view/explanationText.ts';
import type { ReadOnlyDocuments } from '../view/readOnlyDocuments.ts';
import { resolveTarget, type TargetArgument, type TargetParts } from './askTarget.ts';
import type { Entries } from './entries.ts';

export interface ExplainParts extends TargetParts {
  editor: Pick<typeof vscode, 'window'>;
  entries: Pick<Entries, 'explain'>;
  documents: ReadOnlyDocuments;
  /** Of the daemon that is attached; null while there is none. */
  care: () => Care | null;
  now: () => number;
}

export async function explainCommand(parts: ExplainParts, argument?: TargetArgument): Promise<void> {
  const target = await resolveTarget(parts, argument);
  if (target === undefined) return;
  const { record } = target;
  if (record === null) return say(parts, 'This answer was given in another window or session. Ask the question here to see why it is answered so.');
  const explanation = await parts.entries.explain(record.id);
  if (explanation === null) {
    const why = record.status.decision?.why;
    return say(parts, why === undefined ? 'Nothing is decided yet.' : `${why} The daemon knows no more of this question: it keeps the last 100 of a window. Ask again to see all of it.`);
  }
  await parts.documents.show(`Why – ${fileName(record.question)}`, explanationText(explanation, { care: parts.care(), now: parts.now() }), {
    key: record.id,
    actions: explanationActions(explanation, record),
  });
}

function say({ editor }: ExplainParts, text: string): void {
  void editor.window.showInformationMessage(text);
}
