import type { Socket } from '../../src/api/index.ts';
import type { OpenHost } from '../../src/api/node/index.ts';
import { orThrow } from '../services/serve.ts';
import { openPlannedHost } from './on-tun.ts';
import { type HostCommandOptions, type HostPlan, planOf, UsageError } from './options.ts';
import { icmpNumbers, icmpOf, numberOf, openIcmp, quotedBy, setHops, type Target, targetOf } from './probe.ts';

/**
 * `npm start -- traceroute HOST`: datagrams that may go one hop, two, three …; who drops them says so. As traceroute(8):
 * exit code 0, also when the target was not reached.
 */
export async function runTraceroute(parameters: readonly string[], options: HostCommandOptions): Promise<number> {
  const [text, ...more] = parameters;
  if (text === undefined || more.length > 0) throw new UsageError("'traceroute' takes one address");
  if (options.memory === true) throw new UsageError("'traceroute' needs a TUN interface, so it cannot run in memory");
  const target = targetOf(text);
  const plan = planOf(options);
  const settings: TraceSettings = {
    most: numberOf('hops', options.hops, 30, 1, 255),
    queries: numberOf('queries', options.queries, 3, 1, 10),
    waitSeconds: numberOf('wait', options.wait, 5, 0.001, 3600),
    size: numberOf('size', options.size, 32, 0, 65_000),
    port: numberOf('port', options.port, 33_434, 1, 65_000),
  };
  const host = await openPlannedHost(plan);
  const stop = (): void => void host.close(0).then(() => process.exit(1));
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    await trace(host, target, settings, plan);
    return 0;
  } finally {
    process.removeListener('SIGINT', stop).removeListener('SIGTERM', stop);
    await host.close(0);
  }
}

interface TraceSettings {
  readonly most: number;
  readonly queries: number;
  readonly waitSeconds: number;
  /** Octets of text in each datagram. */
  readonly size: number;
  /** The port of the first probe; each takes the next one, so that an answer says which it is for. */
  readonly port: number;
}

/** What became of a probe. */
interface Answer {
  readonly from: string;
  readonly ms: number;
  /** '!H' and the like; '' when all is well. */
  readonly mark: string;
  readonly isEnd: boolean;
}

async function trace(host: OpenHost, target: Target, settings: TraceSettings, { json }: HostPlan): Promise<void> {
  const { socket: module } = host;
  const { isV4, text } = target;
  const icmp = openIcmp(host, target);
  icmp.settimeout(settings.waitSeconds);
  const udp = orThrow(module.socket(isV4 ? module.AF_INET : module.AF_INET6, module.SOCK_DGRAM), 'socket');
  orThrow(await udp.bind('', 0), 'bind');
  const data = new Uint8Array(settings.size).fill(0x40);
  if (!json) {
    const octets = settings.size + (isV4 ? 28 : 48);
    process.stdout.write(`traceroute to ${text} (${text}), ${settings.most} hops max, ${octets} byte packets\n`);
  }
  let port = settings.port;
  for (let hop = 1, isEnd = false; hop <= settings.most && !isEnd; hop++) {
    setHops(module, udp, target, hop);
    const answers: (Answer | null)[] = [];
    for (let query = 0; query < settings.queries; query++, port = port === 65_535 ? 1 : port + 1) {
      const sentAt = performance.now();
      await udp.sendto(data, text, port);
      const answer = await waitForAnswer(icmp, udp, target, port, sentAt, settings.waitSeconds);
      answers.push(answer);
      if (answer?.isEnd === true) isEnd = true;
    }
    process.stdout.write(`${json ? JSON.stringify({ hop, answers }) : hopLine(hop, answers)}\n`);
  }
  icmp.close();
  udp.close();
}

async function waitForAnswer(
  icmp: Socket,
  udp: Socket,
  { isV4 }: Target,
  port: number,
  sentAt: number,
  waitSeconds: number,
): Promise<Answer | null> {
  const [own] = [udp.getsockname()[0]![1]];
  for (;;) {
    const left = waitSeconds - (performance.now() - sentAt) / 1000;
    if (left <= 0) return null;
    icmp.settimeout(left);
    const [received, error] = await icmp.recvfrom(65_536);
    if (error !== null) return null;
    const message = icmpOf(received.data, isV4);
    const quoted = message === null ? null : quotedBy(message, isV4);
    if (message === null || quoted?.protocol !== 17) continue;
    if (quoted.payload.getUint16(0) !== own || quoted.payload.getUint16(2) !== port) continue;
    const numbers = icmpNumbers(isV4);
    if (message.type !== numbers.timeExceeded && message.type !== numbers.unreachable) continue;
    const ms = Number((performance.now() - sentAt).toFixed(3));
    const isEnd = message.type === numbers.unreachable;
    return { from: received.address[0], ms, mark: isEnd ? markOf(isV4, message.code) : '', isEnd };
  }
}

/** The marks of traceroute(8): a closed port is the end that was looked for. */
function markOf(isV4: boolean, code: number): string {
  const marks = isV4 ? ['!N', '!H', '!P', '', '!F', '!S'] : ['!N', '!X', '!S', '!H', ''];
  return marks[code] ?? `!${code}`;
}

function hopLine(hop: number, answers: readonly (Answer | null)[]): string {
  let line = String(hop).padStart(2);
  let last = '';
  for (const answer of answers) {
    if (answer === null) line += '  *';
    else {
      if (answer.from !== last) line += `  ${answer.from}`;
      last = answer.from;
      line += `  ${answer.ms.toFixed(3)} ms${answer.mark === '' ? '' : ` ${answer.mark}`}`;
    }
  }
  return line;
}
