import { StackError } from '../base/errors.ts';
import type { ChangedList } from '../base/ready.ts';
import { nothingPassed, type Passed, UnixEndpoint, type UnixMessage, type UnixType } from './endpoint.ts';

/**
 * Local communication between the sockets of one host (unix(7)): by paths of a namespace of the host's own, not of the file
 * system around it, and by abstract names, which begin with NUL. The rules are Linux's.
 */

/** sun_path has 108 octets, one of which a path needs for its end. */
const mostName = 107;
const defaultLimit = 212_992;
/** SOMAXCONN. */
const mostBacklog = 4096;
/** net.unix.max_dgram_qlen: messages that may wait at a receiver who is not the sender's peer. */
const mostMessages = 10;

/** It is told when there is room there. */
function waitAt(target: UnixEndpoint, endpoint: UnixEndpoint): void {
  if (endpoint.waitsAt !== endpoint.peer) endpoint.waitsAt?.senders.delete(endpoint);
  endpoint.waitsAt = target;
  target.senders.add(endpoint);
}

/** Octets of its buffer that a socket keeps for bookkeeping (as Linux). */
const reserve = 32;

/** @throws StackError EMSGSIZE more than one message can be */
function checkSize({ sendLimit }: UnixEndpoint, data: Uint8Array): void {
  if (data.length > sendLimit - reserve) throw new StackError('EMSGSIZE');
}

/** The two ends of a connection. */
function join(one: UnixEndpoint, other: UnixEndpoint): void {
  for (const [here, there] of [
    [one, other],
    [other, one],
  ] as const) {
    here.peer = there;
    here.lastPeer = there;
    here.wasConnected = true;
  }
}

/** Has the receiver room for a message of so many octets? One that holds nothing always has. */
const fits = (from: UnixEndpoint, to: UnixEndpoint, octets: number): boolean =>
  to.held === 0 || to.held + octets <= from.sendLimit;

/** What a name is kept under. */
const keyOf = (name: string, type: UnixType): string => (name.startsWith('\0') ? `${type}${name}` : name);

/** How names are counted: in octets of UTF-8. One that is none stands in a text as U+DC80 to U+DCFF (as in Python's file names). */
function octetsOf(name: string): number {
  let octets = 0;
  for (const character of name) {
    const code = character.codePointAt(0)!;
    const isStray = code >= 0xdc80 && code <= 0xdcff;
    octets += code < 0x80 || isStray ? 1 : code < 0x800 ? 2 : code < 0x1_0000 ? 3 : 4;
  }
  return octets;
}

export class Unix {
  /**
   * What stands at a path: a socket, or the file that a closed one has left behind. Abstract names are there once for each type
   * of sockets, which stands in front of them (as on Linux).
   */
  readonly #names: Map<string, UnixEndpoint | null> = new Map();
  readonly #changed: ChangedList;
  #lastAutomatic = 0;

  constructor(changed: ChangedList) {
    this.#changed = changed;
  }

  open(type: UnixType): UnixEndpoint {
    return new UnixEndpoint(type, defaultLimit);
  }

