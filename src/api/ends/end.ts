import type { Address, Endpoint, Passed, Stack } from '../../stack/index.ts';
import type { SocketFamily, SocketName } from '../names.ts';
import type { OptionTarget } from '../options/index.ts';

/**
 * What is behind a socket: one file per kind. An end never waits: what cannot be done now throws StackError EAGAIN, and
 * `readiness` and the predicates tell when it is worth another try. Waiting, timeouts and results are the socket's.
 */

/** Where to bind or to send: an address and a port, or a path. */
export type Place = { readonly address: Address; readonly port: number } | string;

/** What poll(2) tells. */
export interface Readiness {
  readonly readable: boolean;
  readonly writable: boolean;
  readonly urgent: boolean;
  readonly error: boolean;
  /** The peer sends no more, or nobody reads any more. */
  readonly readHungUp: boolean;
  readonly hungUp: boolean;
}

export const notReady: Readiness = {
  readable: false,
  writable: false,
  urgent: false,
  error: false,
  readHungUp: false,
  hungUp: false,
};

/** What has been received: octets of a stream, or a datagram and what is known of it. */
export interface Incoming {
  readonly data: Uint8Array;
  /** Who sent it: an address, a path, or '' for a socket without a name. */
  readonly from: SocketName;
  /** Of datagrams over IP: to which of our addresses or groups, by which interface, and two fields of its header. */
  readonly destination?: string;
  readonly interfaceIndex?: number;
  readonly ttl?: number;
  readonly trafficClass?: number;
  /** Of AF_UNIX: what came along, which the reader has to take over or to drop. */
  readonly passed?: readonly Passed[];
}

/** What ends need of their socket. */
export interface EndContext {
  readonly stack: Stack;
  readonly family: SocketFamily;
  now(): number;
  /** From now on, changes of this endpoint of the stack wake the socket. */
  watch(endpoint: Endpoint): void;
}

export type MakeEnd = (context: EndContext) => End;

/** What has to happen after `close` before SO_LINGER is content. */
export interface Linger {
  /** Microseconds that it is worth waiting for. */
  readonly time: number;
  isDone(): boolean;
}

export type EndType = 'stream' | 'dgram' | 'raw' | 'seqpacket';

export interface End {
  readonly type: EndType;
  bind(place: Place): void;
  /**
   * 'done': connected. 'begun': an attempt is on its way. 'pending': one was already. 'full': there is no room at the listener,
   * which may change. null lets go of the peer.
   */
  connect(place: Place | null): 'done' | 'begun' | 'pending' | 'full';
  /** Has the attempt come to its end? */
  readonly hasConnected: boolean;
  /** Its end. @throws StackError why it has failed; another attempt may follow */
  finishConnect(): void;
  listen(backlog: number): void;
  /** The next connection, for a socket of its own, or null. */
  accept(mayWait: boolean): MakeEnd | null;
  /** May `accept` be asked, or will nothing come any more? */
  readonly mayAccept: boolean;
  /**
   * @param passed goes along, by AF_UNIX
   * @returns octets taken: of a stream as many as fit
   */
  send(data: Uint8Array, flags: number, to: Place | null, passed?: readonly Passed[]): number;
  /** Is it worth asking again to send so many octets? */
  maySend(octets: number, to: Place | null): boolean;
  /**
   * @param into where a stream puts what it has, if given; its data is then a part of it
   * @returns null at the end of the stream
   */
  receive(most: number, flags: number, into?: Uint8Array): Incoming | null;
  /** Is it worth asking, and are there `least` octets of a stream, or will there be no more? */
  mayReceive(least: number): boolean;
  readiness(): Readiness;
  shutdown(read: boolean, write: boolean): void;
  close(): Linger | null;
  localName(): SocketName;
  /** @throws StackError ENOTCONN */
  peerName(): SocketName;
  /** What options are about; the socket adds what is its own. */
  target(): EndTarget;
  /** SIOCINQ, SIOCOUTQ, SIOCOUTQNSD, SIOCATMARK. */
  readableOctets(): number;
  unacknowledgedOctets(): number;
  unsentOctets(): number;
  isAtMark(): boolean;
}

export type EndTarget = Pick<
  OptionTarget,
  'datagrams' | 'stream' | 'tcb' | 'listener' | 'isBound' | 'unix' | 'lateError'
>;
