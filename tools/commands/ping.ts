import type { OpenHost } from '../../src/api/node/index.ts';
import { orThrow } from '../services/serve.ts';
import { openPlannedHost } from './on-tun.ts';
import { type HostCommandOptions, type HostPlan, planOf, UsageError } from './options.ts';
import {
  echoRequest,
  icmpNumbers,
  icmpOf,
  numberOf,
  openIcmp,
  quotedBy,
  setHops,
  type Target,
  targetOf,
} from './probe.ts';

/** `npm start -- ping HOST`: as ping(8) does it, through our raw sockets. Exit code 0 if anything was answered, else 1. */
export async function runPing(parameters: readonly string[], options: HostCommandOptions): Promise<number> {
  const [text, ...more] = parameters;
  if (text === undefined || more.length > 0) throw new UsageError("'ping' takes one address");
  if (options.memory === true) throw new UsageError("'ping' needs a TUN interface, so it cannot run in memory");
  const target = targetOf(text);
  const plan = planOf(options);
  const settings: PingSettings = {
    count: numberOf('count', options.count, Number.POSITIVE_INFINITY, 1, 1e9),
    intervalMs: numberOf('interval', options.interval, 1, 0.001, 3600) * 1000,
    size: numberOf('size', options.size, 56, 0, target.isV4 ? 65_507 : 65_527),
    waitMs: numberOf('wait', options.wait, 10, 0.001, 3600) * 1000,
    ttl: numberOf('ttl', options.ttl, 64, 1, 255),
    dontFragment: mayNotBeCut(options.pmtu ?? 'dont'),
    isQuiet: options.quiet ?? false,
  };
  const host = await openPlannedHost(plan);
  try {
    return await new Ping(host, target, settings, plan).run();
  } finally {
    await host.close(0);
  }
}

interface PingSettings {
  readonly count: number;
  readonly intervalMs: number;
  /** Octets of data behind the ICMP header. */
  readonly size: number;
  readonly waitMs: number;
  readonly ttl: number;
  readonly dontFragment: boolean;
  readonly isQuiet: boolean;
}

/** The words of ping(8) after -M. @throws UsageError */
function mayNotBeCut(how: string): boolean {
  if (!['do', 'want', 'dont', 'probe'].includes(how)) throw new UsageError(`--pmtu is 'do' or 'dont', not '${how}'`);
  return how === 'do' || how === 'probe';
}

class Ping {
  readonly #host: OpenHost;
  readonly #target: Target;
  readonly #settings: PingSettings;
  readonly #plan: HostPlan;
  readonly #id = 1 + Math.floor(Math.random() * 0xfffe);
  readonly #sentAt: Map<number, number> = new Map();
  readonly #answered: Set<number> = new Set();
  readonly #times: number[] = [];
  #sent = 0;
  #errors = 0;
  #duplicates = 0;
  #isOver = false;
  #wake: () => void = () => {};

  constructor(host: OpenHost, target: Target, settings: PingSettings, plan: HostPlan) {
    this.#host = host;
    this.#target = target;
    this.#settings = settings;
    this.#plan = plan;
  }

