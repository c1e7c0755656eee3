/// <reference lib="esnext.disposable" preserve="true" />
import {
  type ErrorText,
  type OptionValue,
  type ReceivedMessage,
  type Result,
  type Socket,
  type SocketError,
  type SocketName,
  texts,
} from '../api/index.ts';
import { type Caller, gone } from './caller.ts';
import { unwatch, watch } from './lost.ts';
import type { OpenedSocket, Remains, SocketToken } from './serve.ts';

/**
 * The documented socket without `await`: each call puts the thread to sleep until it is done, while the host's own thread
 * goes on acknowledging, sending again and answering pings. Names, arguments, results and errors are the other face's. The
 * other thread forgets a socket that is closed: what such a one says is said here.
 */

/** What `write` gives: octets; after an error a third value says how many were accepted before it. */
export type BlockingWritten = Result<number> | readonly [null, ErrorText, number];

/** What `read` gives: data, which is empty, never null, when there is an error. */
export type BlockingRead = readonly [data: Uint8Array, err: ErrorText | null];

/** What poll(2) tells. */
export type BlockingReadiness = ReturnType<Socket['poll']>;

/**
 * A socket of a host that another thread turns; not to be shared between threads. Octets are copied into the other thread and
 * out of it: buffers stay the caller's, and what is given back is the caller's alone.
 *
 * Results are pairs, `[value, null]` or `[null, error text]`. Besides the errors that are named with each call, every call with a
 * result fails with EBADF when the socket or its host is closed, or the thread has left the host; those that may wait with
 * ERROR_TIMEOUT when the timeout has passed, and with EAGAIN when it is 0 or SO_RCVTIMEO or SO_SNDTIMEO has passed. An argument
 * of a wrong type is a TypeError, a port or a size that cannot be a RangeError.
 */
export class BlockingSocket {
  /** 'stream', 'dgram', 'raw' or 'seqpacket'. */
  readonly type: Socket['type'];
  /** 4, 6 or 'unix'. */
  readonly family: Socket['family'];
  readonly #caller: Caller;
  readonly #token: number;
  #isOpen = true;
  /** Of a socket that is closed; before that the other thread knows. */
  #lastError: SocketError | null = null;
  #timeout = -1;

  /** Sockets are made by `socket.socket`, `tcp`, `udp` and by `accept`. */
  constructor(caller: Caller, { socketToken, type, family }: OpenedSocket) {
    this.#caller = caller;
    this.#token = socketToken;
    this.type = type;
    this.family = family;
    watch(this, caller, socketToken);
  }

  /** The structured form of the last error; null before the first. */
  get lastError(): SocketError | null {
    const answer = this.#ask('lastError');
    return answer === gone ? this.#lastError : (answer as SocketError | null);
  }

  /**
   * Opens a connection, and sleeps until it is open; or fixes the peer of a datagram socket. The timeout ends the waiting, not the
   * attempt: the next `connect` waits for the same one.
   * @param host an address, a name, or 32 bits in host order; the path of an AF_UNIX socket, or 'unix:' and a path on any
   *   stream; null lets a datagram socket's peer go
   * @param port a number, or the name of a service
   * @param flowinfo has no effect
   * @param scopeid the interface of a link-local address, if `host` does not name it ('fe80::1%tun0')
   * @returns ECONNREFUSED, ECONNRESET, ENETUNREACH, EHOSTUNREACH, ERROR_TIMEOUT as the network has it; EISCONN there is a
   *   connection; EINPROGRESS and EALREADY instead of waiting; EADDRNOTAVAIL no free port; getaddrinfo's errors of a name; of
   *   AF_UNIX ENOENT, EPROTOTYPE, ENAMETOOLONG
   * @throws TypeError no host or port; RangeError a port above 65,535
   */
  connect(host: string | number | null, port: number | string = 0, flowinfo = 0, scopeid = 0): Result<true> {
    const about = { syscall: 'connect', ...(host === null ? {} : { address: host }), port };
    return this.#call('connect', [host, port, flowinfo, scopeid], about);
  }

