/// <reference lib="esnext.disposable" preserve="true" />
import {
  type Address,
  anyV4,
  anyV6,
  type ErrorCode,
  empty,
  inZone,
  isLinkLocal,
  isMulticast,
  type Listener,
  type PortClaim,
  type ReceivedDatagram,
  type Runner,
  type Stack,
  StackError,
  seconds,
  type Tcb,
  tcpCalls,
} from '../stack/index.ts';
import { constants } from './constants.ts';
import { type Datagrams, rawDatagrams, udpDatagrams } from './datagrams.ts';
import { type ErrorText, type Result, texts, unknownHost } from './errors.ts';
import type { SocketHost } from './host.ts';
import { resolveHost, type SocketAddress, type SocketFamily, socketAddress, toPort } from './names.ts';
import { findOption, type OptionTarget, type OptionValue, StreamSettings } from './options/index.ts';

/** Text is sent as UTF-8. */
declare const TextEncoder: { new (): { encode(text: string): Uint8Array } };

const ok = <T>(value: T): Result<T> => [value, null];

/** What kind of socket to make, and of what. */
export type SocketKind =
  | { readonly type: 'stream'; readonly tcb: Tcb | null }
  | { readonly type: 'dgram' }
  | { readonly type: 'raw'; readonly protocol: number };

function makeDatagrams(stack: Stack, any: Address, kind: SocketKind): Datagrams | null {
  if (kind.type === 'dgram') return udpDatagrams(stack, any);
  return kind.type === 'raw' ? rawDatagrams(stack, any, kind.protocol) : null;
}

/** A datagram as `recvfrom` tells it. */
export interface ReceivedMessage {
  readonly data: Uint8Array;
  readonly address: SocketAddress;
  /** Octets of the whole datagram, also when `data` was cut. */
  readonly length: number;
  /** Which of our addresses, or which group, it was sent to, and the interface it came in by. */
  readonly destination: string;
  readonly interfaceIndex: number;
  readonly ttl: number;
  readonly trafficClass: number;
}

/** How a wait ended. */
type Woken = 'ready' | 'timeout';

/** Whether and until when a call may wait, and what it fails with then. */
interface Wait {
  readonly mayWait: boolean;
  readonly deadline: number;
  readonly late: 'EAGAIN' | 'ETIMEDOUT';
}

/** What poll(2) tells of a socket. */
interface Readiness {
  readonly readable: boolean;
  readonly writable: boolean;
  readonly urgent: boolean;
  readonly error: boolean;
  /** The peer sends no more, or nobody reads any more. */
  readonly readHungUp: boolean;
  readonly hungUp: boolean;
}

const notReady: Readiness = {
  readable: false,
  writable: false,
  urgent: false,
  error: false,
  readHungUp: false,
  hungUp: false,
};

/** What `read` gives. */
type Read = readonly [data: Uint8Array, err: ErrorText | null];

/** What `write` gives; after an error a third value says how many octets were accepted before it. */
type Written = Result<number> | readonly [null, ErrorText, number];

/** A socket of the documented module, over the stack of its host. Calls that may have to wait return a promise. */
export class Socket {
  /** The structured form of the last error. */
  lastError: { readonly code: ErrorCode; readonly syscall: string } | null = null;
  readonly type: 'stream' | 'dgram' | 'raw';
  readonly family: SocketFamily;
  readonly #host: SocketHost;
  #fd: number;
  #timeout = -1;
  #claim: PortClaim | null = null;
  readonly #any: Address;
  readonly #settings: StreamSettings;
  readonly #waits: OptionTarget['waits'] = { receive: 0, send: 0 };
  readonly #memberships: OptionTarget['memberships'] = [];
  #listener: Listener | null = null;
  #tcb: Tcb | null = null;
  /** Of datagram and raw sockets. */
  readonly #datagrams: Datagrams | null;
  #isConnecting = false;
  #waiters: (() => void)[] = [];
  /** Writes under way, each with what it has got rid of: one after the other, so that their octets do not mix. */
  readonly #writers: { sent: number }[] = [];

