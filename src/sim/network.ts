import { SeededRandom } from '../stack/base/random.ts';
import { type Micros, never, seconds } from '../stack/base/time.ts';
import {
  noOffload,
  type Observer,
  type Offload,
  type PacketMeta,
  type Prefix,
  parsePrefix,
  plainPacket,
  Stack,
  type StackSettings,
} from '../stack/index.ts';
import type { Cancel, Runner } from '../stack/runner.ts';
import { Capture } from './capture.ts';
import { Clock } from './clock.ts';
import { defaults } from './defaults.ts';
import { type HostWatch, Invariants } from './invariants.ts';
import { type LinkSettings, Wire } from './link.ts';
import { departingPacket } from './packets.ts';

/** What runs between two events of `until`, so that whoever waits can go on: by default 256 turns of the microtask queue. */
export type Breathe = () => Promise<void>;

async function microtasks(): Promise<void> {
  for (let turn = 0; turn < 256; turn++) await null;
}

export interface NetworkSettings {
  /** The same seed gives the same packets at the same times. Default 1. */
  readonly seed?: number;
  /** In Node, code that uses streams or process.nextTick needs `() => new Promise((r) => setImmediate(r))`. */
  readonly breathe?: Breathe;
  /** Check after every event what stacks promise, and throw an InvariantViolation when a promise is broken. Default false. */
  readonly invariants?: boolean;
}

/**
 * Hosts and links in virtual time: nothing here waits, and nothing is left to chance but by the seed.
 *
 * @example
 *     const network = new Network({ seed: 7 });
 *     const a = network.host('a');
 *     const b = network.host('b');
 *     network.link(a, '10.0.0.1/24', b, '10.0.0.2/24', { delay: ms(20), loss: 0.02 });
 *     network.run(seconds(10));
 */
export class Network {
  readonly clock: Clock = new Clock();
  readonly seed: number;
  /** What is checked after every event; null when nothing is. */
  readonly invariants: Invariants | null;
  readonly #breathe: Breathe;
  readonly #random: SeededRandom;
  readonly #hosts: Host[] = [];
  /** Something has happened that a waiting promise may have been told of. */
  #told = false;

  constructor({ seed = 1, breathe = microtasks, invariants = defaults.invariants }: NetworkSettings = {}) {
    this.seed = seed;
    this.invariants = invariants ? new Invariants() : null;
    this.#breathe = breathe;
    this.#random = new SeededRandom(seed);
  }

  get now(): Micros {
    return this.clock.now;
  }

