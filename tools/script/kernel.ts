/** The Linux kernel as what a script is played against: in a namespace of its own, through a TUN, in real time. */
import type { Answer, Call, Headers, SentPacket, Target } from '../../src/script/index.ts';
import { KernelCalls } from './kernel-calls.ts';
import { KernelNamespace } from './kernel-namespace.ts';

/** @throws Error it takes Linux, root and koffi */
export async function openKernel({ mtu, sysctls }: Headers): Promise<Target> {
  return new KernelTarget(await KernelNamespace.make(mtu, sysctls));
}

class KernelTarget implements Target {
  readonly name = 'kernel';
  /** The kernel rounds long timers up, by an eighth at most. */
  readonly lateness = 1 / 8;
  readonly #namespace: KernelNamespace;
  readonly #calls: KernelCalls;
  readonly #start = performance.now();
  readonly #sent: SentPacket[] = [];
  readonly #packet: Uint8Array = new Uint8Array(new ArrayBuffer(65_536));
  /** Ends the wait under way. */
  #wake: () => void = () => {};
  #isClosed = false;

  constructor(namespace: KernelNamespace) {
    this.#namespace = namespace;
    this.#calls = new KernelCalls(namespace);
    this.#listen();
  }

  now(): number {
    return Math.round((performance.now() - this.#start) * 1000);
  }

  async call(call: Call): Promise<Answer> {
    const answer = await this.#calls.call(call);
    this.#drain();
    this.#wake();
    return answer;
  }

  inject(packet: Uint8Array): void {
    this.#namespace.device.write(packet, packet.length);
    this.#drain();
  }

  takePacket(): SentPacket | null {
    return this.#sent.shift() ?? null;
  }

  wait(until: number): Promise<void> {
    if (this.#sent.length > 0) return Promise.resolve();
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        this.#wake = () => {};
        resolve();
      };
      const timer = setTimeout(end, Math.max(0, (until - this.now()) / 1000));
      this.#wake = end;
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#calls.close();
    this.#namespace.close();
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
