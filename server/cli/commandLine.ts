// The command line: which commands there are, and what their words mean.
// Owns: options, usage errors, exit codes. Does not know: what a command does (serve, verbs, entryLines, doctor).
// Always true: a usage error ends with code 2 and before anything was opened.

import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { build } from '../protocol/build.ts';
import { messageOf, SemcacheError } from '../protocol/errors.ts';
import { settingsTable } from '../protocol/settings.ts';
import { exitCodes, type CommandIo } from './commandIo.ts';
import { doctor } from './doctor.ts';
import { explain } from './explain.ts';
import { exportEntries, importEntries } from './entryLines.ts';
import { serve } from './serve.ts';
import { exportTo, importFrom } from './otherCaches.ts';
import { isSeed, notSeed, seedClear, seedList, seedLookup, seedUpdate } from './seedVerbs.ts';
import { clear, list, lookup, stats, update } from './verbs.ts';

/** Resolves to the process's exit code. Never throws for what a person typed or what failed. */
export async function runCommandLine(argv: string[], io: CommandIo): Promise<number> {
  let code: number = exitCodes.done;
  const program = newProgram(io, async run => {
    code = await run();
  });
  try {
    await program.parseAsync(argv, { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
    tellFailure(error, argv.includes('--json'), io);
    return error instanceof SemcacheError && error.code === 'bad-request' ? exitCodes.usage : exitCodes.failed;
  }
}

function newProgram(io: CommandIo, finish: (run: () => Promise<number>) => Promise<void>): Command {
  const program = new Command('semcache')
    .description('A local semantic cache for AI prompts: daemon and command line.')
    .version(build.version)
    .exitOverride()
    .configureOutput({ writeOut: text => io.stdout.write(text), writeErr: text => io.stderr.write(text) });

  const command = (usage: string, description: string): Command =>
    program
      .command(usage)
      .description(description)
      .option('--data <dir>', 'data folder (default: SEMCACHE_DATA, else the place of this system for program data)')
      .option('--json', 'print JSON')
      .option('--store <address>', 'redis://… of the Redis that holds the answers; its password from SEMCACHE_REDIS_PASSWORD (default: SEMCACHE_STORE, else the file in the data folder)')
      .option('--namespace <name>', 'your own part of that Redis (default: one of this data folder)')
      .option('--team <name>', 'the part of that Redis that a team shares')
      .option('--prefix <text>', 'beginning of every key in that Redis (default: "semcache:")')
      .addOption(new Option('--layout <layout>', 'how entries lie in that Redis').choices(['semcache', 'langchain']).default('semcache'));
  const prompt = ['--prompt <text>', 'the question'] as const;
  const llmString = ['--llm-string <text>', 'the model and its parameters as one string; only entries of an equal one are compared'] as const;

  command('serve', 'run the daemon that all windows share')
    .option('--upstream <url>', 'provider for the tools that use the HTTP gateway; its key from SEMCACHE_UPSTREAM_KEY, else the tools\' own', httpUrl)
    .option('--port <number>', 'port of the HTTP gateway on loopback (default: 7411 or the next free one); 0: any', port)
    .option('--idle-minutes <number>', 'minutes without a window after which it ends, until a window says otherwise; 0: never', positive)
    .option('--node-ipc', 'serve only the process that started this one, over its IPC channel')
    .action(options => finish(() => serve(options, io)));

  command('lookup', 'the stored answers for a question, or a miss')
    .requiredOption(...prompt)
    .requiredOption(...llmString)
    .addOption(new Option('--threshold <distance>', 'largest cosine distance that still counts; smaller is stricter').argParser(distance))
    .addOption(new Option('--matching <mode>', 'when two questions count as the same').choices(settingsTable.matching.enum).default('distance'))
    .action(options => finish(() => (isSeed(options) ? seedLookup : lookup)(options, io)));

  command('explain', 'why a question would be answered as it would; nothing is counted or stored')
    .requiredOption(...prompt)
    .requiredOption(...llmString)
    .addOption(new Option('--matching <mode>', 'when two questions count as the same').choices(settingsTable.matching.enum).default(settingsTable.matching.default))
    .addOption(new Option('--max-wrong-hit-rate <share>', 'share of wrong answers that is permitted among those served by meaning, 0 to 1; mode verified').argParser(share))
    .addOption(new Option('--threshold <distance>', 'largest cosine distance that still counts; mode distance').argParser(distance))
    .action(options => finish(() => explain(notSeed(options, 'explain'), io)));

  command('update', 'store an answer, or replace the one that this question had')
    .requiredOption(...prompt)
    .requiredOption(...llmString)
    .addOption(new Option('--answer <text>', 'the answer').conflicts('generations'))
    .option('--generations <json>', 'the answer as a JSON array of generations: [{"text": …}]')
    .action(options => finish(() => (isSeed(options) ? seedUpdate : update)(options, io)));

  command('clear', 'remove stored answers')
    .addOption(new Option(...llmString).conflicts('all'))
    .option('--all', 'remove every stored answer')
    .action(options => finish(() => (isSeed(options) ? seedClear : clear)(options, io)));

  command('list', 'stored answers, newest first')
    .option(...llmString)
    .option('--model <name>', 'only answers of this model')
    .option('--search <words>', 'only questions that hold all these words')
    .option('--limit <number>', 'how many', wholeNumber, 50)
    .option('--offset <number>', 'how many to leave out', wholeNumber, 0)
    .action(options => finish(() => (isSeed(options) ? seedList : list)(options, io)));

  command('stats', 'hits, misses and what hits saved').action(options => finish(() => stats(notSeed(options, 'stats'), io)));

  command('export [file]', 'write all entries as JSON lines to a file, or to the standard output; with --to, into the Redis at that address')
    .addOption(new Option('--to <cache>', 'write them for another cache').choices(['langchain', 'redisvl']))
    .option('--name <name>', 'name of that cache (redisvl)', 'llmcache')
    .action((file: string | undefined, options) => finish(() => (options.to === undefined ? exportEntries(file ?? '-', notSeed(options, 'export'), io) : exportTo(file, options, io))));

  command('import <file>', 'read what export has written; - is the standard input; with --from, the address or file of another cache')
    .addOption(new Option('--from <cache>', 'which other cache it is').choices(['langchain', 'langchain-redis', 'redisvl', 'gptcache']))
    .option('--name <name>', 'name of that cache (redisvl, langchain-redis)', 'llmcache')
    .option('--model <name>', 'the model whose answers they are, where that cache does not say it (redisvl, gptcache)', 'imported')
    .action((file: string, options) => finish(() => (options.from === undefined ? importEntries(file, notSeed(options, 'import'), io) : importFrom(file, options, io))));

  command('doctor', 'check everything that the cache needs').action(options => finish(() => doctor(notSeed(options, 'doctor'), io)));

  return program;
}

function tellFailure(error: unknown, json: boolean, io: CommandIo): void {
  const code = error instanceof SemcacheError ? error.code : 'internal-error';
  io.stderr.write(json ? `${JSON.stringify({ error: { code, message: messageOf(error) } })}\n` : `semcache: ${messageOf(error)}\n`);
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0 && text.trim() !== '') return value;
  throw new InvalidArgumentError('It must be a whole number, 0 or larger.');
}

function positive(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && value >= 0) return value;
  throw new InvalidArgumentError('It must be a number, 0 or larger.');
}

function port(text: string): number {
  const value = wholeNumber(text);
  if (value <= 65_535) return value;
  throw new InvalidArgumentError('It must be at most 65535.');
}

function httpUrl(text: string): string {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text;
  throw new InvalidArgumentError('It must be an address like https://api.openai.com/v1.');
}

function share(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= 0 && value <= 1) return value;
  throw new InvalidArgumentError('It must be a share from 0 to 1.');
}

function distance(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= 0 && value <= 2) return value;
  throw new InvalidArgumentError('It must be a distance from 0 to 2.');
}
