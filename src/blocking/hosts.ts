import { createSocketModule } from '../api/index.ts';
import { type OpenHostOptions, openHost } from '../api/node/index.ts';
import { type Host, type LinkSettings, Network } from '../sim/index.ts';
import type { Counter } from './counter.ts';
import { Servant } from './serve.ts';

/** What a thread serves that turns a host, or several in memory, for threads that sleep. */

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

/** Serves a host on a TUN until it is closed. @param ready is told when there is one */
export async function serveTun(counter: Counter, options: OpenHostOptions, ready: () => void): Promise<void> {
  const host = await openHost(options);
  const servant = new Servant(new Map([['', host.socket]]));
  servant.onClose = async (timeoutMs, asker) => {
    await host.close(timeoutMs);
    counter.close(asker);
  };
  ready();
  await counter.run((call, slot) => servant.serve(call, slot));
}

/**
 * Serves hosts in memory until they are closed. Virtual time goes on only while every thread that takes part sleeps: what they do
 * in between takes none.
 * @param observer sees what the stack of the first host does
 */
export async function serveMemory(
  counter: Counter,
  plan: MemoryPlan,
  ready: () => void,
  observer: OpenHostOptions['observer'] | null = null,
): Promise<void> {
  const network = new Network({ seed: plan.seed ?? 1 });
  const names = Object.keys(plan.hosts);
  const hosts = new Map(names.map((name, index) => [name, network.host(name, {}, index === 0 ? observer : null)]));
  linkAll(network, hosts, plan);
  const modules = names.map((name) => {
    const { hosts: table } = plan.hosts[name]!;
    const settings = { raw: true, ...(table === undefined ? {} : { hosts: table }) };
    return [name, createSocketModule(hosts.get(name)!, settings)] as const;
  });
  const servant = new Servant(new Map(modules));
  servant.onClose = async (_timeoutMs, asker) => counter.close(asker);
  ready();
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

/** @throws TypeError a link between hosts that there are not */
function linkAll(network: Network, hosts: ReadonlyMap<string, Host>, { links }: MemoryPlan): void {
  for (const { between, addresses, settings } of links) {
    const [a, b] = between.map((name) => hosts.get(name));
    if (a === undefined || b === undefined) throw new TypeError(`a link between hosts that there are not: ${between}`);
    network.link(a, addresses[0], b, addresses[1], settings ?? {});
  }
}
