import type { ChildProcess } from 'node:child_process';
import { type Keys, measure, startService, type Usage } from './kernel-peer.ts';
import { configureInterface, lineOf, makeNamespace, removeNamespaces, start, stop } from './namespaces.ts';
import { untilQuiet } from './quiet.ts';

/**
 * Our host and the kernel's own, each beyond a TUN interface, measured in turn by the same client: only figures of the same
 * minute may be compared.
 *
 *     client in a namespace - TUN - our host
 *     client in a namespace - TUN - forwarder - TUN - server in another namespace
 */

export interface Way {
  /** Octets. */
  readonly mtu: number;
  /** Super-packets and checksums left out, on both sides. */
  readonly offload: boolean;
  /** Threads of our host, each with a queue of its interface. Default 1. */
  readonly queues?: number;
  /** A directory for the CPU profile of our host. */
  readonly profile: string | null;
}

/** One of the two. */
interface Side {
  /** Where the client is to run. */
  readonly namespace: string;
  /** What is beyond its TUN interface. */
  readonly processes: readonly ChildProcess[];
}

export class SideBySide {
  readonly #ours: Side;
  readonly #reference: Side;
  readonly #namespaces: readonly string[];

  private constructor(ours: Side, reference: Side, namespaces: readonly string[]) {
    this.#ours = ours;
    this.#reference = reference;
    this.#namespaces = namespaces;
  }

  /** Starts both. @throws Error not root, no compiler, no TUN */
  static async start(way: Way): Promise<SideBySide> {
    const [near, far, alone] = [makeNamespace(), makeNamespace(), makeNamespace()];
    const reference = { namespace: near, processes: await startReference(near, far, way) };
    const ours = { namespace: alone, processes: [await startOurHost(alone, way)] };
    return new SideBySide(ours, reference, [near, far, alone]);
  }

  /** Measures once on each side, in turn; who is first changes with `run`. Says on standard error how it goes. */
  async once<Figures>(
    what: string,
    mode: string,
    keys: Keys,
    run: number,
    show: (figures: Figures & Usage) => string,
  ): Promise<{ readonly ours: Figures & Usage; readonly reference: Figures & Usage }> {
    const measureOn = async ({ namespace, processes }: Side, whose: string): Promise<Figures & Usage> => {
      await untilQuiet();
      const figures = await measure<Figures>(namespace, mode, {
        ...keys,
        peers: processes.map(({ pid }) => pid).join(','),
      });
      const load = (figures.othersCpu / figures.seconds).toFixed(2);
      process.stderr.write(`  ${what}, run ${run + 1}, ${whose}: ${show(figures)} (others used ${load} CPUs)\n`);
      return figures;
    };
    const oursFirst = run % 2 === 0 ? await measureOn(this.#ours, 'ours') : null;
    const reference = await measureOn(this.#reference, 'reference');
    return { ours: oursFirst ?? (await measureOn(this.#ours, 'ours')), reference };
  }

  async close(): Promise<void> {
    await stop(...this.#ours.processes, ...this.#reference.processes);
    removeNamespaces(...this.#namespaces);
  }
}

/** Starts the kernel's services in `far` and the wire to `near`. Returns the processes. */
export async function startReference(near: string, far: string, { mtu, offload }: Way): Promise<ChildProcess[]> {
  const forwarder = await startService(null, 'forward', {
    from: `${near}:${interfaceName}`,
    to: `${far}:${interfaceName}`,
    offload: offload ? 1 : 0,
  });
  configureInterface(near, interfaceName, mtu, kernelAddresses);
  configureInterface(far, interfaceName, mtu, ourAddresses);
  return [forwarder, await startService(far, 'serve', { congestion })];
}

/** Starts a host of ours in the namespace, `host` of the command line or another program that takes its options. */
export async function startOurHost(
  namespace: string,
  { mtu, offload, profile, queues = 1 }: Way,
  nodeOptions: readonly string[] = [],
  program = 'tools/main.ts',
  parameters: readonly string[] = ['host', '--json'],
): Promise<ChildProcess> {
  const host = start(namespace, process.execPath, [
    ...(profile === null ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`]),
    ...nodeOptions,
    ...argumentsFor(program),
    ...parameters,
    ...['--tun', interfaceName, '--mtu', String(mtu)],
    ...ourAddresses.flatMap((address) => ['--address', address]),
    ...kernelAddresses.flatMap((address) => ['--peer', address]),
    ...(!offload ? ['--no-offload'] : []),
    ...(queues > 1 ? ['--queues', String(queues)] : []),
  ]);
  await lineOf(host);
  return host;
}

/**
 * Arguments of Node for a program of ours, named by its source: `npm run bench` measures what is shipped, which it has built before;
 * from the sources every closure takes a little longer.
 */
export function argumentsFor(program: string): string[] {
  const { TUNDRA_BUILT } = process.env;
  return TUNDRA_BUILT === '1' ? [`dist/${program.replace(/\.ts$/, '.js')}`] : ['--import=tsx', program];
}

/** Of connections of the kernel's that send: whatever the system's default is, this is the same everywhere. */
export const congestion = 'cubic';
const interfaceName = 'tb0';
const kernelAddresses = ['10.77.0.1/24', 'fd77::1/64'];
const ourAddresses = ['10.77.0.2/24', 'fd77::2/64'];
/** Where the services are, by family. */
export const serviceAddress = { ipv4: '10.77.0.2', ipv6: 'fd77::2' } as const;
