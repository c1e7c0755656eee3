/** Packets as text: each line is written down here, and what tcpdump prints for the same packets has to be the same. */
import { spawnSync } from 'node:child_process';
import test, { type ExecutionContext } from 'ava';
import { Capture, ms, pair, seconds } from '../../src/sim/index.ts';
import { type Address, ipv4, parseAddress } from '../../src/stack/base/address.ts';
import { getUint16, setUint8, setUint16, setUint32 } from '../../src/stack/base/bytes.ts';
import { checksum, finishChecksum, pseudoHeaderSum, sumBytes } from '../../src/stack/base/checksum.ts';
import { randomBelow, SeededRandom } from '../../src/stack/base/random.ts';
import { anyV4, Describer, describePacket, StackError, type Tcb, tcpCalls } from '../../src/stack/index.ts';
import { ACK, FIN, PSH, RST, SYN, URG } from '../../src/stack/wire/tcp.ts';

const missing = spawnSync('tcpdump', ['--version']).status === 0 ? undefined : 'there is no tcpdump';
if (missing !== undefined) console.warn(`THE COMPARISONS WITH TCPDUMP DID NOT RUN: ${missing}`);

/** A test that needs tcpdump; where there is none it says so and passes. */
function tcpdumpTest(title: string, body: (t: ExecutionContext) => void): void {
  test(title, (t) => {
    if (missing === undefined) return body(t);
    t.log(`did not run: ${missing}`);
    t.pass();
  });
}

/** What tcpdump prints for these packets, without times: a line for each, or two with -v. */
function tcpdump(packets: readonly Uint8Array[], ...options: readonly string[]): string[] {
  const capture = new Capture({ interfaces: [{ name: 'test0' }] });
  for (const [index, packet] of packets.entries()) capture.packet(0, 'out', packet, packet.length, index);
  const { status, stdout, stderr } = spawnSync('tcpdump', ['-n', '-t', ...options, '-r', '-'], {
    input: capture.bytes(),
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  if (status !== 0) throw new Error(stderr);
  return stdout.trimEnd().split('\n');
}

/** The lines that are not the same, side by side. */
function differences(mine: readonly string[], theirs: readonly string[]): object[] {
  const sides = Array.from({ length: Math.max(mine.length, theirs.length) }, (_, index) => ({
    mine: mine[index],
    theirs: theirs[index],
  }));
  return sides.filter((side) => side.mine !== side.theirs);
}

// Packets. No port here is one that tcpdump takes for a protocol that it can decode. ------------------------------------

const octets = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));
const here = ipv4(0x0a000001);
const there = ipv4(0x0a000002);
const here6 = parseAddress('2001:db8::1')!;
const there6 = parseAddress('2001:db8::2')!;

interface Around {
  readonly from?: Address;
  readonly to?: Address;
  /** The field at 6 of the IPv4 header. */
  readonly fragment?: number;
}

/** The payload in an IPv4 or IPv6 packet, its checksum filled in where the protocol has one. */
function packetOf(
  protocol: number,
  payload: Uint8Array,
  { from = here, to = there, fragment = 0x4000 }: Around = {},
): Uint8Array {
  const header = from.isV4 ? 20 : 40;
  const packet = new Uint8Array(header + payload.length);
  packet.set(payload, header);
  const field = { 1: 2, 6: 16, 17: 6, 58: 2 }[protocol];
  if (field !== undefined && payload.length >= field + 2) {
    setUint16(packet, header + field, 0);
    const pseudo = protocol === 1 ? 0 : pseudoHeaderSum(from, to, protocol, payload.length);
    setUint16(packet, header + field, finishChecksum(sumBytes(packet, header, packet.length, pseudo)));
  }
  if (from.isV4) {
    setUint32(packet, 0, 0x45000000 + packet.length);
    setUint32(packet, 4, 0x70000 + fragment);
    setUint32(packet, 8, 0x40000000 + (protocol << 16));
    setUint32(packet, 12, from.w3);
    setUint32(packet, 16, to.w3);
    return withHeader(packet, 0, 0x45);
  }
  setUint32(packet, 0, 0x60000000);
  setUint16(packet, 4, payload.length);
  setUint8(packet, 6, protocol);
  setUint8(packet, 7, 64);
  [from, to].forEach((address, index) => {
    [address.w0, address.w1, address.w2, address.w3].forEach((word, at) => {
      setUint32(packet, 8 + index * 16 + at * 4, word);
    });
  });
  return packet;
}

