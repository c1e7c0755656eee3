/** Datagrams in pieces: put together whole, once or not at all, within bounds of memory and time; and cut when they leave. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import test from 'ava';
import fc from 'fast-check';
import { anyV4, anyV6, Counters, never, SeededRandom, seconds } from '../../src/stack/index.ts';
import { Reassembly } from '../../src/stack/ip/reassembly.ts';
import { Datagram } from '../../src/stack/wire/datagram.ts';
import { readIpv4 } from '../../src/stack/wire/ipv4.ts';
import {
  addressOf,
  echo,
  icmp,
  Lone,
  octets,
  ours,
  packet,
  pattern,
  readIcmp,
  type Sent,
  theirs,
  u16,
  u32,
  udp,
  v4,
  v6,
} from '../helpers/packets.ts';

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;
/** More than once: the memory of buffers is given back beside the collection, and the next one waits for that. */
function collectGarbage(): void {
  for (let time = 0; time < 3; time++) gc();
}

const lifetime = { 4: seconds(30), 6: seconds(60) } as const;
const fragment = 44;

interface PieceFields {
  readonly protocol?: number;
  readonly identification?: number;
  readonly source?: string;
  readonly destination?: string;
}

/** The piece [start, end) of a payload; the one that ends with it is the last unless `more` says otherwise. */
function piece(
  family: 4 | 6,
  payload: Uint8Array,
  start: number,
  end: number,
  fields: PieceFields = {},
  more = end < payload.length,
): Uint8Array {
  const { protocol = 17, identification = 77, ...ends } = fields;
  const part = payload.subarray(start, end);
  if (family === 4) {
    return v4(part, { ...ends, protocol, identification, place: (more ? 0x2000 : 0) | (start >> 3) });
  }
  const place = u16((start & 0xfff8) | (more ? 1 : 0));
  return v6(octets(protocol, 0, place, u32(identification), part), { ...ends, next: fragment });
}

/** The payload in pieces that end at these places. */
const cutAt = (family: 4 | 6, payload: Uint8Array, cuts: readonly number[], fields: PieceFields = {}): Uint8Array[] => {
  const ends = [...cuts, payload.length];
  return ends.map((end, at) => piece(family, payload, at === 0 ? 0 : ends[at - 1]!, end, fields));
};

/** A host with a socket on port 7, and the texts that have arrived there. */
class Receiver extends Lone {
  readonly #socket = this.stack.udp.open(anyV6);

