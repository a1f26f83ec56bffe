// Runs once before the editor's tests. They read it with inject('editor').

import type { TestProject } from 'vitest/node';
import type { PreparedEditor } from './harness.ts';
import { prepareEditor } from './prepareEditor.ts';

declare module 'vitest' {
  interface ProvidedContext {
    editor: PreparedEditor;
  }
}

export default async function setup(project: TestProject): Promise<void> {
  project.provide('editor', await prepareEditor(line => console.log(line)));
}
