/** The formats: what is written can be read back, and whatever arrives is either read or refused, never more than that. */
import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { type Address, ipv4, parseAddress } from '../../src/stack/base/address.ts';
import { getUint8, getUint16, setUint8, setUint16, setUint32 } from '../../src/stack/base/bytes.ts';
import { checksum, finishChecksum, pseudoHeaderSum, sumBytes } from '../../src/stack/base/checksum.ts';
import { Counters, type DropReason, dropReasons } from '../../src/stack/base/counters.ts';
import { type Seq, toSeq } from '../../src/stack/base/seq.ts';
import { makeError } from '../../src/stack/icmp/errors.ts';
import { acceptIcmp } from '../../src/stack/icmp/input.ts';
import { IcmpReport } from '../../src/stack/icmp/report.ts';
import { Datagram, Outgoing, protocolIcmp, protocolTcp, protocolUdp } from '../../src/stack/wire/datagram.ts';
import { Describer, describePacket } from '../../src/stack/wire/describe.ts';
import * as icmp from '../../src/stack/wire/icmpv4.ts';
import { checkIpv4Options, quotedDestination, quotedSource, readIpv4, writeIpv4 } from '../../src/stack/wire/ipv4.ts';
import { ACK, FIN, finishSegment, PSH, RST, readSegment, Segment, SYN, URG } from '../../src/stack/wire/tcp.ts';
import {
  readOptions,
  type SynOptions,
  sackLength,
  TcpOptionsRead,
  timestampsLength,
  writeSack,
  writeSynOptions,
  writeTimestamps,
} from '../../src/stack/wire/tcp-options.ts';
import { readUdp, UdpHeader, writeUdp } from '../../src/stack/wire/udp.ts';

/** The property holds for whatever fast-check tries; the message of a failure has the seed and the smallest example. */
function holds<T>(t: ExecutionContext, property: fc.IProperty<T>, runs = 200): void {
  t.notThrows(() => fc.assert(property, { numRuns: runs }));
}

const here = parseAddress('10.0.0.1')!;
const there = parseAddress('10.0.0.2')!;
const uint32 = fc.integer({ min: 0, max: 0xffffffff });
const port = fc.nat(0xffff);

const hexBytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));

/** What a transport asks of IP, with what is given and nothing else. */
const asked = (fields: Partial<Outgoing>): Outgoing => Object.assign(new Outgoing(), fields);

/** A packet from 10.0.0.1 to 10.0.0.2 with this payload. */
function packetOf(protocol: number, payload: Uint8Array): Uint8Array {
  const packet = new Uint8Array(20 + payload.length);
  packet.set(payload, 20);
  setUint32(packet, 0, 0x45000000 + packet.length);
  setUint32(packet, 4, 0x00014000);
  setUint32(packet, 8, 0x40000000 + (protocol << 16));
  setUint32(packet, 12, here.w3);
  setUint32(packet, 16, there.w3);
  setUint16(packet, 10, checksum(packet, 0, 20));
  return packet;
}

/** The packet with other octets in its IPv4 header, whose checksum is made right again. */
function altered(packet: Uint8Array, at: number, ...octets: number[]): Uint8Array {
  const changed = packet.slice();
  changed.set(octets, at);
  setUint16(changed, 10, 0);
  setUint16(changed, 10, checksum(changed, 0, Math.max(20, (getUint8(changed, 0) & 15) * 4)));
  return changed;
}

/** A packet whose IPv4 header has these options, padded with zeros to a multiple of 4. */
function withOptions(...options: number[]): Uint8Array {
  const room = Math.ceil(options.length / 4) * 4;
  const packet = new Uint8Array(20 + room + 4);
  packet.set(packetOf(protocolUdp, new Uint8Array(room + 4)));
  return altered(altered(packet, 20, ...options), 0, 0x45 + room / 4);
}

const readIp = (packet: Uint8Array, length = packet.length): DropReason | null =>
  readIpv4(packet, length, new Datagram());

// IPv4 -----------------------------------------------------------------------------------------------------------------

test('an IPv4 header is written octet for octet as RFC 791 section 3.1 draws it', (t) => {
  const out = asked({
    source: parseAddress('192.168.0.1')!,
    destination: parseAddress('192.168.0.199')!,
    protocol: protocolUdp,
    length: 95,
    ttl: 64,
    trafficClass: 0,
  });
  const into = new Uint8Array(20).fill(0xee);

  writeIpv4(into, out);

  t.deepEqual(into, hexBytes('4500 0073 0000 4000 4011 b861 c0a8 0001 c0a8 00c7'));
});

test('an IPv4 header that was written is read back, and what follows the total length is padding', (t) => {
  const octet = fc.nat(255);
  holds(
    t,
    fc.property(
      uint32,
      uint32,
      octet,
      octet,
      octet,
      fc.nat(0xffff),
      fc.nat(100),
      fc.nat(50),
      (a, b, protocol, ttl, tos, id, length, padding) => {
        const out = asked({ source: ipv4(a), destination: ipv4(b), protocol, length, ttl, trafficClass: tos });
        const packet = new Uint8Array(20 + length + padding).fill(0xee);
        const datagram = new Datagram();
        out.identification = id;
        writeIpv4(packet, out);

        strictEqual(readIpv4(packet, packet.length, datagram), null);
        deepStrictEqual([datagram.source, datagram.destination], [out.source, out.destination]);
        deepStrictEqual([datagram.protocol, datagram.ttl, datagram.trafficClass], [protocol, ttl, tos]);
        deepStrictEqual([datagram.payloadStart, datagram.payloadEnd], [20, 20 + length]);
        strictEqual(datagram.bytes, packet);
        strictEqual(getUint16(packet, 4), id);
        strictEqual(datagram.identification, id);
        deepStrictEqual([datagram.isFragment, datagram.dontFragment], [false, true]);
      },
    ),
  );
});

