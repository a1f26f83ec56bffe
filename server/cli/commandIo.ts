// What a command is given of its surroundings, and what it leaves with.

export interface CommandIo {
  env: NodeJS.ProcessEnv;
  stdin: NodeJS.ReadableStream;
  stdout: NodeJS.WritableStream;
  stderr: NodeJS.WritableStream & { isTTY?: boolean };
  now: () => number;
}

export const exitCodes = {
  done: 0,
  failed: 1,
  /** The command line was not understood; nothing was done. */
  usage: 2,
  /** `serve`: another daemon has this data folder. */
  alreadyRunning: 3,
} as const;