  /** Sockets are made by `socket.socket`, `tcp`, `udp` and by `accept`. */
  constructor(host: SocketHost, family: SocketFamily, kind: SocketKind) {
    this.#host = host;
    this.family = family;
    this.type = kind.type;
    this.#any = family === 4 ? anyV4 : anyV6;
    this.#tcb = kind.type === 'stream' ? kind.tcb : null;
    this.#settings = new StreamSettings(this.#tcb?.settings);
    this.#datagrams = makeDatagrams(host.runner.stack, this.#any, kind);
    const end = this.#tcb ?? this.#datagrams?.endpoint ?? null;
    if (end !== null) host.owners.set(end, this);
    this.#fd = host.add(this);
  }

  /**
   * Opens a connection, or fixes the peer of a datagram socket. The timeout ends the waiting, not the attempt.
   * @param host an address, a name of the hosts table, or 32 bits in host order; null lets a datagram socket's peer go
   * @param scopeid the interface of a link-local address, if `host` does not name it ('fe80::1%tun0')
   */
  async connect(
    host: string | number | null,
    port: number | string = 0,
    _flowinfo = 0,
    scopeid = 0,
  ): Promise<Result<true>> {
    return this.#try('connect', async () => {
      if (host === null) {
        if (this.#datagrams === null) throw new StackError('EAFNOSUPPORT');
        this.#datagrams.endpoint.remote = null;
        this.#datagrams.endpoint.remotePort = 0;
        return ok(true as const);
      }
      const remotePort = toPort(port);
      const remote = this.#resolve(host, scopeid);
      if (remote === null) return [null, unknownHost];
      if (this.#datagrams !== null) {
        this.#datagrams.connect(remote, remotePort);
        return ok(true as const);
      }
      if (this.#listener !== null) throw new StackError('EISCONN');
      if (this.#tcb === null) {
        const { tcp } = this.#settings;
        this.#tcb = this.#stack.tcp.connect(remote, remotePort, this.#claim, this.#any, this.#now(), tcp);
        this.#claim = null;
        this.#host.owners.set(this.#tcb, this);
        if (this.#tcb.fastOpen.isWaiting) return ok(true as const); // the first text opens it
        this.#isConnecting = true;
        this.#host.owners.set(this.#tcb, this);
        this.#host.runner.kick();
        if (this.#timeout === 0) throw new StackError('EINPROGRESS');
      } else if (!this.#isConnecting) throw new StackError('EISCONN');
      else if (this.#timeout === 0 && isOpening(this.#tcb)) throw new StackError('EALREADY');
      const tcb = this.#tcb;
      if ((await this.#wait(() => !isOpening(tcb))) === 'timeout') throw new StackError('ETIMEDOUT');
      this.#isConnecting = false;
      const hasFailed = tcb.state === 'CLOSED' && tcb.acknowledged === 0;
      if (hasFailed) this.#tcb = null; // it may try again
      tcpCalls.throwPending(tcb);
      if (hasFailed) throw new StackError('ECONNABORTED');
      return ok(true as const);
    });
  }

  /** Gives the socket a local address and port; port 0 takes a free one. */
  async bind(host: string | number, port: number | string, _flowinfo = 0, scopeid = 0): Promise<Result<true>> {
    return this.#try('bind', () => {
      const localPort = toPort(port);
      const address = this.#resolve(host, scopeid);
      if (address === null) return [null, unknownHost];
      if (this.#datagrams !== null) this.#datagrams.bind(address, localPort);
      else {
        if (this.#claim !== null || this.#tcb !== null || this.#listener !== null) throw new StackError('EINVAL');
        const { tcp, v6Only } = this.#settings;
        this.#claim = this.#stack.tcp.bind(address, localPort, tcp, v6Only);
      }
      return ok(true as const);
    });
  }

  /** Waits for connections. `backlog` + 1 finished ones may wait for `accept`. */
  listen(backlog: number): Result<true> {
    return this.#call('listen', () => {
      if (this.#datagrams !== null) throw new StackError('EOPNOTSUPP');
      if (this.#tcb !== null) throw new StackError('EINVAL');
      const most = Math.max(0, Math.trunc(backlog));
      if (this.#listener !== null) this.#listener.backlog = most;
      else {
        this.#claim ??= this.#stack.tcp.bind(this.#any, 0, this.#settings.tcp, this.#settings.v6Only);
        this.#listener = this.#stack.tcp.listen(this.#claim, most, this.#settings.tcp);
        this.#host.owners.set(this.#listener, this);
      }
      return ok(true as const);
    });
  }

  /** The next connection. The new socket waits without limit, whatever this one's timeout. */
  async accept(): Promise<Result<Socket>> {
    return this.#try('accept', async () => {
      if (this.#datagrams !== null) throw new StackError('EOPNOTSUPP');
      const listener = this.#listener;
      if (listener === null) throw new StackError('EINVAL');
      for (;;) {
        const tcb = this.#stack.tcp.accept(listener);
        if (tcb !== null) return ok(this.#accepted(tcb));
        await this.#waitOrThrow(() => listener.acceptQueue.length > 0 || listener.isClosed);
        if (listener.isClosed) throw new StackError('EINVAL');
      }
    });
  }

  /** A connection's own socket, with what Linux lets it inherit besides the options of TCP. */
  #accepted(tcb: Tcb): Socket {
    const socket = new Socket(this.#host, this.family, { type: 'stream', tcb });
    Object.assign(socket.#waits, this.#waits);
    return socket;
  }

  /**
   * Sends all of `data`, waiting for room. The octets are copied.
   * @returns the octets accepted; after an error a third value says how many were accepted before it. Without waiting
   *   (timeout 0) what fits is sent
   */
  async write(data: string | Uint8Array): Promise<Written> {
    return this.send(data, 0);
  }

  /**
   * The same with flags: MSG_OOB makes the last octet urgent, MSG_MORE says that more follows at once, MSG_DONTWAIT does
   * not wait.
   */
  async send(data: string | Uint8Array, flags: number): Promise<Written> {
    const bytes = toBytes(data);
    const progress = { sent: 0 };
    const result = await this.#try('write', async () => {
      if (this.#datagrams !== null) return ok(await this.#sendDatagram(bytes, null, 0));
      if (this.#tcb === null) throw new StackError('EPIPE');
      const wait = this.#waitFor('send', flags);
      this.#writers.push(progress);
      try {
        await this.#waitOrThrow(() => this.#writers[0] === progress, wait);
        await this.#writeAll(this.#tcb, bytes, progress, flags, wait);
      } finally {
        this.#writers.splice(this.#writers.indexOf(progress), 1);
        if (this.#writers.length > 0) this.wake();
      }
      return ok(progress.sent);
    });
    return result[1] !== null && progress.sent > 0 ? [null, result[1], progress.sent] : result;
  }

  async #writeAll(tcb: Tcb, bytes: Uint8Array, progress: { sent: number }, flags: number, wait: Wait): Promise<void> {
    const how = { urgent: (flags & constants.MSG_OOB) !== 0, more: (flags & constants.MSG_MORE) !== 0 };
    for (;;) {
      try {
        progress.sent += tcpCalls.send(tcb, progress.sent === 0 ? bytes : bytes.subarray(progress.sent), how);
        this.#host.runner.kick();
        if (progress.sent >= bytes.length) return;
      } catch (error) {
        if (!isEagain(error)) throw error;
        if (!wait.mayWait && progress.sent > 0) return;
        tcb.writerWaits = wait.mayWait && isOpening(tcb);
        await this.#waitOrThrow(() => tcpCalls.isWritable(tcb), wait);
      }
    }
  }

  /** Sends one datagram to an address. */
  async sendto(
    data: string | Uint8Array,
    host: string | number,
    port: number | string,
    _flowinfo = 0,
    scopeid = 0,
  ): Promise<Result<number>> {
    return this.#try('sendto', async () => {
      if (this.#datagrams === null) throw new StackError('EISCONN');
      const remotePort = toPort(port);
      const remote = this.#resolve(host, scopeid);
      if (remote === null) return [null, unknownHost];
      return ok(await this.#sendDatagram(toBytes(data), remote, remotePort));
    });
  }

  async #sendDatagram(bytes: Uint8Array, remote: Address | null, port: number): Promise<number> {
    const datagrams = this.#datagrams!;
    const wait = this.#waitFor('send');
    for (;;) {
      try {
        const sent = datagrams.send(bytes, remote, port);
        this.#host.runner.kick();
        return sent;
      } catch (error) {
        if (!isEagain(error)) throw error;
        const mayTry = () => datagrams.hasRoom(bytes.length) || datagrams.endpoint.error !== null;
        await this.#waitOrThrow(mayTry, wait);
      }
    }
  }

  /**
   * Waits until something has come and returns up to `maxsize` octets of it; one datagram on a datagram socket.
   * The data is empty, never null, when there is an error; the end of the stream is `ERROR_CLOSED`.
   */
  async read(maxsize: number): Promise<Read> {
    return this.recv(maxsize, 0);
  }

  /**
   * The same with flags: MSG_PEEK leaves it where it is, MSG_OOB reads the urgent octet, MSG_WAITALL waits for all of
   * `maxsize` octets, MSG_DONTWAIT does not wait.
   */
  async recv(maxsize: number, flags: number): Promise<Read> {
    if (maxsize === 0) return [empty, null];
    const result = await this.#try<Uint8Array>('read', async () => {
      if (this.#datagrams !== null) return ok((await this.#nextDatagram(flags)).data.subarray(0, maxsize));
      const tcb = this.#tcb;
      if (tcb === null) throw new StackError('ENOTCONN');
      if ((flags & constants.MSG_OOB) !== 0) return ok(readUrgent(tcb, (flags & constants.MSG_PEEK) !== 0));
      const wait = this.#waitFor('receive', flags);
      const all = (flags & constants.MSG_WAITALL) !== 0 && wait.mayWait;
      const enough = () => tcpCalls.isReadable(tcb) && (!all || tcb.receiveQueue.length >= maxsize || isOver(tcb));
      if (!enough()) await this.#waitOrThrow(enough, wait);
      const data = new Uint8Array(Math.max(1, Math.min(maxsize, tcb.receiveQueue.length)));
      const count = tcpCalls.receive(tcb, data, this.#now(), (flags & constants.MSG_PEEK) !== 0);
      this.#host.runner.kick();
      if (count === 0) throw new StackError('EPIPE');
      return ok(data.subarray(0, count));
    });
    return result[1] === null ? result : [empty, result[1]];
  }

  /** Octets that `read` would give at once, up to an urgent one (SIOCINQ). */
  inq(): Result<number> {
    return this.#call('ioctl', () => {
      if (this.#datagrams !== null) return ok(this.#datagrams.endpoint.peek()?.data.length ?? 0);
      if (this.#tcb === null) throw new StackError('EINVAL');
      return ok(tcpCalls.readableOctets(this.#tcb));
    });
  }

  /** Octets written that the peer has not acknowledged (SIOCOUTQ). */
  outq(): Result<number> {
    return this.#call('ioctl', () => ok(this.#tcb === null ? 0 : tcpCalls.unacknowledgedOctets(this.#tcb)));
  }

  /** Octets written that have not been sent (SIOCOUTQNSD). */
  outqnsd(): Result<number> {
    return this.#call('ioctl', () => ok(this.#tcb?.unsent ?? 0));
  }

  /** Is the next octet to be read the urgent one (SIOCATMARK)? */
  atmark(): Result<boolean> {
    return this.#call('ioctl', () => ok(this.#tcb !== null && tcpCalls.isAtMark(this.#tcb)));
  }

  /** What `select` would say: may it be read, written, and is there an urgent octet? An error makes all but the last true. */
  poll(): Readiness {
    const tcb = this.#tcb;
    const endpoint = this.#datagrams?.endpoint ?? null;
    if (endpoint !== null)
      return {
        ...notReady,
        readable: endpoint.peek() !== null || endpoint.readShut,
        writable: true,
        error: endpoint.error !== null,
      };
    if (this.#listener !== null) {
      return { ...notReady, readable: this.#listener.acceptQueue.length > 0 };
    }
    if (tcb === null) return { ...notReady, writable: true, hungUp: true };
    return {
      readable: tcpCalls.isReadable(tcb),
      writable: tcpCalls.isWritable(tcb),
      urgent: tcpCalls.hasUrgentOctet(tcb),
      error: tcb.error !== null,
      readHungUp: tcb.finReceived || tcb.readShut || tcb.state === 'CLOSED',
      hungUp: tcb.state === 'CLOSED' || ((tcb.finReceived || tcb.readShut) && tcb.finQueued),
    };
  }

  /**
   * The next datagram, who sent it, and to which of our addresses; what is longer than `maxsize` is cut.
   * @param flags MSG_PEEK leaves it where it is, MSG_DONTWAIT does not wait. `length` is the whole datagram's, as with
   *   MSG_TRUNC
   */
  async recvfrom(maxsize: number, flags = 0): Promise<Result<ReceivedMessage>> {
    return this.#try('recvfrom', async () => {
      if (this.#datagrams === null) throw new StackError('EOPNOTSUPP');
      const { data, source, sourcePort, destination, interfaceIndex, ttl, trafficClass } =
        await this.#nextDatagram(flags);
      const address = socketAddress(source, sourcePort, this.family);
      const [to] = socketAddress(destination, 0, this.family);
      const { length } = data;
      return ok({
        data: data.subarray(0, maxsize),
        address,
        length,
        destination: to,
        interfaceIndex,
        ttl,
        trafficClass,
      });
    });
  }

  async #nextDatagram(flags: number): Promise<ReceivedDatagram> {
    const datagrams = this.#datagrams!;
    const wait = this.#waitFor('receive', flags);
    for (;;) {
      datagrams.endpoint.throwPending();
      const datagram = (flags & constants.MSG_PEEK) === 0 ? datagrams.receive() : datagrams.endpoint.peek();
      if (datagram !== null) return datagram;
      if (datagrams.endpoint.readShut) throw new StackError('EPIPE');
      await this.#waitOrThrow(() => datagrams.endpoint.readable, wait);
    }
  }

  /**
   * Sets an option: `setoption(socket.SOL_SOCKET, socket.SO_BROADCAST, true)`. Flags may be booleans or numbers.
   * @returns an error for options that there are not (ENOPROTOOPT) and for values that cannot be (EINVAL)
   */
  setoption(level: number, optname: number, value: OptionValue): Result<true> {
    return this.#call('setoption', () => {
      const target = this.#optionTarget();
      const option = findOption(target, level, optname);
      if (option.set === undefined) throw new StackError('ENOPROTOOPT');
      option.set(target, value);
      this.#host.runner.kick();
      return ok(true as const);
    });
  }

  /** Tells an option: a boolean for flags, a number for the rest. */
  getoption(level: number, optname: number): Result<OptionValue> {
    return this.#call('getoption', () => {
      const target = this.#optionTarget();
      const option = findOption(target, level, optname);
      if (option.get === undefined) throw new StackError('ENOPROTOOPT');
      return ok(option.get(target));
    });
  }

  #optionTarget(): OptionTarget {
    return {
      stack: this.#stack,
      family: this.family,
      type: this.type,
      datagrams: this.#datagrams,
      stream: this.#settings,
      tcb: this.#tcb,
      listener: this.#listener,
      isBound: this.#claim !== null || this.#tcb !== null || (this.#datagrams?.endpoint.localPort ?? 0) !== 0,
      memberships: this.#memberships,
      waits: this.#waits,
      now: () => this.#now(),
    };
  }

  /**
   * Gives the socket back, at once and without fail. What has been written is still delivered. Whoever waits on it is told.
   * @returns when there is nothing left to wait for: at once, unless SO_LINGER asks to wait until what was written has
   *   been acknowledged
   */
  close(): Promise<void> {
    if (this.#fd < 0) return Promise.resolve();
    const now = this.#now();
    this.#host.remove(this.#fd);
    this.#fd = -1;
    if (this.#listener !== null) this.#stack.tcp.unlisten(this.#listener, now);
    else if (this.#claim !== null) this.#stack.tcp.release(this.#claim);
    if (this.#tcb !== null) tcpCalls.close(this.#tcb, now);
    for (const { group, interfaceIndex } of this.#memberships) this.#stack.leaveGroup(group, interfaceIndex);
    this.#datagrams?.close();
    this.#host.runner.kick();
    this.wake();
    return this.#linger();
  }

  /** Waits until everything written has been acknowledged, as long as SO_LINGER says. */
  #linger(): Promise<void> {
    const tcb = this.#tcb;
    const { linger } = this.#settings.tcp;
    if (tcb === null || linger <= 0) return Promise.resolve();
    const isDone = () => tcb.state === 'CLOSED' || tcb.state === 'TIME-WAIT' || tcb.state === 'FIN-WAIT-2';
    if (isDone()) return Promise.resolve();
    const { runner, owners } = this.#host;
    return new Promise((resolve) => {
      const end = () => {
        cancel();
        resolve();
      };
      const cancel = runner.at(this.#now() + linger, resolve);
      owners.set(tcb, { wake: () => (isDone() ? end() : undefined), close: end });
    });
  }

  /** Ends sending, receiving or both: `SHUT_RD`, `SHUT_WR`, `SHUT_RDWR`. */
  shutdown(how: number): Result<true> {
    return this.#call('shutdown', () => {
      if (how !== 0 && how !== 1 && how !== 2) throw new StackError('EINVAL');
      if (this.#datagrams !== null) {
        const { endpoint } = this.#datagrams;
        if (endpoint.remote === null) throw new StackError('ENOTCONN');
        if (how !== 1) endpoint.readShut = true;
        if (how !== 0) endpoint.writeShut = true;
      } else if (this.#listener !== null) {
        if (how !== 1) {
          this.#stack.tcp.unlisten(this.#listener, this.#now(), true);
          this.#claim = this.#listener.claim; // still bound: it may listen again
          this.#listener = null;
        }
      } else {
        if (this.#tcb === null || isDown(this.#tcb)) throw new StackError('ENOTCONN');
        if (how !== 1) tcpCalls.shutdownReceive(this.#tcb, this.#now());
        if (how !== 0) tcpCalls.shutdownSend(this.#tcb, this.#now());
      }
      this.#host.runner.kick();
      this.wake();
      return ok(true as const);
    });
  }

  /** The descriptor number: the lowest free from 3 on; -1 once closed. */
  fileno(): number {
    return this.#fd;
  }

  /** Seconds that a call may wait: negative without limit, 0 not at all. @throws TypeError not a number */
  settimeout(timeout: number): void {
    if (typeof timeout !== 'number' || Number.isNaN(timeout)) throw new TypeError('settimeout: a number of seconds');
    this.#timeout = timeout < 0 ? -1 : timeout;
  }

  gettimeout(): number {
    return this.#timeout;
  }

  /** `true` or 1 waits without limit, `false` or 0 not at all; it takes the place of the timeout. */
  setblocking(block: boolean | number): void {
    this.#timeout = block ? -1 : 0;
  }

  getpeername(): Result<SocketAddress> {
    return this.#call('getpeername', () => {
      const end = this.#datagrams?.endpoint ?? this.#tcb;
      const tcb = this.#tcb;
      const hasNoPeer = tcb !== null && (isOpening(tcb) || isDown(tcb));
      if (end === null || end.remote === null || hasNoPeer) throw new StackError('ENOTCONN');
      return ok(socketAddress(end.remote, end.remotePort, this.family));
    });
  }

  getsockname(): Result<SocketAddress> {
    return this.#call('getsockname', () => {
      const end = this.#datagrams?.endpoint ?? this.#tcb ?? this.#listener;
      if (end !== null) return ok(socketAddress(end.local, end.localPort, this.family));
      return ok(socketAddress(this.#claim?.address ?? this.#any, this.#claim?.port ?? 0, this.family));
    });
  }

  toString(): string {
    return `<socket: ${this.#fd}>`;
  }

  [Symbol.dispose](): void {
    void this.close();
  }

  /** The readiness of something that this socket owns has changed: whoever waits looks again. */
  wake(): void {
    const waiters = this.#waiters;
    if (waiters.length === 0) return;
    this.#waiters = [];
    for (const waiter of waiters) waiter();
  }

  /** The clock and the stack behind this socket, for code that wraps it. */
  get runner(): Runner {
    return this.#host.runner;
  }

  // Inside -------------------------------------------------------------------------------------------------------------

  get #stack() {
    return this.#host.runner.stack;
  }

  #now(): number {
    return this.#host.runner.now();
  }

  #deadline(): number {
    return this.#timeout < 0 ? Number.POSITIVE_INFINITY : this.#now() + seconds(this.#timeout);
  }

  /** @throws StackError EINVAL a link-local address without an interface (RFC 4007) */
  #resolve(host: string | number, scopeid: number): Address | null {
    const found = resolveHost(host, this.family, this.#host);
    if (found === null || !isLinkLocal(found)) return found;
    const address = found.zone === 0 ? inZone(found, scopeid) : found;
    if (address.zone === 0 && !isMulticast(address)) throw new StackError('EINVAL');
    return address;
  }

  /** How long a call may wait: as `settimeout` says, or SO_RCVTIMEO and SO_SNDTIMEO, whichever ends first. */
  #waitFor(which: 'receive' | 'send', flags = 0): Wait {
    const own = this.#waits[which];
    const deadline = this.#deadline();
    const optionEnds = own > 0 ? this.#now() + seconds(own) : Number.POSITIVE_INFINITY;
    return {
      mayWait: this.#timeout !== 0 && (flags & constants.MSG_DONTWAIT) === 0,
      deadline: Math.min(deadline, optionEnds),
      late: optionEnds < deadline ? 'EAGAIN' : 'ETIMEDOUT',
    };
  }

  async #waitOrThrow(isReady: () => boolean, { mayWait, deadline, late }: Wait = this.#waitFor('receive')) {
    if (isReady()) return;
    if (!mayWait) throw new StackError('EAGAIN');
    if ((await this.#wait(isReady, deadline)) === 'timeout') throw new StackError(late);
  }

  /** @throws StackError EBADF the socket was closed meanwhile */
  #wait(isReady: () => boolean, deadline: number = this.#deadline()): Promise<Woken> {
    if (isReady()) return Promise.resolve('ready');
    return new Promise((resolve, reject) => {
      let isOver = false;
      const end = (settle: () => void) => {
        isOver = true;
        cancel();
        settle();
      };
      const cancel =
        deadline === Number.POSITIVE_INFINITY
          ? () => {}
          : this.#host.runner.at(deadline, () => {
              if (!isOver) end(() => resolve('timeout'));
            });
      const look = () => {
        if (isOver) return;
        if (this.#fd < 0) end(() => reject(new StackError('EBADF')));
        else if (isReady()) end(() => resolve('ready'));
        else this.#waiters.push(look);
      };
      this.#waiters.push(look);
    });
  }

  async #try<T>(syscall: string, action: () => Promise<Result<T>> | Result<T>): Promise<Result<T>> {
    try {
      if (this.#fd < 0) throw new StackError('EBADF');
      return await action();
    } catch (error) {
      return this.#failure(syscall, error);
    }
  }

  #call<T>(syscall: string, action: () => Result<T>): Result<T> {
    try {
      if (this.#fd < 0) throw new StackError('EBADF');
      return action();
    } catch (error) {
      return this.#failure(syscall, error);
    }
  }

  #failure(syscall: string, error: unknown): readonly [null, ErrorText] {
    if (!(error instanceof StackError)) throw error;
    this.lastError = { code: error.code, syscall };
    return [null, texts[error.code]];
  }
}

const isOpening = (tcb: Tcb): boolean => tcb.state === 'SYN-SENT' || tcb.state === 'SYN-RECEIVED';

/** Nothing more will come. */
const isOver = (tcb: Tcb): boolean => tcb.finReceived || tcb.readShut || tcb.state === 'CLOSED' || tcb.error !== null;

function readUrgent(tcb: Tcb, peek: boolean): Uint8Array {
  const octet = tcpCalls.receiveUrgent(tcb, peek);
  if (octet < 0) throw new StackError('EPIPE');
  return Uint8Array.of(octet);
}

/** Nothing is left of the connection as far as its user can tell. */
const isDown = ({ state }: Tcb): boolean => state === 'CLOSED' || state === 'TIME-WAIT';

const isEagain = (error: unknown): boolean => error instanceof StackError && error.code === 'EAGAIN';

const toBytes = (data: string | Uint8Array): Uint8Array => {
  if (typeof data === 'string') return new TextEncoder().encode(data);
  if (data instanceof Uint8Array) return data;
  throw new TypeError('data: a string or a Uint8Array');
};