test('an IPv4 packet cut off anywhere is refused, for its header or for its total length', (t) => {
  const packet = packetOf(protocolUdp, new Uint8Array(12));

  for (let length = 0; length < packet.length; length++) {
    const right = length < 20 ? 'truncated packet' : 'bad total length';
    t.is(readIp(packet, length), right, `${length} octets`);
    t.is(readIp(packet.slice(0, length), length), right, `${length} octets`);
  }
});

test('an IPv4 header with any one bit flipped is refused (RFC 1122 section 3.2.1.2)', (t) => {
  const packet = packetOf(
    protocolUdp,
    Uint8Array.from({ length: 40 }, (_, index) => index),
  );

  for (let bit = 0; bit < 160; bit++) {
    const flipped = packet.slice();
    flipped[bit >> 3] = flipped[bit >> 3]! ^ (0x80 >> (bit & 7));
    t.not(readIp(flipped), null, `bit ${bit}`);
  }
});

test('each field of an IPv4 header that cannot be right has its own reason', (t) => {
  const packet = packetOf(protocolUdp, new Uint8Array(12));

  t.is(readIp(altered(packet, 0, 0x44)), 'bad header length');
  t.is(readIp(altered(packet, 0, 0x40)), 'bad header length');
  t.is(readIp(altered(packet, 0, 0x49)), 'bad header length'); // 36 octets of 32
  t.is(readIp(packetOf(protocolUdp, new Uint8Array(3)).fill(0x46, 0, 1)), 'bad header length'); // 24 octets of 23
  t.is(readIp(altered(packet, 2, 0, 19)), 'bad total length');
  t.is(readIp(altered(packet, 2, 0, 33)), 'bad total length');
  t.is(readIp(altered(altered(packet, 2, 0, 20), 0, 0x46)), 'bad total length'); // less than its header
  t.is(readIp(altered(packet, 2, 0, 20)), null);
  const wrong = packet.slice();
  setUint16(wrong, 10, getUint16(wrong, 10) ^ 0x8000);
  t.is(readIp(wrong), 'bad header checksum');
});

const ipOptions: readonly (readonly [name: string, options: readonly number[], reason: DropReason | null])[] = [
  ['no operation', [1, 1, 1, 1], null],
  ['end of list, and rubbish behind it', [0, 131, 0, 7], null],
  ['record route', [7, 7, 4, 0, 0, 0, 0, 1], null],
  ['an unknown option up to the very end', [0x5e, 4, 1, 2], null],
  ['no operation and router alert', [1, 0x94, 4, 0, 0], null],
  ['length 0', [7, 0, 0, 0], 'bad IP option'],
  ['length 1', [7, 1, 0, 0], 'bad IP option'],
  ['a length past the header', [7, 5, 0, 0], 'bad IP option'],
  ['no room for the length', [1, 1, 1, 7], 'bad IP option'],
  ['loose source route', [131, 7, 4, 10, 0, 0, 9], 'source route'],
  ['strict source route', [137, 7, 4, 10, 0, 0, 9], 'source route'],
  ['a source route behind another option', [1, 7, 3, 4, 131, 3, 4], 'source route'],
];

for (const [name, options, reason] of ipOptions) {
  const what = reason === null ? 'are skipped' : `are refused as ${reason}`;
  test(`IP options with ${name} ${what} (RFC 1122 section 3.2.1.8)`, (t) => {
    const datagram = new Datagram();
    const packet = withOptions(...options);

    t.is(readIpv4(packet, packet.length, datagram) ?? checkIpv4Options(datagram), reason);
    if (reason === null) t.is(datagram.payloadStart, 20 + Math.ceil(options.length / 4) * 4);
  });
}

test('a piece of a datagram is known by More Fragments or its offset, not by Do Not Fragment', (t) => {
  const packet = packetOf(protocolUdp, new Uint8Array(12));
  const fields = [0x0000, 0x4000, 0x8000, 0x2000, 0x0001, 0x3fff, 0x1fff];

  const read = fields.map((field) => {
    const datagram = new Datagram();
    readIpv4(altered(packet, 6, field >> 8, field & 255), packet.length, datagram);
    return datagram;
  });

  t.deepEqual(
    read.map(({ isFragment }) => isFragment),
    [false, false, false, true, true, true, true],
  );
  t.deepEqual(
    read.map(({ fragmentOffset }) => fragmentOffset),
    [0, 0, 0, 0, 8, 65_528, 65_528],
  );
});

test('the addresses of a quoted header are read where they stand', (t) => {
  const quote = new Uint8Array(50);
  quote.set(packetOf(protocolUdp, new Uint8Array(0)), 8);

  t.is(String(quotedSource(quote, 8)), '10.0.0.1');
  t.is(String(quotedDestination(quote, 8)), '10.0.0.2');
});

// ICMP -----------------------------------------------------------------------------------------------------------------

function icmpMessage(type: number, code: number, rest: Uint8Array): Uint8Array {
  const message = new Uint8Array(4 + rest.length);
  message.set([type, code]);
  message.set(rest, 4);
  setUint16(message, 2, checksum(message, 0, message.length));
  return message;
}

/** What comes of an ICMP message that arrives as the payload of a packet. */
function acceptMessage(message: Uint8Array, report = new IcmpReport()): ReturnType<typeof acceptIcmp> {
  const datagram = new Datagram();
  const packet = packetOf(protocolIcmp, message);
  strictEqual(readIpv4(packet, packet.length, datagram), null);
  return acceptIcmp(datagram, report, new Counters());
}

test('ICMP messages that report errors are those of RFC 1122 section 3.2.2', (t) => {
  const errors = Array.from({ length: 256 }, (_, type) => type).filter(icmp.isIcmpError);

  t.deepEqual(errors, [3, 4, 5, 11, 12]);
});