/** The IPv4 packet with other octets in its header, whose checksum is made right again. */
function withHeader(packet: Uint8Array, at: number, ...values: number[]): Uint8Array {
  const changed = packet.slice();
  changed.set(values, at);
  setUint16(changed, 10, 0);
  setUint16(changed, 10, checksum(changed, 0, 20));
  return changed;
}

interface SegmentFields {
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  readonly seq?: number;
  readonly ack?: number;
  readonly flags?: number;
  readonly urgent?: number;
  readonly options?: Uint8Array;
  readonly text?: number;
  /** In words of 32 bits, if it is not to be the right one. */
  readonly offset?: number;
}

function segmentOf(fields: SegmentFields): Uint8Array {
  const { sourcePort = 40001, destinationPort = 40002, seq = 1000, ack = 0, flags = ACK } = fields;
  const { urgent = 0, options = new Uint8Array(0), text = 0, offset = 5 + options.length / 4 } = fields;
  const bytes = new Uint8Array(20 + options.length + text);
  setUint16(bytes, 0, sourcePort);
  setUint16(bytes, 2, destinationPort);
  setUint32(bytes, 4, seq);
  setUint32(bytes, 8, ack);
  setUint8(bytes, 12, offset << 4);
  setUint8(bytes, 13, flags);
  setUint16(bytes, 14, 502);
  setUint16(bytes, 18, urgent);
  bytes.set(options, 20);
  return bytes;
}

const tcp = (fields: SegmentFields, around: Around = {}): Uint8Array => packetOf(6, segmentOf(fields), around);

function udp(text: number, length = 8 + text, around: Around = {}): Uint8Array {
  const bytes = new Uint8Array(8 + text);
  setUint16(bytes, 0, 40001);
  setUint16(bytes, 2, 40002);
  setUint16(bytes, 4, length);
  return packetOf(17, bytes, around);
}

const icmp = (type: number, code: number, rest: Uint8Array, around: Around = {}): Uint8Array =>
  packetOf(around.from?.isV4 === false ? 58 : 1, Uint8Array.of(type, code, 0, 0, ...rest), around);

const about = (packet: Uint8Array, word = 0): Uint8Array =>
  Uint8Array.of(0, 0, word >> 8, word & 255, ...packet.subarray(0, 28));

const six: Around = { from: here6, to: there6 };
const synOptions = octets('020405b4 0402 080a00000001 00000000 01 030307');
const sackOptions = octets('0101 080a 00000005 00000006 0101 0512 000007d0 00000bb8 ffffffff 00000001');
const large = udp(100);

const ip = 'IP 10.0.0.1.40001 > 10.0.0.2.40002: ';
const ip6 = 'IP6 2001:db8::1.40001 > 2001:db8::2.40002: ';
const icmp4 = 'IP 10.0.0.1 > 10.0.0.2: ';
const icmp6 = 'IP6 2001:db8::1 > 2001:db8::2: ';