  constructor(seed = 1) {
    super({ seed });
    this.stack.udp.bind(this.#socket, anyV6, 7);
  }

  texts(): Uint8Array[] {
    const texts: Uint8Array[] = [];
    for (;;) {
      const next = this.stack.udp.receiveFrom(this.#socket);
      if (next === null) return texts;
      texts.push(next.data);
    }
  }
}

function permutations<T>(of: readonly T[]): T[][] {
  if (of.length <= 1) return [[...of]];
  return of.flatMap((first, at) => permutations(of.toSpliced(at, 1)).map((rest) => [first, ...rest]));
}

const told = (sent: readonly Sent[]): string[] =>
  sent.map((each) => {
    const { type, code, parameter } = readIcmp(each);
    return `${type}/${code} at ${parameter}`;
  });

for (const family of [4, 6] as const) {
  const timeExceeded = family === 4 ? 11 : 3;
  const text = pattern(1000);
  const whole = udp(family, [5000, 7], text);

  // Whole -------------------------------------------------------------------------------------------------------------

  test(`1122-13: five pieces make the datagram once, in each of their 120 orders (IPv${family})`, (t) => {
    const host = new Receiver();
    const pieces = cutAt(family, whole, [8, 400, 408, 800]);

    for (const order of permutations(pieces)) {
      for (const each of order.slice(0, -1)) {
        host.take(each);
        t.deepEqual(host.texts(), []);
      }
      t.deepEqual(host.take(order.at(-1)!), []);
      t.deepEqual(host.texts(), [text]);
      t.is(host.stack.nextDeadline(), never);
    }
    t.is(host.stack.counters.ipReasmOKs, 120);
  });

  test(`1122-13: pieces that come from first to last make the datagram once (IPv${family})`, (t) => {
    const host = new Receiver();

    for (let count = 2; count <= 100; count++) {
      const cuts = Array.from({ length: count - 1 }, (_, at) => (at + 1) * 8);
      for (const each of cutAt(family, whole, cuts)) t.deepEqual(host.take(each), []);
      t.deepEqual(host.texts(), [text]);
    }
    t.is(host.stack.nextDeadline(), never);
  });

  test(`1122-13: however a datagram is cut, shuffled and repeated, it arrives whole and once (IPv${family})`, (t) => {
    const recipe = fc.record({
      size: fc.integer({ min: 16, max: 3000 }),
      cuts: fc.array(fc.integer({ min: 1, max: 375 }), { minLength: 1, maxLength: 12 }),
      order: fc.array(fc.nat(), { minLength: 13, maxLength: 13 }),
      repeats: fc.array(fc.nat(12), { maxLength: 8 }),
    });

    t.notThrows(() =>
      fc.assert(
        fc.property(recipe, ({ size, cuts, order, repeats }) => {
          const host = new Receiver();
          const payload = udp(family, [5000, 7], pattern(size, size));
          const places = [...new Set(cuts.map((cut) => cut * 8))].filter((cut) => cut < payload.length);
          const pieces = cutAt(
            family,
            payload,
            places.sort((a, b) => a - b),
          );
          const shuffled = pieces.toSorted((a, b) => order[pieces.indexOf(a)]! - order[pieces.indexOf(b)]!);
          const last = shuffled.pop()!;
          const repeated = shuffled.flatMap((each, at) => (repeats.includes(at) ? [each, each] : [each]));
          for (const each of [...repeated, ...shuffled.slice(0, repeats.length), last]) host.take(each);
          const texts = host.texts();
          return texts.length === 1 && Buffer.compare(texts[0]!, pattern(size, size)) === 0;
        }),
        { numRuns: 150 },
      ),
    );
  });

  test(`V12: of two pieces of eight blocks, in both orders, only what does not overlap ever arrives (IPv${family})`, (t) => {
    const host = new Receiver();
    const blocks = udp(family, [5000, 7], pattern(56));
    const spans: [number, number][] = [];
    for (let from = 0; from < 8; from++) {
      for (let to = from + 1; to <= 8; to++) if (to - from < 8) spans.push([from, to]);
    }
    let identification = 0;

    for (const [a, b] of spans) {
      for (const [c, d] of spans) {
        const isSame = a === c && b === d;
        const overlaps = a < d && c < b && !isSame;
        const rest = [0, 1, 2, 3, 4, 5, 6, 7].filter((at) => !(at >= a && at < b) && !(at >= c && at < d));
        identification++;
        for (const [from, to] of [[a, b] as const, [c, d] as const, ...rest.map((at) => [at, at + 1] as const)]) {
          host.take(piece(family, blocks, from * 8, to * 8, { identification }));
        }
        const arrived = host.texts();
        t.deepEqual(arrived, overlaps ? [] : [pattern(56)], `${a}-${b}, ${c}-${d}`);
        host.take(piece(family, blocks, a * 8, b * 8, { identification }));
        for (const each of cutAt(family, blocks, [8, 32], { identification })) if (overlaps) host.take(each);
        t.deepEqual(host.texts(), [], 'dead for good');
        host.pass(seconds(1)); // and the records of the dead go in time
      }
    }
    host.pass(seconds(61));
    t.is(host.stack.nextDeadline(), never);
  });

  test(`5722-1: an overlap kills what has come and what still comes, silently, until its time is over (IPv${family})`, (t) => {
    const host = new Receiver();

    host.take(piece(family, whole, 0, 400));
    host.take(piece(family, whole, 392, 800));
    for (const each of cutAt(family, whole, [400, 800])) t.deepEqual(host.take(each), []);
    const early = host.texts();
    const errors = host.pass(lifetime[family]);
    for (const each of cutAt(family, whole, [400, 800])) host.take(each);

    t.deepEqual(early, []);
    t.is(host.drops('overlapping fragments'), 4);
    t.deepEqual(errors, []);
    t.deepEqual(host.texts(), [text]);
  });

  test(`5722-1: pieces beyond the end, and two different ends, kill the datagram (IPv${family})`, (t) => {
    const host = new Receiver();
    const wrong = [
      [piece(family, whole, 0, 400), piece(family, whole, 800, 904, {}, false), piece(family, whole, 904, 1008)],
      [piece(family, whole, 0, 400), piece(family, whole, 904, 1008), piece(family, whole, 800, 904, {}, false)],
      [
        piece(family, whole, 0, 400),
        piece(family, whole, 800, 904, {}, false),
        piece(family, whole, 904, 912, {}, true),
      ],
      [
        piece(family, whole, 0, 400),
        piece(family, whole, 904, 912, {}, true),
        piece(family, whole, 800, 904, {}, false),
      ],
    ];

    for (const [at, pieces] of wrong.entries()) {
      for (const each of pieces) host.take(each);
      t.is(host.drops('overlapping fragments'), at + 1);
      host.pass(lifetime[family]);
    }
    t.is(host.stack.nextDeadline(), never);
  });

  test(`V16: the same piece 10,000 times is held once (IPv${family})`, (t) => {
    const host = new Receiver();
    const [first, second] = cutAt(family, whole, [504]);

    for (let time = 0; time < 10_000; time++) host.take(first!);
    host.take(second!);

    t.deepEqual(host.texts(), [text]);
    t.is(host.drops('overlapping fragments') + host.drops('reassembly memory'), 0);
  });

  test(`RFC 815: pieces of other datagrams are kept apart, by identification and addresses (IPv${family})`, (t) => {
    const host = new Receiver();
    const other = family === 4 ? '10.0.0.3' : 'fd00::3';
    const otherOwn = family === 4 ? '10.0.0.255' : 'ff02::1';
    const variants: PieceFields[] = [
      {},
      { identification: 78 },
      { source: other },
      { destination: otherOwn },
      { identification: family === 4 ? 77 : 0x1004d },
      { source: other, identification: 78 },
    ].slice(0, 6);
    const made = variants
      .filter((_, at) => family === 6 || at !== 4)
      .map((fields, at) => {
        const own = pattern(200, at * 31 + 1);
        return { own, pieces: cutAt(family, udp(family, [5000, 7], own, fields), [104], fields) };
      });

    for (const { pieces } of made) host.take(pieces[0]!);
    t.deepEqual(host.texts(), []);
    for (const { own, pieces } of made) {
      host.take(pieces[1]!);
      t.deepEqual(host.texts(), [own]);
    }
  });

  test(`1122-13, 8200-8: the largest datagram arrives, and a piece that ends beyond 65,535 octets does not (V13) (IPv${family})`, (t) => {
    const host = new Receiver();
    const most = family === 4 ? 65_507 : 65_527;
    const largest = udp(family, [5000, 7], pattern(most));
    const cuts = Array.from({ length: Math.ceil(largest.length / 1400) - 1 }, (_, at) => (at + 1) * 1400);

    for (const each of cutAt(family, largest, cuts)) host.take(each);
    const arrived = host.texts();
    const death = host.take(piece(family, new Uint8Array(65_528 + 16), 65_528, 65_544, { identification: 5 }));
    const long = host.take(
      piece(family, new Uint8Array(65_528 + 1480), 65_528, 65_528 + 1480, { identification: 6 }, true),
    );
    const edge = host.take(piece(family, new Uint8Array(65_536), 65_528, 65_536, { identification: 7 }));

    t.is(Buffer.compare(arrived[0]!, pattern(most)), 0);
    for (const sent of [death, long, edge]) t.deepEqual(told(sent), family === 4 ? [] : ['4/0 at 42']); // 8200-8
    t.is(host.stack.nextDeadline(), never);
  });

  test(`RFC 791 section 3.2: a piece without octets is dropped (IPv${family})`, (t) => {
    const host = new Receiver();

    for (const [start, more] of [
      [0, true],
      [8, true],
      [8, false],
    ] as const) {
      t.deepEqual(host.take(piece(family, whole, start, start, {}, more)), []);
    }
    t.is(host.drops('bad fragment'), 3);
    t.is(host.stack.nextDeadline(), never);
  });

  // Time --------------------------------------------------------------------------------------------------------------

  test(`1122-13, 8200-9: what is not whole ${lifetime[family] / 1e6} s after its first piece is given up and told (IPv${family})`, (t) => {
    const host = new Receiver();
    const [first, middle] = cutAt(family, whole, [600, 800]);
    const start = host.now;

    host.take(first!);
    t.is(host.stack.nextDeadline(), start + lifetime[family]);
    host.pass(seconds(20));
    host.take(middle!);
    t.is(host.stack.nextDeadline(), start + lifetime[family]);
    t.deepEqual(host.pass(lifetime[family] - seconds(20) - 1), []);
    const [error, ...more] = host.pass(1);

    t.deepEqual(more, []);
    t.deepEqual(told([error!]), [`${timeExceeded}/1 at 0`]);
    t.deepEqual([error!.source, error!.destination, error!.isSound], [ours[family], theirs[family], true]);
    t.deepEqual(readIcmp(error!).quote, first!.slice(0, family === 4 ? 548 : 1232));
    t.is(host.drops('reassembly timeout'), 1);
    t.is(host.stack.nextDeadline(), never);
  });

  test(`1122-13: what comes after the time-out does not belong to what came before (IPv${family})`, (t) => {
    const host = new Receiver();
    const [first, last] = cutAt(family, whole, [600]);

    host.take(first!);
    host.pass(lifetime[family]);
    host.take(last!);
    t.deepEqual(host.texts(), []);
    host.take(first!);

    t.deepEqual(host.texts(), [text]);
  });

  test(`1122-13, 8200-9: without the first piece nobody is told (IPv${family})`, (t) => {
    const host = new Receiver();

    host.take(piece(family, whole, 400, 800));
    t.deepEqual(host.pass(lifetime[family]), []);

    t.is(host.drops('reassembly timeout'), 1);
    t.is(host.stack.nextDeadline(), never);
  });

  test(`1122-7, 4443-3: nobody is told of pieces of an ICMP error, or of what went to many (IPv${family})`, (t) => {
    const host = new Receiver();
    const protocol = family === 4 ? 1 : 58;
    const error = icmp(family, family === 4 ? 3 : 1, 1, octets(u32(0), packet(family, 17, whole)));
    const destination = family === 4 ? '10.0.0.255' : 'ff02::1';

    host.take(piece(family, error, 0, 400, { protocol }));
    host.take(piece(family, whole, 0, 400, { identification: 2, destination }));
    t.deepEqual(host.pass(lifetime[family]), []);
    host.take(piece(family, echo(family, text), 0, 400, { protocol }));
    const [about] = host.pass(lifetime[family]);

    t.is(host.drops('reassembly timeout'), 3);
    t.deepEqual(told([about!]), [`${timeExceeded}/1 at 0`]);
  });

  test(`V17: 3,000 datagrams that stay incomplete go at once, with 50 errors at most (IPv${family})`, (t) => {
    const host = new Receiver();

    for (let identification = 0; identification < 3000; identification++) {
      host.take(piece(family, whole, 0, 8, { identification }));
    }
    const errors = host.pass(lifetime[family]);

    t.true(errors.length > 25 && errors.length <= 50);
    t.is(host.drops('reassembly timeout'), 3000);
    t.is(host.stack.nextDeadline(), never);
  });

  // Floods ------------------------------------------------------------------------------------------------------------

  test(`V14: through a flood of first pieces, a datagram that comes in one go still arrives (IPv${family})`, (t) => {
    const host = new Receiver();
    let arrived = 0;

    for (let round = 0; round < 10_000; round++) {
      const source = family === 4 ? `10.0.${round >> 8}.${2 + (round & 127)}` : `fd00::${(2 + round).toString(16)}`;
      host.take(piece(family, whole, 0, 400, { identification: round, source }));
      if (round % 1000 !== 0) continue;
      for (const each of cutAt(family, whole, [400, 800], { identification: 0xffff })) host.take(each);
      arrived += host.texts().length;
    }

    t.is(arrived, 10);
    t.true(host.drops('reassembly memory') === 0); // the flood pays, not the piece that has just come
    host.pass(lifetime[family]);
    t.is(host.stack.nextDeadline(), never);
  });

  test(`V14: memory stays below 4 MiB, whichever single pieces a flood is made of (IPv${family})`, (t) => {
    for (const [start, end] of [
      [0, 8],
      [0, 1400],
      [8, 16],
      [32_000, 32_008],
      [65_000, 65_008],
    ] as const) {
      const host = new Receiver();
      const large = new Uint8Array(65_016);
      collectGarbage();
      const before = process.memoryUsage().arrayBuffers;
      for (let identification = 0; identification < 9000; identification++) {
        host.take(piece(family, large, start, end, { identification }, true));
      }
      collectGarbage();
      const held = process.memoryUsage().arrayBuffers - before;
      t.true(held <= 4 << 20, `${start}-${end}: ${held} octets`);
      host.pass(lifetime[family]);
    }
  });

  test(`V15: 8,000 pieces of 8 octets come together in reverse and shuffled (IPv${family})`, (t) => {
    const host = new Receiver();
    const payload = udp(family, [5000, 7], pattern(64_000 - 8));
    const cuts = Array.from({ length: 7999 }, (_, at) => (at + 1) * 8);
    const random = new SeededRandom(9);
    const started = performance.now();

    for (const order of [
      cutAt(family, payload, cuts, { identification: 1 }).reverse(),
      cutAt(family, payload, cuts, { identification: 2 })
        .map((bytes) => ({ bytes, key: random.uint32() }))
        .sort((a, b) => a.key - b.key)
        .map(({ bytes }) => bytes),
    ]) {
      for (const each of order) host.take(each);
      const [arrived, ...more] = host.texts();
      t.deepEqual(more, []);
      t.is(Buffer.compare(arrived!, pattern(64_000 - 8)), 0);
    }
    t.true(performance.now() - started < 3000);
  });

  test(`V18: random pieces, bent in any way, never throw, and leave nothing behind (IPv${family})`, (t) => {
    const host = new Receiver(3);
    const recipe = fc.record({
      identification: fc.nat(2),
      protocol: fc.constantFrom(17, 6, 1, 58, 0, 43, 44, 60, 59, 132),
      start: fc.nat(8191).map((block) => block * 8),
      near: fc.boolean(),
      length: fc.nat(120),
      more: fc.boolean(),
      at: fc.nat(200),
      octet: fc.nat(255),
      bend: fc.boolean(),
    });

    t.notThrows(() =>
      fc.assert(
        fc.property(fc.array(recipe, { minLength: 1, maxLength: 12 }), (recipes) => {
          for (const { identification, protocol, start, near, length, more, at, octet, bend } of recipes) {
            const from = near ? start & 0x78 : start;
            const made = piece(
              family,
              new Uint8Array(from + length).fill(octet),
              from,
              from + length,
              { identification, protocol },
              more,
            );
            const header = family === 4 ? 20 : 40;
            if (bend && header + at < made.length) made[header + at] = octet;
            host.now += 50_000;
            if (host.take(made).length > 1) return false;
          }
          return true;
        }),
        { numRuns: 1500 },
      ),
    );
    host.pass(seconds(61));
    t.is(host.stack.nextDeadline(), never);
  });
}

test('V14: memory counts octets and an overhead for each piece, and never passes the high mark', (t) => {
  const reassembly = new Reassembly({ high: 64 << 10, low: 48 << 10 }, new SeededRandom(1), new Counters());
  const datagram = new Datagram();
  let most = 0;

  for (let identification = 0; identification < 1000; identification++) {
    const bytes = piece(4, new Uint8Array(800), 0, 400, { identification });
    readIpv4(bytes, bytes.length, datagram);
    const before = reassembly.memory;
    t.is(reassembly.add(datagram, identification), 'kept');
    if (reassembly.memory > before) t.true(reassembly.memory - before >= 400 + 256);
    most = Math.max(most, reassembly.memory);
  }
  while (reassembly.expire(seconds(100), datagram) !== null);

  t.true(most <= 64 << 10);
  t.is(reassembly.memory, 0);
});

test('1122-13: IPv4 tells datagrams apart by protocol; IPv6 takes the next header of the first piece (8200 section 4.5)', (t) => {
  const host = new Receiver();
  for (const family of [4, 6] as const) {
    const whole = udp(family, [5000, 7], pattern(200));

    host.take(piece(family, whole, 0, 104));
    host.take(piece(family, whole, 104, 208, { protocol: 132 }));
    t.is(host.texts().length, family === 4 ? 0 : 1);
    host.take(piece(family, whole, 104, 208));
    t.is(host.texts().length, family === 4 ? 1 : 0);
    host.pass(seconds(60));
  }
});

test('8200-7: a piece but the last whose length is no multiple of 8 is refused (IPv6)', (t) => {
  const host = new Receiver();
  const whole = udp(6, [5000, 7], pattern(500));

  for (const length of [1, 7, 9, 12, 401]) {
    for (const start of [0, 8]) {
      t.deepEqual(told(host.take(piece(6, whole, start, start + length))), ['4/0 at 4']);
    }
  }
  t.is(host.stack.nextDeadline(), never);
});

test('RFC 791 section 3.2: of a piece but the last, the octets behind the last multiple of 8 do not count (IPv4)', (t) => {
  const host = new Receiver();
  const whole = udp(4, [5000, 7], pattern(100));

  host.take(piece(4, whole, 0, 7)); // nothing is left of it
  t.is(host.stack.nextDeadline(), never);
  for (const [start, end] of [
    [0, 41],
    [80, 108],
    [40, 87],
  ] as const) {
    host.take(piece(4, whole, start, end));
  }

  t.deepEqual(host.texts(), [pattern(100)]);
});

// The header chain of IPv6 ----------------------------------------------------------------------------------------------------

test('8200-6: a first piece without the whole header chain draws parameter problem code 3', (t) => {
  const host = new Receiver();
  const padding = (next: number): Uint8Array => octets(next, 0, 1, 4, 0, 0, 0, 0);
  const long = (next: number): Uint8Array => octets(next, 1, 1, 12, new Uint8Array(12));
  const tcp = octets(u16(5000), u16(80), u32(1), u32(0), 0x50, 2, u16(100), 0, 0, 0, 0, new Uint8Array(28));
  const cases: readonly (readonly [first: number, body: Uint8Array, needed: number])[] = [
    [17, udp(6, [5000, 7], pattern(40)), 8],
    [58, echo(6, pattern(40)), 8],
    [6, tcp, 20],
    [60, octets(padding(17), udp(6, [5000, 7], pattern(40))), 16],
    [60, octets(long(6), tcp), 36],
    [43, octets(17, 0, 0, 0, 0, 0, 0, 0, udp(6, [5000, 7], pattern(40))), 16],
    [60, octets(long(60), padding(17), udp(6, [5000, 7], pattern(40))), 32],
  ];

  for (const [protocol, body, needed] of cases) {
    for (let end = 8; end < body.length; end += 8) {
      const made = piece(6, body, 0, end, { protocol });
      const sent = host.take(made);
      t.deepEqual(told(sent), end < needed ? ['4/3 at 0'] : [], `${protocol}: ${end} of ${needed}`);
      if (end < needed) t.deepEqual(readIcmp(sent[0]!).quote, made);
      host.pass(seconds(60));
    }
  }
});

test('8200-9: headers before the fragment header stay, those behind it are read once the datagram is whole', (t) => {
  const host = new Receiver();
  const body = octets(17, 0, 1, 4, 0, 0, 0, 0, udp(6, [5000, 7], pattern(200)));
  const hop = octets(fragment, 0, 1, 4, 0, 0, 0, 0);
  const made = (start: number, end: number): Uint8Array => {
    const { length } = body;
    const header = octets(60, 0, u16(start | (end < length ? 1 : 0)), u32(9));
    return v6(octets(hop, header, body.subarray(start, end)), { next: 0 });
  };

  host.take(made(0, 104));
  host.take(made(104, body.length));

  t.deepEqual(host.texts(), [pattern(200)]);
});

test('8200-2: an unknown option behind the fragment header is pointed at in the datagram as it is whole', (t) => {
  const host = new Receiver();
  const body = octets(17, 0, 0x80, 4, 0, 0, 0, 0, udp(6, [5000, 7], pattern(200)));

  t.deepEqual(host.take(piece(6, body, 0, 104, { protocol: 60 })), []);
  const [sent] = host.take(piece(6, body, 104, body.length, { protocol: 60 }));

  t.deepEqual(told([sent!]), ['4/2 at 42']);
  t.deepEqual(readIcmp(sent!).quote, v6(body, { next: 60 }));
});

test('8200-1: an unknown next header of a datagram in pieces is pointed at in the datagram as it is whole', (t) => {
  const host = new Receiver();

  t.deepEqual(host.take(piece(6, pattern(200), 0, 104, { protocol: 132 })), []);
  const [sent] = host.take(piece(6, pattern(200), 104, 200, { protocol: 132 }));

  t.deepEqual(told([sent!]), ['4/1 at 6']);
  t.deepEqual(readIcmp(sent!).quote, v6(pattern(200), { next: 132 }));
});

test('V18: a piece inside of pieces is never taken for a whole datagram', (t) => {
  const host = new Receiver();
  for (const [place, protocol] of [
    [8, 17],
    [9, 17],
    [1, 17],
  ] as const) {
    const inner = octets(protocol, 0, u16(place), u32(5), udp(6, [5000, 7], pattern(24)));

    host.take(piece(6, inner, 0, 24, { protocol: fragment, identification: place }));
    host.take(piece(6, inner, 24, inner.length, { protocol: fragment, identification: place }));

    t.deepEqual(host.texts(), []);
  }
});

test('8200-1: a hop-by-hop header behind a fragment header is refused once the datagram is whole', (t) => {
  const host = new Receiver();
  const body = octets(58, 0, 1, 4, 0, 0, 0, 0, echo(6));

  host.take(piece(6, body, 0, 16, { protocol: 0 }));
  const sent = host.take(piece(6, body, 16, body.length, { protocol: 0 }));

  t.false(sent.some((each) => readIcmp(each).type === 129));
});

test('8200-9: the reserved bits of the fragment header are ignored', (t) => {
  const host = new Receiver();
  const whole = udp(6, [5000, 7], pattern(200));

  for (const [start, end] of [
    [0, 104],
    [104, 208],
  ] as const) {
    const place = start | 6 | (end < 208 ? 1 : 0);
    host.take(v6(octets(17, 0xff, u16(place), u32(4), whole.subarray(start, end)), { next: fragment }));
  }

  t.deepEqual(host.texts(), [pattern(200)]);
});

// What leaves in pieces -----------------------------------------------------------------------------------------------------------

for (const [family, mtu] of [
  [4, 576],
  [4, 1280],
  [4, 1500],
  [6, 1280],
  [6, 1500],
] as const) {
  const room = (mtu - (family === 4 ? 20 : 48)) & ~7;

  test(`1122-14: datagrams of all sizes around the borders of pieces leave well cut and arrive whole (IPv${family}, MTU ${mtu})`, (t) => {
    const sender = new Lone({ mtu, interfaces: [[`${theirs[family]}/${family === 4 ? 24 : 64}`]] });
    const receiver = new Receiver(2);
    const socket = sender.stack.udp.open(family === 4 ? anyV4 : anyV6);
    socket.ttl = 9;
    socket.pmtuDiscovery = 'dont';
    const most = family === 4 ? 65_507 : 65_527;
    const wholeMost = mtu - (family === 4 ? 28 : 48);
    const borders = [wholeMost, ...[1, 2, 3, 10].map((count) => count * room - 8)];
    const sizes = [0, 1, ...borders.flatMap((at) => [-9, -8, -1, 0, 1, 7, 8, 9].map((by) => at + by)), most - 1, most];

    for (const size of sizes) {
      sender.stack.udp.send(socket, pattern(size, size), addressOf(ours[family]), 7);
      const pieces = sender.sent();
      const inOne = size <= wholeMost;

      t.is(pieces.length, inOne ? 1 : Math.ceil((size + 8) / room), `${size}`);
      t.is(new Set(pieces.map(({ identification }) => identification)).size, 1);
      let offset = 0;
      for (const [at, each] of pieces.entries()) {
        const isLast = at === pieces.length - 1;
        t.true(each.isSound && each.bytes.length <= mtu);
        t.deepEqual([each.offset, each.more, each.isFragment, each.ttl], [offset, !isLast, !inOne, 9]);
        t.is(each.dontFragment, family === 6);
        if (!isLast) t.is(each.payload.length, room);
        offset += each.payload.length;
        receiver.take(each.bytes);
      }
      const [arrived, ...more] = receiver.texts();
      t.deepEqual(more, []);
      t.is(Buffer.compare(arrived!, pattern(size, size)), 0);
    }
  });
}

for (const family of [4, 6] as const) {
  /** The identifications of datagrams that leave in pieces, one after another. */
  const identifications = (seed: number, count: number): number[] => {
    const sender = new Lone({ seed });
    const socket = sender.stack.udp.open(family === 4 ? anyV4 : anyV6);
    return Array.from({ length: count }, () => {
      sender.stack.udp.send(socket, new Uint8Array(2000), addressOf(theirs[family]), 7);
      return sender.sent()[0]!.identification;
    });
  };

  test(`1122-4, 7739-1: no identification comes twice among datagrams in flight, and none can be foretold (IPv${family})`, (t) => {
    const some = identifications(1, 2000);
    const steps = some.slice(1).map((each, at) => (each - some[at]! + 0x1_0000_0000) % 0x1_0000_0000);

    t.is(new Set(some).size, 2000);
    t.true(new Set(steps).size >= (family === 4 ? 4 : 1900)); // no fixed step
    t.notDeepEqual(some.slice(0, 10), identifications(2, 10));
  });

  test(`RFC 1191: with path MTU discovery a datagram leaves in one piece or is refused (IPv${family})`, (t) => {
    const sender = new Lone();
    const socket = sender.stack.udp.open(family === 4 ? anyV4 : anyV6);
    const most = 1500 - (family === 4 ? 28 : 48);
    socket.pmtuDiscovery = 'do';

    sender.stack.udp.send(socket, new Uint8Array(most), addressOf(theirs[family]), 7);
    const [only, ...more] = sender.sent();

    t.deepEqual([only!.bytes.length, only!.dontFragment, only!.isFragment, more.length], [1500, true, false, 0]);
    t.throws(() => sender.stack.udp.send(socket, new Uint8Array(most + 1), addressOf(theirs[family]), 7), {
      code: 'EMSGSIZE',
    });
    t.deepEqual(sender.sent(), []);
  });
}

test('8021-1, 8201-1: a Packet Too Big below 1280 is ignored; after one of 1280, what fits leaves without a fragment header', (t) => {
  for (const told of [0, 68, 1279, 1280]) {
    const isBelieved = told === 1280;
    const sender = new Lone();
    const socket = sender.stack.udp.open(anyV6);
    sender.stack.udp.send(socket, new Uint8Array(1400), addressOf(theirs[6]), 7);
    const [about] = sender.sent();

    sender.take(packet(6, 58, icmp(6, 2, 0, octets(u32(told), about!.bytes.subarray(0, 1232)))));
    sender.stack.udp.send(socket, new Uint8Array(1280 - 48), addressOf(theirs[6]), 7);
    sender.stack.udp.send(socket, new Uint8Array(1280 - 47), addressOf(theirs[6]), 7);
    const [whole, first, second] = sender.sent();

    t.deepEqual([whole!.bytes.length, whole!.isFragment], [1280, false]);
    t.deepEqual([first!.bytes.length, first!.isFragment], isBelieved ? [1280, true] : [1281, false]);
    t.is(second?.isFragment, isBelieved ? true : undefined);
  }
});