test('an echo request of any size gets its own identifier, number and data back, with a right checksum', (t) => {
  holds(
    t,
    fc.property(fc.uint8Array({ minLength: 4, maxLength: 60 }), fc.nat(255), (rest, code) => {
      const reply = acceptMessage(icmpMessage(icmp.echoRequest, code, rest));
      ok(reply instanceof Uint8Array);
      deepStrictEqual(reply, icmpMessage(icmp.echoReply, code, rest));
      strictEqual(checksum(reply, 0, reply.length), 0);
    }),
  );
});

test('an ICMP message too short for its header, or with a bit flipped, is refused', (t) => {
  const message = icmpMessage(icmp.echoRequest, 0, Uint8Array.of(0, 1, 0, 2, 3));

  for (let length = 0; length < 8; length++) t.is(acceptMessage(message.subarray(0, length)), 'malformed ICMP');
  for (let bit = 0; bit < message.length * 8; bit++) {
    const flipped = message.slice();
    flipped[bit >> 3] = flipped[bit >> 3]! ^ (1 << (bit & 7));
    t.is(acceptMessage(flipped), 'bad ICMP checksum', `bit ${bit}`);
  }
});

test('an ICMP error that is made about a datagram is read as being about its sender and its ports', (t) => {
  const about = new Datagram();
  const report = new IcmpReport();
  const packet = packetOf(protocolUdp, hexBytes('1234 0050 000c 0000 61626364'));
  readIpv4(packet, packet.length, about);

  const message = makeError(
    icmp.destinationUnreachable,
    icmp.fragmentationNeeded,
    1280,
    about,
    about.destination,
    about.source,
  );

  t.is(acceptMessage(message, report), 'report');
  t.is(message.length, 8 + packet.length);
  t.deepEqual(message.subarray(8), packet);
  const { protocol, local, localPort, remote, remotePort, seq, mtu, error, isHard } = report;
  t.deepEqual(
    [protocol, String(local), localPort, String(remote), remotePort],
    [17, '10.0.0.1', 0x1234, '10.0.0.2', 80],
  );
  t.deepEqual([seq, mtu, error, isHard], [toSeq(0x000c0000), 1280, 'EMSGSIZE', false]);
});

test('an ICMP error about a large datagram stays within 576 octets (RFC 1812 section 4.3.2.3)', (t) => {
  const about = new Datagram();
  const packet = packetOf(protocolUdp, new Uint8Array(1000).fill(1));
  readIpv4(packet, packet.length, about);

  const message = makeError(
    icmp.destinationUnreachable,
    icmp.portUnreachable,
    0,
    about,
    about.destination,
    about.source,
  );

  t.is(message.length + 20, 576);
  t.is(checksum(message, 0, message.length), 0);
});

test('an ICMP error is refused when its quote ends before the ports and the sequence number do', (t) => {
  const quote = packetOf(protocolTcp, new Uint8Array(8));
  const unreachable = (quoted: Uint8Array): Uint8Array =>
    icmpMessage(icmp.destinationUnreachable, icmp.hostUnreachable, Uint8Array.of(0, 0, 0, 0, ...quoted));

  for (let length = 0; length < 28; length++) {
    t.is(acceptMessage(unreachable(quote.subarray(0, length))), 'malformed ICMP', `${length} octets`);
  }
  t.is(acceptMessage(unreachable(quote)), 'report');
  t.is(acceptMessage(unreachable(altered(quote, 0, 0x65))), 'malformed ICMP'); // quotes version 6
  t.is(acceptMessage(unreachable(altered(quote, 0, 0x44))), 'malformed ICMP');
  t.is(acceptMessage(unreachable(altered(quote, 0, 0x46))), 'malformed ICMP'); // then 4 octets are left of 8
  t.is(acceptMessage(unreachable(altered(quote, 6, 0x20, 0x01))), 'ICMP ignored'); // no ports in a later fragment
});

// UDP ------------------------------------------------------------------------------------------------------------------

/** A datagram as IP hands it up, with this payload at bytes[start, end). */
function arrived(
  protocol: number,
  bytes: Uint8Array,
  start = 0,
  end = bytes.length,
  source = here,
  destination = there,
): Datagram {
  return Object.assign(new Datagram(), {
    source,
    destination,
    protocol,
    bytes,
    payloadStart: start,
    payloadEnd: end,
  });
}

function udpBytes(from: number, to: number, text: Uint8Array, source = here, destination = there): Uint8Array {
  const bytes = new Uint8Array(8 + text.length);
  bytes.set(text, 8);
  writeUdp(bytes, 0, from, to, asked({ source, destination, length: bytes.length }));
  return bytes;
}

test('a UDP datagram is read back from any place in a packet, and octets behind its length are padding', (t) => {
  const text = fc.uint8Array({ maxLength: 60 });
  holds(
    t,
    fc.property(uint32, uint32, port, port, text, fc.nat(40), fc.nat(5), (a, b, from, to, content, start, padding) => {
      const bytes = new Uint8Array(start + 8 + content.length + padding).fill(0xee);
      const out = asked({
        source: ipv4(a),
        destination: ipv4(b),
        length: 8 + content.length,
      });
      bytes.set(content, start + 8);
      writeUdp(bytes, start, from, to, out);
      const header = new UdpHeader();

      const reason = readUdp(arrived(protocolUdp, bytes, start, bytes.length, ipv4(a), ipv4(b)), header);

      strictEqual(reason, null);
      deepStrictEqual(
        { ...header },
        {
          sourcePort: from,
          destinationPort: to,
          textStart: start + 8,
          textEnd: start + 8 + content.length,
        },
      );
      deepStrictEqual(bytes.subarray(header.textStart, header.textEnd), content);
      strictEqual(getUint16(bytes, start + 4), 8 + content.length);
      ok(getUint16(bytes, start + 6) !== 0);
    }),
  );
});

