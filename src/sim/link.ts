import { type Random, randomBelow, randomFraction } from '../stack/base/random.ts';
import { type Micros, ms, seconds } from '../stack/base/time.ts';
import { Fifo, PacketMeta, plainPacket, segmentCount, writeSegments } from '../stack/index.ts';
import type { Clock } from './clock.ts';
import { arrivingPacket, copyPacket, giveBack } from './packets.ts';

/** What a link does to packets. Chances are from 0 to 1 and apply to each packet by itself. */
export interface LinkSettings {
  /** The largest packet it takes, in octets; larger ones vanish. Default 1500. */
  readonly mtu?: number;
  /**
   * Its ends take packets that stand for many segments, as network cards and TUNs do, and cut them into those that travel;
   * what arrives of them at one moment is handed on as one again. Default false.
   */
  readonly offload?: boolean;
  /** How long a packet travels. Default 0. */
  readonly delay?: Micros;
  /** Each packet travels up to so much longer; by itself this changes no order. */
  readonly jitter?: Micros;
  /** Bits per second; without it, any number of packets travels side by side. */
  readonly rate?: number;
  /** Octets that may wait for their turn when there is a rate; beyond, packets are dropped. Default 256 KiB. */
  readonly queue?: number;
  readonly loss?: number;
  readonly duplicate?: number;
  /** Packets that are overtaken by others. */
  readonly reorder?: number;
  /** How much later, at most, an overtaken packet arrives. Default 10 ms. */
  readonly reorderDelay?: Micros;
  /** Packets that arrive with exactly one bit flipped. */
  readonly corrupt?: number;
}

/** What has become of a packet. */
export type Fate = 'sent' | 'lost' | 'too long' | 'queue full';

/** Sees every packet that enters a link; bytes[0, length) is only valid during the call. */
export type Tap = (bytes: Uint8Array, length: number, now: Micros, fate: Fate) => void;

/** Takes a packet that has arrived, with what is known of it. */
export type Deliver = (bytes: Uint8Array, length: number, meta: Readonly<PacketMeta>) => void;

/** A packet on its way, and its place among what happens at the time of its arrival. */
interface Travelling {
  readonly arrival: Micros;
  readonly place: number;
  readonly packet: Uint8Array;
  readonly length: number;
}

