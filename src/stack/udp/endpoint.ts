import type { Address } from '../base/address.ts';
import type { ErrorCode } from '../base/errors.ts';
import { Fifo } from '../base/fifo.ts';
import type { Endpoint } from '../base/ready.ts';

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
  /** Octets sent that have not left yet. */
  waitingToLeave = 0;
  receiveLimit: number;
  readonly #queue: Fifo<ReceivedDatagram> = new Fifo();
  #held = 0;

  constructor(family: Address, receiveLimit: number) {
    this.local = family;
    this.receiveLimit = receiveLimit;
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

  /** Room for `octets` more among what waits to leave? */
  hasRoom(octets: number, limit: number): boolean {
    return this.waitingToLeave === 0 || this.waitingToLeave + octets <= limit;
  }

  departed(octets: number): void {
    this.waitingToLeave -= octets;
  }

  clear(): void {
    this.#queue.clear();
    this.#held = 0;
  }
}
