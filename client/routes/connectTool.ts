// "Connect Another Tool…": the gateway's address and token, in the words of the tool that is to use it.
// Owns: the order of the questions, writing a tool's file, and testing the connection.
// Always true: nothing is written before its whole new text was shown and a person said yes.

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type * as vscode from 'vscode';
import { messageOf, SemcacheError } from '../../server/protocol/errors.ts';
import type { DaemonFacts } from '../../server/protocol/messages.ts';
import { tools, unsupportedTools, type GatewayAddress, type Tool } from './toolConfigurations.ts';

export interface ConnectToolParts {
  editor: Pick<typeof vscode, 'window' | 'workspace' | 'env'>;
  /** Null while the gateway is not open. */
  gateway: () => Omit<GatewayAddress, 'model'> | null;
  /** That of the daemon of this window; null while there is none. */
  daemonMode: () => DaemonFacts['mode'] | null;
  /** A model that an HTTP endpoint of the person has; null where none is known. */
  model: () => string | null;
  home: string;
}

type ToolItem = vscode.QuickPickItem & { tool?: Tool };
type StepItem = vscode.QuickPickItem & { step: 'copy' | 'write' | 'test' };

export async function connectToolCommand(parts: ConnectToolParts): Promise<void> {
  const { editor } = parts;
  const open = parts.gateway();
  if (open === null) throw notOpen(parts.daemonMode());
  const gateway: GatewayAddress = { ...open, model: parts.model() ?? 'MODEL' };
  const picked = await editor.window.showQuickPick<ToolItem>(toolItems(), {
    title: 'Which tool shall use the cache?', placeHolder: `The gateway listens on ${gateway.url}`, matchOnDescription: true,
  });
  if (picked?.tool === undefined) return;
  const { tool } = picked;
  const next = await editor.window.showQuickPick<StepItem>(stepItems(tool, gateway), { title: `Connect ${tool.name}` });
  switch (next?.step) {
    case 'copy':
      return copy(parts, tool, gateway);
    case 'write':
      return write(parts, tool, gateway);
    case 'test':
      return test(parts, tool, gateway);
    case undefined:
  }
}

function notOpen(mode: DaemonFacts['mode'] | null): SemcacheError {
  return new SemcacheError(
    'daemon-unreachable',
    mode === 'window'
      ? 'This window runs a daemon of its own, and only the shared one opens a gateway for other tools. Set semcache.daemon.mode to ' +
        '"shared"; where it is that already, run "Semcache: Restart Daemon" or see the log for why the shared daemon was not reached.'
      : 'The gateway for other tools is not open. Switch on semcache.gateway.enabled, or see the log for why it could not be opened.',
  );
}

export function toolItems(): ToolItem[] {
  return [
    ...tools.map(tool => ({ label: tool.name, description: tool.hint, tool })),
    ...unsupportedTools.map(({ name, why }) => ({ label: `$(circle-slash) ${name}`, description: `cannot work: ${why}` })),
  ];
}

function stepItems(tool: Tool, { model }: GatewayAddress): StepItem[] {
  return [
    { step: 'copy', label: '$(copy) Copy the configuration', detail: 'It holds the token of the gateway.' },
    ...(tool.file === undefined ? [] : [{ step: 'write' as const, label: `$(edit) Write it to ~/${tool.file}…`, detail: 'Shows the whole file first.' }]),
    { step: 'test', label: '$(plug) Test the connection', detail: model === 'MODEL' ? 'Asks for the list of models.' : `Asks ${model} one short question.` },
  ];
}

async function copy({ editor }: ConnectToolParts, tool: Tool, gateway: GatewayAddress): Promise<void> {
  const text = tool.configuration(gateway);
  await editor.env.clipboard.writeText(text);
  const answer = await editor.window.showInformationMessage(`The configuration for ${tool.name} is in the clipboard.`, 'Show');
  if (answer === 'Show') await show(editor, text, tool.language);
}

async function write({ editor, home }: ConnectToolParts, tool: Tool, gateway: GatewayAddress): Promise<void> {
  const file = path.join(home, tool.file!);
  const text = newText(tool, gateway, file, await existingText(file));
  await show(editor, text, tool.language);
  const answer = await editor.window.showWarningMessage(
    `Write ${file}?`,
    { modal: true, detail: 'The editor shows the whole file as it will be. It holds the token of the gateway.' },
    'Write',
  );
  if (answer !== 'Write') return;
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, text, { mode: 0o600 });
  void editor.window.showInformationMessage(`${tool.name} uses the cache from its next start on.`);
}

async function existingText(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** @throws SemcacheError bad-request where the file's own text would be lost */
export function newText(tool: Tool, gateway: GatewayAddress, file: string, existing: string | null): string {
  if (existing === null || existing.trim() === '') return tool.configuration(gateway);
  const byHand = new SemcacheError('bad-request', `${file} is there already and is left as it is. Copy the configuration and add it yourself.`);
  if (tool.merged === undefined) throw byHand;
  try {
    return tool.merged(existing, gateway);
  } catch {
    throw byHand;
  }
}

async function show(editor: ConnectToolParts['editor'], content: string, language: string): Promise<void> {
  await editor.window.showTextDocument(await editor.workspace.openTextDocument({ content, language }), { preview: true });
}

async function test({ editor }: ConnectToolParts, tool: Tool, gateway: GatewayAddress): Promise<void> {
  const outcome = await testConnection(tool, gateway);
  if (outcome.ok) void editor.window.showInformationMessage(outcome.text);
  else void editor.window.showWarningMessage(outcome.text);
}

/** Longest wait for the one answer. */
const testDeadlineMs = 30_000;

/** One real request, as the tool would make it. */
export async function testConnection({ name, wire }: Pick<Tool, 'name' | 'wire'>, { url, token, model }: GatewayAddress): Promise<{ ok: boolean; text: string }> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const signal = AbortSignal.timeout(testDeadlineMs);
  const asked = 'Answer with the word OK.';
  const messages = [{ role: 'user', content: asked }];
  const requests = {
    chat: { path: '/v1/chat/completions', body: { model, messages } },
    messages: { path: '/v1/messages', body: { model, max_tokens: 100, messages } },
    responses: { path: '/v1/responses', body: { model, input: asked, store: false } },
  };
  try {
    const { path: where, body } = requests[wire];
    const response = await (model === 'MODEL'
      ? fetch(`${url}/v1/models`, { headers, signal })
      : fetch(url + where, { method: 'POST', headers, body: JSON.stringify(body), signal }));
    const said = await response.text();
    if (!response.ok) return { ok: false, text: `${name}: the gateway answers with status ${response.status}. ${errorIn(said)}` };
    const status = response.headers.get('x-semcache-status');
    return { ok: true, text: `${name} will work: ${model === 'MODEL' ? 'the gateway lists its models' : `${model} answered (${status})`}.` };
  } catch (error) {
    return { ok: false, text: `${name}: the gateway could not be asked (${messageOf(error)}).` };
  }
}

function errorIn(body: string): string {
  try {
    const message: unknown = JSON.parse(body)?.error?.message;
    return typeof message === 'string' ? message : '';
  } catch {
    return '';
  }
}