/** One direction of a link: takes packets in, and delivers copies of them later. */
export class Wire {
  settings: LinkSettings;
  /** For tests: true drops the packet. `index` counts the packets that have entered, from 0. */
  filter: ((bytes: Uint8Array, length: number, index: number) => boolean) | null = null;
  readonly taps: Tap[] = [];
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #deliver: Deliver;
  /** One packet of those that a larger one stands for. */
  readonly #part: Uint8Array = new Uint8Array(65_536);
  /** When that one arrives, unharmed and once; -1 when it does not, or has been sent on its way by itself. */
  #partArrival: Micros = -1;
  #entered = 0;
  #busyUntil: Micros = 0;
  #lastArrival: Micros = 0;
  /** Packets on their way that nothing overtakes, in the order of their arrival; the clock knows of the first. */
  readonly #travelling: Fifo<Travelling> = new Fifo();
  readonly #arrive = (): void => {
    const { packet, length } = this.#travelling.shift()!;
    const next = this.#travelling.peek();
    if (next !== undefined) this.#clock.atPlace(next.arrival, next.place, this.#arrive);
    this.#hand(packet, length);
  };

  constructor(settings: LinkSettings, clock: Clock, random: Random, deliver: Deliver) {
    this.settings = settings;
    this.#clock = clock;
    this.#random = random;
    this.#deliver = deliver;
  }

  /** A packet enters; bytes[0, length) is copied. One that stands for several is cut, and each has its own fate. */
  send(bytes: Uint8Array, length: number, meta: Readonly<PacketMeta> = plainPacket): void {
    if (meta.checksum === 'whole') return this.#enter(bytes, length, false);
    const count = segmentCount(bytes, length, meta);
    let first = 0;
    let arrival: Micros = -1;
    for (let index = 0; index < count; index++) {
      this.#partArrival = -1;
      this.#enter(this.#part, writeSegments(bytes, length, meta, index, 1, this.#part), true);
      if (this.#partArrival === arrival) continue;
      if (arrival >= 0) this.#deliverSome(bytes, length, meta, first, index - first, arrival);
      first = index;
      arrival = this.#partArrival;
    }
    if (arrival >= 0) this.#deliverSome(bytes, length, meta, first, count - first, arrival);
  }

  /** What arrives side by side at one moment is one packet again. */
  #deliverSome(
    bytes: Uint8Array,
    length: number,
    meta: Readonly<PacketMeta>,
    first: number,
    count: number,
    when: Micros,
  ): void {
    const packet = new Uint8Array(length);
    const some = writeSegments(bytes, length, meta, first, count, packet);
    const known = new PacketMeta();
    if (count > 1) known.copy(meta);
    this.#clock.at(when, () => this.#deliver(packet, some, known));
  }

  #enter(bytes: Uint8Array, length: number, isPart: boolean): void {
    const fate = this.#carry(bytes, length, this.#entered++, isPart);
    for (const tap of this.taps) tap(bytes, length, this.#clock.now, fate);
  }

  #carry(bytes: Uint8Array, length: number, index: number, isPart: boolean): Fate {
    const {
      mtu = 1500,
      delay = 0,
      jitter = 0,
      rate,
      queue = 256 << 10,
      reorder,
      reorderDelay = ms(10),
    } = this.settings;
    const { now } = this.#clock;
    if (length > mtu) return 'too long';
    if (this.filter?.(bytes, length, index)) return 'lost';
    if (this.#happens(this.settings.loss)) return 'lost';
    let departure = now;
    if (rate !== undefined) {
      const waiting = ((Math.max(this.#busyUntil, now) - now) * rate) / (8 * seconds(1));
      if (waiting + length > Math.max(queue, length)) return 'queue full';
      departure = Math.max(this.#busyUntil, now) + Math.ceil((length * 8 * seconds(1)) / rate);
      this.#busyUntil = departure;
    }
    let arrival = departure + delay + (jitter > 0 ? randomBelow(this.#random, jitter) : 0);
    const isOvertaken = this.#happens(reorder);
    if (isOvertaken) arrival += 1 + randomBelow(this.#random, reorderDelay);
    else {
      arrival = Math.max(arrival, this.#lastArrival);
      this.#lastArrival = arrival;
    }
    const copies = this.#happens(this.settings.duplicate) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      const isCorrupt = this.#happens(this.settings.corrupt);
      if (isPart && copies === 1 && !isCorrupt) {
        this.#partArrival = arrival;
        continue;
      }
      const packet = copyPacket(bytes, length);
      if (isCorrupt) this.#flipOne(packet, length);
      this.#setOut(packet, length, arrival, isOvertaken);
    }
    return 'sent';
  }

  #flipOne(packet: Uint8Array, length: number): void {
    const bit = randomBelow(this.#random, length * 8);
    packet[bit >> 3] = packet[bit >> 3]! ^ (1 << (bit & 7));
  }

  #setOut(packet: Uint8Array, length: number, arrival: Micros, isOvertaken: boolean): void {
    if (isOvertaken) {
      this.#clock.at(arrival, () => this.#hand(packet, length));
      return;
    }
    const place = this.#clock.place();
    if (this.#travelling.length === 0) this.#clock.atPlace(arrival, place, this.#arrive);
    this.#travelling.push({ arrival, place, packet, length });
  }

  #hand(packet: Uint8Array, length: number): void {
    this.#deliver(arrivingPacket(packet, length), length, plainPacket);
    giveBack(packet);
  }

  /** No number is drawn for what cannot happen, so switching a fault on changes nothing else of a run's other links. */
  #happens(chance: number | undefined): boolean {
    return chance !== undefined && chance > 0 && randomFraction(this.#random) < chance;
  }
}
