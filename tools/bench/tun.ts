import { type Case, type Compared, compare, type Medians, mediansOf, mostLoad, type Run } from './compare.ts';
import type { Usage } from './kernel-peer.ts';
import type { BenchOptions } from './options.ts';
import { congestion, serviceAddress } from './side-by-side.ts';
import { figure, table } from './table.ts';

/**
 * Bulk text over one TCP connection between the kernel and our host: 'in' counts what our host has acknowledged, 'out' what the
 * kernel has received. Beside it two kernels, joined by a program that passes packets on and does nothing else.
 */
export async function benchTun(options: BenchOptions): Promise<void> {
  const rows: Row[] = [];
  for (const mtu of mtus) {
    for (const offload of [false, true]) {
      if (options.mtus.length > 0 && !options.mtus.includes(mtu)) continue;
      if (!options.wants(offload ? 'offload' : 'no-offload')) continue;
      const way = { mtu, offload, profile: options.profile };
      const show = (bulk: Bulk & Usage): string => `${figure(megabits(bulk))} Mbit/s`;
      rows.push(...(await compare<Which, Bulk>(way, casesOf(mtu, offload, options), options, show)).map(rowOf));
    }
  }
  if (options.isJson) return void process.stdout.write(`${JSON.stringify({ tun: rows })}\n`);
  process.stdout.write(table(head, rows.map(lineOf)));
}

interface Bulk {
  readonly octets: number;
  /** Segments that the kernel has sent again. */
  readonly retransmitted: number;
}

interface Which extends Case {
  readonly mtu: number;
  readonly offload: boolean;
  readonly family: 'ipv4' | 'ipv6';
  readonly direction: 'in' | 'out';
}

function casesOf(mtu: number, offload: boolean, options: BenchOptions): Which[] {
  const families = (['ipv4', 'ipv6'] as const).filter((family) => options.wants(family));
  const directions = (['in', 'out'] as const).filter((direction) => options.wants(direction));
  return families.flatMap((family) =>
    directions.map((direction) => ({
      ...{ mtu, offload, family, direction },
      what: `MTU ${mtu}, ${offload ? 'offload' : 'no offload'}, ${family}, ${direction}`,
      mode: direction === 'in' ? 'send' : 'recv',
      keys: { address: serviceAddress[family], port: direction === 'in' ? 9 : 19, congestion },
    })),
  );
}

interface Row extends Omit<Which, keyof Case> {
  readonly megabits: Medians;
  /** CPU seconds of what is beyond the client's TUN interface, per 10^9 octets. */
  readonly cpuPerGigabyte: Medians;
  /** Segments that the kernel sent again, per run. */
  readonly retransmitted: Medians;
  readonly runs: readonly Run<Bulk>[];
}

const rowOf = ({ which: { mtu, offload, family, direction }, runs }: Compared<Which, Bulk>): Row => ({
  ...{ mtu, offload, family, direction },
  megabits: mediansOf(runs, megabits),
  cpuPerGigabyte: mediansOf(runs, ({ peerCpu, octets }) => (peerCpu * 1e9) / octets),
  retransmitted: mediansOf(runs, ({ retransmitted }) => retransmitted),
  runs,
});

const megabits = ({ octets, seconds }: Bulk & Usage): number => (octets * 8) / seconds / 1e6;

const head = [
  'MTU',
  'offload',
  'family',
  'way',
  'ours',
  'reference',
  'ratio',
  'CPU s/GB',
  'ref.',
  'resent',
  'ref.',
  'load',
];

function lineOf({ mtu, offload, family, direction, megabits, cpuPerGigabyte, retransmitted, runs }: Row): string[] {
  return [
    ...[String(mtu), offload ? 'yes' : 'no', family, direction],
    ...[figure(megabits.ours), figure(megabits.reference), megabits.ratio.toFixed(2)],
    ...[figure(cpuPerGigabyte.ours), figure(cpuPerGigabyte.reference)],
    ...[retransmitted.ours.toFixed(0), retransmitted.reference.toFixed(0)],
    mostLoad(runs).toFixed(2),
  ];
}

const mtus = [1500, 65_535] as const;
