// The arrows between folders. A new one is a decision: add it here and say why in ARCHITECTURE.md.

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Room to the rooms it may import, itself aside. A file of `client/` or `server/` itself is its own room. */
const arrows: Record<string, string[]> = {
  'client/extension.ts': ['*client', 'server/protocol'],
  'client/routes': ['client/view', 'client/daemon', 'client', 'server/protocol'],
  'client/view': ['client/daemon', 'client', 'server/protocol'],
  'client/daemon': ['server/protocol'],
  client: ['client/routes', 'client/view', 'client/daemon', 'server/protocol'],
  'server/main.ts': ['server/cli'],
  'server/cli': ['server/daemon', 'server/cache', 'server/store', 'server/embedding', 'server/langchain', 'server/protocol'],
  'server/daemon': ['server/gateway', 'server/upstream', 'server/cache', 'server/store', 'server/embedding', 'server/protocol'],
  'server/gateway': ['server/protocol'],
  'server/upstream': ['server/protocol'],
  'server/cache': ['server/matching', 'server/embedding', 'server/store', 'server/protocol'],
  'server/matching': ['server/protocol'],
  'server/embedding': ['server/protocol'],
  'server/store': ['server/protocol'],
  'server/langchain': ['server/store', 'server/embedding', 'server/protocol'],
  'server/protocol': [],
};

/** Packages that only one room may use. */
const edges: Record<string, RegExp> = {
  vscode: /^client\//,
  'vscode-languageserver': /^server\/daemon\//,
  hono: /^server\/gateway\//,
  '@hono/node-server': /^server\/gateway\//,
  redis: /^server\/(?:store|langchain)\/redis/i,
  'node:sqlite': /^server\/(?:store\/|daemon\/singleInstance)/,
  '@xenova/transformers': /^server\/embedding\//,
  'eventsource-parser': /^server\/(?:upstream|gateway)\//,
  commander: /^server\/cli\//,
};

interface Import {
  from: string;
  to: string;
}

const files = ['client', 'server'].flatMap(folder =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map(name => join(folder, name).replaceAll('\\', '/'))
    .filter(name => name.endsWith('.ts')),
);
const imports: Import[] = files.flatMap(file => {
  const source = readFileSync(join(root, file), 'utf8');
  const names = source.matchAll(/^(?:import|export)\s[^;]*?from\s+'([^']+)'|import\('([^']+)'\)/gms);
  return [...names].map(match => ({ from: file, to: match[1] ?? match[2]! }));
});

function room(file: string): string {
  return arrows[file] === undefined ? dirname(file) : file;
}

describe('the arrows between folders', () => {
  const between = imports
    .filter(({ to }) => to.startsWith('.'))
    .map(({ from, to }) => ({ from, to: relative(root, join(root, dirname(from), to)).replaceAll('\\', '/') }))
    .filter(({ from, to }) => room(from) !== room(to));

  test('every import between folders is one of them', () => {
    const strangers = between.filter(({ from, to }) => {
      const allowed = arrows[room(from)] ?? [];
      return !allowed.includes(room(to)) && !(allowed.includes('*client') && to.startsWith('client/'));
    });
    expect(strangers).toEqual([]);
    expect(between.length).toBeGreaterThan(20);
  });

  test('every folder with code has its row', () => {
    expect([...new Set(files.map(room))].filter(name => arrows[name] === undefined)).toEqual([]);
  });
});

describe('packages sit at the edge that needs them', () => {
  test.each(Object.entries(edges))('%s', (name, allowed) => {
    const users = imports.filter(({ to }) => to === name || to.startsWith(`${name}/`)).map(({ from }) => from);
    expect(users.filter(file => !allowed.test(file))).toEqual([]);
  });
});

test('every relative import names its file', () => {
  expect(imports.filter(({ to }) => to.startsWith('.') && !/\.(?:ts|json)$/.test(to))).toEqual([]);
});

test('no file has grown past what the head holds', () => {
  const long = files.filter(file => readFileSync(join(root, file), 'utf8').split('\n').length > 420);
  expect(long).toEqual([]);
});
