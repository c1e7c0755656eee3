/** One direction of a link by itself: each fault does what it says, to the packets that it says, at the times that it says. */
import { deepStrictEqual } from 'node:assert/strict';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { Clock } from '../../src/sim/clock.ts';
import { type Fate, type LinkSettings, Wire } from '../../src/sim/link.ts';
import { SeededRandom } from '../../src/stack/base/random.ts';
import { type Micros, ms, never, seconds } from '../../src/stack/base/time.ts';

interface Arrival {
  readonly at: Micros;
  readonly bytes: Uint8Array;
}

/** A wire between a sender of numbered packets and a list of arrivals. */
class Stage {
  readonly clock = new Clock();
  readonly arrivals: Arrival[] = [];
  readonly fates: Fate[] = [];
  readonly wire: Wire;

  constructor(settings: LinkSettings, seed = 1) {
    this.wire = new Wire(settings, this.clock, new SeededRandom(seed), (bytes, length) => {
      this.arrivals.push({ at: this.clock.now, bytes: bytes.slice(0, length) });
    });
    this.wire.taps.push((_bytes, _length, _now, fate) => this.fates.push(fate));
  }

  /** Sends packets that hold their number, one every `interval`, and lets all of them arrive. */
  send(count: number, length: number, interval: Micros): this {
    for (let number = 0; number < count; number++) {
      this.clock.at(this.clock.now + number * interval, () => this.wire.send(numbered(number, length), length));
    }
    return this.finish();
  }

  finish(): this {
    for (let next = this.clock.next(); next !== never; next = this.clock.next()) {
      this.clock.now = next;
      while (this.clock.runDue());
    }
    return this;
  }

  get times(): Micros[] {
    return this.arrivals.map(({ at }) => at);
  }

  get numbers(): number[] {
    return this.arrivals.map(({ bytes }) => numberOf(bytes));
  }
}

function numbered(number: number, length: number): Uint8Array {
  const packet = new Uint8Array(length).fill(0x55);
  new DataView(packet.buffer).setUint32(0, number);
  return packet;
}

const numberOf = (bytes: Uint8Array): number => new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

const isAscending = (list: readonly number[]): boolean =>
  list.every((each, index) => index === 0 || each >= list[index - 1]!);

/** Bits in which two packets of the same length differ. */
function distance(a: Uint8Array, b: Uint8Array): number {
  let bits = 0;
  for (let at = 0; at < a.length; at++) {
    for (let different = a[at]! ^ b[at]!; different !== 0; different &= different - 1) bits++;
  }
  return bits;
}

/** `count` of `of` is what a chance gives: within six standard deviations, which misses once in 500 million. */
function isAbout(t: ExecutionContext, count: number, of: number, chance: number): void {
  const deviation = Math.sqrt(of * chance * (1 - chance));
  t.true(Math.abs(count - of * chance) <= 6 * deviation, `${count} of ${of} for a chance of ${chance}`);
}

test('without settings a packet arrives whole and at once, but not inside of send', (t) => {
  const stage = new Stage({});
  const packet = numbered(7, 100);

  stage.wire.send(packet, 100);
  const during = stage.arrivals.length;
  stage.finish();

  t.is(during, 0);
  t.deepEqual(stage.arrivals, [{ at: 0, bytes: packet }]);
});

test('a link carries a copy of the octets up to the length, so the sender may use the buffer again', (t) => {
  const stage = new Stage({ delay: ms(1) });
  const buffer = numbered(7, 100);

  stage.wire.send(buffer, 60);
  buffer.fill(0);
  stage.finish();

  t.deepEqual(stage.arrivals[0]!.bytes, numbered(7, 60));
});

test('each packet travels for the delay', (t) => {
  const stage = new Stage({ delay: ms(20) }).send(5, 100, ms(7));

  t.deepEqual(stage.times, [20, 27, 34, 41, 48].map(ms));
  t.deepEqual(stage.numbers, upTo(5));
});

test('jitter makes each packet travel up to so much longer, spread over the whole of it', (t) => {
  const stage = new Stage({ delay: ms(20), jitter: ms(10) }).send(2000, 100, ms(15));

  const extra = stage.times.map((at, number) => at - ms(20) - number * ms(15));
  t.true(extra.every((each) => each >= 0 && each < ms(10)));
  for (const tenth of upTo(10)) {
    isAbout(t, extra.filter((each) => Math.floor(each / ms(1)) === tenth).length, 2000, 0.1);
  }
});

