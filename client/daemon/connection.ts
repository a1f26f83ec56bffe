// One typed connection between a window and the daemon.
// Owns: the handshake, asks in progress, reconnecting, the configuration that a new daemon must be told again.
// Does not know: VS Code; how a daemon is found or started (launcher.ts); what an answer is shown as.
// Always true: an ask whose daemon dies before its answer began fails with 'daemon-unreachable', so that its route
// can go to the model directly; no other call waits for ever.

import type { RequestType, RequestType0 } from 'vscode-languageserver-protocol';
import type { AnswerPart, UpstreamPart } from '../../server/protocol/answer.ts';
import type { Build, CompleteParams, ConfigureParams, DaemonFacts, Health } from '../../server/protocol/messages.ts';
import type { Stats } from '../../server/protocol/stats.ts';

/** `starting` also while reconnecting. `stopped`: by stop(), or no daemon could be started; the latter is tried again. */
export type ConnectionState = 'starting' | 'ready' | 'stopped';

/** What ends a subscription. Fits vscode.Disposable. */
export interface Subscription {
  dispose(): void;
}

/** Answers a miss with a model of the editor, for the daemon. Throws what the model threw. */
export type AnswerInEditor = (model: string, signal: AbortSignal) => AsyncIterable<UpstreamPart>;

export type LogLevel = 'error' | 'warning' | 'info' | 'debug';

export interface DaemonConnection {
  readonly state: ConnectionState;
  /** Why the state is `stopped` or keeps being `starting`, for people; null when all is well. */
  readonly problem: string | null;
  onStateChange(listener: (state: ConnectionState) => void): Subscription;
  /** Facts of the daemon that is attached; null while there is none. */
  readonly facts: DaemonFacts | null;
  /** The last health that the daemon told; null while there is none. */
  readonly health: Health | null;
  onHealth(listener: (health: Health) => void): Subscription;
  onStats(listener: (stats: Stats) => void): Subscription;

  /**
   * Asks the daemon. While it is starting the ask waits for it, at most 10 seconds. Aborting `signal` cancels the ask.
   * Errors: what `answerInEditor` threw, unchanged; daemon-unreachable; cancelled; otherwise SemcacheError with the
   * daemon's code and text.
   */
  ask(params: Omit<CompleteParams, 'askId'>, signal: AbortSignal, answerInEditor?: AnswerInEditor): AsyncIterable<AnswerPart>;
  /** @throws SemcacheError with the daemon's code; daemon-unreachable while there is none. */
  request<P, R>(type: RequestType<P, R, void>, params: P): Promise<R>;
  request<R>(type: RequestType0<R, void>): Promise<R>;
  /** Kept, and told again to every daemon that is attached later. */
  configure(params: ConfigureParams): void;

  /** Ends the daemon, for all windows, and attaches to a new one. Calls during a restart share it. */
  restart(): Promise<void>;
  /** Ends this connection; the daemon stays for the other windows. */
  stop(): Promise<void>;
}

export interface ConnectionOptions {
  /** Absolute path of the daemon's program: dist/server/main.cjs. */
  serverFile: string;
  /** Of this client: server/protocol/build.ts. */
  build: Build;
  mode: 'shared' | 'window';
  /** Data folder, where the person has set one; else the daemon's own default. */
  dataFolder?: string;
  /** Log lines of the daemon and of this connection. Hold no prompt, token or key. */
  log: (level: LogLevel, text: string) => void;
}