  async run(): Promise<number> {
    const { socket: module } = this.#host;
    const { isV4, text } = this.#target;
    const { count, intervalMs, size, ttl, dontFragment, waitMs } = this.#settings;
    const socket = openIcmp(this.#host, this.#target);
    setHops(module, socket, this.#target, ttl);
    if (dontFragment) {
      const [level, name] = isV4
        ? [module.IPPROTO_IP, module.IP_MTU_DISCOVER]
        : [module.IPPROTO_IPV6, module.IPV6_MTU_DISCOVER];
      orThrow(socket.setoption(level, name, module.IP_PMTUDISC_DO), 'setoption');
    }
    const stop = (): void => {
      this.#isOver = true;
      this.#wake();
    };
    process.once('SIGINT', stop).once('SIGTERM', stop);
    if (!this.#plan.json) {
      this.#print(`PING ${text} (${text}) ${size}${isV4 ? `(${size + 28}) bytes of data.` : ' data bytes'}`);
    }
    const receiving = this.#receive(socket);
    const startedAt = performance.now();
    const data = Uint8Array.from({ length: size }, (_, index) => index & 0xff);
    while (this.#sent < count && !this.#isOver) {
      this.#sent++;
      this.#sentAt.set(this.#sent & 0xffff, performance.now());
      const [, error] = await socket.sendto(echoRequest(isV4, this.#id, this.#sent & 0xffff, data), text, 0);
      if (error !== null) {
        this.#errors++;
        process.stderr.write(`tundra: ping: ${error}\n`);
      }
      if (this.#sent < count) await this.#sleep(intervalMs);
    }
    const deadline = performance.now() + waitMs;
    while (this.#answered.size + this.#errors < this.#sent && !this.#isOver && performance.now() < deadline) {
      await this.#sleep(deadline - performance.now());
    }
    const took = performance.now() - startedAt;
    socket.close();
    await receiving;
    process.removeListener('SIGINT', stop).removeListener('SIGTERM', stop);
    this.#summarize(took);
    return this.#answered.size > 0 ? 0 : 1;
  }

  /** Until the time is over, or something has happened. */
  #sleep(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.#wake = () => {
        if (!this.#isOver && this.#answered.size + this.#errors < this.#sent) return;
        if (!this.#isOver && this.#sent < this.#settings.count) return; // the interval between requests stands
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async #receive(socket: ReturnType<typeof openIcmp>): Promise<void> {
    const { isV4 } = this.#target;
    const numbers = icmpNumbers(isV4);
    for (;;) {
      const [received, error] = await socket.recvfrom(65_536);
      if (error !== null) {
        if (socket.fileno() < 0) return;
        continue;
      }
      const message = icmpOf(received.data, isV4);
      if (message === null) continue;
      const [from] = received.address;
      if (message.type === numbers.echoReply) {
        if (message.bytes.getUint16(4) === this.#id) this.#onReply(message.bytes, from, received.ttl);
      } else if (message.type !== numbers.echoRequest) {
        const quoted = quotedBy(message, isV4)?.payload;
        if (quoted?.getUint8(0) !== numbers.echoRequest || quoted.getUint16(4) !== this.#id) continue;
        this.#onError(quoted.getUint16(6), from, message.type, message.code, message.bytes.getUint32(4));
      }
      this.#wake();
    }
  }

  #onReply(reply: DataView, from: string, ttl: number): void {
    const seq = reply.getUint16(6);
    const sentAt = this.#sentAt.get(seq);
    if (sentAt === undefined) return;
    const time = performance.now() - sentAt;
    const isDuplicate = this.#answered.has(seq);
    if (isDuplicate) this.#duplicates++;
    else this.#times.push(time);
    this.#answered.add(seq);
    if (this.#settings.isQuiet) return;
    const octets = reply.byteLength;
    if (this.#plan.json)
      this.#print(JSON.stringify({ event: 'reply', from, seq, ttl, octets, ms: rounded(time), isDuplicate }));
    else {
      const duplicate = isDuplicate ? ' (DUP!)' : '';
      this.#print(`${octets} bytes from ${from}: icmp_seq=${seq} ttl=${ttl} time=${rounded(time)} ms${duplicate}`);
    }
  }

  #onError(seq: number, from: string, type: number, code: number, parameter: number): void {
    this.#errors++;
    if (this.#settings.isQuiet) return;
    const what = describeError(this.#target.isV4, type, code, parameter);
    if (this.#plan.json) this.#print(JSON.stringify({ event: 'error', from, seq, type, code, what }));
    else this.#print(`From ${from} icmp_seq=${seq} ${what}`);
  }

  #summarize(took: number): void {
    const received = this.#answered.size;
    const lost = this.#sent === 0 ? 0 : Math.round(((this.#sent - received) / this.#sent) * 100);
    const times = this.#times;
    const average = times.reduce((sum, time) => sum + time, 0) / times.length;
    const deviation = Math.sqrt(times.reduce((sum, time) => sum + (time - average) ** 2, 0) / times.length);
    const rtt = { min: Math.min(...times), avg: average, max: Math.max(...times), mdev: deviation };
    if (this.#plan.json) {
      const rounds = Object.fromEntries(Object.entries(rtt).map(([name, value]) => [name, rounded(value)]));
      const { text } = this.#target;
      this.#print(
        JSON.stringify({
          event: 'summary',
          target: text,
          transmitted: this.#sent,
          received,
          errors: this.#errors,
          lossPercent: lost,
          ...(times.length > 0 ? { rttMs: rounds } : {}),
        }),
      );
      return;
    }
    const extra = `${this.#duplicates > 0 ? `+${this.#duplicates} duplicates, ` : ''}${this.#errors > 0 ? `+${this.#errors} errors, ` : ''}`;
    this.#print(`\n--- ${this.#target.text} ping statistics ---`);
    this.#print(
      `${this.#sent} packets transmitted, ${received} received, ${extra}${lost}% packet loss, time ${Math.round(took)}ms`,
    );
    if (times.length > 0) {
      this.#print(
        `rtt min/avg/max/mdev = ${[rtt.min, rtt.avg, rtt.max, rtt.mdev].map((value) => value.toFixed(3)).join('/')} ms`,
      );
    }
  }

  #print(line: string): void {
    process.stdout.write(`${line}\n`);
  }
}

const rounded = (value: number): number => Number(value.toFixed(3));

function describeError(isV4: boolean, type: number, code: number, parameter: number): string {
  const numbers = icmpNumbers(isV4);
  if (type === numbers.timeExceeded) return code === 0 ? 'Time to live exceeded' : 'Frag reassembly time exceeded';
  if (type === numbers.tooBig) return `Packet too big: mtu=${parameter}`;
  if (type === numbers.parameterProblem) return `Parameter problem: pointer = ${isV4 ? parameter >>> 24 : parameter}`;
  if (type !== numbers.unreachable) return `ICMP type ${type} code ${code}`;
  const names = isV4
    ? [
        'Destination Net Unreachable',
        'Destination Host Unreachable',
        'Destination Protocol Unreachable',
        'Destination Port Unreachable',
        `Frag needed and DF set (mtu = ${parameter & 0xffff})`,
      ]
    : [
        'Destination unreachable: No route',
        'Destination unreachable: Administratively prohibited',
        'Destination unreachable: Beyond scope of source address',
        'Destination unreachable: Address unreachable',
        'Destination unreachable: Port unreachable',
      ];
  return names[code] ?? `Destination unreachable, code ${code}`;
}
