import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { createSocketModule } from '../../src/api/index.ts';
import { toDuplex } from '../../src/api/node/index.ts';
import { type Fate, type Host, Network } from '../../src/sim/index.ts';
import { Describer, ms, seconds } from '../../src/stack/index.ts';
import { startHttp } from '../services/http.ts';
import { orThrow } from '../services/serve.ts';
import { startSimpleServices } from '../services/simple.ts';
import { addressOf, checkNeighbours, type HostPlan } from './options.ts';

/** The host in memory: a client fetches its page over a slow, lossy link, in virtual time, and everything is printed. */
export async function runInMemory(plan: HostPlan): Promise<number> {
  checkNeighbours(plan);
  const seed = plan.seed ?? 1;
  const network = new Network({ seed, breathe: () => new Promise((resolve) => setImmediate(resolve)) });
  const server = network.host('server');
  const client = network.host('client');
  const link = network.link(client, plan.peers, server, plan.addresses, { mtu: plan.mtu, delay: ms(20), loss: 0.02 });
  const capture = plan.pcap === null ? null : link.capture();
  const trace = new Trace(plan.json);
  link.forward.taps.push((bytes, length, now, fate) => trace.packet(now, bytes, length, fate));
  link.backward.taps.push((bytes, length, now, fate) => trace.packet(now, bytes, length, fate));

  for (const [name, value] of plan.sysctls) server.stack.setSysctl(name, value);
  await serveInVirtualTime(network, server);
  const body = await network.until(fetchPage(client, addressOf(plan.addresses[0]!)));
  network.run(seconds(200)); // both ends close; TIME-WAIT passes

  const counters = [client, server].map((host) => host.stack.counters);
  const summary = {
    seed,
    packets: trace.packets,
    lost: trace.lost,
    retransmitted: counters.reduce((sum, each) => sum + each.tcpRetransSegs, 0),
    pageOctets: Buffer.byteLength(body),
    virtualSeconds: trace.lastAt / seconds(1),
    trace: trace.hash(),
  };
  if (plan.json) process.stdout.write(`${JSON.stringify({ page: body })}\n${JSON.stringify({ summary })}\n`);
  else {
    const { packets, lost, retransmitted, pageOctets, virtualSeconds } = summary;
    process.stdout.write(
      `\n${body}\n${packets} packets, ${lost} of them lost, ${retransmitted} segments sent again; ` +
        `a page of ${pageOctets} octets in ${virtualSeconds} s of virtual time; seed ${seed}, trace ${summary.trace}\n`,
    );
  }
  if (capture !== null) writeFileSync(plan.pcap!, capture.bytes());
  return 0;
}

async function serveInVirtualTime(network: Network, server: Host): Promise<void> {
  const module = createSocketModule(server);
  const wallClock = (): Date => new Date(epoch + Math.floor(network.now / ms(1)));
  await startSimpleServices(module, wallClock);
  await startHttp(module, {
    name: 'tundra in memory',
    stack: server.stack,
    wallClock,
    uptimeSeconds: () => network.now / seconds(1),
  });
}

async function fetchPage(client: Host, address: string): Promise<string> {
  const module = createSocketModule(client);
  const family = address.includes(':') ? module.AF_INET6 : module.AF_INET;
  const socket = orThrow(module.socket(family, module.SOCK_STREAM), 'socket');
  orThrow(await socket.connect(address, 80), `connect to ${address}`);
  return new Promise((resolve, reject) => {
    const createConnection = () => toDuplex(socket);
    request({ host: address, path: '/', createConnection }, (response) => text(response).then(resolve, reject))
      .on('error', reject)
      .end();
  });
}

/** Prints packets as they enter the link, as tcpdump would, and says which were lost. */
class Trace {
  packets = 0;
  lost = 0;
  lastAt = 0;
  readonly #json: boolean;
  readonly #describer: Describer = new Describer();
  readonly #hash = createHash('sha256');

  constructor(json: boolean) {
    this.#json = json;
  }

  packet(now: number, bytes: Uint8Array, length: number, fate: Fate): void {
    this.packets++;
    if (fate !== 'sent') this.lost++;
    this.lastAt = now;
    this.#hash.update(`${now} ${fate} `).update(bytes.subarray(0, length));
    const packet = this.#describer.describe(bytes, length);
    const time = (now / seconds(1)).toFixed(6);
    const line = `${time} ${packet}${fate === 'sent' ? '' : ` (${fate})`}`;
    process.stdout.write(`${this.#json ? JSON.stringify({ at: now, packet, fate }) : line}\n`);
  }

  hash(): string {
    return this.#hash.digest('hex').slice(0, 16);
  }
}

/** When virtual time begins: fixed, so that a run prints the same today and tomorrow. */
const epoch = Date.UTC(2000, 0, 1);
