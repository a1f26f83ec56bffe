// A message reader that gives up on a peer which sends bytes without end.
// Always true: at most `limit` bytes are held for one message; before the handshake that is little.

import type { Socket } from 'node:net';
import { SocketMessageReader, type DataCallback, type Disposable } from 'vscode-languageserver-protocol/node';

/** Room for a prompt with several pictures. */
const messageLimit = 64 * 1024 * 1024;
/** Of a peer that has said nothing valid yet: initialize takes less than 1 KB. */
const firstMessageLimit = 64 * 1024;

export class BoundedReader extends SocketMessageReader {
  readonly #socket: Socket;
  #readBefore = 0;
  #limit = firstMessageLimit;

  constructor(socket: Socket) {
    super(socket);
    this.#socket = socket;
    socket.on('data', () => this.#check());
  }

  override listen(callback: DataCallback): Disposable {
    return super.listen(message => {
      this.#readBefore = this.#socket.bytesRead;
      this.#limit = messageLimit;
      callback(message);
    });
  }

  #check(): void {
    const bytes = this.#socket.bytesRead - this.#readBefore;
    if (bytes <= this.#limit) return;
    this.#readBefore = this.#socket.bytesRead;
    this.fireError(new Error(`More than ${this.#limit} bytes came without a message.`));
  }
}
