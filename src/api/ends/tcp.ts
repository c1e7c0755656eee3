import {
  type Address,
  anyV4,
  anyV6,
  type ErrorCode,
  type Listener,
  loopbackV4,
  loopbackV6,
  type PortClaim,
  StackError,
  type Tcb,
  TcpSettings,
  tcpCalls,
} from '../../stack/index.ts';
import { constants } from '../constants.ts';
import { type SocketName, socketAddress } from '../names.ts';
import type { StreamHolder } from '../options/index.ts';
import {
  type End,
  type EndContext,
  type EndTarget,
  type Incoming,
  type Linger,
  type MakeEnd,
  notReady,
  type Place,
  type Readiness,
} from './end.ts';

/** A stream over TCP: a bound port, a listener or a connection, one after the other. */
export class TcpEnd implements End, StreamHolder {
  readonly #context: EndContext;
  tcp: Readonly<TcpSettings>;
  #claim: PortClaim | null = null;
  /** What the user has bound it to, if that has a port: not given back when the connection ends (Linux: SOCK_BINDPORT_LOCK). */
  #named: Exclude<Place, string> | null = null;
  #listener: Listener | null = null;
  #tcb: Tcb | null = null;
  #isConnecting = false;
  /** What ended an attempt that `shutdown` gave up; told once. */
  #lateError: ErrorCode | null = null;

  /** @param settings that the socket has already */
  constructor(context: EndContext, tcb: Tcb | null = null, settings: Readonly<TcpSettings> | null = null) {
    this.#context = context;
    this.tcp = settings ?? tcb?.settings ?? new TcpSettings();
    this.#tcb = tcb;
    if (tcb !== null) context.watch(tcb);
  }

  get type(): 'stream' {
    return 'stream';
  }

