import type { OpenHost } from '../../src/api/node/index.ts';
import { TunError } from '../../src/api/node/index.ts';
import { runInMemory } from './memory.ts';
import { openPlannedHost, startServices } from './on-tun.ts';
import { addressOf, type HostCommandOptions, type HostPlan, planOf, UsageError } from './options.ts';
import { startQueues } from './queues.ts';

/** `npm start`: a host on a TUN interface until a signal ends it; or in memory, when asked to or when there is no TUN. */
export async function runHost(parameters: readonly string[], options: HostCommandOptions): Promise<number> {
  if (parameters.length > 0) throw new UsageError(`'host' takes no parameters: ${parameters.join(' ')}`);
  const plan = planOf(options);
  if (options.memory === true) return runInMemory(plan);
  let host: OpenHost;
  try {
    host = await openPlannedHost(plan);
  } catch (error) {
    if (!(error instanceof TunError) || options.tun !== undefined) throw error;
    process.stderr.write(`no TUN interface, so this runs in memory: ${error.message}\n`);
    return runInMemory(plan);
  }
  return serve(host, plan);
}

async function serve(host: OpenHost, plan: HostPlan): Promise<number> {
  const ended = untilSignal(host);
  const stop = await startServices(host, plan);
  const stopQueues = await startQueues(plan);
  announce(host, plan, addressOf(plan.addresses[0]!));
  const { code, why } = await ended;
  tell(plan, { event: 'closing', why }, `${why}: closing`);
  stop();
  await Promise.all([host.close(1000), stopQueues()]);
  tell(plan, { event: 'closed' }, 'closed');
  return code;
}

/** Ends with the first signal, or when the device is lost. A second signal does not wait for anything. */
function untilSignal(host: OpenHost): Promise<{ code: number; why: string }> {
  return new Promise((resolve) => {
    let isEnding = false;
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => {
        if (isEnding) process.exit(1);
        isEnding = true;
        resolve({ code: 0, why: signal });
      });
    }
    void host.lost.then((reason) => resolve({ code: 1, why: reason.message }));
  });
}

function announce(host: OpenHost, plan: HostPlan, address: string): void {
  const sixth = plan.addresses.map(addressOf).find((each) => each !== address && each.includes(':'));
  const commands = [
    `ping ${address}`,
    `curl http://${inUrl(address)}/`,
    `curl -o /dev/null http://${inUrl(address)}/bytes/1000000000`,
    `printf hello | nc -N ${address} 7`,
    `nc ${address} 13`,
    ...(sixth === undefined ? [] : [`ping ${sixth}`, `curl http://[${sixth}]/`]),
    `tcpdump -ni ${host.device.name}`,
  ];
  const { name, mtu } = host.device;
  tell(
    plan,
    { event: 'up', interface: name, addresses: plan.addresses, peers: plan.peers, mtu, commands },
    [
      `${plan.addresses.join(', ')} is up on ${name}, MTU ${mtu}; the kernel is ${plan.peers.join(', ')} there.`,
      'It serves echo (7), discard (9), daytime (13) and chargen (19) on TCP and UDP, and HTTP (80). In another shell try',
      '',
      ...commands.map((command) => `    ${command}`),
      '',
      'Ctrl-C ends it.',
    ].join('\n'),
  );
}

/** An IPv6 address stands in brackets there (RFC 3986 section 3.2.2). */
const inUrl = (address: string): string => (address.includes(':') ? `[${address}]` : address);

function tell({ json }: HostPlan, event: object, text: string): void {
  process.stdout.write(`${json ? JSON.stringify(event) : text}\n`);
}