test('a UDP datagram cut off anywhere, or whose length is out of bounds, is refused', (t) => {
  const bytes = udpBytes(1, 2, Uint8Array.of(1, 2, 3, 4, 5));
  const read = (end: number): DropReason | null => readUdp(arrived(protocolUdp, bytes, 0, end), new UdpHeader());

  t.is(read(13), null);
  for (let end = 0; end < 13; end++) t.is(read(end), 'bad UDP length', `${end} octets`);
  for (const length of [0, 7, 14, 0xffff]) {
    setUint16(bytes, 4, length);
    t.is(read(13), 'bad UDP length', `length ${length}`);
  }
});

test('a UDP datagram with any one bit flipped is refused', (t) => {
  const bytes = udpBytes(1, 2, Uint8Array.of(1, 2, 3, 4, 5));

  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = bytes.slice();
    flipped[bit >> 3] = flipped[bit >> 3]! ^ (1 << (bit & 7));
    const right = bit >> 4 === 2 ? /^bad UDP (length|checksum)$/ : /^bad UDP checksum$/;
    t.regex(readUdp(arrived(protocolUdp, flipped), new UdpHeader()) ?? 'taken', right, `bit ${bit}`);
  }
});

test('a UDP datagram for another address is refused by its pseudo-header', (t) => {
  const bytes = udpBytes(1, 2, Uint8Array.of(1, 2, 3));
  const other = parseAddress('10.0.0.3')!;

  t.is(readUdp(arrived(protocolUdp, bytes, 0, bytes.length, here, other), new UdpHeader()), 'bad UDP checksum');
});

test('a UDP checksum of zero is sent as ffff, and one that was not sent is taken over IPv4 only (RFC 768, RFC 8200)', (t) => {
  const text = new Uint8Array(2);
  setUint16(text, 0, getUint16(udpBytes(1, 2, text), 6)); // the one text that makes the sum all ones
  const bytes = udpBytes(1, 2, text);
  const sent = getUint16(bytes, 6);
  const accepted = readUdp(arrived(protocolUdp, bytes), new UdpHeader());
  setUint16(bytes, 6, 0);
  setUint8(bytes, 8, getUint8(bytes, 8) ^ 1);

  t.is(sent, 0xffff);
  t.is(accepted, null);
  t.is(readUdp(arrived(protocolUdp, bytes), new UdpHeader()), null);
  const [from, to] = [parseAddress('2001:db8::1')!, parseAddress('2001:db8::2')!];
  t.is(readUdp(arrived(protocolUdp, bytes, 0, bytes.length, from, to), new UdpHeader()), 'bad UDP checksum');
  const right = udpBytes(1, 2, text, from, to);
  t.is(readUdp(arrived(protocolUdp, right, 0, right.length, from, to), new UdpHeader()), null);
});

// TCP ------------------------------------------------------------------------------------------------------------------

interface Fields {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly seq: number;
  readonly ack: number;
  readonly flags: number;
  readonly wnd: number;
  readonly options: Uint8Array;
  readonly text: Uint8Array;
}

const someFields: Fields = {
  sourcePort: 0x1234,
  destinationPort: 80,
  seq: 0xfffffffe,
  ack: 0x80000001,
  flags: PSH | ACK,
  wnd: 0xfedc,
  options: Uint8Array.of(1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2),
  text: Uint8Array.of(1, 2, 3, 4, 5),
};

/** A segment as octets; options are padded with end-of-list. */
function segmentOf(fields: Partial<Fields> = {}, from: Address = here, to: Address = there): Uint8Array {
  const { sourcePort, destinationPort, seq, ack, flags, wnd, options, text } = { ...someFields, ...fields };
  const headerLength = 20 + Math.ceil(options.length / 4) * 4;
  const bytes = new Uint8Array(headerLength + text.length);
  setUint16(bytes, 0, sourcePort);
  setUint16(bytes, 2, destinationPort);
  setUint32(bytes, 4, seq);
  setUint32(bytes, 8, ack);
  setUint8(bytes, 12, headerLength << 2);
  setUint8(bytes, 13, flags);
  setUint16(bytes, 14, wnd);
  bytes.set(options, 20);
  bytes.set(text, headerLength);
  finishSegment(bytes, 0, bytes.length, from, to);
  return bytes;
}

const readTcp = (bytes: Uint8Array, start = 0, end = bytes.length, into = new Segment()): DropReason | null =>
  readSegment(arrived(protocolTcp, bytes, start, end), into);

test('MUST-2: the checksum of a segment covers the pseudo-header and all of its octets, as in a capture of Linux', (t) => {
  // 127.0.0.1.44802 > 127.0.0.1.80: Flags [S]; the checksum by hand: words added with end-around carry
  const loopback = parseAddress('127.0.0.1')!;
  const options = Uint8Array.of(2, 4, 0xff, 0xd7);
  const bytes = segmentOf(
    { sourcePort: 44802, seq: 1, ack: 0, flags: SYN, wnd: 65495, options, text: new Uint8Array() },
    loopback,
    loopback,
  );
  let sum = 0x7f00 + 1 + 0x7f00 + 1 + 6 + 24;
  for (const word of [0xaf02, 80, 0, 1, 0, 0, 0x6002, 0xffd7, 0, 0x0204, 0xffd7]) sum += word;
  sum = (sum & 0xffff) + (sum >>> 16);

  t.is(getUint16(bytes, 16), 0xffff - ((sum & 0xffff) + (sum >>> 16)));
});

