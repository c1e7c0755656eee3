import { createSocketModule } from '../api/index.ts';
import { Network } from '../sim/index.ts';
import { type Micros, type Stack, StackError, seconds } from '../stack/index.ts';
import { OurCalls } from './our-calls.ts';
import type { Headers } from './syntax.ts';
import { type Answer, addresses, type Call, type SentPacket, type Target } from './target.ts';

/** Our stack in virtual time as what a script is played against: one host whose wire ends in the player's hands. */
export class OurTarget implements Target {
  readonly name = 'stack';
  readonly lateness = 0;
  readonly grace: Micros = seconds(1);
  readonly hesitation: Micros = 0;
  readonly #network: Network = new Network();
  readonly #deliver: (packet: Uint8Array) => void;
  readonly #calls: OurCalls;
  readonly #sent: SentPacket[] = [];
  /** A call has been answered since the last wait. */
  #hasAnswer = false;
  /** Ends the wait under way. */
  #wake: () => unknown = () => {};

  /** @throws Error when the stack has no such setting as the script asks for */
  constructor({ mtu, sysctls }: Headers) {
    const network = this.#network;
    const host = network.host('tested');
    const own = [`${addresses.host[4]}/16`, `${addresses.host[6]}/64`];
    const link = network.link(host, own, network.host('peer'), ['192.168.0.2/16', 'fd3d:a0b:17d6::2/64'], { mtu });
    host.stack.addRoute(null, 1);
    link.forward.filter = (bytes, length) => {
      this.#sent.push({ bytes: bytes.slice(0, length), at: this.now() });
      this.#wake();
      return true;
    };
    for (const [name, value] of sysctls) setSysctl(host.stack, name, value);
    this.#deliver = (packet) => host.receive(packet, packet.length, 1);
    this.#calls = new OurCalls(createSocketModule(host), (duration) => network.sleep(duration));
    network.run(epoch); // time 0 means "never" to some
  }

  now(): Micros {
    return this.#network.now - epoch;
  }

  start(call: Call, answered: (answer: Answer) => void): void {
    const tell = (answer: Answer): void => {
      answered(answer);
      this.#hasAnswer = true;
      this.#wake();
    };
    this.#calls.call(call).then(
      (answer) => {
        this.#network.run(0); // what the call has caused at once
        tell(answer);
      },
      (fault: unknown) => tell({ value: -1, error: null, unsupported: `a fault of our stack: ${fault}` }),
    );
  }

  inject(packet: Uint8Array): void {
    this.#deliver(packet);
    this.#network.run(0);
  }

  takePacket(): SentPacket | null {
    return this.#sent.shift() ?? null;
  }

  async wait(until: Micros): Promise<void> {
    const network = this.#network;
    const isOver = () => this.#hasAnswer || this.#sent.length > 0 || network.now - epoch >= until;
    await network.until(Promise.resolve()); // a call that does not have to wait is answered in no time
    if (!isOver()) {
      await network.until(
        new Promise<void>((resolve) => {
          this.#wake = () => network.at(network.now, resolve);
          network.at(until + epoch, resolve);
        }),
      );
      this.#wake = () => {};
    }
    this.#hasAnswer = false;
  }

  close(): Promise<void> {
    return Promise.resolve(); // nobody else knows of it
  }
}

function setSysctl(stack: Stack, name: string, value: string): void {
  try {
    stack.setSysctl(
      name,
      value.replace(/\b0x[0-9a-f]+\b/gi, (number) => String(Number(number))),
    );
  } catch (error) {
    if (!(error instanceof StackError)) throw error;
    throw new Error(error.code === 'ENOENT' ? `unknown sysctl ${name}` : `sysctl ${name}=${value}: ${error.code}`);
  }
}

const epoch: Micros = seconds(10);