  get #any(): Address {
    return this.#context.family === 4 ? anyV4 : anyV6;
  }

  bind(place: Place): void {
    const { address, port } = numbered(place);
    const isEnded = this.#tcb !== null && isDown(this.#tcb);
    const isTaken = this.#claim !== null || this.#listener !== null || (this.#tcb !== null && !isEnded);
    if (isTaken || (isEnded && this.#named !== null)) throw new StackError('EINVAL');
    const { tcp } = this;
    if (tcp.v6Only && address.isV4 && this.#context.family === 6) throw new StackError('EINVAL');
    this.#claim = this.#context.stack.tcp.bind(address, port, tcp);
    this.#named = port === 0 ? null : { address, port };
  }

  connect(place: Place | null): 'done' | 'begun' | 'pending' {
    if (place === null) return this.#disconnect();
    if (this.#listener !== null) throw new StackError('EISCONN');
    if (this.#tcb !== null) {
      if (!this.#isConnecting) throw new StackError('EISCONN');
      return 'pending';
    }
    const { address, port } = reached(place);
    const { stack, family } = this.#context;
    if (this.tcp.v6Only && address.isV4 && family === 6) throw new StackError('ENETUNREACH');
    this.#lateError = null;
    const tcb = stack.tcp.connect(address, port, this.#claim, this.#any, this.#context.now(), this.tcp);
    this.#tcb = tcb;
    this.#claim = null;
    this.#context.watch(tcb);
    if (tcb.fastOpen.isWaiting) return 'done'; // the first text opens it
    this.#isConnecting = true;
    return 'begun';
  }

  /**
   * As connect(2) to AF_UNSPEC: nothing is left but the name that the user has given it, and the news of it. A name that rests in
   * TIME-WAIT is lost, unlike on Linux: our ports have one holder.
   */
  #disconnect(): 'done' {
    const { stack } = this.#context;
    const now = this.#context.now();
    if (this.#listener !== null) this.#unlisten(this.#listener);
    const tcb = this.#tcb;
    if (tcb === null) return 'done';
    const isOver = isDown(tcb) || tcb.state === 'LAST-ACK' || tcb.state === 'CLOSING';
    this.#lateError = tcpCalls.takeError(tcb) ?? (isOver ? null : 'ECONNRESET');
    if (tcb.state === 'TIME-WAIT') {
      tcpCalls.close(tcb, now);
      if (this.#claim === null) this.#named = null;
    } else tcpCalls.abort(tcb, now);
    this.#tcb = null;
    this.#isConnecting = false;
    if (this.#named !== null) {
      const { address, port } = this.#named;
      this.#claim ??= stack.tcp.bind(address, port, this.tcp);
    }
    return 'done';
  }

  get hasConnected(): boolean {
    return this.#tcb === null || !isOpening(this.#tcb);
  }

  finishConnect(): void {
    const tcb = this.#tcb;
    if (tcb === null) {
      this.#throwLate();
      throw new StackError('ECONNABORTED');
    }
    this.#isConnecting = false;
    const hasFailed = tcb.state === 'CLOSED' && tcb.acknowledged === 0;
    if (hasFailed) {
      this.#tcb = null; // it may try again
      if (this.#named !== null) this.#claim ??= this.#context.stack.tcp.bind(tcb.local, tcb.localPort, this.tcp);
    }
    tcpCalls.throwPending(tcb);
    if (hasFailed) throw new StackError('ECONNABORTED');
  }

  listen(backlog: number): void {
    if (this.#tcb !== null) throw new StackError('EINVAL');
    if (this.#listener !== null) {
      this.#listener.backlog = backlog;
      return;
    }
    const { tcp } = this;
    this.#claim ??= this.#context.stack.tcp.bind(this.#any, 0, tcp);
    this.#listener = this.#context.stack.tcp.listen(this.#claim, backlog, tcp);
    this.#claim = null;
    this.#context.watch(this.#listener);
  }

  accept(): MakeEnd | null {
    if (this.#listener === null) throw new StackError('EINVAL');
    const tcb = this.#context.stack.tcp.accept(this.#listener);
    if (tcb === null) return null;
    if (!this.tcp.quickAck) tcpCalls.setQuickAck(tcb, false);
    return (context) => new TcpEnd(context, tcb);
  }

  get mayAccept(): boolean {
    return this.#listener === null || this.#listener.acceptQueue.length > 0;
  }

  send(data: Uint8Array, flags: number): number {
    const tcb = this.#tcb;
    this.#throwLate();
    if (tcb === null) throw new StackError('EPIPE');
    const how = { urgent: (flags & constants.MSG_OOB) !== 0, more: (flags & constants.MSG_MORE) !== 0 };
    try {
      return tcpCalls.send(tcb, data, how);
    } catch (error) {
      // The handshake's acknowledgment may wait for the text that its user has in hand.
      tcb.writerWaits = isOpening(tcb) && (flags & constants.MSG_DONTWAIT) === 0;
      throw error;
    }
  }

  maySend(): boolean {
    return this.#tcb === null || tcpCalls.isWritable(this.#tcb);
  }

  receive(most: number, flags: number, buffer?: Uint8Array): Incoming | null {
    const tcb = this.#tcb;
    this.#throwLate();
    if (tcb === null) throw new StackError('ENOTCONN');
    const peek = (flags & constants.MSG_PEEK) !== 0;
    if ((flags & constants.MSG_OOB) !== 0) {
      const octet = tcpCalls.receiveUrgent(tcb, peek);
      return octet < 0 ? null : { data: Uint8Array.of(octet), from: this.#peer(tcb) };
    }
    const into = buffer ?? new Uint8Array(Math.max(1, Math.min(most, tcb.receiveQueue.length)));
    const count = tcpCalls.receive(tcb, into, this.#context.now(), peek);
    return count === 0 ? null : { data: into.subarray(0, count), from: this.#peer(tcb) };
  }

  mayReceive(least: number): boolean {
    const tcb = this.#tcb;
    if (tcb === null) return true;
    const mark = tcpCalls.isAtMark(tcb) && !tcb.settings.urgentInline ? 1 : 0; // that octet is for MSG_OOB
    return tcb.receiveQueue.length >= Math.max(1, least) + mark || isOver(tcb);
  }

  readiness(): Readiness {
    const tcb = this.#tcb;
    if (this.#listener !== null) return { ...notReady, readable: this.#listener.acceptQueue.length > 0 };
    if (tcb === null) return { ...notReady, writable: true, hungUp: true, error: this.#lateError !== null };
    return {
      readable: tcpCalls.isReadable(tcb),
      writable: tcpCalls.isWritable(tcb),
      urgent: tcpCalls.hasUrgentOctet(tcb),
      error: tcb.error !== null,
      readHungUp: tcb.finReceived || tcb.readShut || tcb.state === 'CLOSED',
      hungUp: tcb.state === 'CLOSED' || ((tcb.finReceived || tcb.readShut) && tcb.finQueued),
    };
  }

  shutdown(read: boolean, write: boolean): void {
    const now = this.#context.now();
    const listener = this.#listener;
    if (listener !== null) {
      if (read) this.#unlisten(listener);
      return;
    }
    const tcb = this.#tcb;
    if (tcb === null || isDown(tcb)) throw new StackError('ENOTCONN');
    const wasOpening = tcb.state === 'SYN-SENT';
    if (read) tcpCalls.shutdownReceive(tcb, now);
    if (write) tcpCalls.shutdownSend(tcb, now);
    if (!wasOpening) return;
    this.#tcb = null; // as before `connect`, but for what has become of it
    this.#isConnecting = false;
    this.#lateError = 'ECONNRESET';
  }

  #unlisten(listener: Listener): void {
    const staysBound = this.#named !== null;
    this.#context.stack.tcp.unlisten(listener, this.#context.now(), staysBound);
    if (staysBound) this.#claim = listener.claim; // it may listen again
    this.#listener = null;
  }

  close(): Linger | null {
    const { stack } = this.#context;
    const now = this.#context.now();
    if (this.#listener !== null) stack.tcp.unlisten(this.#listener, now);
    if (this.#claim !== null) stack.tcp.release(this.#claim);
    const tcb = this.#tcb;
    if (tcb === null) return null;
    tcpCalls.close(tcb, now);
    const time = this.tcp.linger;
    const isDone = (): boolean => isDown(tcb) || tcb.state === 'FIN-WAIT-2';
    return time > 0 ? { time, isDone } : null;
  }

  localName(): SocketName {
    const end = this.#tcb ?? this.#listener;
    const { family } = this.#context;
    if (end !== null && this.#claim === null) return socketAddress(end.local, end.localPort, family);
    return socketAddress(this.#claim?.address ?? this.#any, this.#claim?.port ?? 0, family);
  }

  peerName(): SocketName {
    const tcb = this.#tcb;
    if (tcb === null || isOpening(tcb) || isDown(tcb)) throw new StackError('ENOTCONN');
    return this.#peer(tcb);
  }

  #peer(tcb: Tcb): SocketName {
    return socketAddress(tcb.remote, tcb.remotePort, this.#context.family);
  }

  target(): EndTarget {
    return {
      datagrams: null,
      unix: null,
      stream: this,
      tcb: this.#tcb,
      listener: this.#listener,
      isBound: this.#claim !== null || this.#tcb !== null || this.#listener !== null,
      lateError: () => this.#takeLate(),
    };
  }

  readableOctets(): number {
    if (this.#tcb === null) throw new StackError('EINVAL');
    return tcpCalls.readableOctets(this.#tcb);
  }

  unacknowledgedOctets(): number {
    return this.#tcb === null ? 0 : tcpCalls.unacknowledgedOctets(this.#tcb);
  }

  unsentOctets(): number {
    return this.#tcb === null ? 0 : tcpCalls.unsentOctets(this.#tcb);
  }

  isAtMark(): boolean {
    return this.#tcb !== null && tcpCalls.isAtMark(this.#tcb);
  }

  #takeLate(): ErrorCode | null {
    const code = this.#lateError;
    this.#lateError = null;
    return code;
  }

  #throwLate(): void {
    const code = this.#takeLate();
    if (code !== null) throw new StackError(code);
  }
}

const isOpening = ({ state }: Tcb): boolean => state === 'SYN-SENT' || state === 'SYN-RECEIVED';

/** Nothing more will come. */
const isOver = (tcb: Tcb): boolean => tcb.finReceived || tcb.readShut || tcb.state === 'CLOSED' || tcb.error !== null;

/** Nothing is left of the connection as far as its user can tell. */
const isDown = ({ state }: Tcb): boolean => state === 'CLOSED' || state === 'TIME-WAIT';

/** Where one connects or sends to: the unspecified address means this host (as on Linux). @throws StackError EAFNOSUPPORT a path */
export function reached(place: Place): Exclude<Place, string> {
  const { address, port } = numbered(place);
  return { address: address.isUnspecified ? (address.isV4 ? loopbackV4 : loopbackV6) : address, port };
}

/** @throws StackError EAFNOSUPPORT a path */
export function numbered(place: Place): Exclude<Place, string> {
  if (typeof place === 'string') throw new StackError('EAFNOSUPPORT');
  return place;
}