const lines: readonly (readonly [name: string, packet: Uint8Array, line: string])[] = [
  // TCP
  ['a SYN', tcp({ flags: SYN }), `${ip}Flags [S], seq 1000, win 502, length 0`],
  [
    'a SYN with options',
    tcp({ flags: SYN, options: synOptions }),
    `${ip}Flags [S], seq 1000, win 502, options [mss 1460,sackOK,TS val 1 ecr 0,nop,wscale 7], length 0`,
  ],
  [
    'a SYN-ACK',
    tcp({ flags: SYN | ACK, ack: 0xffffffff }),
    `${ip}Flags [S.], seq 1000, ack 4294967295, win 502, length 0`,
  ],
  ['an acknowledgment', tcp({ ack: 5 }), `${ip}Flags [.], ack 5, win 502, length 0`],
  ['text', tcp({ flags: PSH | ACK, ack: 5, text: 100 }), `${ip}Flags [P.], seq 1000:1100, ack 5, win 502, length 100`],
  [
    'text over the end of the sequence numbers',
    tcp({ seq: 0xfffffff0, text: 32 }),
    `${ip}Flags [.], seq 4294967280:16, ack 0, win 502, length 32`,
  ],
  ['a FIN', tcp({ flags: FIN | ACK, ack: 5 }), `${ip}Flags [F.], seq 1000, ack 5, win 502, length 0`],
  [
    'a FIN with text',
    tcp({ flags: FIN | ACK, ack: 5, text: 3 }),
    `${ip}Flags [F.], seq 1000:1003, ack 5, win 502, length 3`,
  ],
  ['a RST', tcp({ flags: RST }), `${ip}Flags [R], seq 1000, win 502, length 0`],
  ['a RST with ACK', tcp({ flags: RST | ACK, seq: 0, ack: 7 }), `${ip}Flags [R.], seq 0, ack 7, win 502, length 0`],
  [
    'urgent text',
    tcp({ flags: URG | ACK, urgent: 3, text: 4 }),
    `${ip}Flags [.U], seq 1000:1004, ack 0, win 502, urg 3, length 4`,
  ],
  ['all flags', tcp({ flags: 0xff }), `${ip}Flags [FSRP.UEW], seq 1000, ack 0, win 502, urg 0, length 0`],
  ['no flags', tcp({ flags: 0 }), `${ip}Flags [none], win 502, length 0`],
  [
    'SACK blocks',
    tcp({ options: sackOptions }),
    `${ip}Flags [.], ack 0, win 502, options [nop,nop,TS val 5 ecr 6,nop,nop,sack 2 {2000:3000}{4294967295:1}], length 0`,
  ],
  [
    'the end of the options',
    tcp({ options: octets('00020304') }),
    `${ip}Flags [.], ack 0, win 502, options [eol], length 0`,
  ],
  [
    'an option that cannot be, behind one that can',
    tcp({ options: octets('01026301') }),
    `${ip}Flags [.], ack 0, win 502, options [nop,[bad opt]]`,
  ],
  [
    'an option that nobody knows',
    tcp({ options: octets('63040102') }),
    `${ip}Flags [.], ack 0, win 502, options [unknown-99 0x0102], length 0`,
  ],
  ['a data offset that is too small', tcp({ offset: 4 }), `${ip} tcp 4 [bad hdr length 16 - too short, < 20]`],
  ['a data offset that is too large', tcp({ offset: 6 }), `${ip}Flags [.] [bad hdr length 24 - too long, > 20]`],
  [
    'a segment cut off within its header',
    tcp({}).subarray(0, 39),
    `IP truncated-ip - 1 bytes missing! 10.0.0.1.40001 > 10.0.0.2.40002:  [|tcp]`,
  ],
  [
    'a segment cut off within its text',
    tcp({ text: 9 }).subarray(0, 42),
    `IP truncated-ip - 7 bytes missing! 10.0.0.1.40001 > 10.0.0.2.40002: Flags [.], seq 1000:1009, ack 0, win 502, length 9`,
  ],
  ['a segment over IPv6', tcp({ flags: SYN }, six), `${ip6}Flags [S], seq 1000, win 502, length 0`],
  // UDP
  ['a UDP datagram', udp(5), `${ip}UDP, length 5`],
  ['an empty UDP datagram', udp(0), `${ip}UDP, length 0`],
  ['a UDP datagram over IPv6', udp(5, 13, six), `${ip6}UDP, length 5`],
  ['a UDP length below 8', udp(5, 7), `${ip}truncated-udplength 7`],
  ['a UDP length that is too large', udp(5, 20), `${ip}UDP, bad length 12 > 5`],
  ['a UDP length with padding behind it', udp(5, 10), `${ip}UDP, length 2`],
  // ICMP
  ['an echo request', icmp(8, 0, octets('0102 0003 6162')), `${icmp4}ICMP echo request, id 258, seq 3, length 10`],
  ['an echo reply', icmp(0, 0, octets('0102 0003 6162')), `${icmp4}ICMP echo reply, id 258, seq 3, length 10`],
  [
    'port unreachable about UDP',
    icmp(3, 3, about(large)),
    `${icmp4}ICMP 10.0.0.2 udp port 40002 unreachable, length 36`,
  ],
  [
    'port unreachable about TCP',
    icmp(3, 3, about(tcp({}))),
    `${icmp4}ICMP 10.0.0.2 tcp port 40002 unreachable, length 36`,
  ],
  ['network unreachable', icmp(3, 0, about(large)), `${icmp4}ICMP net 10.0.0.2 unreachable, length 36`],
  ['host unreachable', icmp(3, 1, about(large)), `${icmp4}ICMP host 10.0.0.2 unreachable, length 36`],
  ['protocol unreachable', icmp(3, 2, about(large)), `${icmp4}ICMP 10.0.0.2 protocol 17 unreachable, length 36`],
  [
    'fragmentation needed',
    icmp(3, 4, about(large, 1280)),
    `${icmp4}ICMP 10.0.0.2 unreachable - need to frag (mtu 1280), length 36`,
  ],
  [
    'fragmentation needed without an MTU',
    icmp(3, 4, about(large)),
    `${icmp4}ICMP 10.0.0.2 unreachable - need to frag, length 36`,
  ],
  [
    'unreachable by an administrator',
    icmp(3, 13, about(large)),
    `${icmp4}ICMP host 10.0.0.2 unreachable - admin prohibited filter, length 36`,
  ],
  ['time exceeded', icmp(11, 0, about(large)), `${icmp4}ICMP time exceeded in-transit, length 36`],
  [
    'a redirect',
    icmp(5, 1, Uint8Array.of(10, 0, 0, 9, ...large.subarray(0, 28))),
    `${icmp4}ICMP redirect 10.0.0.2 to host 10.0.0.9, length 36`,
  ],
  ['an ICMP message cut short', icmp(8, 0, octets('0102')), `${icmp4} [|icmp]`],
  [
    'an echo request over IPv6',
    icmp(128, 0, octets('0102 0003'), six),
    `${icmp6}ICMP6, echo request, id 258, seq 3, length 8`,
  ],
  [
    'port unreachable over IPv6',
    icmp(1, 4, Uint8Array.of(0, 0, 0, 0, ...udp(5, 13, six)), six),
    `${icmp6}ICMP6, destination unreachable, unreachable port, 2001:db8::2 udp port 40002, length 61`,
  ],
  [
    'packet too big',
    icmp(2, 0, Uint8Array.of(0, 0, 5, 0, ...udp(5, 13, six)), six),
    `${icmp6}ICMP6, packet too big, mtu 1280, length 61`,
  ],
  // IP
  ['the first piece of a datagram', udp(8, 108, { fragment: 0x2000 }), `${ip}UDP, length 100`],
  ['a later piece of a datagram', udp(8, 16, { fragment: 0x2001 }), `${icmp4}ip-proto-17`],
  ['a protocol without a name here', packetOf(253, new Uint8Array(9)), `${icmp4} ip-proto-253 9`],
  [
    'a total length that is too large',
    withHeader(udp(5), 2, 0, 40),
    `IP truncated-ip - 7 bytes missing! 10.0.0.1.40001 > 10.0.0.2.40002: UDP, length 5`,
  ],
  ['a total length below that of the header', withHeader(udp(5), 2, 0, 19), 'IP bad-len 19'],
  ['a header length that is too small', withHeader(udp(5), 0, 0x44), 'IP bad-hlen 16'],
  ['a packet cut off within its IP header', udp(5).subarray(0, 19), 'IP  [|ip]'],
  ['an IPv6 packet cut off within its header', octets('6000000000050640'), ' [|ip6]'],
  ['a packet in a packet', packetOf(4, udp(5)), `${icmp4}${ip}UDP, length 5`],
];

