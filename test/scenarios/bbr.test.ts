/** BBR and pacing between two stacks in virtual time. The controller by itself is in test/stack/bbr.test.ts. */
import test from 'ava';
import { type Host, type LinkSettings, type Network, type Pair, pair } from '../../src/sim/index.ts';
import {
  anyV4,
  anyV6,
  type Micros,
  ms,
  parseAddress,
  seconds,
  type Tcb,
  TcpSettings,
  tcpCalls,
} from '../../src/stack/index.ts';

/** The narrow place: bits per second, and octets of text in full segments that fit into it per second. */
const narrow = 10_000_000;
const textRate = (narrow / 8) * (1448 / 1500);
const roundTrip = ms(50);
const buffer = 256 << 10;
/** Segments that pacing lets go together. */
const mostAtOnce = 4;

interface FlowSettings {
  readonly control: string;
  readonly port?: number;
  readonly family?: 4 | 6;
  /** Octets per second; no bound without it. */
  readonly maxRate?: number;
  /** Who sends: the client, who opens the connection, by default. */
  readonly from?: 'client' | 'server';
}

/** Text from one host to the other: as much as goes, or what the test writes. Open from the beginning. */
class Flow {
  received = 0;
  isBulk = true;
  readonly sender: Tcb;
  readonly #host: Host;
  readonly #network: Network;

  constructor({ network, client, server }: Pair, settings: FlowSettings) {
    const { control, port = 80, family = 4, maxRate = Number.POSITIVE_INFINITY, from = 'client' } = settings;
    const any = family === 4 ? anyV4 : anyV6;
    const chosen = Object.assign(new TcpSettings(), { congestionControl: control, maxPacingRate: maxRate });
    const listener = server.stack.tcp.listen(server.stack.tcp.bind(any, port), 1, chosen);
    const to = parseAddress(family === 4 ? '10.0.0.2' : 'fd00::2')!;
    const opened = client.stack.tcp.connect(to, port, null, any, network.now, chosen.inherit());
    client.kick();
    let accepted: Tcb | null = null;
    network.runUntil(() => {
      accepted ??= server.stack.tcp.accept(listener);
      return accepted !== null;
    });
    const receiver = from === 'client' ? accepted! : opened;
    const receivingHost = from === 'client' ? server : client;
    this.sender = from === 'client' ? opened : accepted!;
    this.#host = from === 'client' ? client : server;
    this.#network = network;
    every(network, ms(1), () => {
      if (this.isBulk) this.write();
      if (receiver.receiveQueue.length === 0) return;
      this.received += tcpCalls.receive(receiver, scratch, network.now);
      receivingHost.kick();
    });
  }

  write(most = text.length): void {
    if (tcpCalls.isWritable(this.sender)) tcpCalls.send(this.sender, text.subarray(0, most));
    this.#host.kick();
  }

  use(control: string): void {
    this.#host.stack.tcp.setCongestionControl(this.sender, control, this.#network.now);
  }

  /** Octets per second that arrive in the time that follows. */
  rateFor(duration: Micros): number {
    const before = this.received;
    this.#network.run(duration);
    return ((this.received - before) * seconds(1)) / duration;
  }

  /** The same, with the mean of SRTT in this time. */
  watch(duration: Micros): { rate: number; srtt: Micros } {
    const srtts: Micros[] = [];
    let isOver = false;
    every(this.#network, ms(20), () => {
      srtts.push(this.sender.rtt.srtt);
      return isOver;
    });
    const rate = this.rateFor(duration);
    isOver = true;
    return { rate, srtt: srtts.reduce((sum, each) => sum + each, 0) / srtts.length };
  }
}

/** Calls `action` again and again, until it says true. */
function every(network: Network, step: Micros, action: () => unknown): void {
  network.at(network.now + step, () => {
    if (action() !== true) every(network, step, action);
  });
}

const text = new Uint8Array(1 << 16);
const scratch = new Uint8Array(1 << 20);

/** Two hosts, and a narrow way between them; faults are the client's. */
function narrowPair(seed = 1, faults: LinkSettings = {}): Pair {
  const link = { delay: roundTrip / 2, rate: narrow, queue: buffer, offload: false };
  return pair({ seed, link: [{ ...link, ...faults }, link] });
}

/** When each segment of text left, in microseconds, and its length. */
function departures({ link }: Pair): { at: Micros; length: number }[] {
  const seen: { at: Micros; length: number }[] = [];
  link.forward.taps.push((_bytes, length, at) => {
    if (length > 100) seen.push({ at, length: length - 52 });
  });
  return seen;
}

/** How many left together, burst by burst; timers are exact to a microsecond. */
function burstsOf(seen: readonly { at: Micros }[]): number[] {
  const bursts: number[] = [];
  for (const [index, { at }] of seen.entries()) {
    if (index > 0 && at - seen[index - 1]!.at <= 2) bursts[bursts.length - 1]!++;
    else bursts.push(1);
  }
  return bursts;
}

const largestBurst = (seen: readonly { at: Micros }[]): number => Math.max(...burstsOf(seen));

