import { benchBlocking } from './blocking.ts';
import { benchConnections } from './connections.ts';
import { benchCore } from './core.ts';
import { benchFairness } from './fairness.ts';
import { benchLatency } from './latency.ts';
import { benchLoss } from './loss.ts';
import { benchMemory } from './memory.ts';
import { type BenchOptions, optionsHelp, parseOptions } from './options.ts';
import { benchSim } from './sim.ts';

import { benchTun } from './tun.ts';

/** `npm run bench -- [NAME]... [OPTION]...`: figures, not tests. Machines are shared and noisy: compare medians taken side by side. */

interface Bench {
  readonly name: string;
  readonly what: string;
  run(options: BenchOptions): void | Promise<void>;
}

const benches: readonly Bench[] = [
  { name: 'core', what: 'bulk data from one stack into another, without a device', run: benchCore },
  { name: 'tun', what: 'bulk data between the kernel and our host, Mbit/s', run: benchTun },
  { name: 'latency', what: 'one octet from the kernel to our host and back, us', run: benchLatency },
  { name: 'connections', what: 'connections per second from the kernel to our host', run: benchConnections },
  { name: 'memory', what: 'octets per idle connection', run: benchMemory },
  { name: 'sim', what: 'bulk data between two simulated hosts', run: benchSim },
  { name: 'blocking', what: 'calls of threads that sleep', run: benchBlocking },
  { name: 'loss', what: 'goodput under loss, in virtual time', run: benchLoss },
  {
    name: 'fairness',
    what: 'how evenly flows share 200 Mbit/s with 64 KiB of queue, in virtual time',
    run: benchFairness,
  },
];

/** Runs a command line. Resolves with the exit code. */
async function main(args: readonly string[]): Promise<number> {
  const { names, options, wantsHelp } = parseOptions(args);
  if (wantsHelp || names.some((name) => !benches.some((bench) => bench.name === name))) {
    process.stdout.write('usage: npm run bench -- [NAME]... [OPTION]...\n\n');
    for (const { name, what } of benches) process.stdout.write(`  ${name.padEnd(13)}${what}\n`);
    process.stdout.write(`\n${optionsHelp}`);
    return wantsHelp ? 0 : 1;
  }
  let code = 0;
  for (const { name, what, run } of benches) {
    if (names.length > 0 && !names.includes(name)) continue;
    if (!options.isJson) process.stdout.write(`${name}: ${what}\n`);
    try {
      await run(options);
    } catch (error) {
      process.stderr.write(`${name}: ${(error as Error).message}\n`);
      code = 1;
    }
  }
  return code;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof TypeError)) throw error;
  process.stderr.write(`bench: ${error.message.split('\n', 1)[0]}\n`); // options that cannot be
  process.exitCode = 1;
}
