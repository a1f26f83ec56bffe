// The Python caches that ours is proven against, each in a virtual environment outside the checkout.
// `node scripts/run.mjs scripts/pythonPeers.ts` installs them and prints where they are.

import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { installedTool, runTool } from './testTools.ts';

/**
 * langchain-community 0.4.2 runs unmodified with redis-py 5 only, and RedisVL needs 6.3 or later, so that the two cannot
 * share an environment.
 */
const environments = {
  community: ['langchain-community==0.4.2', 'redis==5.3.1', 'onnxruntime==1.32.0', 'tokenizers==0.23.3', 'numpy==2.4.6'],
  redisvl: ['redisvl==0.28.0', 'langchain-redis==0.2.6', 'onnxruntime==1.32.0', 'tokenizers==0.23.3', 'numpy==2.4.6'],
  gptcache: ['gptcache==0.1.44', 'sqlalchemy', 'numpy<3'],
} as const;

export type PythonPeer = keyof typeof environments;

export const pythonPeers = Object.keys(environments) as PythonPeer[];

/** Path of the environment's Python; installs it where it is missing (about half a minute each). */
export async function installPythonPeer(peer: PythonPeer): Promise<string> {
  const packages = environments[peer];
  const name = `python-${peer}-${packages[0].replace('==', '-')}`;
  const hint = 'The Python caches for the tests come from PyPI: install Python 3.10 or later with venv and pip, and check that PyPI can be reached.';
  // Made elsewhere and then moved here: its programs in bin/ know the old path, its Python does not need to.
  const folder = await installedTool(name, async making => {
    await runTool('python3', ['-m', 'venv', making], hint);
    await runTool(path.join(making, 'bin', 'python'), ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...packages], hint);
  });
  return path.join(folder, 'bin', 'python');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const peer of pythonPeers) console.log(`${peer}: ${await installPythonPeer(peer)}`);
}