test('a segment is read back field by field, from any place in a packet', (t) => {
  const fields = fc.record({
    sourcePort: port,
    destinationPort: port,
    seq: uint32,
    ack: uint32,
    flags: fc.nat(255),
    wnd: fc.nat(0xffff),
    options: fc.nat(10).map((words) => new Uint8Array(words * 4).fill(1)),
    text: fc.uint8Array({ maxLength: 50 }),
  });
  holds(
    t,
    fc.property(fields, fc.nat(40), fc.nat(5), (sent, start, after) => {
      const packed = segmentOf(sent);
      const bytes = new Uint8Array(start + packed.length + after).fill(0xee);
      bytes.set(packed, start);
      const segment = new Segment();

      strictEqual(readTcp(bytes, start, start + packed.length, segment), null);
      const { sourcePort, destinationPort, seq, ack, flags, wnd } = segment;
      deepStrictEqual(
        [sourcePort, destinationPort, seq >>> 0, ack >>> 0, flags, wnd],
        [sent.sourcePort, sent.destinationPort, sent.seq, sent.ack, sent.flags, sent.wnd],
      );
      deepStrictEqual(bytes.subarray(segment.textStart, segment.textEnd), sent.text);
      strictEqual(segment.bytes, bytes);
    }),
  );
});

test('SEG.LEN counts the text, SYN and FIN, and nothing else (RFC 9293 section 3.4)', (t) => {
  const lengths = [0, SYN, FIN, SYN | FIN, RST | PSH | ACK | URG].map((flags) => {
    const segment = new Segment();
    readTcp(segmentOf({ flags }), 0, 37, segment);
    return [segment.textLength, segment.len];
  });

  t.deepEqual(lengths, [
    [5, 5],
    [5, 6],
    [5, 6],
    [5, 7],
    [5, 5],
  ]);
});

test('a segment cut off anywhere is refused, for its header or for its checksum', (t) => {
  const bytes = segmentOf();

  t.is(readTcp(bytes), null);
  for (let end = 0; end < bytes.length; end++) {
    t.is(readTcp(bytes, 0, end), end < 32 ? 'malformed TCP header' : 'bad TCP checksum', `${end} octets`);
  }
});

test('a segment with a data offset below 5 or past its end is refused', (t) => {
  for (let offset = 0; offset < 16; offset++) {
    const bytes = segmentOf({ options: new Uint8Array(4), text: new Uint8Array(4) }); // 28 octets
    setUint8(bytes, 12, offset << 4);
    finishSegment(bytes, 0, bytes.length, here, there);

    t.is(readTcp(bytes), offset < 5 || offset > 7 ? 'malformed TCP header' : null, `offset ${offset}`);
  }
});

test('a segment with any one bit flipped is refused (MUST-3)', (t) => {
  const bytes = segmentOf();

  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = bytes.slice();
    flipped[bit >> 3] = flipped[bit >> 3]! ^ (0x80 >> (bit & 7));
    const right = bit >> 2 === 24 ? /^(malformed TCP header|bad TCP checksum)$/ : /^bad TCP checksum$/;
    t.regex(readTcp(flipped) ?? 'taken', right, `bit ${bit}`);
  }
});

test('a segment for another address is refused by its pseudo-header', (t) => {
  t.is(readTcp(segmentOf({}, here, parseAddress('10.0.0.3')!)), 'bad TCP checksum');
});

test('a segment over IPv6 is verified with the pseudo-header of IPv6', (t) => {
  const [from, to] = [parseAddress('2001:db8::1')!, parseAddress('2001:db8::2')!];
  const bytes = segmentOf({}, from, to);

  t.is(readSegment(arrived(protocolTcp, bytes, 0, bytes.length, from, to), new Segment()), null);
  t.is(readSegment(arrived(protocolTcp, bytes, 0, bytes.length, from, from), new Segment()), 'bad TCP checksum');
});

test('a segment whose options are broken is refused as such', (t) => {
  t.is(readTcp(segmentOf({ options: Uint8Array.of(1, 1, 2, 0) })), 'malformed TCP option');
});

// TCP options ----------------------------------------------------------------------------------------------------------

interface OptionsSeen {
  readonly mss?: number;
  readonly windowScale?: number;
  readonly sackPermitted?: true;
  readonly timestamps?: readonly [val: number, ecr: number];
  readonly sack?: readonly (readonly [start: number, end: number])[];
}

/** What the options say, without what they do not say. */
function said(read: TcpOptionsRead): OptionsSeen {
  const blocks: [number, number][] = [];
  for (let block = 0; block < read.sackBlocks; block++)
    blocks.push([read.sackStart[block]! >>> 0, read.sackEnd[block]! >>> 0]);
  return {
    ...(read.mss === 0 ? {} : { mss: read.mss }),
    ...(read.windowScale === -1 ? {} : { windowScale: read.windowScale }),
    ...(read.sackPermitted ? { sackPermitted: true } : {}),
    ...(read.hasTimestamps ? { timestamps: [read.tsVal, read.tsEcr] } : {}),
    ...(blocks.length === 0 ? {} : { sack: blocks }),
  };
}

function readList(...octets: number[]): OptionsSeen | DropReason {
  const read = new TcpOptionsRead();
  return readOptions(Uint8Array.from(octets), 0, octets.length, read) ?? said(read);
}

