import { Duplex } from 'node:stream';
import { type Cancel, ms } from '../../stack/index.ts';
import { constants } from '../constants.ts';
import { ERROR_CLOSED, type ErrorText } from '../errors.ts';
import type { Socket } from '../socket.ts';

/**
 * A connected stream socket of ours as a Node stream, with what `node:http` expects of a connection besides.
 *
 * The stream owns the socket: ending it sends our FIN, destroying it closes. Both directions have backpressure. An error
 * of the socket destroys the stream with an Error whose `code` is the errno's name ('ECONNRESET').
 *
 * @example
 *     const server = http.createServer(handler);
 *     for (;;) {
 *       const [socket] = await listener.accept();
 *       server.emit('connection', toDuplex(socket));
 *     }
 *
 * @example
 *     http.get({ host: 'example', createConnection: () => toDuplex(socket) });
 */
export const toDuplex = (socket: Socket): SocketStream => new SocketStream(socket);

/** See `toDuplex`. */
export class SocketStream extends Duplex {
  /** Who was at the other end when the stream was made; undefined of AF_UNIX and of what was not connected. */
  readonly remoteAddress: string | undefined;
  /** The other end's port. */
  readonly remotePort: number | undefined;
  /** Our address of the connection. */
  readonly localAddress: string | undefined;
  /** Our port. */
  readonly localPort: number | undefined;
  /** The family of the socket. */
  readonly remoteFamily: 'IPv4' | 'IPv6';
  readonly #socket: Socket;
  #isReading = false;
  #timeout = 0;
  #activeAt = 0;
  #cancelTimer: Cancel | null = null;

  /** @param socket connected; it is the stream's from now on */
  constructor(socket: Socket) {
    super({ allowHalfOpen: true, readableHighWaterMark: readSize, writableHighWaterMark: readSize });
    this.#socket = socket;
    const [peer] = socket.getpeername();
    const [own] = socket.getsockname();
    if (typeof peer === 'object') [this.remoteAddress, this.remotePort] = peer ?? [];
    if (typeof own === 'object') [this.localAddress, this.localPort] = own ?? [];
    this.remoteFamily = socket.family === 6 ? 'IPv6' : 'IPv4';
  }

  /** Emits 'timeout' after so many milliseconds without traffic; 0 never. It is up to the listener to end the stream. */
  setTimeout(timeoutMs: number, onTimeout?: () => void): this {
    this.#timeout = ms(timeoutMs);
    this.#activeAt = this.#socket.runner.now();
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    if (onTimeout !== undefined) {
      if (timeoutMs === 0) this.removeListener('timeout', onTimeout);
      else this.once('timeout', onTimeout);
    }
    if (this.#timeout > 0) this.#armTimeout();
    return this;
  }

  /** Runs until the stream would have been idle for long enough, and looks then: nothing is re-armed per chunk. */
  #armTimeout(): void {
    const { runner } = this.#socket;
    this.#cancelTimer = runner.at(this.#activeAt + this.#timeout, () => {
      this.#cancelTimer = null;
      if (this.destroyed) return;
      if (runner.now() >= this.#activeAt + this.#timeout) this.emit('timeout');
      else this.#armTimeout();
    });
  }

  override _read(): void {
    if (this.#isReading) return;
    this.#isReading = true;
    void this.#readOn();
  }

  async #readOn(): Promise<void> {
    for (;;) {
      const [data, error] = await this.#socket.read(readSize);
      if (this.destroyed) return;
      if (error === null) {
        this.#activeAt = this.#socket.runner.now();
        if (this.push(data)) continue;
        this.#isReading = false;
        return;
      }
      if (error === ERROR_CLOSED) this.push(null);
      else this.destroy(this.#failure(error));
      return;
    }
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#writeAll([chunk]).then(done, done);
  }

  override _writev(chunks: { chunk: Uint8Array }[], done: (error?: Error | null) => void): void {
    this.#writeAll(chunks.map(({ chunk }) => chunk)).then(done, done);
  }

  async #writeAll(chunks: readonly Uint8Array[]): Promise<Error | null> {
    for (const chunk of chunks) {
      const [, error] = await this.#socket.write(chunk);
      if (error !== null) return this.#failure(error);
      this.#activeAt = this.#socket.runner.now();
    }
    return null;
  }

  override _final(done: (error?: Error | null) => void): void {
    const [, error] = this.#socket.shutdown(constants.SHUT_WR);
    done(error === null || this.#socket.lastError?.code === 'ENOTCONN' ? null : this.#failure(error));
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    this.#socket.close();
    done(error);
  }

  #failure(text: ErrorText): Error {
    const { code, syscall } = this.#socket.lastError ?? { code: 'EIO', syscall: '' };
    return Object.assign(new Error(`${syscall} ${code}: ${text}`), { code, syscall });
  }

  // What node:http asks of a connection, and what these sockets have no option for yet ---------------------------------

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }
}

/** Octets that one read takes at most. */
const readSize = 64 * 1024;
