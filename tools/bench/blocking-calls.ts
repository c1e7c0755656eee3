import { Caller } from '../../src/blocking/caller.ts';
import type { BlockingModule, BlockingSocket, MemoryPlan } from '../../src/blocking/index.ts';
import { moduleFor } from '../../src/blocking/module.ts';
import { makeSlots } from '../../src/blocking/slots.ts';
import { startThread } from '../../src/threads/start.ts';
import { Flag, pause } from './blocking-flag.ts';
import type { HostPlan } from './blocking-host.ts';
import { median } from './median.ts';

/**
 * `blocking-calls.ts memory|tun`: calls of the blocking face, timed by a process that does nothing else; prints a line of JSON. The
 * TUN interface is made in the namespace that the process is in.
 */

/** Microseconds. */
export interface Times {
  readonly p50: number;
  readonly p99: number;
}

export interface Figures {
  readonly what: string;
  /** Open beside those that are timed. */
  readonly sockets: number;
  readonly limit: number;
  /** One after the other. */
  readonly busy: Times;
  /** After pauses, in which the host's thread has fallen asleep too. */
  readonly rested: Times;
}

const plan: MemoryPlan = {
  hosts: { here: {}, there: {} },
  links: [{ between: ['here', 'there'], addresses: ['10.77.0.2/24', '10.77.0.1/24'] }],
};
const peer = '10.77.0.1';
const pauseMs = 20;
const manySockets = 5000;
const busyRounds = 2000;
const restedRounds = 100;
/** Microseconds that a call that need not wait may take, and the waking of one that waits. */
const limits = { call: 100, wake: 200 } as const;

const where = process.argv[2] === 'tun' ? 'tun' : 'memory';
const slots = makeSlots();
const arrived = new BigInt64Array(new SharedArrayBuffer(8));

const memory = where === 'memory' ? plan : null;
startAndWait(new URL('./blocking-host.ts', import.meta.url), { slots, arrived, memory } satisfies Omit<
  HostPlan,
  'ready'
>);
if (where === 'memory')
  startAndWait(new URL('./blocking-echo.ts', import.meta.url), { share: { slots, name: 'there' } });
const caller = new Caller(slots);
const socket = moduleFor(caller, where === 'memory' ? 'here' : '');
if (where === 'tun') startAndWait(new URL('./blocking-peer.ts', import.meta.url), {});

const figures = [...measured(socket, 0)];
const open = Array.from({ length: manySockets }, () => ours(socket.udp()));
figures.push(...measured(socket, open.length));
process.stdout.write(`${JSON.stringify(figures)}\n`, () => process.exit());

function startAndWait(file: URL, data: object): void {
  const ready = new Flag();
  startThread(file.href.replace(/\.ts$/, ''), import.meta.url, { ...data, ready: ready.words });
  ready.wait();
}

function measured({ tcp, udp }: BlockingModule, sockets: number): readonly Figures[] {
  const stream = ours(tcp());
  const [, error] = stream.connect(peer, 9);
  if (error !== null) throw new Error(`connect: ${error}`);
  const datagrams = ours(udp());
  datagrams.connect(peer, 7);
  const octet = Uint8Array.of(1);
  let fresh = datagrams;
  const open = (): void => {
    fresh = ours(udp());
  };
  const rows: readonly [what: string, limit: number, time: (pauseMs: number) => number][] = [
    ['gettimeout()', limits.call, timing(() => stream.gettimeout())],
    ['write of an octet', limits.call, timing(() => stream.write(octet))],
    [
      'udp()',
      limits.call,
      timing(
        open,
        () => {},
        () => fresh.close(),
      ),
    ],
    ['close()', limits.call, timing(() => fresh.close(), open)],
    ['waking of a read', limits.wake, (pauseMs) => wakeOf(datagrams, pauseMs)],
  ];
  const figures = rows.map(([what, limit, time]) => ({
    ...{ what, sockets, limit },
    busy: timesOf(busyRounds, () => time(0)),
    rested: timesOf(restedRounds, () => time(pauseMs)),
  }));
  stream.close();
  datagrams.close();
  return figures;
}

/** Times an action; what is done before and after it does not count. */
function timing(action: () => unknown, before = () => {}, after = () => {}): (pauseMs: number) => number {
  return (pauseMs) => {
    before();
    pause(pauseMs);
    const start = process.hrtime.bigint();
    action();
    const end = process.hrtime.bigint();
    after();
    return Number(end - start) / 1000;
  };
}

/** From the arrival of a datagram in the host's thread to the return of the read that has waited for it. */
function wakeOf(datagrams: BlockingSocket, pauseMs: number): number {
  datagrams.write(Uint8Array.of(pauseMs));
  datagrams.read(1);
  return Number(process.hrtime.bigint() - Atomics.load(arrived, 0)) / 1000;
}

function timesOf(rounds: number, time: () => number): Times {
  for (let round = 0; round < rounds / 10; round++) time();
  const times = Array.from({ length: rounds }, time).toSorted((a, b) => a - b);
  return { p50: median(times), p99: times[Math.floor(rounds * 0.99)]! };
}

function ours([socket, error]: ReturnType<BlockingModule['udp']>): BlockingSocket {
  if (error !== null) throw new Error(error);
  return socket;
}
