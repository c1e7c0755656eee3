/**
 * A packet that stands for many, cut: against a cutter that shares no code with ours, and builds every packet anew. What
 * devices and links do with the packets is not here.
 */
import test from 'ava';
import fc from 'fast-check';
import { PacketMeta, segmentCount, writeSegments } from '../../src/stack/index.ts';
import { completeChecksum } from '../../src/stack/ip/segmentation.ts';
import {
  internetChecksum,
  octets,
  octetsOf,
  ours,
  pattern,
  theirs,
  u16,
  u32,
  udp,
  v4,
  v6,
} from '../helpers/packets.ts';

const flag = { FIN: 1, SYN: 2, RST: 4, PSH: 8, ACK: 16, URG: 32, ECE: 64, CWR: 128 } as const;

/** What there is to say in one packet, whole or cut. */
interface Whole {
  readonly family: 4 | 6;
  readonly protocol: 6 | 17;
  readonly ports: readonly [number, number];
  readonly seq: number;
  readonly ack: number;
  readonly flags: number;
  /** Of TCP: whole words. */
  readonly options: Uint8Array;
  /** Of IPv4: whole words. */
  readonly ipOptions: Uint8Array;
  readonly identification: number;
  readonly text: Uint8Array;
  readonly size: number;
}

const sample: Whole = {
  family: 4,
  protocol: 6,
  ports: [1234, 80],
  seq: 0xffff_ff00,
  ack: 99,
  flags: flag.CWR | flag.ACK | flag.PSH | flag.FIN,
  options: octets(1, 1, 8, 10, u32(11), u32(22)),
  ipOptions: octets(),
  identification: 0xfffe,
  text: pattern(950),
  size: 100,
};

const pseudoHeader = ({ family, protocol }: Whole, length: number): Uint8Array =>
  octets(octetsOf(theirs[family]), octetsOf(ours[family]), u32(length), 0, 0, 0, protocol);

/** The packet with segments [first, end) of the whole in it, written down from its description. */
function build(whole: Whole, first: number, end: number, checksum: 'whole' | 'partial'): Uint8Array {
  const { family, protocol, ports, seq, ack, options, size, text } = whole;
  const part = text.subarray(first * size, end * size);
  const isLast = end * size >= text.length;
  let { flags } = whole;
  if (first > 0) flags &= 255 - flag.CWR;
  if (!isLast) flags &= 255 - flag.FIN - flag.PSH;
  const at = [...u32((seq + first * size) % 2 ** 32), ...u32(ack)];
  const transport =
    protocol === 6
      ? octets(u16(ports[0]), u16(ports[1]), at, (20 + options.length) * 4, flags, u16(555), 0, 0, 0, 0, options, part)
      : octets(u16(ports[0]), u16(ports[1]), u16(8 + part.length), 0, 0, part);
  const pseudo = pseudoHeader(whole, transport.length);
  if (checksum === 'partial') {
    transport.set(u16(0xffff - internetChecksum(pseudo)), protocol === 6 ? 16 : 6);
  } else {
    const sum = internetChecksum(octets(pseudo, transport));
    transport.set(u16(protocol === 17 && sum === 0 ? 0xffff : sum), protocol === 6 ? 16 : 6);
  }
  if (family === 6) return v6(transport, { next: protocol });
  const identification = (whole.identification + first) % 65_536;
  return v4(transport, { protocol, identification, options: [...whole.ipOptions], place: 0x4000 });
}

const countOf = ({ text, size }: Whole): number => Math.ceil(text.length / size);

function metaOf({ family, protocol, size, ipOptions }: Whole): PacketMeta {
  const meta = new PacketMeta();
  meta.checksum = 'partial';
  meta.segmentSize = size;
  meta.transportAt = family === 4 ? 20 + ipOptions.length : 40;
  meta.checksumOffset = protocol === 6 ? 16 : 6;
  return meta;
}

/** Octets behind what is written have to stay as they are. */
const untouched = 0xa5;

function cut(packet: Uint8Array, meta: PacketMeta, first: number, count: number): Uint8Array {
  const into = new Uint8Array(packet.length + 16).fill(untouched);
  const length = writeSegments(packet, packet.length, meta, first, count, into);
  if (into.subarray(length).some((octet) => octet !== untouched)) throw new Error(`more than ${length} octets written`);
  return into.subarray(0, length);
}

/** The sum over the transport's part and the pseudo-header: 0 when the checksum is right. */
function remainder(whole: Whole, packet: Uint8Array): number {
  const transport = packet.subarray(metaOf(whole).transportAt);
  return internetChecksum(octets(pseudoHeader(whole, transport.length), transport));
}

