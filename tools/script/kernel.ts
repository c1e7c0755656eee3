/** The Linux kernel as what a script is played against: in a namespace of its own, through a TUN, in real time. */
import type { Answer, Call, Headers, SentPacket, Target } from '../../src/script/index.ts';
import { KernelCalls } from './kernel-calls.ts';
import { KernelNamespace } from './kernel-namespace.ts';

/** @throws Error it takes Linux, root and koffi */
export async function openKernel({ mtu, sysctls }: Headers): Promise<Target> {
  const isChosen = sysctls.some(([name]) => name === 'net.ipv4.tcp_congestion_control');
  return new KernelTarget(await KernelNamespace.make(mtu, sysctls), isChosen ? null : 'cubic');
}

class KernelTarget implements Target {
  readonly name = 'kernel';
  /** The kernel rounds long timers up, by an eighth at most. */
  readonly lateness = 1 / 8;
  readonly grace = 300_000;
  readonly hesitation = 5000;
  readonly #namespace: KernelNamespace;
  readonly #calls: KernelCalls;
  readonly #start = performance.now();
  readonly #sent: SentPacket[] = [];
  readonly #packet: Uint8Array = new Uint8Array(new ArrayBuffer(65_536));
  /** A call has been answered since the last wait. */
  #hasAnswer = false;
  /** Ends the wait under way. */
  #wake: () => void = () => {};
  #isClosed = false;

  constructor(namespace: KernelNamespace, congestion: string | null) {
    this.#namespace = namespace;
    this.#calls = new KernelCalls(namespace, congestion);
    this.#listen();
  }

  now(): number {
    return Math.round((performance.now() - this.#start) * 1000);
  }

  start(call: Call, answered: (answer: Answer) => void): void {
    const tell = (answer: Answer): void => {
      this.#drain();
      answered(answer);
      this.#hasAnswer = true;
      this.#wake();
    };
    const answer = this.#calls.call(call);
    if (answer instanceof Promise) void answer.then(tell);
    else tell(answer);
  }

  inject(packet: Uint8Array): void {
    this.#namespace.device.write(packet, packet.length);
    this.#drain();
  }

  takePacket(): SentPacket | null {
    if (this.#sent.length === 0) this.#drain();
    return this.#sent.shift() ?? null;
  }

  async wait(until: number): Promise<void> {
    this.#drain();
    if (!this.#hasAnswer && this.#sent.length === 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.max(0, (until - this.now()) / 1000));
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#wake = () => {};
    }
    this.#hasAnswer = false;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#calls.close();
    await this.#namespace.close();
  }

  #listen(): void {
    this.#namespace.device.onReady(() => {
      if (this.#isClosed) return;
      this.#drain();
      this.#listen();
    });
  }

  #drain(): void {
    const { device } = this.#namespace;
    for (let length = device.read(this.#packet); length > 0; length = device.read(this.#packet)) {
      this.#sent.push({ bytes: this.#packet.slice(0, length), at: this.now() });
    }
    if (this.#sent.length > 0) this.#wake();
  }
}
