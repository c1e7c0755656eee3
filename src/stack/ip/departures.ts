import type { Address } from '../base/address.ts';
import { copyBytes } from '../base/bytes.ts';
import { Fifo } from '../base/fifo.ts';
import { fragmentHeaderLength, type Outgoing, outgoingHeaderLength } from '../wire/datagram.ts';
import type { Identifications } from './identification.ts';

/** A finished payload that waits for its turn on an interface. */
export interface Departure {
  readonly source: Address;
  readonly destination: Address;
  readonly protocol: number;
  readonly ttl: number;
  readonly trafficClass: number;
  readonly flowLabel: number;
  readonly dontFragment: boolean;
  /** The largest packet of the way; a longer datagram leaves in pieces. */
  readonly mtu: number;
  /** Transport header and text, checksum included; or with `hasHeader` the whole packet. */
  readonly payload: Uint8Array;
  /** The payload is a whole packet with a header of its own (raw sockets, forwarding). */
  readonly hasHeader: boolean;
  /** Who is told once the payload has left, to take it off its account. */
  readonly sender: { departed(octets: number): void } | null;
}

/**
 * What waits to leave by one interface apart from TCP's segments: datagrams of UDP, answers of ICMP, resets.
 * Bounded, so that a flood of packets that each draw an answer cannot grow it.
 *
 * What is longer than the way takes is cut here, one piece per call (RFC 791 section 3.2, RFC 8200 section 4.5).
 */
export class Departures {
  readonly #queue: Fifo<Departure> = new Fifo();
  readonly #limit: number;
  readonly #identifications: Identifications;
  #octets = 0;
  /** The datagram that is leaving in pieces, and how far that has got. */
  #current: Departure | null = null;
  #offset = 0;
  #identification = 0;

  constructor(limit: number, identifications: Identifications) {
    this.#limit = limit;
    this.#identifications = identifications;
  }

  get length(): number {
    return this.#queue.length + (this.#current === null ? 0 : 1);
  }

  /** @returns false when the queue is full: the payload is dropped */
  add(departure: Departure): boolean {
    if (this.#octets + departure.payload.length > this.#limit || this.#queue.length >= 4096) return false;
    this.#octets += departure.payload.length;
    this.#queue.push(departure);
    return true;
  }

  /**
   * Writes the next payload, or the next piece of it, behind the room for its IP header and fills in `out`.
   * @returns the length of a packet that had its header already, or what has happened
   */
  transmit(into: Uint8Array, out: Outgoing): 'nothing' | 'payload' | number {
    const next = this.#current ?? this.#queue.shift();
    if (next === undefined) return 'nothing';
    if (next.hasHeader) {
      into.set(next.payload);
      this.#leave(next);
      return next.payload.length;
    }
    const { payload } = next;
    out.source = next.source;
    out.destination = next.destination;
    out.protocol = next.protocol;
    out.ttl = next.ttl;
    out.trafficClass = next.trafficClass;
    out.flowLabel = next.flowLabel;
    out.dontFragment = next.dontFragment;
    out.isFragment = false;
    const whole = outgoingHeaderLength(out) + payload.length;
    const start = this.#offset;
    if (whole <= next.mtu) {
      out.identification = next.dontFragment ? this.#identifications.next32() & 0xffff : this.#identify(next);
      out.length = payload.length;
    } else {
      if (this.#current === null) this.#identification = this.#identify(next);
      const room = (next.mtu - (outgoingHeaderLength(out) + (next.destination.isV4 ? 0 : fragmentHeaderLength))) & ~7;
      out.isFragment = true;
      out.identification = this.#identification;
      out.fragmentOffset = start;
      out.moreFragments = start + room < payload.length;
      out.length = Math.min(room, payload.length - start);
    }
    copyBytes(payload, start, start + out.length, into, outgoingHeaderLength(out));
    this.#offset = start + out.length;
    this.#current = next;
    if (this.#offset === payload.length) this.#leave(next);
    return 'payload';
  }

  #identify({ source, destination, protocol }: Departure): number {
    if (!destination.isV4) return this.#identifications.next32();
    return this.#identifications.next16(source, destination, protocol);
  }

  #leave(departure: Departure): void {
    this.#current = null;
    this.#offset = 0;
    this.#octets -= departure.payload.length;
    departure.sender?.departed(departure.payload.length);
  }
}