const words = (most: number) =>
  fc.uint8Array({ minLength: 0, maxLength: most }).map((bytes) => bytes.subarray(0, bytes.length & ~3));
const wholes: fc.Arbitrary<Whole> = fc.record({
  family: fc.constantFrom(4 as const, 6 as const),
  protocol: fc.constantFrom(6 as const, 6 as const, 17 as const),
  ports: fc.tuple(fc.nat(65_535), fc.nat(65_535)),
  seq: fc.oneof(
    fc.nat(0xffff_ffff),
    fc.nat(1000).map((back) => 0xffff_ffff - back),
  ),
  ack: fc.nat(0xffff_ffff),
  flags: fc.nat(255),
  options: words(40),
  ipOptions: words(40).map((bytes) => bytes.fill(1)), // no operation, ten times at most
  identification: fc.nat(65_535),
  text: fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 400 }),
    fc.integer({ min: 1, max: 6000 }).map((length) => pattern(length)),
  ),
  size: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 400, max: 1500 })),
});

const seed = { seed: 20_260 };

test('a packet stands for as many as its text has segments', (t) => {
  const count = (length: number, size: number): number => {
    const whole = { ...sample, text: pattern(length), size };
    const packet = build(whole, 0, countOf(whole), 'partial');
    return segmentCount(packet, packet.length, metaOf(whole));
  };

  t.deepEqual([count(950, 100), count(901, 100), count(900, 100), count(899, 100)], [10, 10, 9, 9]);
  t.deepEqual([count(100, 100), count(99, 100), count(1, 1)], [1, 1, 1]);
});

test('a packet without a segment size stands for itself', (t) => {
  const packet = build({ ...sample, size: 1000 }, 0, 1, 'whole');

  t.is(segmentCount(packet, packet.length, new PacketMeta()), 1);
  t.deepEqual(cut(packet, new PacketMeta(), 0, 1), packet);
});

for (const protocol of [6, 17] as const) {
  test(`of a packet without a segment size nothing but a partial checksum is filled in (protocol ${protocol})`, (t) => {
    const whole = { ...sample, protocol, size: 1000 };
    const packet = build(whole, 0, 1, 'partial');
    const before = packet.slice();
    const meta = metaOf(whole);
    meta.segmentSize = 0;

    t.deepEqual(cut(packet, meta, 0, 1), build(whole, 0, 1, 'whole'));
    t.deepEqual(packet, before);
  });
}

for (const family of [4, 6] as const) {
  test(`every part of a packet of ten segments, TCP over IPv${family}: flags, numbers, lengths and sums`, (t) => {
    const whole = { ...sample, family };
    const packet = build(whole, 0, 10, 'partial');
    const ipHeader = family === 4 ? 20 : 40;

    for (let first = 0; first < 10; first++) {
      for (let end = first + 1; end <= 10; end++) {
        const part = cut(packet, metaOf(whole), first, end - first);
        const view = new DataView(part.buffer, part.byteOffset, part.length);
        const text = Math.min(950, end * 100) - first * 100;
        const flags = part[ipHeader + 13]!;
        t.is(part.length, ipHeader + 32 + text);
        t.is((flags & flag.CWR) !== 0, first === 0);
        t.is((flags & flag.PSH) !== 0, end === 10);
        t.is((flags & flag.FIN) !== 0, end === 10);
        t.is(flags & flag.ACK, flag.ACK);
        t.is(view.getUint32(ipHeader + 4), (0xffff_ff00 + first * 100) % 2 ** 32);
        t.is(view.getUint32(ipHeader + 8), 99);
        if (family === 4) {
          t.is(view.getUint16(2), part.length);
          t.is(view.getUint16(4), (0xfffe + first) % 65_536);
          t.is(internetChecksum(part.subarray(0, 20)), 0);
        } else t.is(view.getUint16(4), part.length - 40);
        if (end === first + 1) t.is(remainder(whole, part), 0);
        else
          t.is(view.getUint16(ipHeader + 16), 0xffff - internetChecksum(pseudoHeader(whole, part.length - ipHeader)));
      }
    }
  });
}

test('any part of any packet is what building it anew gives', (t) => {
  const parts = fc.tuple(wholes, fc.nat(999), fc.nat(999), fc.nat(64));
  fc.assert(
    fc.property(parts, ([whole, one, other, behind]) => {
      const total = countOf(whole);
      const [first, end] = [Math.min(one % total, other % total), Math.max(one % total, other % total) + 1];
      const packet = build(whole, 0, total, 'partial');
      const meta = metaOf(whole);
      const padded = octets(packet, pattern(behind)); // what stands behind `length` is none of its business
      const into = new Uint8Array(packet.length);

      if (segmentCount(padded, packet.length, meta) !== total) return false;
      const length = writeSegments(padded, packet.length, meta, first, end - first, into);
      const expected = build(whole, first, end, end === first + 1 ? 'whole' : 'partial');
      return Buffer.compare(into.subarray(0, length), expected) === 0;
    }),
    { ...seed, numRuns: 300 },
  );
  t.pass();
});

