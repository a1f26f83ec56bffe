// What the gateway adds to a provider asked directly, and what it saves: both in the same run, against the same provider.
// Measured on the bundle (dist/), with daemon and provider each in a process of its own.

import autocannon from 'autocannon';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { end, residentMegabytes } from './childProcess.ts';
import { milliseconds, percentile, type Row } from './row.ts';

const program = fileURLToPath(new URL('../dist/server/main.cjs', import.meta.url));
const providerProgram = fileURLToPath(new URL('./provider.ts', import.meta.url));
const question = 'How do I reverse a list in Python?';
const connections = 16;
const asks = 300;

export async function benchGateway(): Promise<Row[]> {
  const data = await mkdtemp(path.join(os.tmpdir(), 'semcache-bench-'));
  const provider = await started([providerProgram]);
  const daemon = await started([program, 'serve', '--data', data, '--upstream', provider.line, '--port', '0', '--json']);
  const { http: gateway, token } = JSON.parse(daemon.line) as { http: string; token: string };
  try {
    return [...(await latencies(provider.line, gateway, token)), ...(await throughputs(provider.line, gateway, token, daemon.child.pid!))];
  } finally {
    await Promise.all([daemon.child, provider.child].map(end));
    await rm(data, { recursive: true, force: true });
  }
}

/** One after the other, the three ways in turn, so that what else the machine does falls on all alike. */
async function latencies(provider: string, gateway: string, token: string): Promise<Row[]> {
  const agent = new http.Agent({ keepAlive: true });
  const ask = (base: string, body: object): Promise<number> => firstByte(agent, base, token, body);
  await ask(gateway, body('warm'));
  await ask(gateway, body('same'));
  const direct: number[] = [];
  const passed: number[] = [];
  const missed: number[] = [];
  const hit: number[] = [];
  for (let index = 0; index < asks; index += 1) {
    direct.push(await ask(provider, body(`direct ${index}`)));
    passed.push(await ask(gateway, { ...body(`passed ${index}`), n: 2 }));
    missed.push(await ask(gateway, body(`missed ${index}`)));
    hit.push(await ask(gateway, body('same')));
  }
  agent.destroy();
  const added = (times: number[]): number => percentile(times, 0.5) - percentile(direct, 0.5);
  return [
    ...milliseconds('gateway: provider asked directly, first byte', direct, `${asks} streamed asks one after the other`),
    ...milliseconds('gateway: pass-through, first byte', passed, 'the same through the gateway, of a kind that is not compared'),
    ...milliseconds('gateway: miss, first byte', missed, 'the same, compared and stored: embedding and search included'),
    ...milliseconds('gateway: hit, first byte', hit, 'the same question again and again'),
    { name: 'gateway: added to a pass-through, p50', value: added(passed), unit: 'ms', what: 'difference of the medians above' },
    { name: 'gateway: added to a miss, p50', value: added(missed), unit: 'ms', what: 'difference of the medians above' },
  ];
}

async function throughputs(provider: string, gateway: string, token: string, pid: number): Promise<Row[]> {
  const rate = async (base: string, sent: object, amount?: number): Promise<number> => {
    const result = await autocannon({
      url: `${base}/v1/chat/completions`, method: 'POST', connections, idReplacement: true,
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify(sent),
      ...(amount === undefined ? { duration: 5 } : { amount }),
    });
    if (result.non2xx + result.errors > 0) throw new Error(`${result.non2xx} answers were errors, ${result.errors} connections failed`);
    return result['2xx'] / ((result.finish.getTime() - result.start.getTime()) / 1000);
  };
  const what = `${connections} connections for 5 s, autocannon`;
  const direct = await rate(provider, body('[<id>]'));
  const passed = await rate(gateway, { ...body('[<id>]'), n: 2 });
  const missed = await rate(gateway, body('[<id>]'));
  const hit = await rate(gateway, body('same'));
  const before = await residentMegabytes(pid);
  await rate(gateway, body('same'), 100_000);
  return [
    { name: 'gateway: provider asked directly', value: direct, unit: '1/s', what },
    { name: 'gateway: pass-through', value: passed, unit: '1/s', what },
    { name: 'gateway: misses', value: missed, unit: '1/s', what: `${what}; each embedded and stored` },
    { name: 'gateway: hits', value: hit, unit: '1/s', what },
    { name: 'gateway: memory before 100,000 requests', value: before, unit: 'MB', what: 'resident set of the daemon' },
    { name: 'gateway: memory after 100,000 requests', value: await residentMegabytes(pid), unit: 'MB', what: 'resident set of the daemon' },
  ];
}

/** Bodies of different `context` never share an entry. */
function body(context: string): object {
  return { model: 'm', stream: true, messages: [{ role: 'system', content: `You are kind. ${context}` }, { role: 'user', content: question }] };
}

/** Milliseconds from the request to the first byte of the answer's body; resolves when all of it is there. */
async function firstByte(agent: http.Agent, base: string, token: string, sent: object): Promise<number> {
  const bytes = Buffer.from(JSON.stringify(sent));
  const begun = performance.now();
  const request = http.request(`${base}/v1/chat/completions`, {
    method: 'POST', agent,
    headers: { 'content-type': 'application/json', 'content-length': bytes.length, authorization: `Bearer ${token}` },
  });
  request.end(bytes);
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  let first: number | null = null;
  for await (const _chunk of response) first ??= performance.now() - begun;
  if (response.statusCode !== 200 || first === null) throw new Error(`Status ${response.statusCode}`);
  return first;
}

async function started(args: string[]): Promise<{ child: ChildProcess; line: string }> {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  return { child, line };
}
