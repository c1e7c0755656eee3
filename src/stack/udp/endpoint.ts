import type { Address, Binding } from '../base/address.ts';
import type { ErrorCode } from '../base/errors.ts';
import { Fifo } from '../base/fifo.ts';
import type { ChangedList, Endpoint } from '../base/ready.ts';

/** A datagram that has arrived, with where it came from. */
export interface ReceivedDatagram {
  readonly data: Uint8Array;
  readonly source: Address;
  readonly sourcePort: number;
  /** The address it was sent to. */
  readonly destination: Address;
}

/** What one datagram costs beyond its octets, so that empty ones are bounded too. */
const overhead = 256;

/** The state of a UDP socket. */
export class UdpEndpoint implements Endpoint {
  isChanged = false;
  nextChanged: Endpoint | null = null;

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
  /** An unspecified IPv6 address is for IPv6 alone (RFC 3493 section 5.3). */
  v6Only = false;
  /** Of what is sent (RFC 1122 section 4.1.4), to one and to many. */
  ttl = 64;
  multicastTtl = 1;
  trafficClass = 0;
  flowLabel = 0;
  /** Nobody may cut what is sent: what is too long for the way is refused. */
  dontFragment = false;
  /** Octets sent that have not left yet, each datagram's overhead included. */
  waitingToLeave = 0;
  receiveLimit: number;
  readonly #queue: Fifo<ReceivedDatagram> = new Fifo();
  #held = 0;

  readonly #changed: ChangedList;

  constructor(family: Address, receiveLimit: number, changed: ChangedList) {
    this.local = family;
    this.receiveLimit = receiveLimit;
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
    if (this.#held + cost > this.receiveLimit) return false;
    this.#held += cost;
    this.#queue.push(datagram);
    return true;
  }

  /** Takes the next datagram off the queue. */
  take(): ReceivedDatagram | null {
    const next = this.#queue.shift();
    if (next === undefined) return null;
    this.#held -= next.data.length + overhead;
    return next;
  }

  /** May a datagram of `octets` join those that wait to leave? A lone one always may. */
  hasRoom(octets: number, limit: number): boolean {
    return this.waitingToLeave === 0 || this.waitingToLeave + octets + overhead <= limit;
  }

  queued(octets: number): void {
    this.waitingToLeave += octets + overhead;
  }

  departed(octets: number): void {
    this.waitingToLeave -= octets + overhead;
    this.#changed.add(this);
  }

  clear(): void {
    this.#queue.clear();
    this.#held = 0;
  }
}