test('jitter changes no order, and no packet travels for longer because of the others', (t) => {
  const stage = new Stage({ delay: ms(20), jitter: ms(50) }).send(500, 100, ms(1));

  t.deepEqual(stage.numbers, upTo(500));
  t.true(isAscending(stage.times));
  t.true(stage.times.every((at, number) => at >= ms(20 + number) && at < ms(70 + number)));
  t.true(new Set(stage.times).size < 500); // some had to wait for one before them
});

test('a rate sends packets one after the other, each for as long as its bits take', (t) => {
  const stage = new Stage({ rate: 8_000_000, delay: ms(5) }); // an octet a microsecond
  for (const length of [1000, 500, 1500]) stage.wire.send(numbered(0, length), length);
  stage.finish();

  t.deepEqual(stage.times, [6000, 6500, 8000]);
});

test('a rate that does not divide evenly never delivers early', (t) => {
  const stage = new Stage({ rate: 3_000_000 });
  for (let each = 0; each < 3; each++) stage.wire.send(numbered(0, 100), 100);
  stage.finish();

  t.deepEqual(stage.times, [267, 534, 801]); // 266.67 microseconds each
});

test('an idle link saves up nothing for later', (t) => {
  const stage = new Stage({ rate: 8_000_000 });
  stage.clock.now = seconds(5);
  for (let each = 0; each < 2; each++) stage.wire.send(numbered(0, 1000), 1000);
  stage.finish();

  t.deepEqual(stage.times, [seconds(5) + 1000, seconds(5) + 2000]);
});

test('without a rate any number of packets travels side by side', (t) => {
  const stage = new Stage({ delay: ms(3), queue: 1 }).send(1000, 1500, 0);

  t.is(stage.arrivals.length, 1000);
  t.true(stage.times.every((at) => at === ms(3)));
});

test('packets that find the queue full are dropped, and there is room again as the queue is sent', (t) => {
  const stage = new Stage({ rate: 8_000_000, queue: 3000 });
  const sendAt = (when: Micros, number: number): void => {
    stage.clock.at(when, () => stage.wire.send(numbered(number, 1000), 1000));
  };
  for (const number of upTo(5)) sendAt(0, number);
  sendAt(999, 5); // one microsecond before the first has gone
  sendAt(1000, 6);
  sendAt(1000, 7);
  stage.finish();

  t.deepEqual(stage.fates, ['sent', 'sent', 'sent', 'queue full', 'queue full', 'queue full', 'sent', 'queue full']);
  t.deepEqual(stage.numbers, [0, 1, 2, 6]);
  t.deepEqual(stage.times, [1000, 2000, 3000, 4000]);
});

test('a packet larger than the queue is sent when the link is idle', (t) => {
  const stage = new Stage({ rate: 8_000_000, queue: 100 }).send(2, 1500, 0);

  t.deepEqual(stage.fates, ['sent', 'queue full']);
});

test('the queue of a link with a rate holds 256 KiB unless it is told otherwise', (t) => {
  const stage = new Stage({ rate: 8_000_000 }).send(300, 1024, 0);

  t.is(stage.arrivals.length, 256);
});

test('loss takes its share of the packets, each by itself, and leaves the others as they are', (t) => {
  const stage = new Stage({ delay: ms(1), loss: 0.2 }).send(5000, 40, ms(1));

  isAbout(t, 5000 - stage.arrivals.length, 5000, 0.2);
  const lost = upTo(5000).filter((number) => stage.fates[number] === 'lost');
  isAbout(t, lost.filter((number) => stage.fates[number + 1] === 'lost').length, lost.length, 0.2);
  t.deepEqual(
    stage.numbers,
    upTo(5000).filter((number) => stage.fates[number] === 'sent'),
  );
  t.true(
    stage.arrivals.every(
      ({ at, bytes }) => at === ms(1 + numberOf(bytes)) && distance(bytes, numbered(numberOf(bytes), 40)) === 0,
    ),
  );
});

test('a loss of 0 loses nothing and a loss of 1 everything', (t) => {
  t.is(new Stage({ loss: 0 }).send(1000, 40, 1).arrivals.length, 1000);
  t.is(new Stage({ loss: 1 }).send(1000, 40, 1).arrivals.length, 0);
});