  /**
   * Gives the socket a local address and port; port 0 takes a free one. Of AF_UNIX, a path.
   * @param host an address or a name; '' for any address
   * @param port a number, or the name of a service
   * @param flowinfo has no effect
   * @param scopeid the interface of a link-local address, if `host` does not name it
   * @returns EADDRINUSE; EADDRNOTAVAIL not an address of the host; EINVAL the socket has one; getaddrinfo's errors of a name; of
   *   AF_UNIX ENAMETOOLONG
   * @throws TypeError no host or port; RangeError a port above 65,535
   */
  bind(host: string | number, port: number | string = 0, flowinfo = 0, scopeid = 0): Result<true> {
    return this.#call('bind', [host, port, flowinfo, scopeid], { syscall: 'bind', address: host, port });
  }

  /**
   * Waits for connections. `backlog` + 1 finished ones may wait for `accept`.
   * @returns EOPNOTSUPP not a stream; EINVAL it is connected; EADDRINUSE somebody else listens there
   */
  listen(backlog: number): Result<true> {
    return this.#call('listen', [backlog]);
  }

  /**
   * Sleeps until there is a connection. Its socket waits without limit, whatever this one's timeout.
   * @returns EINVAL it does not listen; EOPNOTSUPP not a stream
   */
  accept(): Result<BlockingSocket> {
    return socketOf(this.#caller, this.#call<Result<OpenedSocket>>('accept', []));
  }

  /**
   * Sends all of `data`, sleeping while there is no room, with one deadline for all of it. Text is sent as UTF-8.
   * @returns the octets accepted; without waiting, those that fit. ERROR_CLOSED nobody is to read it; ECONNRESET and what
   *   else has ended the connection, once; of datagrams EMSGSIZE more than one holds, EDESTADDRREQ no peer, ECONNREFUSED once
   *   after the peer said so. After an error a third value says how many octets were accepted before it
   * @throws TypeError neither text nor octets
   */
  write(data: string | Uint8Array): BlockingWritten {
    return this.send(data, 0);
  }

  /**
   * `write` with flags: MSG_OOB makes the last octet urgent, MSG_MORE says that more follows at once, MSG_DONTWAIT does not wait.
   */
  send(data: string | Uint8Array, flags = 0): BlockingWritten {
    return this.#call('send', [data, flags], { syscall: 'write' });
  }

  /**
   * Sends octets over AF_UNIX, and sockets of the same host with them (SCM_RIGHTS), to whichever thread reads the first of the
   * octets by `recvsockets`: it gets sockets of its own for what is behind these, which stay open. Nothing travels on a stream
   * without an octet.
   * @param sockets or their descriptor numbers
   * @returns as `write`; EBADF one of the sockets is closed, or another host's; EINVAL more than 253 of them; EOPNOTSUPP not
   *   AF_UNIX
   * @throws TypeError no octets or text, or no list of sockets
   */
  sendsockets(data: string | Uint8Array, sockets: readonly (BlockingSocket | number)[], flags = 0): BlockingWritten {
    if (!Array.isArray(sockets)) throw new TypeError('sockets: a list of sockets');
    const sent = sockets.map((each) => {
      if (!(each instanceof BlockingSocket)) return each;
      return each.#isOpen && each.#caller === this.#caller ? each.token : badNumber;
    });
    return this.#call('sendsockets', [data, sent, flags]);
  }

  /**
   * Sends one datagram to an address or a path. On a stream the address says nothing, but with MSG_FASTOPEN: then the stream is
   * opened with the data.
   * @param host an address or a name; of AF_UNIX a path
   * @param port a number, or the name of a service
   * @param flowinfo has no effect
   * @param scopeid the interface of a link-local address, if `host` does not name it
   * @param flags as of `send`
   * @returns the octets sent; the errors of `write`; ENETUNREACH, EACCES (broadcast without SO_BROADCAST); getaddrinfo's
   *   errors of a name
   * @throws TypeError neither text nor octets, no host or port; RangeError a port above 65,535
   */
  sendto(
    data: string | Uint8Array,
    host: string | number,
    port: number | string = 0,
    flowinfo = 0,
    scopeid = 0,
    flags = 0,
  ): BlockingWritten {
    const about = { syscall: 'sendto', address: host, port };
    return this.#call('sendto', [data, host, port, flowinfo, scopeid, flags], about);
  }

  /**
   * Sleeps until something has come and returns up to `maxsize` octets of it; one datagram on a datagram socket, of which the rest
   * is lost.
   * @returns data, empty with every error: ERROR_CLOSED at the end of a stream; ECONNRESET and what else has ended the connection,
   *   once; ENOTCONN a stream without a connection; ECONNREFUSED once after the peer of a datagram said so
   * @throws TypeError, RangeError `maxsize` is no number of octets
   */
  read(maxsize: number): BlockingRead {
    return this.recv(maxsize, 0);
  }

  /**
   * `read`, as text. Of a stream of UTF-8, a letter that is cut waits for its rest, which the next `readString` gives.
   * @param maxsize octets, not letters
   * @param encoding 'utf-8', where octets that are none become U+FFFD; 'latin1', a letter from U+0000 to U+00FF for each octet
   * @returns text, empty with every error but at the end of a stream that has cut a letter; the errors of `read`
   * @throws TypeError, RangeError `maxsize` is no number of octets, another encoding
   */
  readString(maxsize: number, encoding: 'utf-8' | 'latin1' = 'utf-8'): readonly [text: string, err: ErrorText | null] {
    const [text, error] = this.#call<readonly [string | null, ErrorText | null]>('readString', [maxsize, encoding], {
      syscall: 'read',
    });
    return [text ?? '', error];
  }

  /**
   * Sleeps until there are octets of AF_UNIX, or a message, and gives the sockets that came with them: new ones, without a
   * timeout, to be closed by whoever calls. A stream is not read beyond octets that sockets came with. Sockets that come with
   * what other calls read are closed; so are those for which there is no descriptor left.
   * @param flags as of `recv`; MSG_PEEK gives no sockets
   * @returns the errors of `read`
   */
  recvsockets(maxsize: number, flags = 0): Result<readonly [data: Uint8Array, sockets: BlockingSocket[]]> {
    const [received, error] = this.#call<Result<readonly [Uint8Array, OpenedSocket[]]>>('recvsockets', [
      maxsize,
      flags,
    ]);
    if (error !== null) return [null, error];
    const [data, opened] = received;
    return [[data, opened.map((each) => new BlockingSocket(this.#caller, each))], null];
  }

  /**
   * `read` with flags: MSG_PEEK leaves it where it is, MSG_OOB reads the urgent octet (EINVAL when there is none), MSG_WAITALL
   * waits for all of `maxsize` octets, MSG_DONTWAIT does not wait.
   */
  recv(maxsize: number, flags = 0): BlockingRead {
    if (maxsize === 0) return [none, null];
    const about = { syscall: 'read' };
    const [data, error] = this.#call<BlockingRead | typeof badDescriptor>('recv', [maxsize, flags], about);
    return [data ?? none, error];
  }

  /**
   * `recv` into a buffer of the caller's; it is written to once, before the call returns.
   * @returns how many octets there are; the errors of `read`
   * @throws TypeError not a buffer
   */
  recvInto(buffer: Uint8Array, flags = 0): Result<number> {
    if (!(buffer instanceof Uint8Array)) throw new TypeError('buffer: a Uint8Array');
    const [data, error] = this.recv(buffer.length, flags);
    if (error !== null) return [null, error];
    buffer.set(data);
    return [data.length, null];
  }

  /**
   * Sleeps until there is a datagram, and tells who sent it and to which of our addresses; of a stream, what `recv` gives.
   * @param maxsize octets of `data`; what is longer is cut, and `length` is the whole datagram's
   * @param flags MSG_PEEK leaves it where it is, MSG_DONTWAIT does not wait
   * @returns the errors of `read`
   * @throws TypeError, RangeError `maxsize` is no number of octets
   */
  recvfrom(maxsize: number, flags = 0): Result<ReceivedMessage> {
    return this.#call('recvfrom', [maxsize, flags]);
  }

  /** Octets that `read` would give at once, up to an urgent one (SIOCINQ). @returns EINVAL a listener */
  inq(): Result<number> {
    return this.#call('inq', [], ioctl);
  }

  /** Octets written that the peer has not acknowledged (SIOCOUTQ). @returns EINVAL a listener */
  outq(): Result<number> {
    return this.#call('outq', [], ioctl);
  }

  /** Octets written that have not been sent (SIOCOUTQNSD). @returns EINVAL a listener */
  outqnsd(): Result<number> {
    return this.#call('outqnsd', [], ioctl);
  }

  /** Is the next octet to be read the urgent one (SIOCATMARK)? */
  atmark(): Result<boolean> {
    return this.#call('atmark', [], ioctl);
  }

  /** What `select` would say now, without waiting. A closed socket is writable and hung up. */
  poll(): BlockingReadiness {
    const answer = this.#ask('poll');
    return answer === gone ? hungUp : (answer as BlockingReadiness);
  }

  /**
   * Sets an option: `setoption(socket.SOL_SOCKET, socket.SO_BROADCAST, true)`. Flags may be booleans or numbers.
   * @returns ENOPROTOOPT no such option here; EINVAL a value that cannot be; and what an option itself says
   */
  setoption(level: number, optname: number, value: OptionValue): Result<true> {
    return this.#call('setoption', [level, optname, value]);
  }

  /** Tells an option: a boolean for flags, a number for most others. @returns ENOPROTOOPT no such option here */
  getoption(level: number, optname: number): Result<OptionValue> {
    return this.#call('getoption', [level, optname]);
  }

  /**
   * Gives the socket back, without fail; twice is once. What has been written is still delivered: sleeps until it is
   * acknowledged if, and as long as, SO_LINGER says so.
   */
  close(): void {
    const remains = this.#ask('close');
    this.#isOpen = false;
    unwatch(this);
    if (remains !== gone) ({ timeout: this.#timeout, lastError: this.#lastError } = remains as Remains);
  }

  /**
   * Ends sending, receiving or both: `SHUT_RD`, `SHUT_WR`, `SHUT_RDWR`.
   * @returns EINVAL none of the three; ENOTCONN no peer
   */
  shutdown(how: number): Result<true> {
    return this.#call('shutdown', [how]);
  }

  /** The descriptor number: the lowest free from 3 on; -1 once closed. */
  fileno(): number {
    const answer = this.#ask('fileno');
    return answer === gone ? -1 : (answer as number);
  }

  /** Seconds that a call may wait: negative without limit, 0 not at all. @throws TypeError not a number */
  settimeout(timeout: number): void {
    if (this.#ask('settimeout', timeout) === gone) this.#timeout = timeout < 0 ? -1 : timeout;
  }

  /** Seconds that a call may wait: -1 without limit, 0 not at all. */
  gettimeout(): number {
    const answer = this.#ask('gettimeout');
    return answer === gone ? this.#timeout : (answer as number);
  }

  /** `true` or 1 waits without limit, `false` or 0 not at all; it takes the place of the timeout. */
  setblocking(block: boolean | number): void {
    if (this.#ask('setblocking', block) === gone) this.#timeout = block ? -1 : 0;
  }

  /** Who is at the other end: an address and a port; of AF_UNIX a path, '' for none. @returns ENOTCONN nobody */
  getpeername(): Result<SocketName> {
    return this.#call('getpeername', []);
  }

  /** What the socket itself is called: an address and a port, of AF_UNIX a path, '' for none. */
  getsockname(): Result<SocketName> {
    return this.#call('getsockname', []);
  }

  /** `<socket: N>`, with its descriptor number. */
  toString(): string {
    return `<socket: ${this.fileno()}>`;
  }

  /** `using sock = …` closes it at the end of the block. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** The same for `await using`, as the other face has it. It sleeps too. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  /** How it travels to the other thread. */
  get token(): SocketToken {
    return { socketToken: this.#token };
  }

  /** What the call returns in the other thread, or EBADF here. @param about for `lastError` */
  #call<T extends readonly unknown[]>(
    method: string,
    args: readonly unknown[],
    about: About = { syscall: method },
  ): T | typeof badDescriptor {
    const answer = this.#ask(method, ...args);
    if (answer !== gone) return answer as T;
    this.#lastError = { code: 'EBADF', errno: 9, ...about };
    return badDescriptor;
  }

  #ask(method: string, ...args: readonly unknown[]): unknown {
    return this.#isOpen ? this.#caller.call(this.#token, method, args) : gone;
  }
}

/** The socket for what another thread has opened. */
export const socketOf = (caller: Caller, [opened, error]: Result<OpenedSocket>): Result<BlockingSocket> =>
  error === null ? [new BlockingSocket(caller, opened), null] : [null, error];

/** What calls return that have a closed socket, or a host that is gone. */
export const badDescriptor = [null, texts.EBADF] as const;

/** No socket's descriptor number. */
const badNumber = -1;

/** What an error is about. */
type About = Omit<SocketError, 'code' | 'errno'>;

const ioctl: About = { syscall: 'ioctl' };

const none = new Uint8Array(0);

/** What is left to `poll` of a socket that is closed. */
const hungUp: BlockingReadiness = {
  readable: false,
  writable: true,
  urgent: false,
  error: false,
  readHungUp: false,
  hungUp: true,
};