  /**
   * Gives a socket a name. An empty one asks for an abstract name that nobody has.
   * @throws StackError EINVAL it has a name; EADDRINUSE something is there; ENAMETOOLONG more than 107 octets
   */
  bind(endpoint: UnixEndpoint, name: string): void {
    if (octetsOf(name) > mostName) throw new StackError('ENAMETOOLONG');
    if (name === '' && endpoint.name !== '') return;
    // As on Linux, where a path is made before anybody looks whether the socket has a name.
    if (!name.startsWith('\0') && this.#names.has(name)) throw new StackError('EADDRINUSE');
    if (endpoint.name !== '') throw new StackError('EINVAL');
    let chosen = name;
    while (chosen === '' || (name === '' && this.#names.has(keyOf(chosen, endpoint.type)))) {
      chosen = `\0${(this.#lastAutomatic++ & 0xfffff).toString(16).padStart(5, '0')}`;
    }
    const key = keyOf(chosen, endpoint.type);
    if (this.#names.has(key)) throw new StackError('EADDRINUSE');
    this.#names.set(key, endpoint);
    endpoint.name = chosen;
  }

  /** Removes a path, whether its socket is open or not; who has connected stays so. @throws StackError ENOENT */
  unlink(name: string): void {
    if (name.startsWith('\0') || !this.#names.delete(name)) throw new StackError('ENOENT');
  }

  /** Paths that there are, the abstract names aside. */
  get paths(): readonly string[] {
    return [...this.#names.keys()].filter((name) => !name.includes('\0'));
  }

  /** @throws StackError EOPNOTSUPP datagrams; EINVAL without a name, or connected */
  listen(endpoint: UnixEndpoint, backlog: number): void {
    if (endpoint.type === 'dgram') throw new StackError('EOPNOTSUPP');
    if (endpoint.name === '' || endpoint.wasConnected) throw new StackError('EINVAL');
    endpoint.backlog = Math.max(0, Math.min(backlog, mostBacklog));
  }

  /** The next connection, or null. @throws StackError EOPNOTSUPP datagrams; EINVAL it does not listen */
  accept(endpoint: UnixEndpoint): UnixEndpoint | null {
    if (endpoint.type === 'dgram') throw new StackError('EOPNOTSUPP');
    if (endpoint.backlog < 0) throw new StackError('EINVAL');
    const next = endpoint.acceptQueue.shift();
    if (next === undefined) return null;
    next.listener = null;
    for (const sender of endpoint.senders) this.#changed.add(sender); // there is room in the queue
    endpoint.senders.clear();
    return next;
  }

  /**
   * Connects at once, or fixes where datagrams go; null lets that go.
   * @throws StackError EISCONN, EINVAL (it listens); ENOENT nothing there; ECONNREFUSED nobody listens; EPROTOTYPE another
   *   type; EAGAIN too many wait there already
   */
  connect(endpoint: UnixEndpoint, name: string | null): void {
    if (endpoint.type === 'dgram') return this.#connectDatagrams(endpoint, name);
    if (name === null) throw new StackError('EINVAL');
    const listener = this.#find(name, endpoint.type);
    if (listener.type !== endpoint.type) throw new StackError('EPROTOTYPE');
    if (listener.backlog < 0 || listener.readShut) throw new StackError('ECONNREFUSED');
    if (listener.acceptQueue.length > listener.backlog) {
      waitAt(listener, endpoint);
      throw new StackError('EAGAIN');
    }
    if (endpoint.wasConnected) throw new StackError('EISCONN');
    if (endpoint.backlog >= 0) throw new StackError('EINVAL');
    const other = new UnixEndpoint(endpoint.type, defaultLimit);
    other.name = listener.name;
    other.listener = listener;
    join(endpoint, other);
    listener.acceptQueue.push(other);
    this.#changed.add(listener);
  }

  #connectDatagrams(endpoint: UnixEndpoint, name: string | null): void {
    const target = name === null ? null : this.#find(name, endpoint.type);
    if (target !== null && target.type !== 'dgram') throw new StackError('EPROTOTYPE');
    if (target !== null && target.peer !== null && target.peer !== endpoint) throw new StackError('EPERM');
    if (target !== endpoint.peer) this.#forgetPeer(endpoint);
    endpoint.peer = target;
    endpoint.lastPeer = target;
    endpoint.wasConnected = target !== null;
    target?.senders.add(endpoint);
  }

  /** What waits to be read came from a peer that is one no more: it is thrown away, and a mutual peer is told (as on Linux). */
  #forgetPeer(endpoint: UnixEndpoint): void {
    const { peer } = endpoint;
    endpoint.peer = null;
    endpoint.wasConnected = false;
    if (peer === null) return;
    peer.senders.delete(endpoint);
    if (endpoint.messages.length === 0) return;
    endpoint.clear();
    this.#madeRoom(endpoint);
    if (peer.isClosed || peer.peer !== endpoint) return;
    peer.error = 'ECONNRESET';
    this.#changed.add(peer);
  }

  /** Would `connect` find room in the listener's queue, or fail? */
  mayConnect(name: string, type: UnixType): boolean {
    const listener = this.#names.get(keyOf(name, type));
    return listener === undefined || listener === null || listener.acceptQueue.length <= listener.backlog;
  }

  /**
   * Sends octets of a stream, as many as there is room for, or one message.
   * @param name where a message goes; null: to the peer
   * @param passed goes along with the octets that are accepted, if there are any
   * @returns octets accepted
   * @throws StackError EAGAIN no room; EPIPE nobody reads any more; ENOTCONN no peer; EISCONN, EOPNOTSUPP a name where none
   *   is taken; EMSGSIZE; and for datagrams ENOENT, ECONNREFUSED, EPROTOTYPE, EPERM as `connect`
   */
  send(endpoint: UnixEndpoint, data: Uint8Array, name: string | null, passed = nothingPassed): number {
    if (endpoint.type === 'dgram') return this.#sendDatagram(endpoint, data, name, passed);
    const { peer } = endpoint;
    if (endpoint.type === 'seqpacket') {
      endpoint.throwPending();
      if (!endpoint.wasConnected) throw new StackError('ENOTCONN');
      checkSize(endpoint, data); // a name says nothing here
      if (endpoint.writeShut || peer === null || peer.readShut) throw new StackError('EPIPE');
      return this.#deliver(endpoint, peer, data, passed);
    }
    if (name !== null) throw new StackError(endpoint.wasConnected ? 'EISCONN' : 'EOPNOTSUPP');
    if (!endpoint.wasConnected) throw new StackError('ENOTCONN');
    if (endpoint.writeShut || peer === null || peer.readShut) throw new StackError('EPIPE');
    if (data.length === 0) return 0;
    const room = endpoint.sendLimit - peer.octets.length;
    if (room <= 0) throw new StackError('EAGAIN');
    const count = Math.min(room, data.length);
    peer.append(data.subarray(0, count), passed);
    this.#changed.add(peer);
    return count;
  }

  #sendDatagram(endpoint: UnixEndpoint, data: Uint8Array, name: string | null, passed: readonly Passed[]): number {
    checkSize(endpoint, data);
    endpoint.throwPending();
    if (endpoint.writeShut) throw new StackError('EPIPE');
    const target = name === null ? endpoint.peer : this.#find(name, endpoint.type);
    if (target === null) throw new StackError('ENOTCONN');
    if (target.isClosed) {
      this.#forgetPeer(endpoint);
      throw new StackError('ECONNREFUSED');
    }
    if (target.type !== 'dgram') throw new StackError('EPROTOTYPE');
    if (target.peer !== null && target.peer !== endpoint) throw new StackError('EPERM');
    if (target.readShut) throw new StackError('EPIPE');
    if (target.messages.length > mostMessages && target.peer !== endpoint) {
      waitAt(target, endpoint);
      throw new StackError('EAGAIN');
    }
    return this.#deliver(endpoint, target, data, passed);
  }

  #deliver(endpoint: UnixEndpoint, target: UnixEndpoint, data: Uint8Array, passed: readonly Passed[]): number {
    if (!fits(endpoint, target, data.length)) {
      waitAt(target, endpoint);
      throw new StackError('EAGAIN');
    }
    target.push(data.slice(), endpoint, passed);
    this.#changed.add(target);
    return data.length;
  }

  /** What poll(2) says of writing. */
  isWritable(endpoint: UnixEndpoint): boolean {
    const { peer } = endpoint;
    if (endpoint.backlog >= 0) return false;
    if (peer === null || endpoint.writeShut || peer.readShut || peer.isClosed) return true;
    if (endpoint.type === 'dgram') return peer.messages.length <= mostMessages || peer.peer === endpoint;
    return peer.held * 4 <= endpoint.sendLimit; // as Linux: a quarter in use
  }

  /** Is it worth asking again to send so many octets: would `send` take some, or fail with something else than EAGAIN? */
  maySend(endpoint: UnixEndpoint, octets: number, name: string | null): boolean {
    const target = name === null ? endpoint.peer : (this.#names.get(keyOf(name, endpoint.type)) ?? null);
    if (target === null || target.isClosed || endpoint.writeShut || target.readShut) return true;
    if (endpoint.type === 'stream') return target.octets.length < endpoint.sendLimit;
    if (endpoint.type === 'dgram' && target.messages.length > mostMessages && target.peer !== endpoint) return false;
    return fits(endpoint, target, octets) || octets > endpoint.sendLimit - reserve;
  }

  /**
   * Moves octets of a stream to the user, or the next message, of which what is longer than `into` is lost.
   * @param peek leaves it where it is
   * @param mayWait the user would wait for more
   * @returns the octets moved; null at the end, which for messages is not the same as an empty one
   * @throws StackError EAGAIN nothing there; ENOTCONN, EINVAL never connected; ECONNRESET the peer has closed without reading
   */
  receive(endpoint: UnixEndpoint, most: number, peek: boolean, mayWait = true): UnixMessage | null {
    if (endpoint.type !== 'dgram' && !endpoint.wasConnected) {
      throw new StackError(endpoint.type === 'stream' ? 'EINVAL' : 'ENOTCONN');
    }
    if (endpoint.type !== 'stream') endpoint.throwPending();
    const next = this.#next(endpoint, most, peek);
    if (next !== null) {
      if (!peek) this.#madeRoom(endpoint);
      return next;
    }
    endpoint.throwPending();
    // Of datagrams, as on Linux: who would wait sees the end, who would not is told to come again.
    if (endpoint.isEnded && (endpoint.type !== 'dgram' || mayWait)) return null;
    throw new StackError('EAGAIN');
  }

  #next(endpoint: UnixEndpoint, most: number, peek: boolean): UnixMessage | null {
    if (endpoint.type === 'stream') return endpoint.takeOctets(most, peek);
    return peek ? endpoint.peek() : endpoint.take();
  }

  #madeRoom(endpoint: UnixEndpoint): void {
    if (endpoint.type !== 'dgram' && endpoint.peer !== null) this.#changed.add(endpoint.peer);
    for (const sender of endpoint.senders) {
      if (sender.peer !== endpoint) endpoint.senders.delete(sender); // it comes again if it has to
      if (!sender.isClosed) this.#changed.add(sender);
    }
  }