test('duplication delivers its share of the packets twice, and both copies whole', (t) => {
  const stage = new Stage({ delay: ms(1), duplicate: 0.3 }).send(3000, 40, ms(1));

  const times = new Array<number>(3000).fill(0);
  for (const number of stage.numbers) times[number] = times[number]! + 1;
  isAbout(t, times.filter((each) => each === 2).length, 3000, 0.3);
  t.true(times.every((each) => each === 1 || each === 2));
  t.true(stage.arrivals.every(({ bytes }) => distance(bytes, numbered(numberOf(bytes), 40)) === 0));
  t.true(isAscending(stage.numbers));
});

test('a duplication of 1 delivers everything twice', (t) => {
  t.deepEqual(new Stage({ duplicate: 1 }).send(3, 40, ms(1)).numbers, [0, 0, 1, 1, 2, 2]);
});

test('reordering makes its share of the packets late, and only those', (t) => {
  const stage = new Stage({ delay: ms(5), reorder: 0.1, reorderDelay: ms(30) }).send(3000, 40, ms(1));

  const late = stage.arrivals.filter(({ at, bytes }) => at !== ms(5 + numberOf(bytes)));
  isAbout(t, late.length, 3000, 0.1);
  t.is(stage.arrivals.length, 3000);
  const extra = late.map(({ at, bytes }) => at - ms(5 + numberOf(bytes)));
  t.true(extra.every((each) => each > 0 && each <= ms(30)));
  t.true(Math.max(...extra) > ms(25));
  t.false(isAscending(stage.numbers));
});

test('an overtaken packet is late by a microsecond at least, and by the limit at most', (t) => {
  const stage = new Stage({ delay: 5, reorder: 1, reorderDelay: 2 }).send(200, 40, 10);

  const extra = stage.times.map((at, number) => at - 5 - number * 10);
  t.deepEqual([...new Set(extra)].sort(), [1, 2]);
});

test('an overtaken packet is at most 10 ms late unless it is told otherwise', (t) => {
  const stage = new Stage({ reorder: 1 }).send(1000, 40, ms(20));

  const extra = stage.times.map((at, index) => at - ms(20) * stage.numbers[index]!);
  t.true(extra.every((each) => each > 0 && each <= ms(10)));
  t.true(Math.max(...extra) > ms(9));
});

test('corruption flips exactly one bit, anywhere, in its share of the packets', (t) => {
  const stage = new Stage({ corrupt: 0.4 }).send(4000, 8, 1);

  const flips = stage.arrivals.map(({ bytes }, number) => distance(bytes, numbered(number, 8)));
  isAbout(t, flips.filter((bits) => bits === 1).length, 4000, 0.4);
  t.deepEqual([...new Set(flips)].sort(), [0, 1]);
  const where = new Set<number>();
  stage.arrivals.forEach(({ bytes }, number) => {
    for (let bit = 0; bit < 64; bit++) {
      if ((((bytes[bit >> 3]! ^ numbered(number, 8)[bit >> 3]!) >> (bit & 7)) & 1) !== 0) where.add(bit);
    }
  });
  t.is(where.size, 64);
});

test('corruption happens to the copies of a duplicated packet one by one, and never to the sender', (t) => {
  const stage = new Stage({ corrupt: 1, duplicate: 1 });
  const packet = numbered(1, 1000);
  const before = packet.slice();

  stage.wire.send(packet, 1000);
  stage.finish();

  t.deepEqual(packet, before);
  t.deepEqual(
    stage.arrivals.map(({ bytes }) => distance(bytes, before)),
    [1, 1],
  );
  t.is(distance(stage.arrivals[0]!.bytes, stage.arrivals[1]!.bytes), 2);
});

test('packets larger than the MTU vanish: larger than 1500 octets unless it is told otherwise', (t) => {
  const fates = (settings: LinkSettings, ...lengths: number[]): Fate[] => {
    const stage = new Stage(settings);
    for (const length of lengths) stage.wire.send(new Uint8Array(length), length);
    return stage.finish().fates;
  };

  t.deepEqual(fates({}, 1499, 1500, 1501, 9000), ['sent', 'sent', 'too long', 'too long']);
  t.deepEqual(fates({ mtu: 576 }, 576, 577), ['sent', 'too long']);
  t.deepEqual(fates({ mtu: 65_535 }, 9000, 65_535), ['sent', 'sent']);
  t.is(new Stage({ mtu: 100 }).send(3, 101, 0).arrivals.length, 0);
});