for (const [name, packet, line] of lines) {
  test(`described in a line: ${name}`, (t) => {
    t.is(describePacket(packet, packet.length), line);
  });
}

tcpdumpTest('each of these lines is what tcpdump -n -S prints for the packet', (t) => {
  const printed = tcpdump(
    lines.map(([, packet]) => packet),
    '-S',
  );

  t.is(printed.length, lines.length);
  lines.forEach(([name, , line], index) => {
    t.is(line, printed[index]!, name);
  });
});

/** What stands in front of 64 octets of something else. */
function before(something: number, octetsInFront: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(octetsInFront.length + 64).fill(something);
  bytes.set(octetsInFront);
  return bytes;
}

test('a packet that is cut off anywhere is described by what is there, whatever stands behind it', (t) => {
  const wrong: string[] = [];
  for (const [name, packet] of lines) {
    for (let length = 0; length < packet.length; length++) {
      const cut = packet.slice(0, length);
      const line = describePacket(cut, length, { checksums: true });
      for (const something of [0, 2, 0xff]) {
        const other = describePacket(before(something, cut), length, { checksums: true });
        if (other !== line) wrong.push(`${name}, ${length}: ${other}`);
      }
    }
  }

  t.deepEqual(wrong, []);
});

test('a packet is described by what its total length covers, whatever stands behind that', (t) => {
  const wrong: string[] = [];
  for (const [name, packet] of lines.filter(([, { 0: first, length }]) => first === 0x45 && length >= 28)) {
    for (let length = 20; length < packet.length; length++) {
      const shorter = withHeader(packet, 2, 0, length).slice(0, length);
      const line = describePacket(shorter, length);
      for (const something of [0, 2, 0xff]) {
        const bytes = before(something, shorter);
        if (describePacket(bytes, bytes.length) !== line) wrong.push(`${name}, ${length}`);
      }
    }
  }

  t.deepEqual(wrong, []);
});

