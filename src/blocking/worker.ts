import { workerData } from 'node:worker_threads';
import { createSocketModule } from '../api/index.ts';
import { type OpenHostOptions, openHost } from '../api/node/index.ts';
import { type LinkSettings, Network } from '../sim/index.ts';
import { Counter } from './counter.ts';
import { Servant } from './serve.ts';
import type { SharedSlots } from './slots.ts';

/** The thread that turns a host, or several in memory, for threads that sleep. */

/** A host of the plan. */
export interface MemoryHost {
  /** Names and their addresses, like a hosts file. */
  readonly hosts?: Readonly<Record<string, string>>;
}

/** Hosts and links in memory. */
export interface MemoryPlan {
  /** Of what is left to chance: the same seed gives the same packets. Default 1. */
  readonly seed?: number;
  /** By their names. */
  readonly hosts: Readonly<Record<string, MemoryHost>>;
  /** What joins them. */
  readonly links: readonly {
    /** The names of two hosts. */
    readonly between: readonly [string, string];
    /** Of the one and of the other, with prefix lengths. */
    readonly addresses: readonly [string | readonly string[], string | readonly string[]];
    /** Of both directions. */
    readonly settings?: LinkSettings;
  }[];
}

export interface WorkerPlan {
  readonly slots: SharedSlots;
  readonly tun: OpenHostOptions | null;
  readonly memory: MemoryPlan | null;
  /** Becomes 1 when calls are served, 2 when the host cannot be had; then the reason stands behind it. */
  readonly started: SharedArrayBuffer;
}

const { slots, tun, memory, started } = workerData as WorkerPlan;
const counter = new Counter(slots);
// What waits for the bell keeps no thread alive by itself.
const held = setInterval(() => {}, 2 ** 30);

try {
  await (tun === null ? serveMemory(memory!) : serveTun(tun));
} catch (error) {
  tell(2, error instanceof Error ? error.message : String(error));
}
clearInterval(held);

function tell(word: number, reason = ''): void {
  const bytes = new TextEncoder().encode(reason).subarray(0, started.byteLength - 8);
  new Uint8Array(started, 8).set(bytes);
  const words = new Int32Array(started, 0, 2);
  words[1] = bytes.length;
  Atomics.store(words, 0, word);
  Atomics.notify(words, 0);
}

async function serveTun(options: OpenHostOptions): Promise<void> {
  const host = await openHost(options);
  const servant = new Servant(new Map([['', host.socket]]));
  servant.onClose = async (timeoutMs, asker) => {
    await host.close(timeoutMs);
    counter.close(asker);
  };
  tell(1);
  await counter.run((call, slot) => servant.serve(call, slot));
}

/** Virtual time goes on only while every thread that takes part sleeps: what they do in between takes none. */
async function serveMemory(plan: MemoryPlan): Promise<void> {
  const network = new Network({ seed: plan.seed ?? 1 });
  const names = Object.keys(plan.hosts);
  const hosts = new Map(names.map((name) => [name, network.host(name)]));
  for (const { between, addresses, settings } of plan.links) {
    const [a, b] = between.map((name) => hosts.get(name));
    if (a === undefined || b === undefined) throw new TypeError(`a link between hosts that there are not: ${between}`);
    network.link(a, addresses[0], b, addresses[1], settings ?? {});
  }
  const modules = names.map((name) => {
    const { hosts: table } = plan.hosts[name]!;
    return [
      name,
      createSocketModule(hosts.get(name)!, { raw: true, ...(table === undefined ? {} : { hosts: table }) }),
    ] as const;
  });
  const servant = new Servant(new Map(modules));
  servant.onClose = async (_timeoutMs, asker) => counter.close(asker);
  tell(1);
  let isTurning = false;
  const turn = async (): Promise<void> => {
    if (isTurning) return;
    isTurning = true;
    await network.breathe();
    while (counter.allWait && network.step()) await network.breathe();
    isTurning = false;
  };
  await counter.run(
    (call, slot) => servant.serve(call, slot),
    () => void turn(),
  );
}