const optionLists: readonly (readonly [rule: string, octets: readonly number[], seen: OptionsSeen | DropReason])[] = [
  ['no options say nothing', [], {}],
  ['an MSS is 16 bits', [2, 4, 0xfe, 0xdc], { mss: 0xfedc }],
  ['a window scale is a shift count', [3, 3, 7], { windowScale: 7 }],
  ['a window scale of 0 is an offer', [3, 3, 0], { windowScale: 0 }],
  ['a window scale of 14 is the largest', [3, 3, 14], { windowScale: 14 }],
  ['a window scale above 14 counts as 14 (RFC 7323 section 2.3)', [3, 3, 15], { windowScale: 14 }],
  ['a window scale of 255 counts as 14 (RFC 7323 section 2.3)', [3, 3, 255], { windowScale: 14 }],
  ['SACK-permitted has no value', [4, 2], { sackPermitted: true }],
  [
    'timestamps are 32 bits, unsigned',
    [8, 10, 255, 255, 255, 255, 128, 0, 0, 0],
    { timestamps: [0xffffffff, 0x80000000] },
  ],
  ['one SACK block is read', [5, 10, 0, 0, 0, 1, 255, 255, 255, 255], { sack: [[1, 0xffffffff]] }],
  ['end-of-list ends the list, whatever follows', [0, 2, 4, 5, 6, 9, 0], {}],
  ['no-operation may stand anywhere', [1, 3, 3, 5, 1, 1, 4, 2, 1], { windowScale: 5, sackPermitted: true }],
  ['unknown kinds are skipped (MUST-6)', [254, 4, 2, 4, 2, 4, 0, 9, 77, 2], { mss: 9 }],
  ['an unknown kind may fill the room (MUST-68)', [253, 5, 0, 0, 0], {}],
  ['an MSS of the wrong length is skipped', [2, 3, 5, 2, 6, 1, 2, 3, 4, 4, 2], { sackPermitted: true }],
  ['a window scale of the wrong length is skipped', [3, 2, 3, 4, 9, 9, 4, 2], { sackPermitted: true }],
  ['a SACK-permitted of the wrong length is skipped', [4, 3, 0, 3, 3, 1], { windowScale: 1 }],
  ['timestamps of the wrong length are skipped', [8, 9, 0, 0, 0, 0, 0, 0, 0, 3, 3, 1], { windowScale: 1 }],
  ['SACK without blocks is skipped', [5, 2, 3, 3, 1], { windowScale: 1 }],
  ['SACK with a part of a block is skipped', [5, 9, 0, 0, 0, 0, 0, 0, 0, 3, 3, 1], { windowScale: 1 }],
  ['SACK with a block and a part is skipped', [5, 14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 3, 1], { windowScale: 1 }],
  ['length 0 is malformed (MUST-7)', [1, 2, 0, 5, 5], 'malformed TCP option'],
  ['length 0 of an unknown kind is malformed (MUST-7)', [99, 0, 0], 'malformed TCP option'],
  ['length 1 is malformed (MUST-7)', [3, 1, 7], 'malformed TCP option'],
  ['a length that is missing is malformed (MUST-7)', [1, 1, 4], 'malformed TCP option'],
  ['a length one past the end is malformed (MUST-7)', [2, 4, 5], 'malformed TCP option'],
  ['a length far past the end is malformed (MUST-7)', [99, 255, 5, 5], 'malformed TCP option'],
];

for (const [rule, octets, seen] of optionLists) {
  test(`TCP options: ${rule}`, (t) => {
    t.deepEqual(readList(...octets), seen);
  });
}

