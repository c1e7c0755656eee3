import { type Cancel, type Device, type Micros, never, PacketMeta, type Runner, type Stack } from '../stack/index.ts';
import { packetBuffer } from '../wasm/packet-memory.ts';

/** A clock and its timers, as the environment has them. */
export interface Scheduler {
  now(): Micros;
  /** Calls `action` once after the current work. */
  soon(action: () => void): void;
  /** Calls `action` once at `when` or later. */
  at(when: Micros, action: () => void): Cancel;
  /** Keeps the process alive, or no longer. */
  hold(alive: boolean): void;
}

/** Packets that one turn reads, and that it writes, before timers and the rest of the program have theirs. */
const batch = 64;
const writeBatch = 256;
/** Octets in front of a packet that devices may ask for. */
const mostHeadroom = 64;
/** With more to read than a turn takes, timers wait so many turns at most. */
const mostTurnsWithoutTimers = 16;

/** Turns a stack over its devices in real time: transmit, read, advance, wake; in bounded turns. */
export class Driver implements Runner {
  readonly stack: Stack;
  /** The device of interface i + 1 at place i. */
  readonly #devices: readonly Device[];
  readonly #scheduler: Scheduler;
  readonly #packet: Uint8Array = packetBuffer(mostHeadroom);
  readonly #arriving: PacketMeta = new PacketMeta();
  #wake: (endpoint: unknown) => void = () => {};
  #isArranged = false;
  #isClosed = false;
  #turnsWithoutTimers = 0;
  #timerAt: Micros = never;
  #cancelTimer: Cancel = () => {};
  readonly #onReady = (): void => this.kick();

  /**
   * @param devices of the interfaces that the stack has besides loopback, in their order
   * @throws RangeError a device asks for more than 64 octets of headroom
   */
  constructor(stack: Stack, devices: readonly Device[], scheduler: Scheduler) {
    for (const { name, headroom = 0 } of devices) {
      if (headroom > mostHeadroom)
        throw new RangeError(`${name} asks for more than ${mostHeadroom} octets of headroom`);
    }
    this.stack = stack;
    this.#devices = devices;
    this.#scheduler = scheduler;
    this.kick();
  }

  now(): Micros {
    return this.#scheduler.now();
  }

  kick(): void {
    if (this.#isArranged || this.#isClosed) return;
    this.#isArranged = true;
    this.#scheduler.soon(() => {
      this.#isArranged = false;
      this.turn();
    });
  }

  at(when: Micros, action: () => void): Cancel {
    return this.#scheduler.at(when, action);
  }

  onChanged(wake: (endpoint: unknown) => void): void {
    this.#wake = wake;
  }

  hold(alive: boolean): void {
    this.#scheduler.hold(alive);
  }

  /** Stops turning and gives the devices back. */
  close(): void {
    this.#isClosed = true;
    this.#cancelTimer();
    for (const device of this.#devices) device.close();
    this.#scheduler.hold(false);
  }

  /** Does one turn now; the driver does so by itself whenever there is a reason. */
  turn(): void {
    if (this.#isClosed) return;
    const { stack } = this;
    const devices = this.#devices;
    const now = this.now();
    let isBusy = this.#writeAll(now);
    let read = 0;
    for (let index = 0; index < devices.length; index++) {
      read = Math.max(read, this.#read(devices[index]!, index + 1, now));
    }
    if (read > 0) isBusy = true;
    // What waits to be read may be what a timer waits for: after a pause of ours, look at all of it first.
    if (read < batch || ++this.#turnsWithoutTimers === mostTurnsWithoutTimers) {
      this.#turnsWithoutTimers = 0;
      stack.advance(now);
    }
    // Who is woken may have an answer, on which acknowledgments can ride: what is to leave then waits for the next turn, which
    // comes as soon as they have had theirs (MUST-58; `npm run bench -- connections`).
    if (this.#wakeAll()) isBusy = true;
    else if (this.#writeAll(now)) isBusy = true;
    const deadline = stack.nextDeadline();
    if (isBusy || deadline <= now) return this.kick(); // there may be more: look before sleeping
    for (const device of devices) device.onReady(this.#onReady);
    this.#arm(deadline);
  }

  /** Takes packets in. Returns how many. */
  #read(device: Device, interfaceIndex: number, now: Micros): number {
    const packet = this.#packet;
    const meta = this.#arriving;
    let read = 0;
    for (; read < batch; read++) {
      meta.clear();
      const length = device.read(packet, meta);
      if (length === 0) break;
      this.stack.receive(packet, length, now, interfaceIndex, meta);
    }
    return read;
  }

  /** Tells all whose readiness has changed. Returns whether there was anybody. */
  #wakeAll(): boolean {
    const { changed } = this.stack;
    let endpoint = changed.take();
    if (endpoint === null) return false;
    for (; endpoint !== null; endpoint = changed.take()) this.#wake(endpoint);
    return true;
  }

  /** Sends what there is by all devices. Returns whether there may be more. */
  #writeAll(now: Micros): boolean {
    const devices = this.#devices;
    let mayBeMore = false;
    for (let index = 0; index < devices.length; index++) {
      if (this.#write(devices[index]!, index + 1, now)) mayBeMore = true;
    }
    return mayBeMore;
  }

  /** Sends what there is. Returns whether there may be more. */
  #write(device: Device, interfaceIndex: number, now: Micros): boolean {
    const packet = this.#packet;
    for (let written = 0; written < writeBatch; written++) {
      const length = this.stack.transmit(packet, now, interfaceIndex);
      if (length === 0) return false;
      device.write(packet, length, this.stack.departing);
    }
    return true;
  }

  /** One timer for the earliest deadline; it may fire early, which is cheaper than moving it with every packet. */
  #arm(deadline: Micros): void {
    if (deadline >= this.#timerAt) return;
    this.#cancelTimer();
    this.#timerAt = deadline;
    this.#cancelTimer = this.#scheduler.at(deadline, () => {
      this.#timerAt = never;
      this.kick();
    });
  }
}
