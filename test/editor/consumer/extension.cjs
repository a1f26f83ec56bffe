// Another extension, beside Semcache: uses language models as any extension would, and tells a test what the editor
// holds (documents whole, where the page shows only the lines in view).
// It answers POST {verb, …} on a loopback port, which it writes to $SEMCACHE_TEST_BRIDGES/<name of the workspace folder>.

const vscode = require('vscode');
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const { converse, modelWasAsked, registerModel } = require('./modelOfEditor.cjs');

const verbs = {
  /** Every model that this extension can use. */
  async models({ selector }) {
    const models = await vscode.lm.selectChatModels(selector);
    return models.map(({ id, name, vendor, family }) => ({ id, name, vendor, family }));
  },

  /** Sends one message to a model; `ms` is the time to the whole answer. */
  async ask({ selector, text, tools }) {
    const [model] = await vscode.lm.selectChatModels(selector);
    const begun = performance.now();
    const response = await model.sendRequest([vscode.LanguageModelChatMessage.User(text)], { tools });
    const parts = [];
    for await (const part of response.stream) {
      parts.push(part instanceof vscode.LanguageModelToolCallPart ? { toolCall: part.name, input: part.input } : { text: part.value });
    }
    return { parts, text: parts.map(part => part.text ?? '').join(''), ms: performance.now() - begun };
  },

  converse,
  modelWasAsked,

  async documents() {
    return vscode.workspace.textDocuments.map(document => ({
      uri: document.uri.toString(),
      language: document.languageId,
      dirty: document.isDirty,
      text: document.getText(),
    }));
  },

  /** Address of the document in the active editor; null where there is none. */
  async active() {
    return vscode.window.activeTextEditor?.document.uri.toString() ?? null;
  },

  async select({ line, endLine }) {
    const editor = vscode.window.activeTextEditor;
    editor.selection = new vscode.Selection(line, 0, endLine, editor.document.lineAt(endLine).text.length);
  },

  async clipboard() {
    return vscode.env.clipboard.readText();
  },

  async commands() {
    return vscode.commands.getCommands(true);
  },

  async setting({ name, value }) {
    await vscode.workspace.getConfiguration().update(name, value, vscode.ConfigurationTarget.Global);
  },

  async isActive({ extension }) {
    return vscode.extensions.getExtension(extension)?.isActive ?? null;
  },
};

exports.activate = context => {
  if (process.env.SEMCACHE_TEST_MODEL) context.subscriptions.push(registerModel());
  const server = http.createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const { verb, ...rest } = JSON.parse(body);
    try {
      response.end(JSON.stringify({ value: (await verbs[verb](rest)) ?? null }));
    } catch (error) {
      response.end(JSON.stringify({ error: { name: error.name, code: error.code, message: error.message } }));
    }
  });
  server.listen(0, '127.0.0.1', () => {
    const file = path.join(process.env.SEMCACHE_TEST_BRIDGES, vscode.workspace.name);
    fs.writeFileSync(`${file}.new`, String(server.address().port));
    fs.renameSync(`${file}.new`, file);
  });
  context.subscriptions.push({ dispose: () => server.close() });
};
