import { type Micros, seconds } from '../../stack/index.ts';
import type { Result } from '../errors.ts';
import type { Socket } from '../socket.ts';
import type { Server, Transport } from './resolver.ts';

/** DNS queries over our own sockets: a datagram socket for each, so that each has a port of its own (RFC 5452 section 9.2). */

const mostDatagram = 65_535;

/** Makes a socket for a server at this address. */
export type OpenSocket = (host: string, type: 'stream' | 'dgram') => Result<Socket>;

export class SocketTransport implements Transport {
  readonly now: () => Micros;
  readonly #open: OpenSocket;

  constructor(now: () => Micros, open: OpenSocket) {
    this.now = now;
    this.#open = open;
  }

  async ask(
    server: Server,
    query: Uint8Array,
    deadline: Micros,
    isAnswer: (bytes: Uint8Array) => boolean,
  ): Promise<Uint8Array | null> {
    const [socket, error] = this.#open(server.host, 'dgram');
    if (error !== null) return null;
    try {
      // Connected: what comes from elsewhere is not heard, and a refusal is.
      if ((await socket.connect(server.host, server.port))[1] !== null) return null;
      if ((await socket.write(query))[1] !== null) return null;
      for (;;) {
        const left = this.#left(deadline);
        if (left <= 0) return null;
        socket.settimeout(left);
        const [bytes, failure] = await socket.read(mostDatagram);
        if (failure !== null) return null;
        if (isAnswer(bytes)) return bytes;
      }
    } finally {
      void socket.close();
    }
  }

  async askByStream(server: Server, query: Uint8Array, deadline: Micros): Promise<Uint8Array | null> {
    const [socket, error] = this.#open(server.host, 'stream');
    if (error !== null) return null;
    try {
      socket.settimeout(Math.max(0.001, this.#left(deadline)));
      if ((await socket.connect(server.host, server.port))[1] !== null) return null;
      const framed = new Uint8Array(2 + query.length);
      new DataView(framed.buffer).setUint16(0, query.length);
      framed.set(query, 2);
      if ((await socket.write(framed))[1] !== null) return null;
      const length = await this.#readExactly(socket, 2, deadline);
      if (length === null) return null;
      return await this.#readExactly(socket, (length[0]! << 8) | length[1]!, deadline);
    } finally {
      void socket.close();
    }
  }

  async #readExactly(socket: Socket, count: number, deadline: Micros): Promise<Uint8Array | null> {
    const whole = new Uint8Array(count);
    for (let at = 0; at < count; ) {
      const left = this.#left(deadline);
      if (left <= 0) return null;
      socket.settimeout(left);
      const [data, error] = await socket.read(count - at);
      if (error !== null) return null;
      whole.set(data, at);
      at += data.length;
    }
    return whole;
  }

  /** Seconds until the deadline. */
  #left(deadline: Micros): number {
    return (deadline - this.now()) / seconds(1);
  }
}
