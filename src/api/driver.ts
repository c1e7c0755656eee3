import { type Cancel, type Device, type Micros, never, type Runner, type Stack } from '../stack/index.ts';

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

/** Turns a stack over a device in real time: read, advance, transmit, wake; in bounded turns. */
export class Driver implements Runner {
  readonly stack: Stack;
  readonly #device: Device;
  readonly #scheduler: Scheduler;
  readonly #packet: Uint8Array = new Uint8Array(65_536 + 64);
  #wake: (endpoint: unknown) => void = () => {};
  #isArranged = false;
  #isClosed = false;
  #timerAt: Micros = never;
  #cancelTimer: Cancel = () => {};
  readonly #onReady = (): void => this.kick();

  constructor(stack: Stack, device: Device, scheduler: Scheduler) {
    this.stack = stack;
    this.#device = device;
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

  /** Stops turning and gives the device back. */
  close(): void {
    this.#isClosed = true;
    this.#cancelTimer();
    this.#device.close();
    this.#scheduler.hold(false);
  }

  /** Does one turn now; the driver does so by itself whenever there is a reason. */
  turn(): void {
    if (this.#isClosed) return;
    const { stack } = this;
    const device = this.#device;
    const packet = this.#packet;
    const now = this.now();
    let read = 0;
    for (; read < batch; read++) {
      const length = device.read(packet);
      if (length === 0) break;
      stack.receive(packet, length, now);
    }
    stack.advance(now);
    let written = 0;
    for (; written < writeBatch; written++) {
      const length = stack.transmit(packet, now);
      if (length === 0) break;
      device.write(packet, length);
    }
    for (let endpoint = stack.changed.take(); endpoint !== null; endpoint = stack.changed.take()) this.#wake(endpoint);
    const deadline = stack.nextDeadline();
    if (read > 0 || written === writeBatch || deadline <= now) return this.kick(); // there may be more: look before sleeping
    device.onReady(this.#onReady);
    this.#arm(deadline);
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
