import { benchBlocking } from './blocking.ts';
import { benchFairness } from './fairness.ts';
import { benchLoss } from './loss.ts';
import { benchStacks } from './stacks.ts';

/** `npm run bench -- [NAME]... [--json]`: figures, not tests. Machines are shared and noisy: compare medians taken side by side. */

interface Bench {
  readonly name: string;
  readonly what: string;
  run(isJson: boolean): void;
}

const benches: readonly Bench[] = [
  { name: 'stacks', what: 'bulk data from one stack into another, without a device', run: benchStacks },
  { name: 'blocking', what: 'calls of threads that sleep', run: benchBlocking },
  { name: 'loss', what: 'goodput under loss, in virtual time', run: benchLoss },
  {
    name: 'fairness',
    what: 'how evenly flows share 200 Mbit/s with 64 KiB of queue, in virtual time',
    run: benchFairness,
  },
];

const wanted = process.argv.slice(2).filter((argument) => argument !== '--json');
const isJson = process.argv.includes('--json');
const unknown = wanted.filter((name) => !benches.some((bench) => bench.name === name));
if (unknown.length > 0 || wanted.includes('--help')) {
  for (const { name, what } of benches) process.stdout.write(`${name.padEnd(10)}${what}\n`);
  process.exitCode = wanted.includes('--help') ? 0 : 1;
} else {
  for (const bench of benches) {
    if (wanted.length > 0 && !wanted.includes(bench.name)) continue;
    if (!isJson) process.stdout.write(`${bench.name}: ${bench.what}\n`);
    bench.run(isJson);
  }
}
