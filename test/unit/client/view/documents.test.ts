import { expect, test } from 'vitest';
import { debugReport, type DebugView } from '../../../../client/view/debugReport.ts';
import { EntryDocuments, fileName } from '../../../../client/view/entryDocument.ts';
import { entryText } from '../../../../client/view/entryText.ts';
import { alignedTable } from '../../../../client/view/markdownText.ts';
import { itemOf } from '../../../../client/view/pickEntry.ts';
import { SemcacheError } from '../../../../server/protocol/errors.ts';
import type { EntryDetail } from '../../../../server/protocol/messages.ts';

const entry: EntryDetail = {
  id: '0123', scope: 's', llmString: 'l', instruction: 'how do I reverse a list?', instructionKey: 'k',
  context: [{ kind: 'selection', name: 'src/a.py', sha256: 'abcdef0123456789' }], fingerprint: 'f',
  generations: [{ text: 'Use reversed().\n' }], model: 'gpt-4o', route: 'command', workspace: 'w',
  usage: { promptTokens: 1200, completionTokens: 34, estimated: true }, upstreamMs: 1400, createdAt: 0, updatedAt: 0,
  expiresAt: Date.UTC(1970, 0, 31), lastHitAt: 60_000, hits: 1,
};

test('entryText() tells what the entry answers, under which context, since when, and how often it was served', () => {
  const text = entryText(entry, 172_800_000).replace(/ +/g, ' ');
  for (const part of [
    '> how do I reverse a list?', '| Entry | 0123 |', '| Stored | 1970-01-01 00:00 UTC (2 d ago) |', '| Kept until | 1970-01-31 00:00 UTC |',
    '| Served | 1 time, last 1970-01-01 00:01 UTC |', '| Tokens | 1,200 prompt, 34 answer (estimated) |', '- selection: src/a.py (SHA-256 abcdef012345…)', 'Use reversed().',
  ]) expect(text).toContain(part);
});

test('itemOf() names an entry by its question, and never filters it out again', () => {
  const item = itemOf({ ...entry, preview: 'Use reversed().' } as never, 172_800_000);
  expect(item).toEqual({
    label: 'how do I reverse a list?', description: 'gpt-4o · 2 d · served 1 time', detail: 'Use reversed().', alwaysShow: true,
  });
});

test('fileName() keeps the words of a question, in any script, and nothing that a path or address could mean', () => {
  expect(fileName('../a?b#c: How *do* I reverse /etc/passwd?')).toBe('a b c How do I reverse etc passwd');
  expect(fileName('Wie kehre ich eine Liste um? 列表')).toBe('Wie kehre ich eine Liste um 列表');
  expect(fileName('???')).toBe('answer');
});

test('alignedTable() has its columns under each other, and a bar in a cell ends no cell', () => {
  expect(alignedTable(['a', ''], [['longer', 'x|y']])).toBe('| a      |      |\n|:-------|:-----|\n| longer | x\\|y |');
});

class FileSystemError extends Error {
  static Unavailable = (text: string) => new FileSystemError(`Unavailable: ${text}`);
  static FileNotFound = (uri: { path: string }) => new FileSystemError(`FileNotFound: ${uri.path}`);
}
class EventEmitter {
  event = (listener: (value: unknown) => void) => (this.fire = listener, { dispose: () => undefined });
  fire: (value: unknown) => void = () => undefined;
}
const editor = { FileSystemError, EventEmitter, FileType: { File: 1 }, FileChangeType: { Changed: 1 } } as never;
const uri = { query: '0123', path: '/q.md' } as never;

test('EntryDocuments reads the answer that is stored now, and saving writes it', async () => {
  const stored = { text: 'Use reversed() – always.', createdAt: 1, updatedAt: 2 };
  const documents = new EntryDocuments(editor, { read: async () => stored, write: async (_id, text) => void (stored.text = text) });
  const changes: unknown[] = [];
  documents.onDidChangeFile(change => changes.push(change));
  expect(await documents.stat(uri)).toEqual({ type: 1, ctime: 1, mtime: 2, size: 26 });
  expect(Buffer.from(await documents.readFile(uri)).toString()).toBe('Use reversed() – always.');
  await documents.writeFile(uri, Buffer.from('Use [::-1].'));
  expect(stored.text).toBe('Use [::-1].');
  expect(changes).toEqual([[{ type: 1, uri }]]);
});

test('EntryDocuments says that an entry is gone, and that an answer was not changed', async () => {
  const write = async () => {
    throw new SemcacheError('store-unreachable', 'The store is gone.');
  };
  const documents = new EntryDocuments(editor, { read: async () => null, write });
  await expect(documents.readFile(uri)).rejects.toThrow('FileNotFound: /q.md');
  await expect(documents.writeFile(uri, Buffer.from('x'))).rejects.toThrow('The stored answer was not changed. The store is gone.');
});

test('debugReport() tells what was set, without keys, user names or prompts', () => {
  const settings: Record<string, unknown> = {
    upstreams: [{ name: 'mine', kind: 'openai', baseUrl: 'https://ann:secret@host.example/v1?key=hidden', models: ['m'] }],
    'embedding.endpoint': 'http://bob:pass@127.0.0.1:9/v1?token=t0k',
    'store.url': 'redis://carl:word@one.example:6379,two.example:6379',
    scoreThreshold: 0.1,
  };
  const view: DebugView = {
    client: { version: '0.1.0', builtAt: 0 }, editor: { name: 'VS Code', version: '1.106.0', host: 'desktop', remote: '' },
    platform: 'linux x64', node: 'v22', state: 'stopped', problem: 'It ended.', facts: null, health: null, stats: null,
    settingOf: name => settings[name], models: { known: ['demo'], current: 'demo' },
  };
  const report = debugReport(view);
  expect(report).toContain('- Daemon: stopped: It ended.');
  expect(report).toContain('- semcache.scoreThreshold: 0.1');
  expect(report).toContain('"baseUrl":"https://host.example/v1"');
  expect(report).toContain('- semcache.embedding.endpoint: "http://127.0.0.1:9/v1"');
  for (const secret of ['secret', 'hidden', 'pass', 't0k', 'ann', 'bob', 'carl', 'word']) expect(report).not.toContain(secret);
  expect(report).not.toContain('semcache.ttl');
});
