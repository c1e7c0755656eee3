import { ms, pair, seconds } from '../../src/sim/index.ts';
import { serve } from './flow.ts';
import { median } from './median.ts';
import type { BenchOptions } from './options.ts';
import { untilQuiet } from './quiet.ts';
import { figure, table } from './table.ts';

/**
 * How fast simulations run: segments that two simulated hosts send, data and acknowledgments, per second of real time, while
 * one sends the other as much as it can over a link of 1 Gbit/s and 10 ms. There is nothing to compare with but the budget.
 */
export async function benchSim(options: BenchOptions): Promise<void> {
  const rows: Row[] = [];
  for (const loss of [0, 0.01]) {
    const runs: Run[] = [];
    for (let run = 0; run <= (options.runs ?? defaultRuns); run++) {
      await untilQuiet();
      const result = transfer(loss, run + 1, options.seconds ?? defaultSeconds);
      if (run > 0) runs.push(result); // the first one warms the compiler up
    }
    const perSecond = median(runs.map(({ segments, seconds }) => segments / seconds));
    rows.push({ loss, perSecond, budget, ratio: perSecond / budget, runs });
  }
  if (options.isJson) return void process.stdout.write(`${JSON.stringify({ sim: rows })}\n`);
  process.stdout.write(
    table(
      ['loss', 'segments/s', 'budget', 'ratio', 'virtual s per s', 'goodput, Mbit/s'],
      rows.map(({ loss, perSecond, budget, ratio, runs }) => [
        `${loss * 100} %`,
        figure(perSecond),
        figure(budget),
        ratio.toFixed(2),
        figure(median(runs.map(({ virtual, seconds }) => virtual / seconds))),
        figure(median(runs.map(({ octets, virtual }) => (octets * 8) / virtual / 1e6))),
      ]),
    ),
  );
}

interface Run {
  /** Of real time. */
  readonly seconds: number;
  /** Of virtual time. */
  readonly virtual: number;
  readonly segments: number;
  readonly octets: number;
}

interface Row {
  readonly loss: number;
  /** Segments per second of real time, the median. */
  readonly perSecond: number;
  readonly budget: number;
  readonly ratio: number;
  readonly runs: readonly Run[];
}

/** Runs for so many seconds of real time. */
function transfer(loss: number, seed: number, realSeconds: number): Run {
  const { network, client, server } = pair({ seed, link: { delay: ms(5), rate: 1_000_000_000, queue: 1 << 20, loss } });
  const flow = serve(network, client, server).start(Number.POSITIVE_INFINITY);
  const start = performance.now();
  let elapsed = 0;
  while (elapsed < realSeconds) {
    network.run(ms(10));
    elapsed = (performance.now() - start) / 1000;
  }
  const segments = client.stack.counters.tcpOutSegs + server.stack.counters.tcpOutSegs;
  return { seconds: elapsed, virtual: network.now / seconds(1), segments, octets: flow.received };
}

/** Segments per second that there should be at least. */
const budget = 500_000;
const defaultRuns = 5;
const defaultSeconds = 2;