test('a part that is cut again gives the same packets as the whole', (t) => {
  const parts = fc.tuple(wholes, fc.nat(999), fc.nat(999), fc.nat(999));
  fc.assert(
    fc.property(parts, ([whole, one, other, chosen]) => {
      const total = countOf(whole);
      const [first, last] = [Math.min(one % total, other % total), Math.max(one % total, other % total)];
      if (last === first) return true; // one alone has a whole checksum
      const packet = build(whole, 0, total, 'partial');
      const meta = metaOf(whole);
      const part = cut(packet, meta, first, last - first + 1).slice();

      const index = chosen % (last - first + 1);
      if (segmentCount(part, part.length, meta) !== last - first + 1) return false;
      return Buffer.compare(cut(part, meta, index, 1), cut(packet, meta, first + index, 1)) === 0;
    }),
    { ...seed, numRuns: 200 },
  );
  t.pass();
});

test('the packets that stand alone have right sums, and their texts are the text', (t) => {
  fc.assert(
    fc.property(wholes, (whole) => {
      const total = countOf(whole);
      const packet = build(whole, 0, total, 'partial');
      const before = packet.slice();
      const meta = metaOf(whole);
      const header = meta.transportAt + (whole.protocol === 6 ? 20 + whole.options.length : 8);
      const text: Uint8Array[] = [];
      for (let index = 0; index < total; index++) {
        const part = cut(packet, meta, index, 1);
        if (remainder(whole, part) !== 0) return false;
        text.push(part.subarray(header));
      }
      return Buffer.compare(octets(...text), whole.text) === 0 && Buffer.compare(packet, before) === 0;
    }),
    { ...seed, numRuns: 50 },
  );
  t.pass();
});

for (const family of [4, 6] as const) {
  test(`RFC 768: a datagram whose sum is zero says ffff, alone or cut out of many (IPv${family})`, (t) => {
    // The last two octets of the text make up for all the rest.
    const first = pattern(10, 3);
    const rest = internetChecksum(
      octets(pseudoHeader({ ...sample, family, protocol: 17 }, 20), u16(5), u16(6), u16(20), first),
    );
    const text = octets(first, u16(rest), pattern(12, 9));
    const whole: Whole = { ...sample, family, protocol: 17, ports: [5, 6], text, size: 12 };
    const meta = metaOf(whole);
    const alone = { ...whole, text: text.subarray(0, 12) };
    const single = build(alone, 0, 1, 'partial');

    const cutOut = cut(build(whole, 0, 2, 'partial'), meta, 0, 1);
    completeChecksum(single, single.length, meta);

    t.deepEqual([...cutOut.subarray(meta.transportAt + 6, meta.transportAt + 8)], [255, 255]);
    t.deepEqual(single, cutOut);
    t.deepEqual(cutOut.subarray(meta.transportAt).slice(8), udp(family, [5, 6], text.subarray(0, 12)).slice(8));
  });

  test(`a segment whose sum is zero says zero (IPv${family})`, (t) => {
    const plain: Whole = { ...sample, family, text: octets(pattern(10, 3), 0, 0, pattern(12)), size: 12 };
    const unbalanced = build(plain, 0, 1, 'whole');
    const meta = metaOf(plain);
    const sum = unbalanced.subarray(meta.transportAt + 16, meta.transportAt + 18);
    const whole: Whole = { ...plain, text: octets(pattern(10, 3), sum, pattern(12)) };

    const part = cut(build(whole, 0, 2, 'partial'), meta, 0, 1);

    t.deepEqual([...part.subarray(meta.transportAt + 16, meta.transportAt + 18)], [0, 0]);
  });
}

test('a packet of 64 KiB with segments of one octet is cut into all of them', (t) => {
  const whole: Whole = { ...sample, options: octets(), text: pattern(65_495), size: 1 };
  const packet = build(whole, 0, 65_495, 'partial');
  const meta = metaOf(whole);

  t.is(packet.length, 65_535);
  t.is(segmentCount(packet, packet.length, meta), 65_495);
  for (const index of [0, 1, 32_768, 65_494])
    t.deepEqual(cut(packet, meta, index, 1), build(whole, index, index + 1, 'whole'));
});
