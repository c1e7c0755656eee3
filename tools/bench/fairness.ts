import { ms, pair, seconds } from '../../src/sim/index.ts';
import { serve } from './flow.ts';
import { median } from './median.ts';
import type { BenchOptions } from './options.ts';

/**
 * How evenly flows share a narrow place: Jain's index, which is 1 when all get the same and 1/n when one gets all. In
 * virtual time. smoltcp's simulation has 0.9997, 0.9913, 0.9759 and 0.9866 for 4, 16, 32 and 64 flows.
 */
export function benchFairness({ isJson }: BenchOptions): void {
  const shares = ways.flatMap((way) => flowCounts.map((flows) => fairness(flows, way)));
  if (isJson) return void process.stdout.write(`${JSON.stringify({ fairness: shares })}\n`);
  for (const { flows, roundTrip, warmUp, measured, jain, used } of shares) {
    process.stdout.write(
      `  ${String(flows).padStart(2)} flows, RTT ${roundTrip} ms, ${measured} s after ${warmUp} s: ` +
        `${jain.toFixed(4)}, ${(used * 100).toFixed(1)} % of the rate used (median of ${seeds})\n`,
    );
  }
}

interface Way {
  /** Milliseconds. */
  readonly roundTrip: number;
  /** Seconds until the flows have found their shares, and seconds that count. */
  readonly warmUp: number;
  readonly measured: number;
}

interface Share extends Way {
  readonly flows: number;
  readonly jain: number;
  /** Share of the rate that has become goodput. */
  readonly used: number;
}

function fairness(flows: number, way: Way): Share {
  const runs = Array.from({ length: seeds }, (_, seed) => share(flows, way, seed + 1));
  return { flows, ...way, jain: median(runs.map(({ jain }) => jain)), used: median(runs.map(({ used }) => used)) };
}

/** Many flows through one narrow place. They start within a second of each other. */
function share(flows: number, { roundTrip, warmUp, measured }: Way, seed: number): { jain: number; used: number } {
  const link = { delay: ms(roundTrip / 2) };
  const { network, client, server } = pair({ seed, link: [{ ...link, rate, queue }, link] });
  const service = serve(network, client, server);
  const running = Array.from({ length: flows }, () => {
    const flow = service.start(Number.POSITIVE_INFINITY);
    network.run(seconds(1) / flows);
    return flow;
  });
  network.run(seconds(warmUp));
  const before = running.map(({ received }) => received);
  network.run(seconds(measured));
  const goodputs = running.map(({ received }, index) => received - before[index]!);
  const total = goodputs.reduce((sum, each) => sum + each, 0);
  const squares = goodputs.reduce((sum, each) => sum + each * each, 0);
  return { jain: total ** 2 / (flows * squares), used: (total * 8) / (rate * measured) };
}

/** Bits per second, and octets that may wait there. */
const rate = 200_000_000;
const queue = 64 << 10;
const flowCounts = [4, 16, 32, 64] as const;
const seeds = 3;
const ways: readonly Way[] = [
  { roundTrip: 10, warmUp: 10, measured: 20 },
  { roundTrip: 100, warmUp: 30, measured: 180 },
];
