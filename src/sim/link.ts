import { type Random, randomBelow, randomFraction } from '../stack/base/random.ts';
import { type Micros, ms, seconds } from '../stack/base/time.ts';
import type { Clock } from './clock.ts';

/** What a link does to packets. Chances are from 0 to 1 and apply to each packet by itself. */
export interface LinkSettings {
  /** The largest packet it takes, in octets; larger ones vanish. Default 1500. */
  readonly mtu?: number;
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

/** One direction of a link: takes packets in, and delivers copies of them later. */
export class Wire {
  settings: LinkSettings;
  /** For tests: true drops the packet. `index` counts the packets that have entered, from 0. */
  filter: ((bytes: Uint8Array, length: number, index: number) => boolean) | null = null;
  readonly taps: Tap[] = [];
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #deliver: (bytes: Uint8Array, length: number) => void;
  #entered = 0;
  #busyUntil: Micros = 0;
  #lastArrival: Micros = 0;

  constructor(
    settings: LinkSettings,
    clock: Clock,
    random: Random,
    deliver: (bytes: Uint8Array, length: number) => void,
  ) {
    this.settings = settings;
    this.#clock = clock;
    this.#random = random;
    this.#deliver = deliver;
  }

  /** A packet enters; bytes[0, length) is copied. */
  send(bytes: Uint8Array, length: number): void {
    const fate = this.#carry(bytes, length, this.#entered++);
    for (const tap of this.taps) tap(bytes, length, this.#clock.now, fate);
  }

  #carry(bytes: Uint8Array, length: number, index: number): Fate {
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
    if (this.#happens(reorder)) arrival += 1 + randomBelow(this.#random, reorderDelay);
    else {
      arrival = Math.max(arrival, this.#lastArrival);
      this.#lastArrival = arrival;
    }
    const copies = this.#happens(this.settings.duplicate) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) this.#arrive(bytes, length, arrival);
    return 'sent';
  }

  #arrive(bytes: Uint8Array, length: number, when: Micros): void {
    const packet = bytes.slice(0, length);
    if (this.#happens(this.settings.corrupt)) {
      const bit = randomBelow(this.#random, length * 8);
      packet[bit >> 3] = packet[bit >> 3]! ^ (1 << (bit & 7));
    }
    this.#clock.at(when, () => this.#deliver(packet, length));
  }

  /** No number is drawn for what cannot happen, so switching a fault on changes nothing else of a run's other links. */
  #happens(chance: number | undefined): boolean {
    return chance !== undefined && chance > 0 && randomFraction(this.#random) < chance;
  }
}
