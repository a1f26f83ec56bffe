// `npm run bench`: the figures that README and ARCHITECTURE.md give, measured on this machine. `-- gateway` for one
// benchmark of them, `-- --store redis` for that of Redis (a quarter of an hour), `-- --json` for programs.
// Always true: measures the bundle as it is built now, one benchmark after the other.

import { execFileSync } from 'node:child_process';
import os from 'node:os';
import { fileURLToPath } from 'node:url';
import { benchDaemon } from './daemon.ts';
import { benchEditor } from './editor.ts';
import { benchEmbedding } from './embedding.ts';
import { benchGateway } from './gateway.ts';
import { benchRedis } from './redis.ts';
import type { Row } from './row.ts';
import { benchSearch } from './search.ts';

const benchmarks: Record<string, () => Promise<Row[]>> = {
  embedding: benchEmbedding,
  search: benchSearch,
  daemon: benchDaemon,
  gateway: benchGateway,
  editor: benchEditor,
};
/** Only when named. */
const long: Record<string, () => Promise<Row[]>> = { redis: benchRedis };

const json = process.argv.includes('--json');
const named = process.argv.slice(2).filter(word => Object.hasOwn(benchmarks, word) || Object.hasOwn(long, word));
const [processor] = os.cpus();
const machine = {
  processor: processor?.model ?? 'unknown',
  cores: os.availableParallelism(),
  memoryGiB: Math.round(os.totalmem() / 2 ** 30),
  system: `${os.type()} ${os.release()} ${os.arch()}`,
  node: process.version,
  date: new Date().toISOString().slice(0, 10),
};

execFileSync(process.execPath, [fileURLToPath(new URL('../esbuild.mjs', import.meta.url))]);
const rows: Row[] = [];
for (const [name, run] of Object.entries(named.length > 0 ? { ...benchmarks, ...long } : benchmarks)) {
  if (named.length > 0 && !named.includes(name)) continue;
  console.error(`Measuring: ${name} …`);
  rows.push(...(await run()));
}
if (json) {
  console.log(JSON.stringify({ machine, rows }, null, 2));
} else {
  console.log(`\n${machine.date}, ${machine.processor}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.system}, Node ${machine.node}\n`);
  for (const { name, value, unit, what } of rows) console.log(`${name.padEnd(52)} ${digits(value).padStart(8)} ${unit}   ${what}`);
}
process.exit();

/** Three figures: 0.412, 41.2, 412. */
function digits(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