test('TCP options are read at any alignment, in any order, between any others (MUST-4, MUST-64)', (t) => {
  const word = (value: number): number[] => [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
  interface Part {
    readonly octets: readonly number[];
    readonly says: OptionsSeen;
  }
  const part = (octets: readonly number[], says: OptionsSeen = {}): Part => ({ octets, says });
  const option: fc.Arbitrary<Part> = fc.oneof(
    fc.constant(part([1])),
    fc.integer({ min: 1, max: 0xffff }).map((mss) => part([2, 4, mss >> 8, mss & 255], { mss })),
    fc.nat(255).map((shift) => part([3, 3, shift], { windowScale: Math.min(shift, 14) })),
    fc.constant(part([4, 2], { sackPermitted: true })),
    fc.tuple(uint32, uint32).map((timestamps) => part([8, 10, ...timestamps.flatMap(word)], { timestamps })),
    fc
      .array(fc.tuple(uint32, uint32), { minLength: 1, maxLength: 4 })
      .map((sack) => part([5, 2 + 8 * sack.length, ...sack.flat().flatMap(word)], { sack })),
    fc
      .tuple(fc.constantFrom(6, 7, 9, 19, 28, 30, 34, 253, 255), fc.uint8Array({ maxLength: 12 }))
      .map(([kind, value]) => part([kind, 2 + value.length, ...value])),
  );
  const into = new TcpOptionsRead(); // refilled every time: nothing of the list before may show
  holds(
    t,
    fc.property(fc.array(option, { maxLength: 8 }), fc.nat(7), fc.boolean(), (list, start, ends) => {
      let seen: OptionsSeen = {};
      const octets: number[] = [];
      for (const { octets: some, says } of list) {
        if (octets.length + some.length > 40) continue;
        octets.push(...some);
        seen = { ...seen, ...says };
      }
      const end = start + octets.length + (ends ? 2 : 0);
      const bytes = Uint8Array.from([
        ...new Array<number>(start).fill(2),
        ...octets,
        ...(ends ? [0, 9] : []),
        2,
        4,
        1,
        1,
      ]);

      strictEqual(readOptions(bytes, start, end, into), null);
      deepStrictEqual(said(into), seen);
    }),
    500,
  );
});

test('the options of a SYN are read back, fill whole words and have room in a header', (t) => {
  const offer: fc.Arbitrary<SynOptions> = fc.record({
    mss: fc.integer({ min: 1, max: 0xffff }),
    windowScale: fc.integer({ min: -1, max: 14 }),
    sackPermitted: fc.boolean(),
    timestamps: fc.boolean(),
    tsVal: uint32,
    tsEcr: uint32,
    cookie: fc.option(fc.constantFrom(0, 4, 6, 8, 16).map((length) => new Uint8Array(length).fill(0x5a))),
  });
  holds(
    t,
    fc.property(offer, fc.nat(5), (offered, start) => {
      const into = new Uint8Array(start + 44).fill(0xee);
      const read = new TcpOptionsRead();

      const length = writeSynOptions(into, start, offered);

      strictEqual(length % 4, 0);
      ok(length <= 40);
      strictEqual(readOptions(into, start, start + length, read), null);
      strictEqual(read.fastOpenLength, offered.cookie?.length ?? -1);
      deepStrictEqual(
        read.fastOpenCookie.slice(0, Math.max(0, read.fastOpenLength)),
        offered.cookie ?? new Uint8Array(0),
      );
      deepStrictEqual(said(read), {
        mss: offered.mss,
        ...(offered.windowScale < 0 ? {} : { windowScale: offered.windowScale }),
        ...(offered.sackPermitted ? { sackPermitted: true } : {}),
        ...(offered.timestamps ? { timestamps: [offered.tsVal, offered.tsEcr] } : {}),
      });
      ok(into.subarray(0, start).every((octet) => octet === 0xee));
      ok(into.subarray(start + length).every((octet) => octet === 0xee));
    }),
  );
});

test('a full offer has the order and alignment of Linux: mss, sackOK, TS, nop, wscale (MAY-3)', (t) => {
  const into = new Uint8Array(20);
  const length = writeSynOptions(into, 0, {
    mss: 1460,
    windowScale: 7,
    sackPermitted: true,
    timestamps: true,
    tsVal: 1,
    tsEcr: 2,
    cookie: null,
  });

  t.is(length, 20);
  t.deepEqual(into, hexBytes('020405b4 0402 080a00000001 00000002 01 030307'));
});

test('timestamps and SACK blocks are written as long as they say, and read back together', (t) => {
  holds(
    t,
    fc.property(uint32, uint32, fc.array(uint32, { minLength: 2, maxLength: 6 }), (tsVal, tsEcr, numbers) => {
      const count = numbers.length >> 1;
      const edges: Seq[] = numbers.map(toSeq);
      const end = timestampsLength + sackLength(count);
      const into = new Uint8Array(end + 4).fill(0xee);
      const read = new TcpOptionsRead();

      writeTimestamps(into, 0, tsVal, tsEcr);
      writeSack(into, timestampsLength, edges, count);

      ok(end <= 40 && end % 4 === 0);
      strictEqual(readOptions(into, 0, end, read), null);
      const sack = Array.from({ length: count }, (_, block) => [numbers[block * 2], numbers[block * 2 + 1]]);
      deepStrictEqual(said(read), { timestamps: [tsVal, tsEcr], sack });
      ok(into.subarray(end).every((octet) => octet === 0xee));
    }),
  );
});

test('no SACK blocks take no room', (t) => {
  t.deepEqual([0, 1, 2, 3, 4].map(sackLength), [0, 12, 20, 28, 36]);
});

// Whatever arrives -----------------------------------------------------------------------------------------------------

const refusals: ReadonlySet<string> = new Set(dropReasons);

/** All that the readers make of bytes[0, length), as plain values. */
function readEverything(bytes: Uint8Array, length: number): unknown[] {
  const lines = [describePacket(bytes, length), describePacket(bytes, length, { checksums: true })];
  const describer = new Describer({ checksums: true });
  lines.push(describer.describe(bytes, length), describer.describe(bytes, length));
  const datagram = new Datagram();
  const reason = readIpv4(bytes, length, datagram);
  if (reason !== null) {
    ok(refusals.has(reason));
    return [...lines, reason];
  }
  const { source, destination, payloadStart, payloadEnd, ttl, trafficClass, protocol } = datagram;
  ok(payloadStart >= 20 && payloadStart <= payloadEnd && payloadEnd <= length);
  return [
    ...lines,
    [String(source), String(destination), payloadStart, payloadEnd, ttl, trafficClass, protocol],
    ...readTransports(datagram),
  ];
}

/** The payload as each of the protocols, whatever it claims to be. */
function readTransports(datagram: Datagram): unknown[] {
  const { payloadStart, payloadEnd } = datagram;
  const udp = new UdpHeader();
  const udpReason = readUdp(datagram, udp);
  if (udpReason === null)
    ok(udp.textStart >= payloadStart && udp.textStart <= udp.textEnd && udp.textEnd <= payloadEnd);
  const segment = new Segment();
  const tcpReason = readSegment(datagram, segment);
  const { seq, ack, flags, wnd, len, textStart, textEnd, options } = segment;
  if (tcpReason === null) ok(textStart >= payloadStart && textStart <= textEnd && textEnd === payloadEnd);
  const report = new IcmpReport();
  const outcome = acceptIcmp(datagram, report, new Counters());
  for (const reason of [udpReason, tcpReason]) ok(reason === null || refusals.has(reason));
  return [
    udpReason ?? { ...udp },
    tcpReason ?? [seq, ack, flags, wnd, len, textStart, textEnd, said(options)],
    outcome === 'report' ? JSON.stringify(report) : outcome instanceof Uint8Array ? [...outcome] : outcome,
  ];
}

const octet = fc.nat(255);
/** Octets that mean something to a list of options, an extension header or a length. */
const meaningful = fc.oneof(
  octet,
  fc.constantFrom(0, 1, 2, 3, 4, 5, 6, 8, 10, 17, 43, 44, 58, 59, 60, 0x45, 0x60, 255),
);
const likely = <T>(value: T, other: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.oneof({ weight: 12, arbitrary: fc.constant(value) }, { weight: 1, arbitrary: other });

const chunk = fc.constantFrom(
  [1],
  [4, 2],
  [2, 4, 5, 180],
  [3, 3, 7],
  [8, 10, 0, 0, 0, 1, 0, 0, 0, 2],
  [0],
  [5, 10, 1, 2, 3],
);
/** What stands behind an IP header: nothing in particular, a segment with options, or an ICMP error with its quote. */
const nearlyPayload = fc.oneof(
  fc.array(meaningful, { maxLength: 90, size: 'max' }),
  fc
    .tuple(fc.array(octet, { minLength: 20, maxLength: 20 }), fc.array(chunk, { maxLength: 8 }))
    .map(([header, options]) => [...header, ...options.flat()]),
  fc
    .tuple(
      fc.constantFrom(3, 3, 8, 11, 12),
      fc.nat(16),
      fc.constantFrom(0x45, 0x45, 0x46, 0x60),
      fc.array(meaningful, { minLength: 19, maxLength: 50 }),
    )
    .map(([type, code, first, quote]) => [type, code, 0, 0, 0, 0, 5, 0, first, ...quote]),
);

/** Packets that are nearly right, so that readers get far into them. */
const nearlyRight = fc
  .record({
    version: likely(4, fc.constantFrom(6, 6, 6, 0, 15)),
    ihl: likely(5, fc.nat(15)),
    lengthOff: likely(0, fc.integer({ min: -30, max: 30 })),
    fragment: likely(0x4000, fc.nat(0xffff)),
    protocol: fc.constantFrom(6, 6, 6, 6, 1, 1, 1, 17, 17, 17, 4, 41, 58, 0, 43, 44, 60),
    tcpOffset: likely(8, fc.nat(15)),
    payload: nearlyPayload,
    fixIp: likely(true, fc.constant(false)),
    fixTransport: likely(true, fc.constant(false)),
    cut: likely(0, fc.nat(60)),
  })
  .map(({ version, ihl, lengthOff, fragment, protocol, tcpOffset, payload, fixIp, fixTransport, cut }) => {
    const header = version === 6 ? 40 : 20;
    const bytes = new Uint8Array(header + payload.length);
    const total = Math.max(0, bytes.length + lengthOff);
    bytes.set(payload, header);
    if (version === 6) {
      setUint32(bytes, 0, 0x60000000);
      setUint16(bytes, 4, Math.max(0, total - 40));
      setUint8(bytes, 6, protocol);
      setUint8(bytes, 23, 1);
      setUint8(bytes, 39, 2);
    } else {
      bytes.set(packetOf(protocol, new Uint8Array(0)));
      setUint8(bytes, 0, (version << 4) | ihl);
      setUint16(bytes, 2, total);
      setUint16(bytes, 6, fragment);
    }
    const end = Math.min(total, bytes.length);
    const start = version === 6 ? 40 : ihl * 4;
    if (protocol === protocolTcp && end - start >= 20) setUint8(bytes, start + 12, tcpOffset << 4);
    if (protocol === protocolUdp && end - start >= 8 && fixTransport) setUint16(bytes, start + 4, end - start);
    const field = protocol === protocolTcp ? 16 : protocol === protocolUdp ? 6 : protocol === protocolIcmp ? 2 : -1;
    if (fixTransport && field >= 0 && end - start >= 20 && version === 4) {
      setUint16(bytes, start + field, 0);
      const pseudo = protocol === protocolIcmp ? 0 : pseudoHeaderSum(here, there, protocol, end - start);
      setUint16(bytes, start + field, finishChecksum(sumBytes(bytes, start, end, pseudo)));
    }
    if (fixIp && version === 4 && ihl >= 5 && ihl * 4 <= bytes.length) {
      setUint16(bytes, 10, 0);
      setUint16(bytes, 10, checksum(bytes, 0, ihl * 4));
    }
    return bytes.slice(0, Math.max(0, bytes.length - cut));
  });

const anyPacket = fc.oneof(
  { weight: 5, arbitrary: nearlyRight },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 100 }) },
);