/** Between one segment and the next, in the middle. */
function spacing(seen: readonly { at: Micros }[]): Micros {
  const steps = seen.slice(1).map(({ at }, index) => at - seen[index]!.at);
  return steps.toSorted((a, b) => a - b)[steps.length >> 1]!;
}

for (const family of [4, 6] as const) {
  test(`BBR uses a narrow place and leaves its queue short, which CUBIC fills (IPv${family})`, (t) => {
    const [bbr, cubic] = ['bbr', 'cubic'].map((control) => {
      const flow = new Flow(narrowPair(), { control, family });
      flow.rateFor(seconds(3));
      return flow.watch(seconds(20));
    });

    t.true(bbr!.rate >= 0.93 * textRate, `${bbr!.rate}`);
    t.true(bbr!.srtt <= 1.3 * roundTrip, `${bbr!.srtt}`);
    t.true(cubic!.rate >= 0.93 * textRate, `${cubic!.rate}`);
    t.true(cubic!.srtt >= 2 * roundTrip, `${cubic!.srtt}`);
  });
}

test('BBR has the rate of the way within a second', (t) => {
  const flow = new Flow(narrowPair(), { control: 'bbr' });
  flow.rateFor(ms(600));

  t.true(flow.rateFor(ms(400)) >= 0.9 * textRate);
});

for (const from of ['client', 'server'] as const) {
  test(`a ${from} that sends begins as fast when the clock has run for long`, (t) => {
    const [early, late] = [0, 1000].map((start) => {
      const way = narrowPair();
      way.network.run(seconds(start));
      const flow = new Flow(way, { control: 'bbr', from });
      flow.rateFor(ms(600));
      return flow.received;
    });

    t.true(late! >= 0.9 * early!, `${late}, and ${early} at the beginning of time`);
  });
}

test('a server that sends begins as fast as a client', (t) => {
  const [client, server] = (['client', 'server'] as const).map((from) => {
    const flow = new Flow(narrowPair(), { control: 'bbr', from });
    flow.rateFor(ms(400));
    return flow.received;
  });

  t.true(server! >= 0.8 * client!, `${server}, ${client}`);
});

test('one packet in a hundred lost takes little from BBR, and most from CUBIC', (t) => {
  for (const seed of [1, 2, 3]) {
    const [bbr, cubic] = ['bbr', 'cubic'].map((control) => {
      const flow = new Flow(narrowPair(seed, { loss: 0.01 }), { control });
      flow.rateFor(seconds(2));
      return flow.rateFor(seconds(20));
    });

    t.true(bbr! >= 0.85 * textRate, `seed ${seed}: ${bbr}`);
    t.true(cubic! <= 0.4 * textRate, `seed ${seed}: ${cubic}`);
  }
});

test('two BBR flows share a narrow place, the one that comes later too', (t) => {
  for (const seed of [1, 2, 3]) {
    const way = narrowPair(seed);
    const first = new Flow(way, { control: 'bbr', port: 1000 });
    first.rateFor(seconds(5));
    const second = new Flow(way, { control: 'bbr', port: 1001 });
    first.rateFor(seconds(25));
    const before = second.received;
    const rate = first.rateFor(seconds(30));
    const other = (second.received - before) / 30;

    t.true(rate + other >= 0.9 * textRate, `seed ${seed}: ${rate} + ${other}`);
    t.true(Math.min(rate, other) >= 0.5 * Math.max(rate, other), `seed ${seed}: ${rate}, ${other}`);
  }
});

test('the first ten segments leave at once, as on Linux, and what follows is spaced', (t) => {
  const way = narrowPair();
  const seen = departures(way);
  const flow = new Flow(way, { control: 'cubic', maxRate: 100_000 });
  flow.isBulk = false;
  flow.write();
  flow.rateFor(ms(500));

  const bursts = burstsOf(seen);
  t.is(bursts[0], 10);
  t.true(Math.max(...bursts.slice(1)) <= mostAtOnce, bursts.join());
  t.is(Math.max(...bursts.slice(4)), 1, bursts.join());
});

test('paced segments leave one after another, never more than four at once', (t) => {
  const way = narrowPair();
  const flow = new Flow(way, { control: 'bbr' });
  flow.rateFor(seconds(1));
  const seen = departures(way);
  flow.rateFor(seconds(10));

  t.true(seen.length > 5000);
  t.true(largestBurst(seen) <= mostAtOnce, `${largestBurst(seen)}`);
});

test('after a pause of the user four segments leave at once, and the others are spaced', (t) => {
  const way = narrowPair();
  const flow = new Flow(way, { control: 'cubic', maxRate: 500_000 });
  flow.rateFor(seconds(1));
  flow.isBulk = false;
  flow.rateFor(seconds(1));
  const seen = departures(way);
  flow.write();
  flow.rateFor(seconds(1));

  t.true(seen.length > 40);
  t.is(largestBurst(seen.slice(0, mostAtOnce + 1)), mostAtOnce);
  t.is(largestBurst(seen.slice(mostAtOnce)), 1);
  const expected = (1448 / 500_000) * seconds(1);
  t.true(Math.abs(spacing(seen) - expected) <= 0.02 * expected, `${spacing(seen)}`);
});

