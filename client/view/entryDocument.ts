// A stored answer as a document that can be edited: saving it updates the entry.
// Owns: the scheme semcache-entry. Does not know: the wire; it is given functions that read and write an answer.

import type * as vscode from 'vscode';
import { messageOf } from '../../server/protocol/errors.ts';

export const entryScheme = 'semcache-entry';

export interface StoredAnswers {
  /** Null when the entry is gone. */
  read(entryId: string): Promise<{ text: string; createdAt: number; updatedAt: number } | null>;
  write(entryId: string, text: string): Promise<void>;
}

type Editor = Pick<typeof vscode, 'Uri' | 'EventEmitter' | 'FileSystemError' | 'FileType' | 'FileChangeType'>;

export function entryUri(editor: Pick<typeof vscode, 'Uri'>, entryId: string, question: string): vscode.Uri {
  return editor.Uri.from({ scheme: entryScheme, path: `/${fileName(question)}.md`, query: entryId });
}

/** Words of the question that a tab can show. */
export function fileName(question: string): string {
  const words = question.replace(/[^\p{L}\p{N}]+/gu, ' ').trim().slice(0, 48).trim();
  return words === '' ? 'answer' : words;
}

/** Files only, one an entry. */
export class EntryDocuments implements vscode.FileSystemProvider {
  readonly #editor: Editor;
  readonly #answers: StoredAnswers;
  readonly #changed: vscode.EventEmitter<vscode.FileChangeEvent[]>;
  readonly onDidChangeFile: vscode.Event<vscode.FileChangeEvent[]>;

  constructor(editor: Editor, answers: StoredAnswers) {
    this.#editor = editor;
    this.#answers = answers;
    this.#changed = new editor.EventEmitter();
    this.onDidChangeFile = this.#changed.event;
  }

  watch(): vscode.Disposable {
    return { dispose: () => undefined };
  }

  async stat(uri: vscode.Uri): Promise<vscode.FileStat> {
    const { text, createdAt, updatedAt } = await this.#read(uri);
    return { type: this.#editor.FileType.File, ctime: createdAt, mtime: updatedAt, size: Buffer.byteLength(text) };
  }

  async readFile(uri: vscode.Uri): Promise<Uint8Array> {
    return Buffer.from((await this.#read(uri)).text);
  }

  async writeFile(uri: vscode.Uri, content: Uint8Array): Promise<void> {
    try {
      await this.#answers.write(uri.query, Buffer.from(content).toString('utf8'));
    } catch (error) {
      throw this.#editor.FileSystemError.Unavailable(`The stored answer was not changed. ${messageOf(error)}`);
    }
    this.#changed.fire([{ type: this.#editor.FileChangeType.Changed, uri }]);
  }

  readDirectory(uri: vscode.Uri): never {
    throw this.#editor.FileSystemError.FileNotADirectory(uri);
  }

  createDirectory(uri: vscode.Uri): never {
    throw this.#editor.FileSystemError.NoPermissions(uri);
  }

  delete(uri: vscode.Uri): never {
    throw this.#editor.FileSystemError.NoPermissions(uri);
  }

  rename(uri: vscode.Uri): never {
    throw this.#editor.FileSystemError.NoPermissions(uri);
  }

  async #read(uri: vscode.Uri): Promise<{ text: string; createdAt: number; updatedAt: number }> {
    let answer;
    try {
      answer = await this.#answers.read(uri.query);
    } catch (error) {
      throw this.#editor.FileSystemError.Unavailable(messageOf(error));
    }
    if (answer === null) throw this.#editor.FileSystemError.FileNotFound(uri);
    return answer;
  }
}
