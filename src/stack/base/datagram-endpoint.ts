import type { Address, Binding } from './address.ts';
import { type ErrorCode, StackError } from './errors.ts';
import { Fifo } from './fifo.ts';
import { anyInterface } from './path.ts';
import type { ChangedList, Endpoint } from './ready.ts';

/** A datagram that has arrived, with where it came from. */
export interface ReceivedDatagram {
  readonly data: Uint8Array;
  readonly source: Address;
  readonly sourcePort: number;
  /** The address it was sent to, and the interface it came in by (what IP_PKTINFO tells). */
  readonly destination: Address;
  readonly interfaceIndex: number;
  readonly ttl: number;
  readonly trafficClass: number;
}

/**
 * 'dont': everybody may cut what is sent. 'want': routers may not, and what is too long for the way as far as it is known
 * is cut here. 'do': nobody may, and what is too long is refused.
 */
export type PmtuDiscovery = 'dont' | 'want' | 'do';

/** What one datagram costs beyond its octets, so that empty ones are bounded too. */
const overhead = 256;

/** What UDP's and raw sockets have in common: two ends, a queue of what has arrived, and how to send. */
export class DatagramEndpoint implements Endpoint {
  isChanged = false;
  nextChanged: Endpoint | null = null;
  owner: object | null = null;

  /** Unspecified: any address of the host. */
  local: Address;
  localPort = 0;
  /** The peer of a connected socket: only its datagrams are received. */
  remote: Address | null = null;
  remotePort = 0;
  /** An ICMP error for what a connected socket has sent; the next call reports it, once. */
  error: ErrorCode | null = null;
  readShut = false;
  writeShut = false;
  isClosed = false;
  mayBroadcast = false;
  /** SO_REUSEADDR and SO_REUSEPORT: others that say so too may have the same address and port. */
  reuse = false;
  /** An unspecified IPv6 address is for IPv6 alone (RFC 3493 section 5.3). */
  v6Only = false;
  /** Of what is sent (RFC 1122 section 4.1.4), to one and to many. */
  ttl = 64;
  multicastTtl = 1;
  /** What is sent to a group reaches the members on this host as well. */
  multicastLoop = true;
  /** The interface for what is sent to a group; 0: as the routes say. */
  multicastInterface = 0;
  /** The only interface to send and to receive by, or `anyInterface`. */
  device: number = anyInterface;
  trafficClass = 0;
  flowLabel = 0;
  /** How what is sent finds the MTU of its way (ip(7): IP_MTU_DISCOVER). */
  pmtuDiscovery: PmtuDiscovery = 'want';
  /** Octets sent that have not left yet, each datagram's overhead included. */
  waitingToLeave = 0;
  sendLimit: number;
  receiveLimit: number;
  /** Datagrams that came while the queue was full. */
  dropped = 0;
  readonly #changed: ChangedList;
  readonly #queue: Fifo<ReceivedDatagram> = new Fifo();
  #held = 0;

  constructor(any: Address, receiveLimit: number, sendLimit: number, changed: ChangedList) {
    this.local = any;
    this.receiveLimit = receiveLimit;
    this.sendLimit = sendLimit;
    this.#changed = changed;
  }

  get binding(): Binding {
    return { address: this.local, v6Only: this.v6Only };
  }

  get readable(): boolean {
    return this.#queue.length > 0 || this.error !== null || this.readShut;
  }

  /** Octets that wait to be read, each datagram's overhead included. */
  get held(): number {
    return this.#held;
  }

  /** @returns false when the buffer is full: the datagram is dropped */
  accept(datagram: ReceivedDatagram): boolean {
    const cost = datagram.data.length + overhead;
    if (this.#held + cost > this.receiveLimit) {
      this.dropped++;
      return false;
    }
    this.#held += cost;
    this.#queue.push(datagram);
    this.#changed.add(this);
    return true;
  }

  /** The next datagram, which stays where it is. */
  peek(): ReceivedDatagram | null {
    return this.#queue.peek() ?? null;
  }

  /** Takes the next datagram off the queue. */
  take(): ReceivedDatagram | null {
    const next = this.#queue.shift();
    if (next === undefined) return null;
    this.#held -= next.data.length + overhead;
    return next;
  }

  /** May a payload of `octets` join those that wait to leave? A lone one always may. */
  hasRoom(octets: number): boolean {
    return this.waitingToLeave === 0 || this.waitingToLeave + octets + overhead <= this.sendLimit;
  }

  queued(octets: number): void {
    this.waitingToLeave += octets + overhead;
  }

  departed(octets: number): void {
    this.waitingToLeave -= octets + overhead;
    this.#changed.add(this);
  }

  /** Throws the error that an earlier datagram has drawn, once. @throws StackError */
  throwPending(): void {
    if (this.error === null) return;
    const code = this.error;
    this.error = null;
    throw new StackError(code);
  }

  /** An ICMP error that the user has to hear of. */
  fail(error: ErrorCode): void {
    this.error = error;
    this.#changed.add(this);
  }

  clear(): void {
    this.#queue.clear();
    this.#held = 0;
  }
}