  /** Ends sending, receiving or both; the peer of a connection is told. */
  shutdown(endpoint: UnixEndpoint, read: boolean, write: boolean): void {
    if (read) endpoint.readShut = true;
    if (write) endpoint.writeShut = true;
    const { peer } = endpoint;
    if (endpoint.type !== 'dgram' && peer !== null) {
      if (read) peer.writeShut = true;
      if (write) peer.readShut = true;
      this.#changed.add(peer);
    }
    this.#changed.add(endpoint);
  }

  /** Gives the socket back. Its path stays, and refuses whoever comes: `unlink` removes it. */
  close(endpoint: UnixEndpoint): void {
    if (endpoint.isClosed) return;
    endpoint.isClosed = true;
    endpoint.waitsAt?.senders.delete(endpoint);
    const key = keyOf(endpoint.name, endpoint.type);
    const isOwner = this.#names.get(key) === endpoint;
    if (isOwner && endpoint.name.startsWith('\0')) this.#names.delete(key);
    else if (isOwner) this.#names.set(key, null);
    for (let next = endpoint.acceptQueue.shift(); next !== undefined; next = endpoint.acceptQueue.shift()) {
      this.#abandonPeer(next, true);
      next.isClosed = true;
      next.clear();
    }
    this.#abandonPeer(endpoint, endpoint.held > 0);
    for (const sender of endpoint.senders) this.#changed.add(sender); // their next message finds out
    endpoint.senders.clear();
    endpoint.clear();
  }

