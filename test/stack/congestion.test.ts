/** Congestion controllers by themselves: told of acknowledgments and losses, asked for cwnd. */
import test from 'ava';
import { seqAdd, toSeq } from '../../src/stack/base/seq.ts';
import { type Micros, ms, seconds } from '../../src/stack/index.ts';
import { AckEvent, type CongestionController } from '../../src/stack/tcp/congestion/controller.ts';
import { Cubic } from '../../src/stack/tcp/congestion/cubic.ts';
import { NewReno } from '../../src/stack/tcp/congestion/new-reno.ts';

/** The beginning of a connection. */
const from = (cwnd: number) => ({ cwnd, ssthresh: Number.POSITIVE_INFINITY });

/** A sender whose window is always in use, over a way with a fixed or a changing round trip. */
class Sender {
  now: Micros = 0;
  readonly controller: CongestionController;
  #una = toSeq(0);
  readonly #event = new AckEvent();

  constructor(controller: CongestionController) {
    this.controller = controller;
  }

  /** One window is sent and acknowledged, segment by segment. */
  round(rtt: Micros = ms(100), isLimited = true): void {
    const event = this.#event;
    const segments = this.controller.cwnd;
    event.nxt = seqAdd(this.#una, segments);
    const end = event.nxt;
    for (let segment = 0; segment < segments; segment++) {
      this.#una = seqAdd(this.#una, 1);
      event.acked = 1;
      event.isLimited = isLimited;
      event.rtt = rtt;
      event.minRtt = Math.min(event.minRtt, rtt);
      event.una = this.#una;
      event.nxt = seqAdd(end, segment + 1);
      event.now = this.now + rtt;
      this.controller.onAck(event);
    }
    this.now += rtt;
  }

  rounds(count: number, rtt?: Micros): void {
    for (let round = 0; round < count; round++) this.round(rtt);
  }

  /** A loss at cwnd `at`. */
  lossAt(at: number): void {
    (this.controller as { cwnd: number }).cwnd = at;
    this.controller.onCongestion(at, this.now);
    this.controller.onRecovered();
  }
}

test('5681-2: slow start doubles cwnd every round trip, up to ssthresh', (t) => {
  for (const controller of [new NewReno(from(10)), new Cubic(from(10))]) {
    const sender = new Sender(controller);
    const sizes = [controller.cwnd];
    for (let round = 0; round < 3; round++) {
      sender.round();
      sizes.push(controller.cwnd);
    }

    t.deepEqual(sizes, [10, 20, 40, 80]);
  }
});

test('5681-4: a timeout leaves one segment, and only the first of a row takes ssthresh down', (t) => {
  const controllers: readonly (readonly [CongestionController, number])[] = [
    [new NewReno(from(100)), 50],
    [new Cubic(from(100)), 70],
  ];
  for (const [controller, ssthresh] of controllers) {
    controller.onTimeout(100, true, 0);
    t.deepEqual([controller.cwnd, controller.ssthresh], [1, ssthresh]);
    controller.onTimeout(1, false, 0);
    t.deepEqual([controller.cwnd, controller.ssthresh], [1, ssthresh]);
  }
});

test('2861-1: a window that is not used does not grow', (t) => {
  for (const controller of [new NewReno(from(10)), new Cubic(from(10))]) {
    const sender = new Sender(controller);
    for (let round = 0; round < 10; round++) sender.round(ms(100), false);

    t.is(controller.cwnd, 10);
  }
});

test('RFC 5681 section 3.1: after a loss Reno grows by one segment per round trip', (t) => {
  const sender = new Sender(new NewReno(from(10)));
  sender.lossAt(100);
  const sizes: number[] = [];
  for (let round = 0; round < 4; round++) {
    sizes.push(sender.controller.cwnd);
    sender.round();
  }

  t.deepEqual(sizes, [50, 51, 52, 53]);
});

test('9438-3: a loss leaves 0.7 of cwnd, and not less than two segments: 10 becomes 7', (t) => {
  const cubic = new Cubic(from(10));
  cubic.onCongestion();
  t.deepEqual([cubic.cwnd, cubic.ssthresh], [7, 7]);
  for (let loss = 0; loss < 5; loss++) cubic.onCongestion();
  t.is(cubic.cwnd, 2);
});

test('MAY-18, 9438-1: cwnd is back where the loss was after K seconds, flat around it, and steep afterwards', (t) => {
  const sender = new Sender(new Cubic(from(10)));
  sender.lossAt(1000);
  const k = Math.cbrt((1000 - 700) / 0.4); // 9.1 s
  const start = sender.now;
  const sizeAt = (time: number): number => {
    while (sender.now < start + seconds(time)) sender.round();
    return sender.controller.cwnd;
  };

  t.is(sender.controller.cwnd, 700);
  for (const time of [2, 5, 8, k, k + 2, k + 5]) {
    const expected = 1000 + 0.4 * (time - k) ** 3;
    t.true(Math.abs(sizeAt(time) - expected) < 12, `${time} s: ${sender.controller.cwnd}, ${expected}`);
  }
});

test('9438-2: over a short way CUBIC is at least as fast as Reno would be', (t) => {
  const sender = new Sender(new Cubic(from(10)));
  sender.lossAt(40);
  t.is(sender.controller.cwnd, 28);
  sender.rounds(20, ms(1)); // 20 ms: the curve has hardly begun

  const grown = sender.controller.cwnd - 28;
  t.true(grown >= 20 * 0.529 * 0.8 && grown <= 20 * 0.529 * 1.2, String(grown));
});

test('9438-3: fast convergence: after a second loss below the first, the flat place lies lower', (t) => {
  const timeTo = (cubic: Cubic, size: number): number => {
    const sender = new Sender(cubic);
    while (cubic.cwnd < size && sender.now < seconds(60)) sender.round();
    return sender.now;
  };
  const first = new Cubic(from(10));
  new Sender(first).lossAt(1000); // leaves 700
  const second = new Cubic(from(10));
  new Sender(second).lossAt(1000);
  new Sender(second).lossAt(900); // wMax is 765, not 900

  t.is(second.cwnd, 630);
  t.true(timeTo(second, 765) > seconds(5));
  t.true(timeTo(first, 765) < seconds(3));
});

test('9438-1: time in which nothing was tried does not count', (t) => {
  const sender = new Sender(new Cubic(from(10)));
  sender.lossAt(1000);
  sender.round();
  for (let round = 0; round < 300; round++) sender.round(ms(100), false);
  const before = sender.controller.cwnd;
  sender.round();

  t.true(sender.controller.cwnd - before < 25, `${before} ${sender.controller.cwnd}`);
});

test('9406-1: slow start slows down when round trips grow, and ends five rounds later', (t) => {
  const cubic = new Cubic(from(10));
  const sender = new Sender(cubic);
  sender.rounds(3, ms(100));
  t.is(cubic.cwnd, 80);
  sender.round(ms(120));
  const slowed = cubic.cwnd;
  for (let round = 0; round < 6; round++) sender.round(ms(120));

  t.true(slowed < 160);
  t.true(Number.isFinite(cubic.ssthresh));
  t.true(cubic.cwnd < 80 * 2 ** 3);
});

test('9406-1: a single slow round is an accident, and slow start goes on', (t) => {
  const cubic = new Cubic(from(10));
  const sender = new Sender(cubic);
  sender.rounds(3, ms(100));
  sender.round(ms(120));
  sender.rounds(2, ms(100));
  const before = cubic.cwnd;
  sender.round(ms(100));

  t.is(cubic.ssthresh, Number.POSITIVE_INFINITY);
  t.is(cubic.cwnd, before * 2);
});
