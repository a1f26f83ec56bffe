// A process that writes the cache file is killed again and again: the file and every acknowledged entry survive.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as after } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { openStore } from '../../server/store/openStore.ts';
import { scattered } from '../contract/entries.ts';

const rounds = 20;

test(`kill -9 in ${rounds} rounds of writing loses no acknowledged put() and never the file`, { timeout: 180_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'semcache-kill-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'cache.db');
  let acknowledged = -1;

  for (let round = 0; round < rounds; round++) {
    const before = acknowledged;
    acknowledged = await writeUntilKilled(path, acknowledged + 1);
    expect(acknowledged, `round ${round} acknowledged something`).toBeGreaterThan(before);

    const { store, notices } = openStore(folder, { now: Date.now, maxEntries: 1_000_000 });
    expect(notices).toEqual([]);
    for (let i = before + 1; i <= acknowledged; i++) {
      expect((await store.get(`e${i}`))?.generations[0]?.text, `entry ${i}`).toBe(`answer ${i} ${'x'.repeat((i * 997) % 20_000)}`);
    }
    const query = { scope: 'scope', fingerprint: 'embedder', vector: scattered(acknowledged), k: 1, instructionKey: '' };
    expect(await store.nearest(query)).toMatchObject([{ distance: 0, entry: { id: `e${acknowledged}` } }]);
    // The one in flight may be there beside the acknowledged.
    expect([0, 1]).toContain((await store.size()).entries - (acknowledged + 1));
    await store.close();
    expect(integrity(path)).toBe('ok');
  }
});

/** Resolves to the number of the last put() that the writer reported before it was killed. */
async function writeUntilKilled(path: string, first: number): Promise<number> {
  const writer = spawn(process.execPath, [join(import.meta.dirname, 'storeWriter.ts'), path, String(first)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void writer.kill('SIGKILL'));
  let output = '';
  writer.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  await once(writer.stdout, 'data');
  await after(Math.random() * 250);
  writer.kill('SIGKILL');
  await once(writer, 'close');
  return Number(output.slice(0, output.lastIndexOf('\n')).split('\n').at(-1));
}

function integrity(path: string): unknown {
  const database = new DatabaseSync(path);
  try {
    return database.prepare('PRAGMA integrity_check').get()!.integrity_check;
  } finally {
    database.close();
  }
}