test('a filter drops the packets that it says, and counts all that have entered', (t) => {
  const stage = new Stage({ mtu: 100 });
  const asked: [number, number][] = [];
  stage.wire.filter = (bytes, length, index) => {
    asked.push([numberOf(bytes), length]);
    return index === 1 || index === 4;
  };

  for (const [number, length] of [
    [10, 50],
    [11, 51],
    [12, 101],
    [13, 53],
    [14, 54],
    [15, 55],
  ] as const) {
    stage.wire.send(numbered(number, length), length);
  }
  stage.finish();

  t.deepEqual(asked, [
    [10, 50],
    [11, 51],
    [13, 53],
    [14, 54],
    [15, 55],
  ]);
  t.deepEqual(stage.numbers, [10, 13, 15]);
  t.deepEqual(stage.fates, ['sent', 'lost', 'too long', 'sent', 'lost', 'sent']);
});

test('a tap sees every packet as it entered, when it entered, and what has become of it', (t) => {
  const stage = new Stage({ mtu: 100, delay: ms(5), corrupt: 1, rate: 8_000_000, queue: 100 });
  const seen: [number, number, Micros, Fate][] = [];
  stage.wire.taps.push((bytes, length, now, fate) => seen.push([numberOf(bytes), length, now, fate]));
  stage.wire.filter = (bytes) => numberOf(bytes) === 2;
  stage.clock.now = ms(1);

  for (const [number, length] of [
    [1, 80],
    [2, 20],
    [3, 101],
    [4, 60],
    [5, 20],
  ] as const) {
    stage.wire.send(numbered(number, length), length);
  }

  t.deepEqual(seen, [
    [1, 80, ms(1), 'sent'],
    [2, 20, ms(1), 'lost'],
    [3, 101, ms(1), 'too long'],
    [4, 60, ms(1), 'queue full'],
    [5, 20, ms(1), 'sent'],
  ]);
});

test('settings may change while packets are under way, for those that enter afterwards', (t) => {
  const stage = new Stage({ delay: ms(10) });

  stage.wire.send(numbered(1, 40), 40);
  stage.wire.settings = { loss: 1 };
  stage.wire.send(numbered(2, 40), 40);
  stage.wire.settings = { delay: ms(30) };
  stage.wire.send(numbered(3, 40), 40);
  stage.finish();

  t.deepEqual(stage.numbers, [1, 3]);
  t.deepEqual(stage.times, [ms(10), ms(30)]);
});

test('with all faults at once the same seed gives the same arrivals, and whatever arrives was sent', (t) => {
  const chance = fc.double({ min: 0, max: 1, noNaN: true });
  const settings = fc.record({
    delay: fc.nat(20_000),
    jitter: fc.nat(20_000),
    rate: fc.integer({ min: 100_000, max: 10_000_000 }),
    queue: fc.nat(20_000),
    loss: chance,
    duplicate: chance,
    reorder: chance,
    reorderDelay: fc.nat(20_000),
    corrupt: chance,
  });
  const property = fc.property(settings, fc.nat(), fc.integer({ min: 4, max: 1500 }), (faults, seed, length) => {
    const stage = new Stage(faults, seed).send(60, length, 500);
    deepStrictEqual(new Stage(faults, seed).send(60, length, 500).arrivals, stage.arrivals);
    const sent = stage.fates.filter((fate) => fate === 'sent').length;
    deepStrictEqual(stage.arrivals.length >= sent && stage.arrivals.length <= 2 * sent, true);
    for (const { bytes, at } of stage.arrivals) {
      const nearest = Math.min(...upTo(60).map((number) => distance(bytes, numbered(number, length))));
      deepStrictEqual([bytes.length, nearest <= 1, Number.isInteger(at)], [length, true, true]);
    }
  });

  t.notThrows(() => fc.assert(property, { numRuns: 30 }));
  const all = { loss: 0.1, duplicate: 0.1, reorder: 0.1, corrupt: 0.1 };
  t.notDeepEqual(new Stage(all, 1).send(60, 40, 500).arrivals, new Stage(all, 2).send(60, 40, 500).arrivals);
});
