import { availableParallelism } from 'node:os';
import { type Case, type Compared, compare, type Medians, mediansOf, mostLoad, type Run } from './compare.ts';
import type { Usage } from './kernel-peer.ts';
import type { BenchOptions } from './options.ts';
import { serviceAddress } from './side-by-side.ts';
import { figure, table } from './table.ts';

/**
 * How long one octet takes from the kernel to our host's echo service and back, in microseconds; all on one CPU, and the
 * client on another one than what it talks to, where waking up is most of it.
 */
export async function benchLatency(options: BenchOptions): Promise<void> {
  const way = { mtu: 1500, offload: options.wants('offload'), profile: options.profile };
  const show = ({ p50, p99 }: RoundTrips & Usage): string => `${figure(p50)} us, p99 ${figure(p99)} us`;
  const rows = (await compare<Which, RoundTrips>(way, casesOf(options), options, show)).map(rowOf);
  if (options.isJson) return void process.stdout.write(`${JSON.stringify({ latency: rows })}\n`);
  process.stdout.write(table(head, rows.map(lineOf)));
}

/** Microseconds. */
interface RoundTrips {
  readonly samples: number;
  /** Datagrams that did not come back. */
  readonly lost: number;
  readonly p50: number;
  readonly p99: number;
}

interface Which extends Case {
  readonly protocol: 'tcp' | 'udp';
  readonly placement: 'same-cpu' | 'different-cpus';
}

function casesOf(options: BenchOptions): Which[] {
  const protocols = (['tcp', 'udp'] as const).filter((protocol) => options.wants(protocol));
  const placements = (['same-cpu', 'different-cpus'] as const).filter(
    (placement) => options.wants(placement) && (placement === 'same-cpu' || availableParallelism() > 1),
  );
  return protocols.flatMap((protocol) =>
    placements.map((placement) => ({
      ...{ protocol, placement },
      what: `${protocol}, ${placement}`,
      mode: protocol === 'tcp' ? 'ping' : 'uping',
      keys: { address: serviceAddress.ipv4, port: 7, cpu: placement === 'same-cpu' ? 0 : 1, 'peer-cpu': 0 },
    })),
  );
}

interface Row extends Omit<Which, keyof Case> {
  readonly p50: Medians;
  readonly p99: Medians;
  readonly runs: readonly Run<RoundTrips>[];
}

const rowOf = ({ which: { protocol, placement }, runs }: Compared<Which, RoundTrips>): Row => ({
  ...{ protocol, placement },
  p50: mediansOf(runs, ({ p50 }) => p50),
  p99: mediansOf(runs, ({ p99 }) => p99),
  runs,
});

const head = ['protocol', 'where', 'p50', 'reference', 'ratio', 'p99', 'reference', 'ratio', 'load'];

const lineOf = ({ protocol, placement, p50, p99, runs }: Row): string[] => [
  ...[protocol, placement],
  ...[p50, p99].flatMap(({ ours, reference, ratio }) => [figure(ours), figure(reference), ratio.toFixed(2)]),
  mostLoad(runs).toFixed(2),
];