test('a packet of neither version is named as such', (t) => {
  t.is(describePacket(Uint8Array.of(0x50, 1, 2), 3), 'unknown ip 5');
});

test('a describer counts from the first segment with ACK of each connection, in both directions, as tcpdump does', (t) => {
  const back: Around = { from: there, to: here };
  const reply = { sourcePort: 40002, destinationPort: 40001 };
  const trace = [
    tcp({ flags: SYN, seq: 999 }),
    tcp({ ...reply, flags: SYN | ACK, seq: 0xfffffffe, ack: 1000 }, back),
    tcp({ seq: 1000, ack: 0xffffffff }),
    tcp({ flags: PSH | ACK, seq: 1000, ack: 0xffffffff, text: 5 }),
    tcp({ flags: ACK, seq: 70_000, ack: 3, sourcePort: 40009 }), // another connection
    tcp({ ...reply, flags: PSH | ACK, seq: 0xffffffff, ack: 1005, text: 3 }, back),
    tcp({ ...reply, seq: 2, ack: 1005, options: octets('0101050a 000003f2 000003fc') }, back),
    tcp({ flags: FIN | ACK, seq: 1005, ack: 2 }),
    tcp({ flags: SYN, seq: 5000 }), // the same ports once more
    tcp({ ...reply, flags: SYN | ACK, seq: 600, ack: 5001 }, back),
    tcp({ seq: 5001, ack: 601 }),
    tcp({ flags: RST, seq: 5001 }),
  ];
  const describer = new Describer();

  const mine = trace.map((packet) => describer.describe(packet, packet.length));

  const other = 'IP 10.0.0.2.40002 > 10.0.0.1.40001: ';
  t.deepEqual(mine, [
    `${ip}Flags [S], seq 999, win 502, length 0`,
    `${other}Flags [S.], seq 4294967294, ack 1000, win 502, length 0`,
    `${ip}Flags [.], ack 1, win 502, length 0`,
    `${ip}Flags [P.], seq 1:6, ack 1, win 502, length 5`,
    'IP 10.0.0.1.40009 > 10.0.0.2.40002: Flags [.], ack 3, win 502, length 0',
    `${other}Flags [P.], seq 1:4, ack 6, win 502, length 3`,
    `${other}Flags [.], ack 6, win 502, options [nop,nop,sack 1 {11:21}], length 0`,
    `${ip}Flags [F.], seq 6, ack 4, win 502, length 0`,
    `${ip}Flags [S], seq 5000, win 502, length 0`,
    `${other}Flags [S.], seq 600, ack 5001, win 502, length 0`,
    `${ip}Flags [.], ack 1, win 502, length 0`,
    `${ip}Flags [R], seq 5001, win 502, length 0`,
  ]);
  if (missing === undefined) t.deepEqual(tcpdump(trace), mine);
  else t.log(`not compared: ${missing}`);
});

