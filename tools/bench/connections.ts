import { type Case, type Compared, compare, type Medians, mediansOf, mostLoad, type Run } from './compare.ts';
import type { Usage } from './kernel-peer.ts';
import type { BenchOptions } from './options.ts';
import { serviceAddress } from './side-by-side.ts';
import { figure, table } from './table.ts';

/**
 * Whole connections per second that the kernel makes to our host's echo service: connect, an octet there and back, shutdown,
 * our FIN, close. Many at a time show what a connection costs, one at a time how soon it is answered.
 */
export async function benchConnections(options: BenchOptions): Promise<void> {
  const way = {
    mtu: 1500,
    offload: options.wants('offload'),
    profile: options.profile,
    queues: options.queues,
  };
  const show = (whole: Whole & Usage): string => `${figure(perSecond(whole))} per second`;
  const rows = (await compare<Which, Whole>(way, cases, options, show)).map(rowOf);
  if (options.isJson) return void process.stdout.write(`${JSON.stringify({ connections: rows })}\n`);
  process.stdout.write(table(head, rows.map(lineOf)));
}

interface Whole {
  readonly connections: number;
  /** Connections that did not get to their end, and the last errno. */
  readonly broken: number;
  readonly lastError: number;
}

interface Which extends Case {
  readonly atATime: number;
  readonly placement: 'anywhere' | 'same-cpu';
}

/** One at a time is mostly waking up, unless all is on one CPU. */
const cases: readonly Which[] = (
  [
    [64, 'anywhere'],
    [1, 'anywhere'],
    [1, 'same-cpu'],
  ] as const
).map(([atATime, placement]) => ({
  ...{ atATime, placement },
  what: `${atATime} at a time, ${placement}`,
  mode: 'connect',
  keys: {
    ...{ address: serviceAddress.ipv4, port: 7, count: atATime },
    ...(placement === 'same-cpu' ? { cpu: 0, 'peer-cpu': 0 } : {}),
  },
}));

interface Row extends Omit<Which, keyof Case> {
  readonly perSecond: Medians;
  /** CPU microseconds of what is beyond the client's TUN interface. */
  readonly cpuPerConnection: Medians;
  readonly broken: number;
  readonly runs: readonly Run<Whole>[];
}

const rowOf = ({ which: { atATime, placement }, runs }: Compared<Which, Whole>): Row => ({
  ...{ atATime, placement },
  perSecond: mediansOf(runs, perSecond),
  cpuPerConnection: mediansOf(runs, ({ peerCpu, connections }) => (peerCpu * 1e6) / connections),
  broken: Math.max(...runs.map(({ ours }) => ours.broken)),
  runs,
});

const perSecond = ({ connections, seconds }: Whole & Usage): number => connections / seconds;

const head = ['at a time', 'where', 'ours', 'reference', 'ratio', 'CPU us each', 'ref.', 'broken', 'load'];

const lineOf = ({ atATime, placement, perSecond, cpuPerConnection, broken, runs }: Row): string[] => [
  ...[String(atATime), placement, figure(perSecond.ours), figure(perSecond.reference), perSecond.ratio.toFixed(2)],
  ...[figure(cpuPerConnection.ours), figure(cpuPerConnection.reference), String(broken)],
  mostLoad(runs).toFixed(2),
];
