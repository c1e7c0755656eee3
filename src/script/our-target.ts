import { createSocketModule } from '../api/index.ts';
import { Network } from '../sim/index.ts';
import { type Micros, seconds } from '../stack/index.ts';
import { OurCalls } from './our-calls.ts';
import type { Headers } from './syntax.ts';
import { type Answer, addresses, type Call, type SentPacket, type Target } from './target.ts';

/** Our stack in virtual time as what a script is played against: one host whose wire ends in the player's hands. */
export class OurTarget implements Target {
  readonly name = 'stack';
  readonly lateness = 0;
  readonly #network: Network = new Network();
  readonly #deliver: (packet: Uint8Array) => void;
  readonly #calls: OurCalls;
  readonly #sent: SentPacket[] = [];
  /** Ends the wait under way. */
  #wake: () => void = () => {};

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
    const [unknown] = sysctls;
    if (unknown !== undefined) throw new Error(`unknown sysctl ${unknown[0]}`);
    this.#deliver = (packet) => host.receive(packet, packet.length, 1);
    this.#calls = new OurCalls(createSocketModule(host), (duration) => network.sleep(duration));
    network.run(epoch); // time 0 means "never" to some
  }

  now(): Micros {
    return this.#network.now - epoch;
  }

  async call(call: Call): Promise<Answer> {
    const answer = await this.#calls.call(call);
    this.#network.run(0); // what the call has caused at once
    this.#wake();
    return answer;
  }

  inject(packet: Uint8Array): void {
    this.#deliver(packet);
    this.#network.run(0);
  }

  takePacket(): SentPacket | null {
    return this.#sent.shift() ?? null;
  }

  wait(until: Micros): Promise<void> {
    const network = this.#network;
    if (this.#sent.length > 0) return Promise.resolve();
    return network.until(
      new Promise((resolve) => {
        const end = () => {
          cancel();
          this.#wake = () => {};
          resolve();
        };
        const cancel = network.at(Math.max(until + epoch, network.now), end);
        this.#wake = end;
      }),
    );
  }

  close(): Promise<void> {
    return Promise.resolve(); // nobody else knows of it
  }
}

const epoch: Micros = seconds(10);
