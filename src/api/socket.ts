/// <reference lib="esnext.disposable" preserve="true" />
import { type ErrorCode, empty, type Passed, type Runner, type Stack, StackError, seconds } from '../stack/index.ts';
import { checkNumber, checkOctets, checkSize, checkSockets, toOctets } from './arguments.ts';
import { constants } from './constants.ts';
import { Description } from './description.ts';
import type { End, EndType, Incoming, Linger, MakeEnd, Place, Readiness } from './ends/end.ts';
import { TcpEnd } from './ends/tcp.ts';
import {
  type ErrorText,
  errnos,
  type LookupError,
  lookupErrorOf,
  lookupNumbers,
  type Result,
  texts,
} from './errors.ts';
import { raceToConnect, resolutionDelay, Sought } from './happy-eyeballs.ts';
import type { SocketHost } from './host.ts';
import type { SocketAddress, SocketFamily, SocketName } from './names.ts';
import { checkValue, findOption, type OptionTarget, type OptionValue, ownTcp } from './options/index.ts';
import { dropAll, mostPassed, PassedSocket } from './passing.ts';
import { type AddressPlace, placesOf, unixPath } from './places.ts';
import { checkEncoding, type Encoding, TextStream, toText } from './text.ts';

const ok = <T>(value: T): Result<T> => [value, null];

/** A datagram as `recvfrom` tells it. */
export interface ReceivedMessage {
  /** Its octets, which are the caller's, cut to the size that was asked for. */
  readonly data: Uint8Array;
  /** Who sent it, as `sendto` takes it; of AF_UNIX its path and 0. */
  readonly address: SocketAddress;
  /** Octets of the whole datagram, also when `data` was cut. */
  readonly length: number;
  /** Of IP: which of our addresses, or which group, it was sent to; '' elsewhere. */
  readonly destination: string;
  /** Of IP: the interface that it came in by; 0 elsewhere. */
  readonly interfaceIndex: number;
  /** Of IP: hops that were left; 0 elsewhere. */
  readonly ttl: number;
  /** Of IP: the octet of TOS or traffic class; 0 elsewhere. */
  readonly trafficClass: number;
}

/** What only datagrams over IP have. */
const without = { destination: '', interfaceIndex: 0, ttl: 0, trafficClass: 0 } as const;

/** Whether and until when a call may wait. */
interface Wait {
  readonly mayWait: boolean;
  readonly deadline: number;
  /** What it fails with when it may not wait, and when the time is over. */
  readonly unfinished: ErrorCode;
  readonly late: ErrorCode;
}

/** How far a write has come, and what still has to go along. */
interface Progress {
  sent: number;
  passed: readonly PassedSocket[];
}

/** Where a host and a port may lead, or why nowhere. */
type Found = readonly [Place, ...Place[]] | readonly [null, ErrorText];

/** What `read` gives. */
type Read = readonly [data: Uint8Array, err: ErrorText | null];

/** What `readString` gives. */
type ReadText = readonly [text: string, err: ErrorText | null];

/** What `write` gives; after an error a third value says how many octets were accepted before it. */
type Written = Result<number> | readonly [null, ErrorText, number];

/** The structured form of an error. */
export interface SocketError {
  /** 'ECONNRESET'; of names 'EAI_NONAME'. */
  readonly code: ErrorCode | LookupError;
  /** Linux's number; below zero for names that could not be looked up. */
  readonly errno: number;
  /** The call that has failed: 'connect'. */
  readonly syscall: string;
  /** Of calls that name somebody: whom. */
  readonly address?: string | number;
  /** Of calls that name a port: which. */
  readonly port?: number | string;
}

/**
 * A socket of the documented module, over the stack of its host. Calls that may have to wait return a promise. What a socket
 * can do is its end's matter (src/api/ends); here are waiting, timeouts, results and errors.
 */
export class Socket {
  /** The structured form of the last error. */
  lastError: SocketError | null = null;
  /** 4 of AF_INET, 6 of AF_INET6, 'unix' of AF_UNIX; a stream that became one by 'unix:' keeps what it was made as. */
  readonly family: SocketFamily | 'unix';
  readonly #host: SocketHost;
  readonly #description: Description;
  #fd: number;
  #timeout = -1;
  /** What `readString` has read and not given yet. */
  #text: TextStream | null = null;

  /** Sockets are made by `socket.socket`, `tcp`, `udp`, by `accept` and by `recvsockets`. */
  constructor(host: SocketHost, family: SocketFamily | 'unix', what: MakeEnd | Description) {
    this.#host = host;
    this.family = family;
    if (what instanceof Description) this.#description = what;
    else {
      this.#description = new Description(host.runner, family === 'unix' ? 4 : family);
      this.#description.end = what(this.#description);
    }
    this.#fd = host.add(this, this.#description);
  }