/** What `tcpdump -v` says without what it adds of the IP header: over IPv4 in a line of its own, over IPv6 in parentheses. */
const verbose = (packet: Uint8Array, verbosity: string): string =>
  tcpdump([packet], '-S', verbosity)
    .join('\n')
    .replace(/^IP \(.*\)\n {4}/, 'IP ')
    .replace(/^IP6 \((?:[^()]|\([^()]*\))*\) /, 'IP6 ');

/** How much tcpdump has to be asked to look, the packet, and what it does not say then. */
const checked: readonly (readonly [verbosity: string, packet: Uint8Array, unsaid?: string])[] = [
  ['-v', tcp({ flags: SYN })],
  ['-v', tcp({ ack: 7, text: 7 })],
  ['-v', tcp({ text: 8 }, six)],
  ['-v', icmp(8, 0, octets('0102 0003 61'))],
  ['-vv', udp(5)],
  ['-vv', udp(6, 14, six)],
  ['-vv', icmp(128, 0, octets('0102 0003 61'), six), ', length 9'],
];

tcpdumpTest('a wrong checksum is shown in the words of tcpdump, when it is asked for, and a right one is not', (t) => {
  for (const [verbosity, sound, unsaid = ''] of checked) {
    const broken = sound.slice();
    broken[broken.length - 1] = broken[broken.length - 1]! ^ 0x55;

    const quiet = [sound, broken].map((packet) => describePacket(packet, packet.length));
    const strict = [sound, broken].map((packet) => describePacket(packet, packet.length, { checksums: true }));

    t.is(strict[0], quiet[0]);
    t.is(quiet[1]?.includes('cksum'), false);
    t.regex(strict[1]!, /cksum/);
    t.is(strict[1], verbose(broken, verbosity) + unsaid);
  }
});

test('a UDP checksum of ffff is right where the sum is zero (RFC 768)', (t) => {
  const first = udp(2);
  first.set(first.subarray(26, 28), 28); // the one text that makes the sum all ones
  const packet = packetOf(17, first.subarray(20));
  const computed = getUint16(packet, 26);
  setUint16(packet, 26, 0xffff);

  t.is(computed, 0);
  t.is(describePacket(packet, packet.length, { checksums: true }), `${ip}UDP, length 2`);
});

test('a UDP checksum that was not sent is not wrong', (t) => {
  const packet = udp(5);
  setUint16(packet, 26, 0);

  t.is(describePacket(packet, packet.length, { checksums: true }), `${ip}UDP, length 5`);
});

test('a wrong header checksum is shown when it is asked for', (t) => {
  const packet = udp(5);
  const right = getUint16(packet, 10);
  setUint16(packet, 10, 0x1234);

  t.is(
    describePacket(packet, packet.length, { checksums: true }),
    `IP [bad ip cksum 0x1234 -> 0x${right.toString(16).padStart(4, '0')}!] 10.0.0.1.40001 > 10.0.0.2.40002: UDP, length 5`,
  );
});

// Many packets ---------------------------------------------------------------------------------------------------------

