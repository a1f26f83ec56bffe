// The editor's classes that messages are made of, for tests that run without it. Same fields, same names.

import type * as vscode from 'vscode';

class LanguageModelTextPart {
  value: string;
  constructor(value: string) {
    this.value = value;
  }
}

class LanguageModelToolCallPart {
  callId: string;
  name: string;
  input: object;
  constructor(callId: string, name: string, input: object) {
    this.callId = callId;
    this.name = name;
    this.input = input;
  }
}

class LanguageModelToolResultPart {
  callId: string;
  content: unknown[];
  constructor(callId: string, content: unknown[]) {
    this.callId = callId;
    this.content = content;
  }
}

class LanguageModelDataPart {
  data: Uint8Array;
  mimeType: string;
  constructor(data: Uint8Array, mimeType: string) {
    this.data = data;
    this.mimeType = mimeType;
  }
}

class LanguageModelChatMessage {
  role: number;
  content: unknown[];
  name = undefined;
  constructor(role: number, content: unknown[]) {
    this.role = role;
    this.content = content;
  }
  static User(content: unknown[]): LanguageModelChatMessage {
    return new LanguageModelChatMessage(1, content);
  }
  static Assistant(content: unknown[]): LanguageModelChatMessage {
    return new LanguageModelChatMessage(2, content);
  }
}

class LanguageModelError extends Error {
  code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

class CancellationTokenSource {
  #listeners: Array<() => void> = [];
  token = {
    isCancellationRequested: false,
    onCancellationRequested: (listener: () => void) => {
      this.#listeners.push(listener);
      return { dispose: () => undefined };
    },
  };
  cancel(): void {
    this.token.isCancellationRequested = true;
    for (const listener of this.#listeners) listener();
  }
  dispose(): void {
    this.#listeners = [];
  }
}

export const editorClasses = {
  LanguageModelTextPart,
  LanguageModelToolCallPart,
  LanguageModelToolResultPart,
  LanguageModelDataPart,
  LanguageModelChatMessage,
  LanguageModelError,
  LanguageModelChatToolMode: { Auto: 1, Required: 2 },
  CancellationTokenSource,
} as unknown as typeof vscode;
