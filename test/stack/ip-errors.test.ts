/** ICMP errors about packets that are bent in odd ways, and packets that are bent at random. */
import test from 'ava';
import fc from 'fast-check';
import { anyV4, anyV6 } from '../../src/stack/index.ts';
import {
  addressOf,
  echo,
  icmp,
  internetChecksum,
  Lone,
  octets,
  octetsOf,
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

const icmpOf = { 4: 1, 6: 58 } as const;
const [udpProtocol, hopByHop, routing, fragment, destinationOptions] = [17, 0, 43, 44, 60];
const told = (sent: readonly Sent[]): string[] =>
  sent.map((each) => {
    const { type, code, parameter } = readIcmp(each);
    return `${type}/${code} at ${parameter}`;
  });
const ping = (family: 4 | 6, data?: Uint8Array): Uint8Array => packet(family, icmpOf[family], echo(family, data));
const toClosedPort = (family: 4 | 6, text: Uint8Array): Uint8Array =>
  packet(family, udpProtocol, udp(family, [5000, 9], text));
/** A connected socket, the packet it has sent, and how to make an error about that. */
function conversation(family: 4 | 6) {
  const host = new Lone();
  const socket = host.stack.udp.open(family === 4 ? anyV4 : anyV6);
  host.stack.udp.connect(socket, addressOf(theirs[family]), 53);
  host.stack.udp.send(socket, pattern(30), null, 0);
  const sent = host.sent()[0]!.bytes;
  const error = (type: number, code: number, quote: Uint8Array, parameter = 0): Uint8Array =>
    packet(family, icmpOf[family], icmp(family, type, code, octets(u32(parameter), quote)));
  return { host, socket, sent, error };
}
const plain = (header: number, next: number): Uint8Array => {
  if (header === routing) return octets(next, 0, 0, 0, 0, 0, 0, 0);
  if (header === fragment) return octets(next, 0, 0, 0, 0, 0, 0, 99);
  return octets(next, 0, 1, 4, 0, 0, 0, 0);
};
function chain(headers: readonly number[], payload: Uint8Array, ends: { source?: string; destination?: string } = {}) {
  const parts = headers.slice(0, -1).map((header, at) => plain(header, headers[at + 1]!));
  return v6(octets(...parts, payload), { ...ends, next: headers[0]! });
}

test('1122-6: a malformed IPv4 option is told to its sender, with a pointer to it, and quotes this packet', (t) => {
  const host = new Lone();
  host.take(v4(pattern(30), { protocol: 132, source: '10.0.0.77' })); // somebody else was before
  for (const [options, at] of [
    [[7, 1, 0, 0], 20],
    [[7, 0, 0, 0], 20],
    [[1, 7, 5, 0], 21],
    [[1, 1, 1, 7], 23],
  ] as const) {
    const about = v4(echo(4), { protocol: 1, options });
    const sent = host.take(about);

    t.deepEqual(told(sent), [`12/0 at ${at << 24}`]);
    t.is(sent[0]!.destination, theirs[4]);
    t.deepEqual(readIcmp(sent[0]!).quote, about);
  }
});

test('1122-7: a malformed IPv4 option is not complained of to an invalid source, about many, a later piece, or an error', (t) => {
  const host = new Lone();
  const options = [7, 1, 0, 0];
  const silent = [
    v4(echo(4), { protocol: 1, options, source: '224.0.0.1' }),
    v4(echo(4), { protocol: 1, options, source: '10.0.0.255' }),
    v4(echo(4), { protocol: 1, options, destination: '10.0.0.255' }),
    v4(echo(4), { protocol: 1, options, destination: '10.0.0.9' }),
    v4(pattern(16), { options, place: 8 }),
    v4(icmp(4, 3, 1, octets(u32(0), toClosedPort(4, pattern(9)))), { protocol: 1, options }),
  ];
  host.take(ping(4));

  for (const [at, each] of silent.entries()) t.deepEqual(host.take(each), [], `${at}`);
});

test('RFC 4942 section 2.2: an ICMPv6 error that quotes mapped addresses does not reach an IPv4 socket', (t) => {
  const { host, socket, sent } = conversation(4);
  const mapped = (text: string): Uint8Array => octets(new Uint8Array(10), 0xff, 0xff, octetsOf(text));
  const payload = sent.subarray(20);
  const quote = octets(0x60, 0, 0, 0, u16(payload.length), 17, 64, mapped(ours[4]), mapped(theirs[4]), payload);

  for (const [type, code, parameter] of [
    [1, 4, 0],
    [2, 0, 1280],
    [4, 1, 6],
  ] as const) {
    host.take(packet(6, 58, icmp(6, type, code, octets(u32(parameter), quote))));
    t.notThrows(() => host.stack.udp.receiveFrom(socket));
  }
  t.is(host.stack.findPath(addressOf(theirs[4]), anyV4)!.mtu, 1500);
});

for (const family of [4, 6] as const) {
  test(`RFC 8201 section 4, RFC 1191 section 3: a Packet Too Big never raises what is believed of a path (IPv${family})`, (t) => {
    const { host, sent, error } = conversation(family);
    const tooBig = (mtu: number): Uint8Array => (family === 4 ? error(3, 4, sent, mtu) : error(2, 0, sent, mtu));
    const believed = (): number => host.stack.findPath(addressOf(theirs[family]), family === 4 ? anyV4 : anyV6)!.mtu;

    host.take(tooBig(1290));
    const learnt = believed();
    host.take(tooBig(1400));

    t.deepEqual([learnt, believed()], [1290, 1290]);
  });
}

test('V01: packets with any octets changed, cut or added never throw and draw no more than one packet', (t) => {
  const seeds = [
    ping(4),
    ping(6),
    toClosedPort(4, pattern(20)),
    toClosedPort(6, pattern(20)),
    v4(echo(4), { protocol: 1, options: [7, 7, 4, 0, 0, 0, 0] }),
    chain([hopByHop, destinationOptions, routing, fragment, 58], echo(6)),
    packet(4, 1, icmp(4, 3, 4, octets(u32(900), toClosedPort(4, pattern(8))))),
    packet(6, 58, icmp(6, 2, 0, octets(u32(1280), toClosedPort(6, pattern(8))))),
  ];
  const host = new Lone();
  const change = fc.record({ at: fc.nat(120), octet: fc.nat(255) });
  const mutation = fc.record({
    of: fc.nat(seeds.length - 1),
    changes: fc.array(change, { maxLength: 6 }),
    keep: fc.nat(160),
    mend: fc.boolean(),
  });

  t.notThrows(() =>
    fc.assert(
      fc.property(mutation, ({ of, changes, keep, mend }) => {
        const made = seeds[of]!.slice(0, Math.max(1, keep));
        for (const { at, octet } of changes) if (at < made.length) made[at] = octet;
        const bytes =
          mend && made[0]! >> 4 === 4 && made.length >= 20 ? v4(made.subarray(20), { protocol: made[9]! }) : made;
        host.now += 10_000;
        return host.take(bytes).length <= 1;
      }),
      { numRuns: 5000 },
    ),
  );
});

test('an echo reply has the traffic class of the request, as on Linux', (t) => {
  const host = new Lone();
  const v4Request = v4(echo(4), { protocol: 1 });
  v4Request[1] = 0xb8;
  new DataView(v4Request.buffer).setUint16(10, 0);
  new DataView(v4Request.buffer).setUint16(10, internetChecksum(v4Request.subarray(0, 20)));
  const v6Request = v6(echo(6), { next: 58 });
  v6Request[0] = 0x6b;
  v6Request[1] = 0x80;

  t.is(host.take(v4Request)[0]?.bytes[1], 0xb8);
  t.deepEqual([...(host.take(v6Request)[0]?.bytes.subarray(0, 2) ?? [])], [0x6b, 0x80]);
});