  /** Adds a host. It has loopback only until it is linked. */
  host(name: string, settings: StackSettings = {}, observer: Observer | null = null): Host {
    const random = new SeededRandom(this.#random.uint32() * 0x1_0000_0000 + this.#random.uint32());
    const watch = this.invariants?.watch(name, observer) ?? null;
    const stack = new Stack(random, settings, watch?.observer ?? observer);
    watch?.attach(stack);
    const host = new Host(name, stack, this.clock, watch, () => {
      this.#told = true;
    });
    this.#hosts.push(host);
    return host;
  }

  /**
   * Joins two hosts by a new interface of each, with these addresses ('10.0.0.1/24').
   * @param settings of both directions, or of one and the other
   */
  link(
    a: Host,
    addressOfA: string | readonly string[],
    b: Host,
    addressOfB: string | readonly string[],
    settings: LinkSettings | readonly [aToB: LinkSettings, bToA: LinkSettings] = {},
  ): Link {
    const [there, back] = isPair(settings) ? settings : [settings, settings];
    const indexOfA = a.addInterface(`to-${b.name}`, addressOfA, there);
    const indexOfB = b.addInterface(`to-${a.name}`, addressOfB, back);
    const wire = (how: LinkSettings, to: Host, index: number): Wire =>
      new Wire(how, this.clock, new SeededRandom(this.#random.uint32()), (bytes, length, meta) =>
        to.receive(bytes, length, index, meta),
      );
    const link = new Link(`${a.name}-${b.name}`, wire(there, b, indexOfB), wire(back, a, indexOfA));
    a.attach(indexOfA, link.forward);
    b.attach(indexOfB, link.backward);
    return link;
  }

  /** Calls `action` at `when` of virtual time. */
  at(when: Micros, action: () => void): Cancel {
    return this.clock.at(when, () => {
      this.#told = true;
      action();
    });
  }

  /** A promise that is settled after `duration` of virtual time, for code that runs under `until`. */
  sleep(duration: Micros): Promise<void> {
    return new Promise((resolve) => this.at(this.now + duration, resolve));
  }

  /** Lets `duration` of virtual time pass. */
  run(duration: Micros): void {
    const end = this.clock.now + duration;
    while (this.#step(end));
  }

  /** Goes on until `isDone` says so, or until `limit` of virtual time has passed. Returns whether it was done. */
  runUntil(isDone: () => boolean, limit: Micros = seconds(3600)): boolean {
    const end = this.clock.now + limit;
    while (!isDone()) if (!this.#step(end)) return isDone();
    return true;
  }

  /**
   * Lets virtual time pass until the promise is settled, and gives its value. Whoever awaits something in between is
   * served between events.
   * @throws Error when nothing is left that could settle it, or `limit` of virtual time has passed
   */
  async until<T>(promise: Promise<T>, limit: Micros = seconds(86_400)): Promise<T> {
    let isSettled = false;
    const settled = () => {
      isSettled = true;
    };
    promise.then(settled, settled);
    const end = this.clock.now + limit;
    await this.#breathe();
    while (!isSettled) {
      this.#settle();
      if (this.#told) {
        // What happens within one host takes no time: whoever is told goes on before the next event.
        this.#told = false;
        await this.#breathe();
        continue;
      }
      if (this.#next() > end) {
        // Nothing is left to happen: a program that is still at work is given more time than one breath.
        for (let breath = 0; breath < mostBreaths && !isSettled && !this.#isAnybodyDirty; breath++)
          await this.#breathe();
        if (isSettled || this.#isAnybodyDirty) continue;
      }
      const went = this.#step(end);
      if (this.#told || !went) {
        this.#told = false;
        await this.#breathe();
      }
      if (!went && !isSettled && !this.#isAnybodyDirty && this.#next() > end) {
        throw new Error(`virtual time ran out at ${this.clock.now / 1e6} s (seed ${this.seed})`);
      }
    }
    return promise;
  }

  get #isAnybodyDirty(): boolean {
    return this.#hosts.some((host) => host.isDirty);
  }

  /** Goes to the next event there is. False when there is none, or none until `limit`. */
  step(limit: Micros = never): boolean {
    this.#settle();
    const next = this.#next();
    return next !== never && next <= limit && this.#step(next);
  }

  /** Lets waiting promises go on, as `until` does between events. */
  async breathe(): Promise<void> {
    await this.#breathe();
  }

  /** Lets everything that can happen now happen, then goes to the next event. False when it lies beyond `end`. */
  #step(end: Micros): boolean {
    this.#settle();
    const next = this.#next();
    if (next > end) {
      if (end !== never) this.clock.now = Math.max(this.clock.now, end);
      return false;
    }
    this.clock.now = Math.max(this.clock.now, next);
    while (this.clock.runDue());
    for (const host of this.#hosts) host.isDirty ||= host.stack.nextDeadline() <= this.clock.now;
    this.#settle();
    return true;
  }

  #next(): Micros {
    let next = this.clock.next();
    for (const host of this.#hosts) next = Math.min(next, host.stack.nextDeadline());
    return next;
  }

  #settle(): void {
    for (const host of this.#hosts) if (host.isDirty) host.turn();
  }
}

const mostBreaths = 16;
const fullOffload: Offload = { checksums: true, segmentation: true };

const isPair = (
  settings: LinkSettings | readonly [LinkSettings, LinkSettings],
): settings is readonly [LinkSettings, LinkSettings] => Array.isArray(settings);

/** A simulated host: a stack, and what turns it in virtual time. */
export class Host implements Runner {
  readonly name: string;
  readonly stack: Stack;
  /** Packets may want to leave, or somebody may have to be told. */
  isDirty = false;
  readonly #clock: Clock;
  readonly #watch: HostWatch | null;
  readonly #told: () => void;
  readonly #wires: (Wire | null)[] = [null];
  #wake: ((endpoint: unknown) => void) | null = null;

  constructor(name: string, stack: Stack, clock: Clock, watch: HostWatch | null, told: () => void) {
    this.name = name;
    this.stack = stack;
    this.#clock = clock;
    this.#watch = watch;
    this.#told = told;
  }

  /** @param link what packets leave by: its MTU, and whether several segments may leave as one packet */
  addInterface(name: string, addresses: string | readonly string[], link: LinkSettings): number {
    const list: Prefix[] = [];
    for (const text of typeof addresses === 'string' ? [addresses] : addresses) {
      const prefix = parsePrefix(text);
      if (prefix === null) throw new TypeError(`not an address with a prefix length: ${text}`);
      list.push(prefix);
    }
    const { mtu = 1500, offload = defaults.offload } = link;
    return this.stack.addInterface({ name, mtu, offload: offload ? fullOffload : noOffload, addresses: list });
  }

  attach(interfaceIndex: number, wire: Wire): void {
    this.#wires[interfaceIndex] = wire;
  }

  receive(bytes: Uint8Array, length: number, interfaceIndex: number, meta: Readonly<PacketMeta> = plainPacket): void {
    this.#watch?.arriving(bytes, length, meta);
    this.stack.receive(bytes, length, this.#clock.now, interfaceIndex, meta);
    this.#watch?.arrived(this.#clock.now);
    this.isDirty = true;
  }

  /** Does what is due, sends what can be sent, and tells whoever waits. */
  turn(): void {
    const { stack } = this;
    this.isDirty = false;
    stack.advance(this.#clock.now);
    this.#tell();
    for (let index = 1; index < this.#wires.length; index++) this.#transmit(index);
    if (this.#wires.length === 1) stack.transmit(departingPacket(), this.#clock.now, 0); // loopback alone
    this.#watch?.turned(this.#clock.now);
    this.#tell();
  }

  #transmit(index: number): void {
    const { stack } = this;
    const wire = this.#wires[index];
    const { now } = this.#clock;
    const packet = departingPacket();
    for (let length = stack.transmit(packet, now, index); length > 0; length = stack.transmit(packet, now, index)) {
      wire?.send(packet, length, stack.departing);
    }
  }

  #tell(): void {
    const { changed } = this.stack;
    for (let endpoint = changed.take(); endpoint !== null; endpoint = changed.take()) {
      this.#told();
      this.#wake?.(endpoint);
    }
  }

  now(): Micros {
    return this.#clock.now;
  }

  kick(): void {
    this.isDirty = true;
  }

  at(when: Micros, action: () => void): Cancel {
    return this.#clock.at(when, () => {
      this.#told();
      action();
    });
  }

  onChanged(wake: (endpoint: unknown) => void): void {
    this.#wake = wake;
  }

  hold(): void {} // virtual time keeps nothing alive
}

/** A link between two hosts: a wire each way. */
export class Link {
  readonly name: string;
  readonly forward: Wire;
  readonly backward: Wire;

  constructor(name: string, forward: Wire, backward: Wire) {
    this.name = name;
    this.forward = forward;
    this.backward = backward;
  }

  /** Records from now on every packet that enters the link, lost or not, as pcapng. */
  capture(): Capture {
    const capture = new Capture({ interfaces: [{ name: this.name }] });
    this.forward.taps.push((bytes, length, now) => capture.packet(0, 'out', bytes, length, now));
    this.backward.taps.push((bytes, length, now) => capture.packet(0, 'in', bytes, length, now));
    return capture;
  }
}