/** Whole packets of all kinds that a seed gives: few endpoints, so that connections meet again. */
function packetsOf(seed: number, count: number): Uint8Array[] {
  const random = new SeededRandom(seed);
  const below = (limit: number): number => randomBelow(random, limit);
  const pick = <T>(list: readonly T[]): T => list[below(list.length)]!;
  const parts = [
    '01',
    '01',
    '0402',
    '020405b4',
    '030307',
    '080a0000000100000002',
    '050a000003e8000003f2',
    '00',
    '630401ff',
    '5702',
  ];
  const word = (): number => pick([1000, 0xfffffff0, 5, random.uint32()]);

  function options(): Uint8Array {
    let text = '';
    for (let left = below(5); left > 0; left--) text += pick(parts);
    return octets(text.padEnd(Math.ceil(text.length / 8) * 8, '01'));
  }

  return Array.from({ length: count }, () => {
    const around = pick<Around>([{}, {}, { from: there, to: here }, six, { fragment: pick([0x2000, 0x2001, 0x4000]) }]);
    switch (below(6)) {
      case 0:
        return udp(below(20), pick([0, 7, 8, 12, 20, 30, 0xffff]), around);
      case 1:
        return icmp(
          pick([0, 3, 4, 5, 8, 11]),
          below(17),
          Uint8Array.of(0, 0, pick([0, 5]), 0, ...udp(40).subarray(0, 40)),
        );
      default: {
        const flags = pick([SYN, SYN | ACK, ACK, PSH | ACK, FIN | ACK, RST, RST | ACK, below(256)]);
        const ports = { sourcePort: 40001 + below(2), destinationPort: 40001 + below(2) };
        const offset = pick([{}, {}, {}, {}, {}, {}, { offset: below(5) }]);
        const fields = {
          ...ports,
          seq: word(),
          ack: word(),
          flags,
          urgent: below(9),
          options: options(),
          text: pick([0, 0, 1, 40]),
        };
        return tcp({ ...fields, ...offset }, around);
      }
    }
  });
}

tcpdumpTest(
  'a thousand packets of all kinds are described as tcpdump describes them, with and without a memory',
  (t) => {
    const packets = packetsOf(11, 1000);
    const describer = new Describer();

    const absolute = packets.map((packet) => describePacket(packet, packet.length));
    const relative = packets.map((packet) => describer.describe(packet, packet.length));

    t.deepEqual(absolute, tcpdump(packets, '-S'));
    t.deepEqual(relative, tcpdump(packets));
    t.true(new Set(relative).size > 500);
  },
);

function unlessEagain(action: () => void): void {
  try {
    action();
  } catch (error) {
    if (!(error instanceof StackError) || error.code !== 'EAGAIN') throw error;
  }
}

tcpdumpTest('a whole connection of two stacks over a lossy link reads as in tcpdump', (t) => {
  const { network, client, server, link } = pair({ seed: 5, link: { delay: ms(10), loss: 0.05, reorder: 0.1 } });
  const packets: Uint8Array[] = [];
  for (const wire of [link.forward, link.backward]) {
    wire.taps.push((bytes, length) => packets.push(bytes.slice(0, length)));
  }
  const listener = server.stack.tcp.listen(server.stack.tcp.bind(anyV4, 40002), 1);
  const c = client.stack.tcp.connect(there, 40002, null, anyV4, network.now);
  let s: Tcb | null = null;
  let left = 100_000;
  client.kick();
  client.onChanged(() => {
    unlessEagain(() => {
      while (left > 0) left -= tcpCalls.send(c, new Uint8Array(Math.min(left, 5000)));
      tcpCalls.shutdownSend(c, network.now);
    });
    client.kick();
  });
  server.onChanged(() => {
    s ??= server.stack.tcp.accept(listener);
    const from = s;
    if (from === null) return;
    unlessEagain(() => {
      while (tcpCalls.receive(from, new Uint8Array(5000), network.now) > 0);
      tcpCalls.shutdownSend(from, network.now);
    });
    server.kick();
  });

  network.run(seconds(300));

  const describer = new Describer();
  const mine = packets.map((packet) => describer.describe(packet, packet.length));
  t.is(c.state, 'CLOSED');
  t.true(mine.some((line) => line.includes('sack 1 {')));
  t.deepEqual(differences(mine, tcpdump(packets)), []);
});
