// Semcache as a person uses it in a window: asking, and reading what became of it.
// Owns: Semcache's titles and texts as they appear on the screen. Does not know: the workbench's DOM (editorWindow.ts).

import { poll, type EditorWindow } from './editorWindow.ts';

export interface ShownAnswer {
  /** The first line: what became of the ask. */
  status: string;
  /** The document below it. */
  text: string;
}

/** The two questions that the start page tells a newcomer to ask: one question in two wordings. */
export const reverseList = { asked: 'How do I reverse a list in Python?', reworded: 'Python: reverse a list' };

/** Runs "Ask…" and resolves to the whole answer. */
export async function ask(window: EditorWindow, question: string): Promise<ShownAnswer> {
  await window.command('Semcache: Ask…');
  return typed(window, question);
}

/** Selects these lines (from 0, both included) of the active editor, runs "Ask About Selection", resolves to the answer. */
export async function askAbout(window: EditorWindow, lines: [number, number], question: string): Promise<ShownAnswer> {
  await window.select(...lines);
  await window.command('Semcache: Ask About Selection');
  return typed(window, question);
}

async function typed(window: EditorWindow, question: string): Promise<ShownAnswer> {
  const before = await answerText(window);
  await window.typeIntoInputBox(question);
  return settledAnswer(window, question, before);
}

/** The settled answer to this question, as soon as the document says something else than `before`. */
export async function settledAnswer(window: EditorWindow, question: string, before: string | null): Promise<ShownAnswer> {
  return poll(`an answer to “${question}” is shown`, async () => {
    const text = await answerText(window);
    if (text === null || text === before || !text.includes(`> ${question}`)) return null;
    const [status = '', ...rest] = text.split('\n');
    return status.startsWith('○ asking') ? null : { status, text: rest.join('\n') };
  });
}

/** The answer document as it is now; null while there is none. */
export async function answerText(window: EditorWindow): Promise<string | null> {
  const document = (await window.documents()).find(({ uri }) => uri.startsWith('semcache-answer:'));
  return document?.text ?? null;
}

/** Milliseconds from Enter in "Ask…" until the answer, a hit, is on the screen. */
export async function timeToHit(window: EditorWindow, question: string): Promise<number> {
  await window.command('Semcache: Ask…');
  return window.timeFromEnter(question, ['● cached', `> ${question}`]);
}

/** Waits until a line shows this behind its text. */
export async function decorationMatching(window: EditorWindow, pattern: RegExp): Promise<string> {
  return poll(`a line shows ${pattern}`, async () => (await window.decorationTexts()).find(text => pattern.test(text)));
}

/** Waits until the status bar shows this hit rate. */
export async function hitRateIs(window: EditorWindow, percent: number): Promise<void> {
  await window.statusItem(new RegExp(`(^|\\s)${percent}%$`)).waitFor();
}

/** Asks @semcache in the chat view and resolves to the text of the reply, once it is whole. */
export async function askInChat(window: EditorWindow, question: string): Promise<string> {
  const earlier = await window.lastInChat();
  await window.typeIntoChat(`@semcache ${question}`);
  await poll(`a reply to “${question}” in the chat view`, async () => {
    if ((await window.lastInChat()) < earlier + 2) return false; // The question, and the reply.
    return /cached ·|asked ·|asked, cache bypassed|✕ failed|unavailable/.test(await window.chatReplies.last().innerText());
  });
  return window.lastChatReply();
}