  /** The other end of a connection sees the end of the stream, or a reset if something was left unread. */
  #abandonPeer(endpoint: UnixEndpoint, wasUnread: boolean): void {
    const { peer } = endpoint;
    endpoint.peer = null;
    if (peer === null) return;
    if (endpoint.type === 'dgram') {
      peer.senders.delete(endpoint);
      return;
    }
    if (wasUnread) peer.error = 'ECONNRESET';
    peer.peer = null;
    this.#changed.add(peer);
  }

  /** Two that are connected to each other, without names (socketpair(2)). */
  pair(type: UnixType): readonly [UnixEndpoint, UnixEndpoint] {
    const [one, other] = [this.open(type), this.open(type)];
    join(one, other);
    return [one, other];
  }

  /** @throws StackError ENOENT nothing there; ECONNREFUSED what is there belongs to nobody; ENAMETOOLONG */
  #find(name: string, type: UnixType): UnixEndpoint {
    if (octetsOf(name) > mostName) throw new StackError('ENAMETOOLONG');
    const found = this.#names.get(keyOf(name, type));
    if (found === undefined) throw new StackError(name.startsWith('\0') ? 'ECONNREFUSED' : 'ENOENT');
    if (found === null) throw new StackError('ECONNREFUSED');
    return found;
  }
}
