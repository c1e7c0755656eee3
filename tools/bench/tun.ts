import type { Usage } from './kernel-peer.ts';
import { median } from './median.ts';
import type { BenchOptions } from './options.ts';
import { congestion, hasOffload, SideBySide, serviceAddress } from './side-by-side.ts';
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
      if (!options.wants(offload ? 'offload' : 'no-offload') || (offload && !hasOffload)) continue;
      rows.push(...(await measureWay(mtu, offload, options)));
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

/** One run on one side. */
interface Run extends Bulk, Usage {
  readonly megabits: number;
}

interface Row {
  readonly mtu: number;
  readonly offload: boolean;
  readonly family: 'ipv4' | 'ipv6';
  readonly direction: 'in' | 'out';
  /** Medians, megabits per second. */
  readonly ours: number;
  readonly reference: number;
  readonly ratio: number;
  readonly runs: { readonly ours: Run; readonly reference: Run }[];
}

async function measureWay(mtu: number, offload: boolean, options: BenchOptions): Promise<Row[]> {
  const cases = (['ipv4', 'ipv6'] as const)
    .filter((family) => options.wants(family))
    .flatMap((family) => (['in', 'out'] as const).map((direction) => ({ family, direction, runs: [] as Row['runs'] })))
    .filter(({ direction }) => options.wants(direction));
  const sides = await SideBySide.start({ mtu, offload, profile: options.profile });
  try {
    for (let run = 0; run < (options.runs ?? defaultRuns); run++) {
      for (const { family, direction, runs } of cases) {
        const what = `MTU ${mtu}, ${offload ? 'offload' : 'no offload'}, ${family}, ${direction}`;
        const keys = {
          address: serviceAddress[family],
          port: direction === 'in' ? 9 : 19,
          seconds: options.seconds ?? defaultSeconds,
          congestion,
        };
        const mode = direction === 'in' ? 'send' : 'recv';
        const show = (bulk: Bulk & Usage): string => `${figure(megabits(bulk))} Mbit/s`;
        const { ours, reference } = await sides.once<Bulk>(what, mode, keys, run, show);
        runs.push({
          ours: { ...ours, megabits: megabits(ours) },
          reference: { ...reference, megabits: megabits(reference) },
        });
      }
    }
  } finally {
    await sides.close();
  }
  return cases.map(({ family, direction, runs }) => {
    const ours = median(runs.map((run) => run.ours.megabits));
    const reference = median(runs.map((run) => run.reference.megabits));
    return { mtu, offload, family, direction, ours, reference, ratio: ours / reference, runs };
  });
}

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
  'reference',
  'resent',
  'others',
];

function lineOf({ mtu, offload, family, direction, ours, reference, ratio, runs }: Row): string[] {
  const cpu = (whose: 'ours' | 'reference'): string =>
    figure(median(runs.map((run) => (run[whose].peerCpu * 1e9) / run[whose].octets)));
  const others = Math.max(
    ...runs.flatMap((run) => [run.ours, run.reference]).map((run) => run.othersCpu / run.seconds),
  );
  return [
    String(mtu),
    offload ? 'yes' : 'no',
    family,
    direction,
    figure(ours),
    figure(reference),
    ratio.toFixed(2),
    cpu('ours'),
    cpu('reference'),
    figure(median(runs.map((run) => run.ours.retransmitted))),
    others.toFixed(2),
  ];
}

const mtus = [1500, 65_535] as const;
const defaultRuns = 5;
const defaultSeconds = 2;