test('without pacing whole windows leave at once', (t) => {
  const way = narrowPair();
  const seen = departures(way);
  new Flow(way, { control: 'cubic' }).rateFor(seconds(1));

  t.true(largestBurst(seen) >= 10, `${largestBurst(seen)}`);
});

test('in no round trip does more leave than the rate allows, and four segments', (t) => {
  const way = narrowPair();
  const seen = departures(way);
  const flow = new Flow(way, { control: 'bbr' });
  flow.rateFor(seconds(3));
  seen.length = 0;
  flow.rateFor(seconds(5));
  const fastest = 1.25 * textRate * 1.02; // of the cycle, of an estimate that may be a little high

  let from = 0;
  let octets = 0;
  let most = 0;
  for (const { at, length } of seen) {
    octets += length;
    while (seen[from]!.at < at - roundTrip) octets -= seen[from++]!.length;
    most = Math.max(most, octets);
  }
  t.true(most <= (fastest * roundTrip) / seconds(1) + mostAtOnce * 1448, `${most}`);
});

for (const control of ['cubic', 'reno', 'bbr']) {
  for (const maxRate of [50_000, 500_000]) {
    test(`SO_MAX_PACING_RATE bounds ${control} to ${maxRate} octets per second, and it gets them`, (t) => {
      const flow = new Flow(narrowPair(), { control, maxRate });
      flow.rateFor(seconds(2));
      const rate = flow.rateFor(seconds(20));

      t.true(Math.abs(rate - maxRate) <= 0.02 * maxRate, `${rate}`);
    });
  }
}

test('another congestion control in mid-flow goes on at the rate', (t) => {
  const flow = new Flow(narrowPair(), { control: 'cubic' });
  flow.rateFor(seconds(5));
  for (const control of ['bbr', 'reno', 'bbr', 'cubic']) {
    flow.use(control);
    t.is(flow.sender.congestion.name, control);
    for (let second = 0; second < 5; second++) t.true(flow.rateFor(seconds(1)) >= 0.8 * textRate, control);
  }
});

test('a change to BBR empties the queue that CUBIC has left', (t) => {
  const flow = new Flow(narrowPair(), { control: 'cubic' });
  flow.rateFor(seconds(5));
  const cubic = flow.watch(seconds(5));
  flow.use('bbr');
  flow.rateFor(seconds(5));
  const bbr = flow.watch(seconds(5));

  t.true(cubic.srtt >= 2 * roundTrip, JSON.stringify(cubic));
  t.true(bbr.rate >= 0.9 * textRate && bbr.srtt <= 1.3 * roundTrip, JSON.stringify(bbr));
});

test('a change to BBR while segments are lost goes on', (t) => {
  for (const seed of [1, 2, 3, 4, 5]) {
    const flow = new Flow(narrowPair(seed, { loss: 0.05 }), { control: 'cubic' });
    for (let change = 0; change < 20; change++) {
      flow.use(change % 2 === 0 ? 'bbr' : 'cubic');
      t.true(flow.rateFor(seconds(1)) > 0, `seed ${seed}`);
    }
    flow.use('bbr');
    flow.rateFor(seconds(2));
    const rate = flow.rateFor(seconds(10));

    t.true(rate >= 0.6 * textRate, `seed ${seed}: ${rate}`);
  }
});

test('a user who writes little for a while does not lower the estimate', (t) => {
  const flow = new Flow(narrowPair(), { control: 'bbr' });
  flow.rateFor(seconds(5));
  flow.isBulk = false;
  flow.rateFor(seconds(1));
  for (let write = 0; write < 60; write++) {
    flow.write(100);
    flow.rateFor(ms(100)); // far more rounds than the ten for which a sample counts
  }
  const { pacingRate } = flow.sender.congestion;
  flow.isBulk = true;
  flow.rateFor(ms(100));

  t.true(pacingRate! * 1448 >= 0.7 * textRate, `${pacingRate}`);
  t.true(flow.rateFor(ms(500)) >= 0.85 * textRate);
});

test('a way that becomes narrower is noticed within ten rounds, and one that becomes wider', (t) => {
  const way = narrowPair();
  const flow = new Flow(way, { control: 'bbr' });
  flow.rateFor(seconds(5));
  way.link.forward.settings = { ...way.link.forward.settings, rate: narrow / 4 };
  flow.rateFor(seconds(6)); // ten rounds with a queue of one BDP of before
  const slow = flow.watch(seconds(5));
  way.link.forward.settings = { ...way.link.forward.settings, rate: narrow };
  flow.rateFor(seconds(6));
  const fast = flow.watch(seconds(5));

  t.true(slow.rate >= (0.9 * textRate) / 4 && slow.srtt <= 2 * roundTrip, JSON.stringify(slow));
  t.true(fast.rate >= 0.9 * textRate, JSON.stringify(fast));
});
