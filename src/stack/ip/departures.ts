import type { Address } from '../base/address.ts';
import { copyBytes } from '../base/bytes.ts';
import { Fifo } from '../base/fifo.ts';
import { headerRoom } from '../base/path.ts';
import type { Outgoing } from '../wire/datagram.ts';

/** A finished payload that waits for its turn on an interface. */
export interface Departure {
  readonly source: Address;
  readonly destination: Address;
  readonly protocol: number;
  readonly ttl: number;
  readonly trafficClass: number;
  /** Transport header and text, checksum included. */
  readonly payload: Uint8Array;
  /** Who is told once the payload has left, to take it off its account. */
  readonly sender: { departed(octets: number): void } | null;
}

/**
 * What waits to leave by one interface apart from TCP's segments: datagrams of UDP, answers of ICMP, resets.
 * Bounded, so that a flood of packets that each draw an answer cannot grow it.
 */
export class Departures {
  readonly #queue: Fifo<Departure> = new Fifo();
  #octets = 0;
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get length(): number {
    return this.#queue.length;
  }

  /** @returns false when the queue is full: the payload is dropped */
  add(departure: Departure): boolean {
    if (this.#octets + departure.payload.length > this.#limit || this.#queue.length >= 4096) return false;
    this.#octets += departure.payload.length;
    this.#queue.push(departure);
    return true;
  }

  /** Writes the next payload behind the room for its IP header. Returns false when nothing waits. */
  transmit(into: Uint8Array, out: Outgoing): boolean {
    const next = this.#queue.shift();
    if (next === undefined) return false;
    const { payload } = next;
    this.#octets -= payload.length;
    out.source = next.source;
    out.destination = next.destination;
    out.protocol = next.protocol;
    out.ttl = next.ttl;
    out.trafficClass = next.trafficClass;
    out.length = payload.length;
    copyBytes(payload, 0, payload.length, into, headerRoom(next.destination));
    next.sender?.departed(payload.length);
    return true;
  }
}
