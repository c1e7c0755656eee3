import type { ErrorCode } from '../base/errors.ts';
import { StackError } from '../base/errors.ts';
import { Fifo } from '../base/fifo.ts';
import type { Endpoint } from '../base/ready.ts';
import { Ring } from '../base/ring.ts';

/** A stream of octets; messages to anybody; messages over a connection. */
export type UnixType = 'stream' | 'dgram' | 'seqpacket';

/** Something of a user's that travels with octets (SCM_RIGHTS): whoever reads them takes it over, or else it is dropped. */
export interface Passed {
  drop(): void;
}

/** A message, the name of the socket that sent it, and what came with it, which is now the reader's. */
export interface UnixMessage {
  readonly data: Uint8Array;
  readonly from: string;
  readonly passed: readonly Passed[];
}

/** A message on its way: whoever reads it is told the name that its sender has by then (as on Linux). */
interface SentMessage {
  readonly data: Uint8Array;
  readonly sender: UnixEndpoint;
  readonly passed: readonly Passed[];
}

/** What travels with octets [start, end) of a stream, counted from its beginning. */
interface PassedInStream {
  readonly start: number;
  readonly end: number;
  readonly passed: readonly Passed[];
}

export const nothingPassed: readonly Passed[] = [];

/** What a message costs beyond its octets, so that empty ones are bounded too. */
const overhead = 256;

/** One end of local communication: a name perhaps, a peer perhaps, and what has arrived. What can be done with it is in unix.ts. */
export class UnixEndpoint implements Endpoint {
  isChanged = false;
  nextChanged: Endpoint | null = null;
  owner: object | null = null;

  readonly type: UnixType;
  /** The path it is bound to; '' for none; beginning with NUL in the abstract namespace. */
  name = '';
  /** Of a connection, the other end; of datagrams, where `send` goes. */
  peer: UnixEndpoint | null = null;
  /** The same, also when it has closed: its name can still be told. */
  lastPeer: UnixEndpoint | null = null;
  /** Others whose messages go here, and who wait for room. */
  readonly senders: Set<UnixEndpoint> = new Set();
  /** Where it waits for room, its peer aside. */
  waitsAt: UnixEndpoint | null = null;
  /** A listener's connections that nobody has accepted yet, and how many may wait; -1: it does not listen. */
  readonly acceptQueue: Fifo<UnixEndpoint> = new Fifo();
  backlog = -1;
  /** The listener that was reached, as long as the connection waits there. */
  listener: UnixEndpoint | null = null;
  wasConnected = false;
  readShut = false;
  writeShut = false;
  isClosed = false;
  /** Told once, after what has arrived. */
  error: ErrorCode | null = null;
  /** Octets that may wait at the receiver for all that this one sends. */
  sendLimit: number;
  receiveLimit: number;
  readonly octets: Ring = new Ring();
  readonly #passed: Fifo<PassedInStream> = new Fifo();
  /** Octets of the stream that have been read. */
  #octetsRead = 0;
  readonly messages: Fifo<SentMessage> = new Fifo();
  #held = 0;

  constructor(type: UnixType, limit: number) {
    this.type = type;
    this.sendLimit = limit;
    this.receiveLimit = limit;
  }

  /** Octets that wait to be read, each message's overhead included. */
  get held(): number {
    return this.type === 'stream' ? this.octets.length : this.#held;
  }

  /** Octets of all messages that wait to be read. */
  get waitingOctets(): number {
    return this.#held - overhead * this.messages.length;
  }

  /** Nothing more will come. */
  get isEnded(): boolean {
    return this.readShut || (this.type !== 'dgram' && this.wasConnected && this.peer === null);
  }

  get readable(): boolean {
    if (this.backlog >= 0) return this.acceptQueue.length > 0 || this.isClosed || this.readShut;
    return this.octets.length > 0 || this.messages.length > 0 || this.isEnded || this.error !== null;
  }

  push(data: Uint8Array, sender: UnixEndpoint, passed: readonly Passed[]): void {
    this.#held += data.length + overhead;
    this.messages.push({ data, sender, passed });
  }

  take(): UnixMessage | null {
    const next = this.messages.shift();
    if (next === undefined) return null;
    this.#held -= next.data.length + overhead;
    return { data: next.data, from: next.sender.name, passed: next.passed };
  }

  /** What `take` would give, but for what came with it, which is not given twice. */
  peek(): UnixMessage | null {
    const next = this.messages.peek();
    return next === undefined ? null : { data: next.data, from: next.sender.name, passed: nothingPassed };
  }

  /** Adds `data` to the stream. */
  append(data: Uint8Array, passed: readonly Passed[]): void {
    const start = this.#octetsRead + this.octets.length;
    if (passed.length > 0) this.#passed.push({ start, end: start + data.length, passed });
    this.octets.append(data, 0, data.length);
  }

  /** Up to `most` octets of the stream; nothing is read beyond those that something came with. */
  takeOctets(most: number, peek: boolean): UnixMessage | null {
    let count = Math.min(most, this.octets.length);
    if (count === 0) return null;
    let passed = nothingPassed;
    const next = this.#passed.peek();
    if (next !== undefined && next.start < this.#octetsRead + count) {
      count = Math.min(count, next.end - this.#octetsRead);
      if (!peek) ({ passed } = this.#passed.shift()!);
    }
    const data = new Uint8Array(count);
    this.octets.copyOut(0, count, data, 0);
    if (!peek) {
      this.octets.release(count);
      this.#octetsRead += count;
    }
    return { data, from: this.lastPeer?.name ?? '', passed };
  }

  throwPending(): void {
    if (this.error === null) return;
    const code = this.error;
    this.error = null;
    throw new StackError(code);
  }

  /** Nobody will read what waits here. */
  clear(): void {
    this.octets.clear();
    this.#held = 0;
    for (const queue of [this.#passed, this.messages]) {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        for (const each of next.passed) each.drop();
      }
    }
  }
}
