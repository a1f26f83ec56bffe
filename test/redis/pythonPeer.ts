// A Python process with another cache in it, spoken to a line at a time.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { installPythonPeer, type PythonPeer } from '../../scripts/pythonPeers.ts';

export interface PeerProcess {
  /** Calls one verb of the script. @throws what Python raised */
  call<T>(verb: string, named: Record<string, unknown>): Promise<T>;
  close(): void;
}

/** Starts `python/<script>` and waits until its packages are loaded. */
export async function startPeer(peer: PythonPeer, script: string): Promise<PeerProcess> {
  const python = await installPythonPeer(peer);
  const file = fileURLToPath(new URL(`./python/${script}`, import.meta.url));
  const environment = { ...process.env, PYTHONDONTWRITEBYTECODE: '1', PYTHONWARNINGS: 'ignore', OMP_NUM_THREADS: '1' };
  const child = spawn(python, [file], { env: environment, stdio: ['pipe', 'pipe', 'pipe'] });
  process.once('exit', () => child.kill('SIGKILL'));
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4000)));
  const waiting: { resolve: (line: string) => void; reject: (error: Error) => void }[] = [];
  const lines = createInterface({ input: child.stdout });
  lines.on('line', line => {
    if (line.startsWith('{')) waiting.shift()?.resolve(line);
  });
  child.once('exit', code => waiting.splice(0).forEach(({ reject }) => reject(new Error(`${script} ended (${code}): ${said}`))));
  const next = (): Promise<string> => new Promise((resolve, reject) => waiting.push({ resolve, reject }));

  const ready = next();
  await ready;
  return {
    async call<T>(verb: string, named: Record<string, unknown>): Promise<T> {
      const reply = next();
      child.stdin.write(`${JSON.stringify({ verb, arguments: named })}\n`);
      const { result, error } = JSON.parse(await reply) as { result: T; error?: string };
      if (error !== undefined) throw new Error(error);
      return result;
    },
    close: () => void child.kill('SIGKILL'),
  };
}