  get #end(): End {
    return this.#description.end;
  }

  /** Of which kind the socket is. */
  get type(): EndType {
    return this.#end.type;
  }

  /**
   * Opens a connection, or fixes the peer of a datagram socket. The timeout ends the waiting, not the attempt; nor does
   * SO_SNDTIMEO, which is EINPROGRESS (of AF_UNIX, for want of room at the listener, EAGAIN). Attempts side by side
   * (`happyEyeballs`) end with the timeout and know nothing of SO_SNDTIMEO.
   * @param host an address, a name, or 32 bits in host order; the path of an AF_UNIX socket, or 'unix:' and a path on any
   *   stream; null lets go of the peer, as AF_UNSPEC on Linux: a stream's connection is reset, and listening ends; what `bind`
   *   has named with its port stays. Of a name with several addresses one after the other is tried
   * @param port a number, digits, or the name of a service
   * @param scopeid the interface of a link-local address, if `host` does not name it ('fe80::1%tun0')
   * @returns ECONNREFUSED, ECONNRESET, EHOSTUNREACH, ENETUNREACH what became of the attempt; ERROR_TIMEOUT it took too long, for the
   *   user or for TCP; EINPROGRESS, EALREADY it goes on (without waiting: timeout 0); EISCONN there is a connection, or it listens;
   *   EADDRNOTAVAIL no free port; EINVAL a link-local address without an interface; of names one of gai_strerror(3)'s texts;
   *   of AF_UNIX ENOENT, ECONNREFUSED, EPROTOTYPE, EAGAIN; EBADF
   * @throws TypeError arguments of the wrong type; RangeError a port that is not 0 to 65535
   */
  async connect(
    host: string | number | null,
    port: number | string = 0,
    _flowinfo = 0,
    scopeid = 0,
  ): Promise<Result<true>> {
    return this.#try('connect', host, port, async () => {
      const deadline = this.#deadline();
      // Without waiting, a name is looked up all the same, as everywhere.
      const patience = this.#timeout === 0 ? Number.POSITIVE_INFINITY : deadline;
      if (host === null) {
        this.#end.connect(null);
        this.#host.runner.kick();
        this.wake();
        return ok(true as const);
      }
      const sought = this.#mayRace() ? new Sought(() => this.wake()) : null;
      const found = this.#places(host, port, scopeid, sought?.update);
      if (sought !== null) await this.#seek(sought, found, patience);
      if (sought !== null && (sought.places.length > 1 || !sought.isComplete)) {
        await this.#raceTo(sought, deadline);
        return ok(true as const);
      }
      const places = found instanceof Promise ? await this.#lookedUp(found, patience) : found;
      if (!isFound(places)) return places;
      for (const place of places.slice(0, -1)) {
        try {
          await this.#connectTo(place, deadline);
          return ok(true as const);
        } catch (error) {
          if (!(error instanceof StackError) || !isWorthAnother(error, this.#now() < deadline)) throw error;
        }
      }
      await this.#connectTo(places.at(-1)!, deadline);
      return ok(true as const);
    });
  }

  /** Side by side only where nothing has been settled yet: a stream without a port of its own, whose user waits. */
  #mayRace(): boolean {
    return (
      this.#host.happyEyeballs && this.#end.type === 'stream' && this.#timeout !== 0 && !this.#end.target().isBound
    );
  }

  /** Waits until there is enough to begin with (RFC 8305 section 3). @throws as `#lookedUp` */
  async #seek(sought: Sought, found: Found | Promise<Found>, deadline: number): Promise<void> {
    const end = (all: Found): void => sought.end(isFound(all) ? (all as readonly AddressPlace[]) : []);
    if (!(found instanceof Promise)) return end(found);
    found.then(end, () => sought.end());
    const isAny = (): boolean => sought.isComplete || sought.places.length > 0;
    if ((await this.#wait(isAny, deadline)) === 'timeout') throw new StackError('ETIMEDOUT');
    await this.#wait(() => sought.mayBegin, Math.min(deadline, this.#now() + resolutionDelay));
  }

  async #raceTo(sought: Sought, deadline: number): Promise<void> {
    const { stream } = this.#end.target();
    const { runner } = this.#host;
    const winner = await raceToConnect(sought, {
      waiting: this.#description,
      deadline,
      now: () => runner.now(),
      kick: () => runner.kick(),
      isClosed: () => this.#fd < 0,
      make: () => new TcpEnd(this.#description, null, stream.tcp),
    });
    if (this.#fd < 0) winner.close();
    this.#throwIfClosed();
    this.#description.end = winner;
  }

  /** @throws StackError what has gone wrong, or why the user does not want to wait any longer */
  async #connectTo(place: Place, deadline: number): Promise<void> {
    const end = this.#end;
    const state = end.connect(place);
    this.#host.runner.kick();
    if (state === 'done') return;
    // What does not wait, and what is late by SO_SNDTIMEO, leaves the attempt to itself, as on Linux.
    const wait = this.#waitFor('send', 0, deadline, unfinished[state]);
    for (;;) {
      await this.#waitOrThrow(() => end.hasConnected, wait);
      try {
        return end.finishConnect();
      } catch (error) {
        if (!isEagain(error)) throw error; // somebody else has taken the place in the queue
      }
    }
  }

  /**
   * Gives the socket a local address and port; port 0 takes a free one. Of AF_UNIX, a path.
   * @param host an address, a name, '' for all addresses; a path, or 'unix:' and a path
   * @returns EADDRINUSE, EADDRNOTAVAIL not our address, EINVAL it is bound already; of names one of gai_strerror(3)'s texts; EBADF
   * @throws TypeError arguments of the wrong type; RangeError a port that is not 0 to 65535
   */
  async bind(host: string | number, port: number | string = 0, _flowinfo = 0, scopeid = 0): Promise<Result<true>> {
    return this.#try('bind', host, port, async () => {
      const found = this.#places(host, port, scopeid);
      const places = found instanceof Promise ? await this.#lookedUp(found, Number.POSITIVE_INFINITY) : found;
      if (!isFound(places)) return places;
      this.#end.bind(places[0]!);
      return ok(true as const);
    });
  }

  /**
   * Waits for connections. `backlog` + 1 finished ones may wait for `accept`; what is negative is 0. A stream over IP that is not
   * bound gets a free port.
   * @returns EOPNOTSUPP no stream, EINVAL it is connected, EADDRINUSE the port is listened on; EBADF
   * @throws TypeError no number
   */
  listen(backlog: number): Result<true> {
    checkNumber(backlog, 'backlog');
    return this.#call('listen', () => {
      this.#end.listen(Math.max(0, Math.trunc(backlog)));
      return ok(true as const);
    });
  }

  /**
   * The next connection. The new socket waits without limit, whatever this one's timeout.
   * @returns EMFILE too many sockets are open (the connection stays in the queue); EINVAL it does not listen; EOPNOTSUPP no
   *   stream; EAGAIN, ERROR_TIMEOUT nobody has come
   */
  async accept(): Promise<Result<Socket>> {
    return this.#try('accept', undefined, undefined, async () => {
      const wait = this.#waitFor('receive');
      for (;;) {
        if (this.#host.isFull) throw new StackError('EMFILE'); // as on Linux before all else: the connection stays in the queue
        const make = this.#end.accept(wait.mayWait);
        this.#host.runner.kick(); // there may be room for one who waits
        if (make !== null) return ok(this.#accepted(make));
        if (!wait.mayWait) throw new StackError('EAGAIN');
        await this.#waitOrThrow(() => this.#end.mayAccept, wait);
      }
    });
  }

  /** A connection's own socket, with what Linux lets it inherit besides the options of TCP. */
  #accepted(make: MakeEnd): Socket {
    const socket = new Socket(this.#host, this.family, make);
    const { receiveWait, sendWait, remembered } = this.#description.settings;
    if (receiveWait + sendWait > 0) Object.assign(socket.#description.ownSettings, { receiveWait, sendWait });
    if (remembered !== 0 && this.#end.target().unix === null) socket.#description.ownSettings.remembered = remembered;
    return socket;
  }

  /**
   * Sends all of `data`, waiting for room. The octets are copied: what fits before the call returns, awaited or not, and the rest
   * later; until then they are to be left alone.
   * @returns the octets accepted; after an error a third value says how many were accepted before it. Without waiting
   *   (timeout 0) what fits is sent. ERROR_CLOSED nobody can read it any more, or there is no connection; ECONNRESET; ERROR_TIMEOUT,
   *   EAGAIN no room in time; of datagrams EDESTADDRREQ, EMSGSIZE, ECONNREFUSED (which an earlier one has brought); EBADF
   * @throws TypeError neither text nor octets, or octets whose memory has been transferred away
   */
  write(data: string | Uint8Array): Promise<Written> {
    return this.send(data);
  }

  /**
   * The same with flags: MSG_OOB makes the last octet urgent, MSG_MORE says that more follows at once, MSG_DONTWAIT does
   * not wait.
   */
  send(data: string | Uint8Array, flags = 0): Promise<Written> {
    return this.#write(data, flags, { sent: 0, passed: [] });
  }

  /**
   * Sends octets over AF_UNIX, and sockets of the same host with them (SCM_RIGHTS): whoever reads the first of the octets by
   * `recvsockets` gets sockets of its own for what is behind these. The sender's stay open, and each is closed by itself.
   * Nothing travels on a stream without an octet.
   * @param sockets or their descriptor numbers
   * @returns as `write`; EBADF one of the sockets is closed, or another host's; EINVAL more than 253 of them; EOPNOTSUPP not
   *   AF_UNIX
   * @throws TypeError no octets or text, or no list of sockets
   */
  async sendsockets(data: string | Uint8Array, sockets: readonly (Socket | number)[], flags = 0): Promise<Written> {
    toOctets(data, 'data');
    checkSockets(sockets, Socket);
    checkNumber(flags, 'flags');
    let passed: readonly PassedSocket[];
    try {
      passed = this.#passedOf(sockets);
    } catch (error) {
      return this.#failure(error, { syscall: 'sendsockets' });
    }
    const progress: Progress = { sent: 0, passed };
    try {
      return await this.#write(data, flags, progress);
    } finally {
      dropAll(progress.passed); // what has not gone
    }
  }

  /** What travels of these sockets. @throws StackError why they cannot travel by this one */
  #passedOf(sockets: readonly (Socket | number)[]): readonly PassedSocket[] {
    this.#throwIfClosed();
    if (this.#end.target().unix === null) throw new StackError('EOPNOTSUPP');
    if (sockets.length > mostPassed) throw new StackError('EINVAL');
    const found = sockets.map((each) => (typeof each === 'number' ? this.#host.socketAt(each) : each));
    const own = found.filter((each) => each instanceof Socket && each.#fd >= 0 && each.#host === this.#host);
    if (own.length < sockets.length) throw new StackError('EBADF');
    return (own as Socket[]).map((each) => new PassedSocket(this.#host, each.family, each.#description));
  }

  async #write(data: string | Uint8Array, flags: number, progress: Progress): Promise<Written> {
    const bytes = toOctets(data, 'data');
    checkNumber(flags, 'flags');
    const description = this.#description;
    const result = await this.#try('write', undefined, undefined, async () => {
      const wait = this.#waitFor('send', flags);
      if (this.#end.type !== 'stream') return ok(await this.#sendOne(bytes, flags, null, wait, progress));
      const how = wait.mayWait ? flags : flags | constants.MSG_DONTWAIT;
      // Before any waiting, so that what fits is written when the call returns, awaited or not.
      if (!description.writers?.length && this.#push(bytes, progress, how)) return ok(progress.sent);
      description.writers ??= [];
      const { writers } = description;
      writers.push(progress);
      try {
        if (writers[0] !== progress) await this.#waitOrThrow(() => writers[0] === progress, wait);
        await this.#pushAll(bytes, progress, how, wait);
      } finally {
        writers.splice(writers.indexOf(progress), 1);
        if (writers.length > 0) this.wake();
        else description.writers = null;
      }
      return ok(progress.sent);
    });
    return result[1] !== null && progress.sent > 0 ? [null, result[1], progress.sent] : result;
  }

  /** Writes as much as fits. @returns whether that is all of it */
  #push(bytes: Uint8Array, progress: Progress, how: number): boolean {
    try {
      do {
        const rest = progress.sent === 0 ? bytes : bytes.subarray(progress.sent);
        progress.sent += this.#end.send(rest, how, null, progress.passed);
        if (progress.sent > 0) progress.passed = [];
        this.#host.runner.kick();
      } while (progress.sent < bytes.length);
      return true;
    } catch (error) {
      if (!isEagain(error)) throw error;
      return false;
    }
  }

  async #pushAll(bytes: Uint8Array, progress: Progress, how: number, wait: Wait): Promise<void> {
    while (!this.#push(bytes, progress, how)) {
      if (!wait.mayWait && progress.sent > 0) return;
      await this.#waitOrThrow(() => this.#end.maySend(bytes.length, null), wait);
      checkOctets(bytes, 'data'); // they may be gone by now
    }
  }

  /**
   * Sends one datagram to an address or a path. On a stream the address says nothing, but with MSG_FASTOPEN: then the stream
   * is opened with the data.
   * @returns as `write`; of names one of gai_strerror(3)'s texts
   * @throws as `write` and `connect`
   */
  async sendto(
    data: string | Uint8Array,
    host: string | number,
    port: number | string = 0,
    _flowinfo = 0,
    scopeid = 0,
    flags = 0,
  ): Promise<Written> {
    const bytes = toOctets(data, 'data');
    checkNumber(flags, 'flags');
    if (this.#end.type === 'stream' && this.family !== 'unix') {
      if ((flags & constants.MSG_FASTOPEN) === 0) return this.send(bytes, flags);
      const [, error] = await this.#openWith(host, port, scopeid);
      return error === null ? this.send(bytes, flags) : [null, error];
    }
    return this.#try('sendto', host, port, async () => {
      const found = this.#places(host, port, scopeid);
      const places = found instanceof Promise ? await this.#lookedUp(found, Number.POSITIVE_INFINITY) : found;
      if (!isFound(places)) return places;
      return ok(await this.#sendOne(bytes, flags, places[0]!, this.#waitFor('send', flags), { sent: 0, passed: [] }));
    });
  }

  /** `connect` that waits for the first text (tcp(7): TCP_FASTOPEN_CONNECT). */
  #openWith(host: string | number, port: number | string, scopeid: number): Promise<Result<true>> {
    ownTcp(this.#end.target()).fastOpenConnect = true;
    return this.connect(host, port, 0, scopeid);
  }

  async #sendOne(bytes: Uint8Array, flags: number, to: Place | null, wait: Wait, progress: Progress): Promise<number> {
    const end = this.#end;
    for (;;) {
      try {
        const sent = end.send(bytes, flags, to, progress.passed);
        progress.passed = [];
        this.#host.runner.kick();
        return sent;
      } catch (error) {
        if (!isEagain(error) || !wait.mayWait) throw error;
        await this.#waitOrThrow(() => end.maySend(bytes.length, to), wait);
      }
    }
  }

  /**
   * Waits until something has come and returns up to `maxsize` octets of it; one datagram on a datagram socket.
   * The data, which is the caller's, is empty, never null, when there is an error; the end of the stream is `ERROR_CLOSED`.
   * `maxsize` 0 gives nothing at once.
   * @returns ENOTCONN there is no connection; ECONNRESET, told once; ERROR_TIMEOUT, EAGAIN nothing in time; ECONNREFUSED of
   *   datagrams that were sent; EBADF
   * @throws TypeError no number; RangeError no number of octets
   */
  async read(maxsize: number): Promise<Read> {
    return this.recv(maxsize, 0);
  }

  /**
   * What `read` gives, as text. Of a stream of UTF-8, a letter that is cut waits for its rest, which the next `readString` gives;
   * until then `read` no longer has it.
   * @param maxsize octets, not letters
   * @param encoding 'utf-8', where octets that are none become U+FFFD; 'latin1', a letter from U+0000 to U+00FF for each octet
   * @returns as `read`; text is empty, never null, when there is an error, but at the end of a stream that has cut a letter
   * @throws as `read`; RangeError another encoding
   */
  async readString(maxsize: number, encoding: Encoding = 'utf-8'): Promise<ReadText> {
    checkEncoding(encoding);
    const isStream = encoding === 'utf-8' && this.#end.type === 'stream';
    for (;;) {
      const [data, error] = await this.read(maxsize);
      if (!isStream) return [toText(data, encoding), error];
      this.#text ??= new TextStream();
      const text = error === texts.EPIPE ? this.#text.end() : this.#text.add(data);
      if (text !== '' || error !== null || data.length === 0) return [text, error];
    }
  }

  /**
   * The same with flags: MSG_PEEK leaves it where it is, MSG_OOB reads the urgent octet, MSG_WAITALL waits for all of
   * `maxsize` octets, MSG_DONTWAIT does not wait.
   */
  async recv(maxsize: number, flags = 0): Promise<Read> {
    checkSize(maxsize, 'maxsize');
    checkNumber(flags, 'flags');
    if (maxsize === 0 && this.#fd >= 0) return [empty, null];
    const result = await this.#try<Uint8Array>('read', undefined, undefined, async () => {
      const { data, passed } = await this.#receive(maxsize, flags);
      dropAll(passed);
      return ok(data.subarray(0, maxsize));
    });
    return result[1] === null ? result : [empty, result[1]];
  }

  /**
   * The same into a buffer of the caller's, which has to leave it alone until then: nothing is allocated for what has come.
   * With MSG_WAITALL, waits until the buffer is full.
   * @returns how many octets there are; what is left of a longer datagram is lost; ERROR_CLOSED at the end of a stream
   */
  async recvInto(buffer: Uint8Array, flags = 0): Promise<Result<number>> {
    checkOctets(buffer, 'buffer');
    checkNumber(flags, 'flags');
    if (buffer.length === 0 && this.#fd >= 0) return ok(0);
    return this.#try('read', undefined, undefined, async () => {
      const { data, passed } = await this.#receive(buffer.length, flags, buffer);
      dropAll(passed);
      if (data.buffer !== buffer.buffer) buffer.set(data.subarray(0, buffer.length));
      return ok(Math.min(data.length, buffer.length));
    });
  }

  /**
   * The next datagram, who sent it, and to which of our addresses; what is longer than `maxsize` is cut. Of a stream, what
   * `recv` gives.
   * @param flags MSG_PEEK leaves it where it is, MSG_DONTWAIT does not wait. `length` is the whole datagram's, as with
   *   MSG_TRUNC
   */
  async recvfrom(maxsize: number, flags = 0): Promise<Result<ReceivedMessage>> {
    checkSize(maxsize, 'maxsize');
    checkNumber(flags, 'flags');
    return this.#try('recvfrom', undefined, undefined, async () => {
      const { from, passed, ...incoming } = await this.#receive(maxsize, flags);
      dropAll(passed);
      const { length } = incoming.data;
      return ok({
        ...without,
        ...incoming,
        data: incoming.data.subarray(0, maxsize),
        address: typeof from === 'string' ? [from, 0] : from,
        length,
      });
    });
  }

  /**
   * Octets, or a message, of AF_UNIX, and the sockets that came with them: new ones, without a timeout, to be closed by
   * whoever calls. A stream is not read beyond octets that sockets came with. Sockets that come with what other calls read are
   * closed; so are those for which there is no descriptor left.
   * @param flags as of `recv`; MSG_PEEK gives no sockets
   * @returns as `read`, an error in place of no octets
   */
  async recvsockets(maxsize: number, flags = 0): Promise<Result<readonly [data: Uint8Array, sockets: Socket[]]>> {
    checkSize(maxsize, 'maxsize');
    checkNumber(flags, 'flags');
    return this.#try('recvsockets', undefined, undefined, async () => {
      const { data, passed = [] } = await this.#receive(maxsize, flags);
      const sockets: Socket[] = [];
      for (const { family, description } of passed as readonly PassedSocket[]) {
        if (!this.#host.isFull) sockets.push(new Socket(this.#host, family, description));
      }
      dropAll(passed); // the sockets hold it by now
      return ok([data.subarray(0, maxsize), sockets]);
    });
  }

  /** @throws StackError EPIPE the end */
  #receive(maxsize: number, flags: number, into?: Uint8Array): Promise<Incoming> {
    const wait = this.#waitFor('receive', flags);
    const isForAll = (flags & constants.MSG_WAITALL) !== 0 && wait.mayWait && this.#end.type === 'stream';
    if (isForAll && (flags & (constants.MSG_PEEK | constants.MSG_OOB)) === 0) return this.#gather(maxsize, flags, wait);
    const least = wait.mayWait ? Math.min(this.#lowWater(), maxsize) : 1;
    return this.#receiveOnce(maxsize, flags, wait, isForAll ? maxsize : least, into);
  }

  /** SO_RCVLOWAT: what a read of a stream waits for; one that does not wait takes what there is. */
  #lowWater(): number {
    if (this.family === 'unix' || this.#end.type !== 'stream') return 1;
    return this.#end.target().stream.tcp.receiveLowWater;
  }

  /** @param least octets of a stream to wait for */
  async #receiveOnce(maxsize: number, flags: number, wait: Wait, least: number, into?: Uint8Array): Promise<Incoming> {
    const end = this.#end;
    const enough = () => end.mayReceive(least);
    const how = wait.mayWait ? flags : flags | constants.MSG_DONTWAIT;
    const waits = (flags & constants.MSG_OOB) === 0; // the urgent octet is there or it is not
    for (;;) {
      if (waits && !enough()) await this.#waitOrThrow(enough, wait);
      if (into !== undefined) checkOctets(into, 'buffer'); // it may be gone by now
      try {
        const incoming = end.receive(maxsize, how, into);
        this.#host.runner.kick(); // the window may have opened
        if (incoming === null) throw new StackError('EPIPE');
        return incoming;
      } catch (error) {
        // Another reader of the same socket was first: wait on.
        if (!waits || !isEagain(error) || enough()) throw error;
      }
    }
  }

  /** MSG_WAITALL: more than can wait to be read at once comes in pieces. What ends it after the first is left for the next call. */
  async #gather(maxsize: number, flags: number, wait: Wait): Promise<Incoming> {
    const end = this.#end;
    const first = await this.#receiveOnce(maxsize, flags, wait, 0);
    if (first.data.length === maxsize) return first;
    const whole = new Uint8Array(maxsize);
    let count = 0;
    const all: Passed[] = [];
    const take = ({ data, passed = [] }: Incoming): void => {
      all.push(...passed);
      whole.set(data, count);
      count += data.length;
    };
    take(first);
    while (count < maxsize && all.length === 0) {
      if (!end.mayReceive(0) && (await this.#wait(() => end.mayReceive(0), wait.deadline)) === 'timeout') break;
      if (end.readableOctets() === 0) break;
      take(await this.#receiveOnce(maxsize - count, flags, wait, 0));
    }
    return { ...first, data: whole.subarray(0, count), passed: all };
  }

  /** Octets that `read` would give at once, up to an urgent one (SIOCINQ). */
  inq(): Result<number> {
    return this.#call('ioctl', () => ok(this.#end.readableOctets()));
  }

  /** Octets written that the peer has not acknowledged (SIOCOUTQ). */
  outq(): Result<number> {
    return this.#call('ioctl', () => ok(this.#end.unacknowledgedOctets()));
  }

  /** Octets written that have not been sent (SIOCOUTQNSD). */
  outqnsd(): Result<number> {
    return this.#call('ioctl', () => ok(this.#end.unsentOctets()));
  }

  /** Is the next octet to be read the urgent one (SIOCATMARK)? */
  atmark(): Result<boolean> {
    return this.#call('ioctl', () => ok(this.#end.isAtMark()));
  }

  /** What `select` would say: may it be read, written, and is there an urgent octet? An error makes all but the last true. */
  poll(): Readiness {
    return this.#end.readiness();
  }

  /**
   * Sets an option: `setoption(socket.SOL_SOCKET, socket.SO_BROADCAST, true)`. Flags may be booleans or numbers.
   * @returns ENOPROTOOPT there is no such option, or it is only told; EINVAL a value that cannot be; EOPNOTSUPP AF_UNIX has no such
   *   level; EBADF
   * @throws TypeError level and name that are no numbers, a value that no option could be
   */
  setoption(level: number, optname: number, value: OptionValue): Result<true> {
    checkNumber(level, 'level');
    checkNumber(optname, 'optname');
    checkValue(value, 'value');
    return this.#call('setoption', () => {
      const target = this.#optionTarget();
      const option = findOption(target, level, optname);
      if (option.set === undefined) throw new StackError('ENOPROTOOPT');
      option.set(target, value);
      this.#host.runner.kick();
      return ok(true as const);
    });
  }

  /**
   * Tells an option: a boolean for flags, for the rest a number or what docs/options.md says.
   * @returns ENOPROTOOPT there is no such option, or it is only set; EOPNOTSUPP AF_UNIX has no such level; EBADF
   * @throws TypeError no numbers
   */
  getoption(level: number, optname: number): Result<OptionValue> {
    checkNumber(level, 'level');
    checkNumber(optname, 'optname');
    return this.#call('getoption', () => {
      const target = this.#optionTarget();
      const option = findOption(target, level, optname);
      if (option.get === undefined) throw new StackError('ENOPROTOOPT');
      return ok(option.get(target));
    });
  }

  #optionTarget(): OptionTarget {
    return {
      ...this.#end.target(),
      stack: this.#stack,
      family: this.#end.target().unix === null ? this.family : 'unix',
      type: this.#end.type,
      settings: this.#description.settings,
      ownSettings: () => this.#description.ownSettings,
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
    const fd = this.#fd;
    this.#fd = -1;
    const linger = this.#host.remove(fd, this, this.#description);
    this.wake();
    return linger === null || linger.isDone() ? Promise.resolve() : this.#linger(linger);
  }

  /** Waits until everything written has been acknowledged, as long as SO_LINGER says. */
  async #linger({ time, isDone }: Linger): Promise<void> {
    await this.#description.until(isDone, this.#now() + time, () => false);
  }

  /**
   * Ends sending, receiving or both: `SHUT_RD`, `SHUT_WR`, `SHUT_RDWR`. What has been written is still delivered.
   * @returns ENOTCONN there is no peer; EINVAL none of the three; EBADF
   * @throws TypeError no number
   */
  shutdown(how: number): Result<true> {
    checkNumber(how, 'how');
    return this.#call('shutdown', () => {
      if (how !== 0 && how !== 1 && how !== 2) throw new StackError('EINVAL');
      this.#end.shutdown(how !== 1, how !== 0);
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
    checkNumber(timeout, 'timeout');
    this.#timeout = timeout < 0 ? -1 : timeout;
  }

  /** Seconds that a call may wait: -1 without limit, 0 not at all. */
  gettimeout(): number {
    return this.#timeout;
  }

  /** `true` or 1 waits without limit, `false` or 0 not at all; it takes the place of the timeout. @throws TypeError neither */
  setblocking(block: boolean | number): void {
    if (typeof block !== 'boolean') checkNumber(block, 'block');
    this.#timeout = block ? -1 : 0;
  }

  /** Who is at the other end: an address and a port; of AF_UNIX a path, '' for none. @returns ENOTCONN; EBADF */
  getpeername(): Result<SocketName> {
    return this.#call('getpeername', () => ok(this.#end.peerName()));
  }

  /** What the socket itself is called: any address and port 0 before it is bound; of AF_UNIX ''. @returns EBADF */
  getsockname(): Result<SocketName> {
    return this.#call('getsockname', () => ok(this.#end.localName()));
  }

  /** '<socket: 3>', with its descriptor number. */
  toString(): string {
    return `<socket: ${this.#fd}>`;
  }

  /** Closes, at the end of the block of `using`. */
  [Symbol.dispose](): void {
    void this.close();
  }

  /** Closes at the end of the block of `await using`, which waits as long as SO_LINGER says. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** The readiness of something that this socket owns has changed: whoever waits looks again. */
  wake(): void {
    this.#description.wake();
  }

  /** Calls `look` once, at the next change; gives back how to take that back. For code that waits for several sockets. */
  onceChanged(look: () => void): () => void {
    this.#description.next(look);
    return () => this.#description.forget(look);
  }

  /** The clock and the stack behind this socket, for code that wraps it. */
  get runner(): Runner {
    return this.#host.runner;
  }

  // Inside -------------------------------------------------------------------------------------------------------------

  get #stack(): Stack {
    return this.#host.runner.stack;
  }

  #now(): number {
    return this.#host.runner.now();
  }

  #deadline(): number {
    return this.#timeout < 0 ? Number.POSITIVE_INFINITY : this.#now() + seconds(this.#timeout);
  }

  /** Where a host and a port, or a path, may lead: at least one place; or why nowhere. */
  #places(
    host: string | number,
    port: number | string,
    scopeid: number,
    onSome?: (places: readonly AddressPlace[]) => void,
  ): Found | Promise<Found> {
    const path = unixPath(host, this.family);
    if (path === null) {
      const protocol = this.#end.type === 'stream' ? 'tcp' : 'udp';
      const all = this.#host.happyEyeballs;
      return placesOf(host, port, scopeid, this.family as SocketFamily, protocol, this.#host, all, onSome);
    }
    if (this.family !== 'unix') this.#becomeUnix();
    return [path];
  }

  /**
   * Waits for a name to be looked up.
   * @throws StackError EBADF the socket was closed meanwhile; ETIMEDOUT it took too long
   */
  async #lookedUp(found: Promise<Found>, deadline: number): Promise<Found> {
    let isThere = false;
    const done = (): void => {
      isThere = true;
      this.wake();
    };
    found.then(done, done);
    if ((await this.#wait(() => isThere, deadline)) === 'timeout') throw new StackError('ETIMEDOUT');
    const places = await found;
    this.#throwIfClosed();
    return places;
  }

  /** 'unix:' makes a stream that has not been used yet one of AF_UNIX. */
  #becomeUnix(): void {
    if (this.#end.target().unix !== null) return; // it is one already
    if (this.#end.type !== 'stream' || this.#end.target().isBound) throw new StackError('EAFNOSUPPORT');
    this.#description.end = this.#host.makeUnix('stream')(this.#description);
  }

  /** How long a call may wait: as `settimeout` says, or SO_RCVTIMEO and SO_SNDTIMEO, whichever ends first. */
  #waitFor(which: 'receive' | 'send', flags = 0, deadline = this.#deadline(), unfinished: ErrorCode = 'EAGAIN'): Wait {
    const { receiveWait, sendWait } = this.#description.settings;
    const own = which === 'receive' ? receiveWait : sendWait;
    const optionEnds = own > 0 ? this.#now() + seconds(own) : Number.POSITIVE_INFINITY;
    return {
      mayWait: this.#timeout !== 0 && (flags & constants.MSG_DONTWAIT) === 0,
      deadline: Math.min(deadline, optionEnds),
      unfinished,
      late: optionEnds < deadline ? unfinished : 'ETIMEDOUT',
    };
  }

  async #waitOrThrow(isReady: () => boolean, { mayWait, deadline, unfinished, late }: Wait): Promise<void> {
    if (isReady()) return;
    if (!mayWait) throw new StackError(unfinished);
    // Not by `#wait`: each function on the way costs a socket that waits some 400 octets (`npm run bench -- memory`).
    const woken = await this.#description.until(isReady, deadline, () => this.#fd < 0);
    this.#throwIfClosed();
    if (woken === 'timeout') throw new StackError(late);
  }

  /** @throws StackError EBADF the socket was closed meanwhile */
  async #wait(isReady: () => boolean, deadline: number): Promise<'ready' | 'timeout'> {
    const woken = await this.#description.until(isReady, deadline, () => this.#fd < 0);
    this.#throwIfClosed(); // between the waking and here there is room for a `close`
    return woken;
  }

  #throwIfClosed(): void {
    if (this.#fd < 0) throw new StackError('EBADF');
  }

  async #try<T>(
    syscall: string,
    address: string | number | null | undefined,
    port: string | number | undefined,
    action: () => Promise<Result<T>>,
  ): Promise<Result<T>> {
    try {
      this.#throwIfClosed();
      const result = await action();
      // What is returned, not thrown, is about a name.
      if (result[1] !== null) {
        const code = lookupErrorOf(result[1]);
        this.lastError = { code, errno: lookupNumbers[code], ...namedIn(syscall, address, port) };
      }
      return result;
    } catch (error) {
      return this.#failure(error, namedIn(syscall, address, port));
    }
  }

  #call<T>(syscall: string, action: () => Result<T>): Result<T> {
    try {
      this.#throwIfClosed();
      return action();
    } catch (error) {
      return this.#failure(error, { syscall });
    }
  }

  #failure(error: unknown, about: Omit<SocketError, 'code' | 'errno'>): readonly [null, ErrorText] {
    if (!(error instanceof StackError)) throw error;
    this.lastError = { code: error.code, errno: errnos[error.code], ...about };
    return [null, texts[error.code]];
  }
}

/** What an error is about, without what was not named. */
const namedIn = (syscall: string, address: string | number | null | undefined, port: string | number | undefined) => ({
  syscall,
  ...(address === null || address === undefined ? {} : { address }),
  ...(port === undefined ? {} : { port }),
});

const isFound = (found: Found): found is readonly [Place, ...Place[]] => found[0] !== null;

/** What a call that does not wait says of an attempt to connect. */
const unfinished = { begun: 'EINPROGRESS', pending: 'EALREADY', full: 'EAGAIN' } as const;

/** One address has failed: may another do better? Not when it is the user's patience that is at its end. */
const isWorthAnother = ({ code }: StackError, isInTime: boolean): boolean =>
  isInTime && !['EISCONN', 'EALREADY', 'EINPROGRESS', 'EBADF', 'EINVAL', 'EAFNOSUPPORT'].includes(code);

const isEagain = (error: unknown): boolean => error instanceof StackError && error.code === 'EAGAIN';
