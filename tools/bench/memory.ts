import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { type Footprint, perEach } from './footprint.ts';
import { startKernelPeer } from './kernel-peer.ts';
import { median } from './median.ts';
import { lineOf, makeNamespace, removeNamespaces, start, stop } from './namespaces.ts';
import type { BenchOptions } from './options.ts';
import { argumentsFor, serviceAddress, startOurHost, startReference, type Way } from './side-by-side.ts';
import { figure, table } from './table.ts';

/**
 * Octets per idle connection: each has carried an octet either way and rests. Of our process, what lives on its heap and in
 * buffers, and what the kernel has given it; of the kernel's, its slabs, less those of the client's end. The last two rows
 * are the core alone, without sockets.
 */
export async function benchMemory(options: BenchOptions): Promise<void> {
  const way = { mtu: 1500, offload: options.wants('offload'), profile: null };
  const runs: Run[] = [];
  for (let run = 0; run < (options.runs ?? defaultRuns); run++) {
    process.stderr.write(`  run ${run + 1}\n`);
    const reading = await measureHost(way, 7, options.connections);
    const resting = await measureHost(way, 8, options.connections);
    const kernel = (await measureKernel(way, options.connections)) - resting.slab;
    const { silent, used } = await measureStacks(options.connections);
    runs.push({ reading, resting, kernel, silent, used });
  }
  const rows = [
    rowOf('somebody waits in read', runs, ({ reading }) => reading),
    rowOf('nobody waits', runs, ({ resting }) => resting),
    rowOf('core alone', runs, ({ used }) => used),
    rowOf('core alone, nothing was said', runs, ({ silent }) => silent),
  ];
  if (options.isJson) {
    return void process.stdout.write(
      `${JSON.stringify({ memory: { connections: options.connections, rows, runs } })}\n`,
    );
  }
  process.stdout.write(table(head, rows.map(printed)));
}

interface Run {
  readonly reading: Footprint & Slab;
  readonly resting: Footprint & Slab;
  readonly kernel: number;
  readonly silent: Footprint;
  readonly used: Footprint;
}

/** Octets of the kernel's, of the client's end. */
interface Slab {
  readonly slab: number;
}

interface Row {
  readonly what: string;
  readonly used: number;
  readonly resident: number;
  readonly reference: number;
  readonly ratio: number;
}

function rowOf(what: string, runs: readonly Run[], pick: (run: Run) => Footprint): Row {
  const used = median(runs.map((run) => pick(run).used));
  const resident = median(runs.map((run) => pick(run).resident));
  const reference = median(runs.map(({ kernel }) => kernel));
  return { what, used, resident, reference, ratio: used / reference };
}

/** Of a fresh host, after connections that have come and gone: what is made once does not count. */
async function measureHost(way: Way, port: number, connections: number): Promise<Footprint & Slab> {
  const namespace = makeNamespace();
  const host = await startOurHost(namespace, way, ['--expose-gc'], 'tools/bench/memory-host.ts', []);
  try {
    await whileIdle(namespace, 7, 500, () => ask(host));
    const before = await ask(host);
    return await whileIdle(namespace, port, connections, async (slab) => ({
      ...perEach(before, await ask(host), connections),
      slab,
    }));
  } finally {
    await stop(host);
    removeNamespaces(namespace);
  }
}

/** Octets of slabs per connection, both ends. */
async function measureKernel(way: Way, connections: number): Promise<number> {
  const [near, far] = [makeNamespace(), makeNamespace()];
  const processes = await startReference(near, far, way);
  try {
    await whileIdle(near, 7, 500, async () => {});
    return await whileIdle(near, 7, connections, async (slab) => slab);
  } finally {
    await stop(...processes);
    removeNamespaces(near, far);
  }
}

async function measureStacks(connections: number): Promise<{ readonly silent: Footprint; readonly used: Footprint }> {
  const program = argumentsFor('tools/bench/memory-stacks.ts');
  const child = start(null, process.execPath, ['--expose-gc', ...program, String(connections)]);
  return JSON.parse(await lineOf(child));
}

/** Does something while that many connections rest, then resets them. */
async function whileIdle<T>(
  namespace: string,
  port: number,
  connections: number,
  action: (slabPerConnection: number) => Promise<T>,
): Promise<T> {
  const client = startKernelPeer(namespace, 'idle', { address: serviceAddress.ipv4, port, count: connections });
  const { slab } = JSON.parse(await lineOf(client)) as Slab;
  const result = await action(slab / connections);
  const ended = once(client, 'exit');
  client.stdin!.end();
  await ended;
  return result;
}

async function ask(host: ChildProcess): Promise<Footprint> {
  const answer = once(host.stdout!, 'data') as Promise<[Buffer]>;
  host.stdin!.write('\n');
  return JSON.parse((await answer)[0].toString()) as Footprint;
}

const head = ['octets per connection', 'objects and buffers', 'resident', "kernel's slabs", 'ratio'];

const printed = ({ what, used, resident, reference, ratio }: Row): string[] => [
  what,
  ...[used, resident, reference].map((octets) => octets.toFixed(0)),
  figure(ratio),
];

const defaultRuns = 3;
