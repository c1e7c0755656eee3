import { hostname, machine, release, type, version } from 'node:os';
import type { SocketModule } from '../../src/api/index.ts';
import { runClient } from '../iperf3/client.ts';
import type { Surroundings } from '../iperf3/endpoint.ts';
import { JsonReporter } from '../iperf3/json.ts';
import { TextReporter } from '../iperf3/report.ts';
import type { Reporter } from '../iperf3/reporter.ts';
import { runServer } from '../iperf3/server.ts';
import { type Iperf3Options, type Iperf3Plan, ParameterError, planOfIperf3 } from './iperf3-plan.ts';
import { openPlannedHost } from './on-tun.ts';
import { planOf, UsageError } from './options.ts';

/** `npm start -- iperf3 -s` and `-c HOST`: measures with Debian's iperf3, or another of ours, at the other end. */
export async function runIperf3(parameters: readonly string[], options: Iperf3Options): Promise<number> {
  if (parameters.length > 0) throw new UsageError(`'iperf3' takes no parameters: ${parameters.join(' ')}`);
  if (options.memory === true) throw new UsageError("'iperf3' needs a TUN interface, so it cannot run in memory");
  let plan: Iperf3Plan;
  try {
    plan = planOfIperf3(options);
  } catch (error) {
    if (!(error instanceof ParameterError)) throw error;
    process.stderr.write(`iperf3: parameter error - ${error.message}\n`);
    return 1;
  }
  const host = await openPlannedHost(planOf(options));
  const ending = new AbortController();
  let signals = 0;
  const onSignal = (): void => {
    if (++signals > 1) process.exit(1);
    ending.abort();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
  void host.lost.then((reason) => {
    process.stderr.write(`tundra: ${reason.message}\n`);
    process.exit(1);
  });
  try {
    return (await run(host.socket, plan, ending.signal)) ? 0 : 1;
  } finally {
    await host.close();
  }
}

async function run(module: SocketModule, plan: Iperf3Plan, signal: AbortSignal): Promise<boolean> {
  const reporter = reporterOf(plan);
  const { port, family, interval } = plan;
  const common = { ...surroundings, reporter, signal, port, family, interval };
  if (plan.host === null) return runServer(module, { ...common, isOneOff: plan.isOneOff });
  const isFine = await runClient(module, { ...common, host: plan.host, settings: plan.settings });
  // iperf3 3.12 tells errors in the JSON object, and has the exit code 0 then.
  return isFine || (plan.isJson && !signal.aborted);
}

const surroundings: Surroundings = {
  cpu: () => {
    const { user, system } = process.cpuUsage();
    return { user: user / 1e6, system: system / 1e6 };
  },
  wallClock: () => new Date(),
  random: Math.random,
};

function reporterOf({ isJson, format }: Iperf3Plan): Reporter {
  const print = (text: string): void => void process.stdout.write(`${text}\n`);
  const complain = (line: string): void => void process.stderr.write(`${line}\n`);
  if (!isJson) return new TextReporter({ format, print, complain });
  return new JsonReporter({ print, systemInfo: [type(), hostname(), release(), version(), machine()].join(' ') });
}
