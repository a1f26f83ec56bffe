// The process: the daemon and the command line. Acts on load.

import { runCommandLine } from './cli/commandLine.ts';

void runCommandLine(process.argv.slice(2), {
  env: process.env,
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  now: Date.now,
}).then(code => {
  // Once all that was printed has left: a pipe may still hold some.
  process.stdout.write('', () => process.exit(code));
});
