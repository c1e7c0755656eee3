import { type Passed, StackError, TcpSettings, type UnixEndpoint, type UnixType } from '../../stack/index.ts';
import { constants } from '../constants.ts';
import type { SocketName } from '../names.ts';
import type { StreamHolder } from '../options/index.ts';
import {
  type End,
  type EndContext,
  type EndTarget,
  type Incoming,
  type MakeEnd,
  notReady,
  type Place,
  type Readiness,
} from './end.ts';

/** Local communication on one host, by paths and abstract names (AF_UNIX). */
export class UnixEnd implements End {
  readonly type: UnixType;
  readonly #context: EndContext;
  readonly #endpoint: UnixEndpoint;
  /** Options of streams that a socket of this kind remembers. */
  readonly #stream: StreamHolder = { tcp: new TcpSettings() };
  /** Where a `connect` that found no room wants to go. */
  #wanted: string | null = null;

  constructor(context: EndContext, of: UnixType | UnixEndpoint) {
    this.#context = context;
    this.#endpoint = typeof of === 'string' ? context.stack.unix.open(of) : of;
    this.type = this.#endpoint.type;
    context.watch(this.#endpoint);
  }

  bind(place: Place): void {
    this.#context.stack.unix.bind(this.#endpoint, pathOf(place));
  }

  connect(place: Place | null): 'done' | 'full' {
    const { unix } = this.#context.stack;
    const path = place === null ? null : pathOf(place);
    this.#wanted = null;
    try {
      unix.connect(this.#endpoint, path);
      return 'done';
    } catch (error) {
      const isFull = error instanceof StackError && error.code === 'EAGAIN';
      if (!isFull) throw error;
      this.#wanted = path;
      return 'full';
    }
  }

  get hasConnected(): boolean {
    return this.#wanted === null || this.#context.stack.unix.mayConnect(this.#wanted, this.type);
  }

  finishConnect(): void {
    if (this.#wanted !== null) this.#context.stack.unix.connect(this.#endpoint, this.#wanted);
    this.#wanted = null;
  }

  listen(backlog: number): void {
    this.#context.stack.unix.listen(this.#endpoint, backlog);
  }

  accept(mayWait: boolean): MakeEnd | null {
    const next = this.#context.stack.unix.accept(this.#endpoint);
    if (next === null && mayWait && this.#endpoint.readShut) throw new StackError('EINVAL');
    return next === null ? null : (context) => new UnixEnd(context, next);
  }

  get mayAccept(): boolean {
    return this.#endpoint.readable;
  }

  send(data: Uint8Array, flags: number, to: Place | null, passed?: readonly Passed[]): number {
    if ((flags & constants.MSG_OOB) !== 0) throw new StackError('EOPNOTSUPP'); // there is no urgent octet
    return this.#context.stack.unix.send(this.#endpoint, data, to === null ? null : pathOf(to), passed);
  }

  maySend(octets: number, to: Place | null): boolean {
    return this.#context.stack.unix.maySend(this.#endpoint, octets, to === null ? null : pathOf(to));
  }

  receive(most: number, flags: number): Incoming | null {
    if ((flags & constants.MSG_OOB) !== 0) throw new StackError(this.type === 'stream' ? 'EINVAL' : 'EOPNOTSUPP');
    const mayWait = (flags & constants.MSG_DONTWAIT) === 0;
    return this.#context.stack.unix.receive(this.#endpoint, most, (flags & constants.MSG_PEEK) !== 0, mayWait);
  }

  mayReceive(least: number): boolean {
    const { type, octets, isEnded, error, wasConnected } = this.#endpoint;
    if (type !== 'dgram' && !wasConnected) return true; // it fails at once
    if (type !== 'stream') return this.#endpoint.readable;
    return this.#endpoint.readable && (octets.length >= least || isEnded || error !== null);
  }

  readiness(): Readiness {
    const { error, isEnded, wasConnected, peer, type, readShut, writeShut } = this.#endpoint;
    const isGone = type !== 'dgram' && (!wasConnected || peer === null);
    return {
      ...notReady,
      readable: this.#endpoint.readable,
      writable: this.#context.stack.unix.isWritable(this.#endpoint),
      error: error !== null,
      readHungUp: isEnded,
      hungUp: (isGone && this.#endpoint.backlog < 0) || (readShut && writeShut),
    };
  }

  shutdown(read: boolean, write: boolean): void {
    this.#context.stack.unix.shutdown(this.#endpoint, read, write);
  }

  close(): null {
    this.#context.stack.unix.close(this.#endpoint);
    return null;
  }

  localName(): SocketName {
    return this.#endpoint.name;
  }

  peerName(): SocketName {
    if (!this.#endpoint.wasConnected) throw new StackError('ENOTCONN');
    return this.#endpoint.lastPeer?.name ?? '';
  }

  target(): EndTarget {
    return {
      datagrams: null,
      unix: this.#endpoint,
      stream: this.#stream,
      tcb: null,
      listener: null,
      isBound: this.#endpoint.name !== '',
      lateError: () => {
        const { error } = this.#endpoint;
        this.#endpoint.error = null;
        return error;
      },
    };
  }

  readableOctets(): number {
    const { backlog, octets, messages, waitingOctets } = this.#endpoint;
    if (backlog >= 0) throw new StackError('EINVAL');
    if (this.type === 'seqpacket') return waitingOctets;
    return this.type === 'stream' ? octets.length : (messages.peek()?.data.length ?? 0);
  }

  unacknowledgedOctets(): number {
    return this.#endpoint.peer?.held ?? 0;
  }

  unsentOctets(): number {
    return 0;
  }

  isAtMark(): boolean {
    return false;
  }
}

/** @throws StackError EINVAL an address of another family */
function pathOf(place: Place): string {
  if (typeof place !== 'string') throw new StackError('EINVAL');
  return place;
}