test('no reader throws, whatever arrives, and none looks behind the end', (t) => {
  holds(
    t,
    fc.property(anyPacket, fc.uint8Array({ minLength: 80, maxLength: 80 }), fc.nat(3), (packet, noise, offset) => {
      const alone = readEverything(packet, packet.length);
      for (const behind of [new Uint8Array(80), new Uint8Array(80).fill(0xff), noise]) {
        const buffer = new Uint8Array(offset + packet.length + 80).fill(0xa5);
        const bytes = buffer.subarray(offset);
        bytes.set(packet);
        bytes.set(behind, packet.length);
        deepStrictEqual(readEverything(bytes, packet.length), alone);
      }
    }),
    3000,
  );
});

test('no transport reader throws on a payload of random octets, or looks outside of it', (t) => {
  const inside = fc.array(meaningful, { maxLength: 70, size: 'max' });
  holds(
    t,
    fc.property(inside, octet, octet, fc.nat(30), fc.boolean(), (payload, before, after, room, verified) => {
      const outcomes = [0, before, 255 - after].map((around) => {
        const bytes = new Uint8Array(room + payload.length + 70).fill(around);
        bytes.set(payload, room);
        const end = room + payload.length;
        if (verified && payload.length >= 20) {
          setUint8(bytes, room + 12, Math.max(0x50, getUint8(bytes, room + 12)));
          finishSegment(bytes, room, payload.length, here, there);
        }
        return readTransports(arrived(protocolTcp, bytes, room, end));
      });
      deepStrictEqual(outcomes[1], outcomes[0]);
      deepStrictEqual(outcomes[2], outcomes[0]);
    }),
    1500,
  );
});

test('readOptions takes any octets without a throw, and never more than it was given', (t) => {
  holds(
    t,
    fc.property(fc.array(meaningful, { maxLength: 40 }), octet, octet, (list, before, after) => {
      const read = (around: number): unknown => {
        const options = new TcpOptionsRead();
        const bytes = Uint8Array.from([around, around, ...list, ...new Array<number>(40).fill(around)]);
        return readOptions(bytes, 2, 2 + list.length, options) ?? said(options);
      };
      deepStrictEqual(read(before), read(after));
    }),
    1000,
  );
});

test('packets within packets without end are described up to a depth, and a length beyond the buffer is no harm', (t) => {
  const matryoshka = new Uint8Array(60_000);
  for (let at = 0; at + 20 <= matryoshka.length; at += 20) {
    matryoshka[at] = 0x45;
    setUint16(matryoshka, at + 2, matryoshka.length - at);
    matryoshka[at + 9] = 4;
  }

  t.true(describePacket(matryoshka, matryoshka.length).length < 1000);
  t.is(describePacket(matryoshka.subarray(0, 10), 60_000), describePacket(matryoshka, 10));
  t.is(describePacket(new Uint8Array(0), 0), '[|ip]');
});
