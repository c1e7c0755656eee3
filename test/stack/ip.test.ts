/** A host alone and what it makes of packets: both IP headers, extension headers, ICMP, and the choice of a source. */
import test from 'ava';
import { anyV4, anyV6, type Prefix, parsePrefix } from '../../src/stack/index.ts';
import { Interface } from '../../src/stack/ip/interface.ts';
import { chooseSource } from '../../src/stack/ip/source.ts';
import {
  addressOf,
  echo,
  icmp,
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
const [udpProtocol, hopByHop, routing, fragment, destinationOptions, none] = [17, 0, 43, 44, 60, 59];

/** A parameter problem of ICMPv6, as it is expected: code and pointer. */
const problem = (code: number, pointer: number): string => `4/${code} at ${pointer}`;
const told = (sent: readonly Sent[]): string[] =>
  sent.map((each) => {
    const { type, code, parameter } = readIcmp(each);
    return `${type}/${code} at ${parameter}`;
  });

/** A socket that is bound to this port, of both families. */
function bound(host: Lone, port = 7): ReturnType<Lone['stack']['udp']['open']> {
  const endpoint = host.stack.udp.open(anyV6);
  host.stack.udp.bind(endpoint, anyV6, port);
  return endpoint;
}

const ping = (family: 4 | 6, data?: Uint8Array): Uint8Array => packet(family, icmpOf[family], echo(family, data));
const toClosedPort = (family: 4 | 6, text: Uint8Array): Uint8Array =>
  packet(family, udpProtocol, udp(family, [5000, 9], text));
const isAnswered = (sent: readonly Sent[]): boolean => sent.length === 1 && [0, 129].includes(readIcmp(sent[0]!).type);

// The headers -----------------------------------------------------------------------------------------------------------

test('1122-1: a packet of neither version 4 nor 6 is dropped silently', (t) => {
  const host = new Lone();
  const versions = Array.from({ length: 16 }, (_, version) => version).filter((each) => each !== 4 && each !== 6);

  for (const version of versions) t.deepEqual(host.take(octets((version << 4) | 5, ping(4).subarray(1))), []);

  t.is(host.drops('not IPv4 or IPv6'), 14);
});

test('V09: a packet with the version of the other family, or cut down to any length, is dropped silently', (t) => {
  const host = new Lone();

  t.deepEqual(host.take(octets(0x65, ping(4).subarray(1))), []);
  t.deepEqual(host.take(octets(0x40, ping(6).subarray(1))), []);
  for (const whole of [ping(4), ping(6)]) {
    for (let length = 0; length < whole.length; length++) t.deepEqual(host.take(whole.slice(0, length)), []);
    t.true(isAnswered(host.take(whole)));
  }
});

test('1122-2: an IPv4 header with any one bit flipped is not answered', (t) => {
  const host = new Lone();
  const sound = ping(4);

  for (let bit = 0; bit < 160; bit++) {
    const flipped = sound.slice();
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    t.deepEqual(host.take(flipped), [], `bit ${bit}`);
  }

  t.true(isAnswered(host.take(sound)));
});

test('1122-1: an IPv4 header length below 20 octets or beyond the packet is dropped silently', (t) => {
  const host = new Lone();
  const sound = v4(echo(4, new Uint8Array(0)), { protocol: 1 }); // 28 octets

  for (const words of [0, 1, 2, 3, 4, 8, 9, 15]) {
    const altered = octets(0x40 + words, sound.subarray(1, 10), 0, 0, sound.subarray(12));
    t.deepEqual(host.take(altered), []);
  }

  t.is(host.drops('bad header length'), 8);
});

test('V01: of all total lengths of an IPv4 packet, those within it are cut there and the others dropped', (t) => {
  const host = new Lone();
  const sound = v4(echo(4, new Uint8Array(72)), { protocol: 1 }); // zeros: the checksum is right wherever it is cut

  for (let totalLength = 0; totalLength <= 0xffff; totalLength++) {
    const header = v4(octets(), { protocol: 1, totalLength });
    sound.set(header);
    const [reply] = host.take(sound);
    if ((reply?.bytes.length ?? 0) !== (totalLength >= 28 && totalLength <= 100 ? totalLength : 0)) {
      return t.fail(`a total length of ${totalLength} drew ${reply?.bytes.length ?? 0} octets`);
    }
  }
  t.pass();
});

test('8200-13: of all payload lengths of an IPv6 packet, those within it are cut there and the others dropped', (t) => {
  const host = new Lone();
  const about = v6(pattern(72), { next: 253 });

  for (let payloadLength = 0; payloadLength <= 0xffff; payloadLength++) {
    about.set(u16(payloadLength), 4);
    const sent = host.take(about);
    const expected = payloadLength <= 72 ? 40 + 8 + 40 + payloadLength : 0;
    if ((sent[0]?.bytes.length ?? 0) !== expected && host.drops('ICMP rate limit') === 0) {
      return t.fail(`a payload length of ${payloadLength} drew ${sent[0]?.bytes.length ?? 0} octets`);
    }
    host.now += 10_000;
  }
  t.is(host.drops('bad payload length'), 0xffff - 72);
});

for (const family of [4, 6] as const) {
  test(`8200-13: octets behind the packet's length are never echoed or delivered (IPv${family})`, (t) => {
    const host = new Lone();
    const socket = bound(host);
    const padding = pattern(20, 99);

    const [reply] = host.take(octets(ping(family, pattern(5)), padding));
    host.take(octets(packet(family, udpProtocol, udp(family, [5000, 7], pattern(9))), padding));

    t.deepEqual(readIcmp(reply!).quote, pattern(5));
    t.deepEqual(host.stack.udp.receiveFrom(socket)?.data, pattern(9));
  });

  test(`1122-5: a packet for us is taken whatever is left of its time to live (IPv${family})`, (t) => {
    const host = new Lone();

    for (const ttl of [0, 1, 255]) {
      const message = echo(family);
      const made = family === 4 ? v4(message, { protocol: 1, ttl }) : v6(message, { next: 58, hopLimit: ttl });
      const sent = host.take(made);
      t.true(isAnswered(sent));
      t.is(sent[0]!.ttl, 64);
    }
  });

  test(`1122-3: packets that are not for us are dropped silently (IPv${family})`, (t) => {
    const host = new Lone();
    const foreign = {
      4: ['10.0.0.3', '8.8.8.8', '127.0.0.1', '127.1.2.3', '0.0.0.0', '240.0.0.1', '224.0.0.2', '239.1.2.3'],
      6: ['fd00::3', '2001:db8::1', '::1', '::', 'fe80::2', 'ff02::2', 'ff02::1:ff00:2', 'ff0e::1', '::ffff:10.0.0.1'],
    }[family];

    for (const destination of foreign) {
      for (const [protocol, payload] of [
        [icmpOf[family], echo(family, undefined, { destination })],
        [udpProtocol, udp(family, [5000, 9], pattern(9), { destination })],
        [132, pattern(9)],
      ] as const) {
        t.deepEqual(host.take(packet(family, protocol, payload, { destination })), []);
      }
    }
    t.is(host.stack.counters.ipInDelivers, 0);
  });

  test(`1122-3, 1122-18, V10: nothing that comes from an invalid source is answered or delivered (IPv${family})`, (t) => {
    const host = new Lone();
    const socket = bound(host);
    const sources = {
      4: [
        '0.0.0.0',
        '0.1.2.3',
        '127.0.0.1',
        '127.9.9.9',
        '224.0.0.1',
        '239.9.9.9',
        '240.0.0.1',
        '255.255.255.254',
      ].concat(['255.255.255.255', '10.0.0.255', '10.0.0.1']),
      6: ['::', '::1', 'ff02::1', 'ff0e::9', 'fd00::1', 'fe80::1', '::ffff:10.0.0.2', '::ffff:127.0.0.1'],
    }[family];

    for (const source of sources) {
      for (const [protocol, payload] of [
        [icmpOf[family], echo(family, undefined, { source })],
        [udpProtocol, udp(family, [5000, 7], pattern(9), { source })],
        [udpProtocol, udp(family, [5000, 9], pattern(9), { source })],
        [132, pattern(9)],
        [6, octets(u16(5000), u16(80), u32(1), u32(0), 0x50, 2, u16(100), 0, 0, 0, 0)],
      ] as const) {
        t.deepEqual(host.take(packet(family, protocol, payload, { source })), []);
      }
    }
    t.is(host.stack.udp.receiveFrom(socket), null);
    t.is(host.drops('invalid source'), sources.length * 5);
  });
}

test('1122-6: IPv4 options are skipped, and the reply has none of them', (t) => {
  const host = new Lone();
  const lists = [
    [1, 1, 1, 1],
    [0],
    [0, 131, 3, 4], // behind the end of the list nothing counts
    [7, 7, 4, 0, 0, 0, 0], // record route
    [68, 8, 5, 0, 0, 0, 0, 0], // time stamp
    [148, 4, 0, 0], // router alert
    [30, 2],
    [222, 40, ...new Uint8Array(38)],
  ];

  for (const options of lists) {
    const sent = host.take(v4(echo(4), { protocol: 1, options }));
    t.true(isAnswered(sent), `${options}`);
    t.is(sent[0]!.bytes.length, 20 + 8 + 16);
  }
});

test('MUST-51, MUST-52, MUST-53, SHLD-24, 1122-10, V03: packets with a source route are dropped silently; one that is malformed is pointed at', (t) => {
  const host = new Lone();

  for (const kind of [131, 137]) {
    for (let length = 2; length <= 11; length++) {
      for (let pointer = 0; pointer <= 255; pointer++) {
        const options = [kind, length, pointer, 10, 0, 0, 9, 10, 0, 0, 8, 0];
        const sent = host.take(v4(echo(4), { protocol: 1, options }));
        const fault = length < 3 ? 21 : pointer < 4 ? 22 : 0;
        t.deepEqual(told(sent), fault === 0 ? [] : [`12/0 at ${fault << 24}`]);
        t.true(sent.every((each) => each.destination === theirs[4]));
        host.now += 100_000;
      }
    }
  }
  t.is(host.drops('source route'), 2 * 9 * 252);
});

test('V03: route and time stamp options of every length and pointer draw one answer to the sender at most', (t) => {
  const host = new Lone();
  host.take(v4(echo(4), { protocol: 1 }));

  for (const kind of [7, 68]) {
    for (let length = 0; length <= 255; length++) {
      for (const pointer of [0, 3, 4, 5, 39, 40, 255]) {
        const sent = host.take(v4(echo(4), { protocol: 1, options: [kind, length, pointer, 1, 1, 1, 1, 1] }));
        t.true(sent.length <= 1);
        t.true(sent.every(({ destination }) => destination === theirs[4]));
        if (length !== 2) t.is(isAnswered(sent), length >= 3 && length <= 8); // of 2, the pointer is the next option
      }
    }
  }
});

// What is told to the sender ----------------------------------------------------------------------------------------------

for (const family of [4, 6] as const) {
  const whole = family === 4 ? 576 : 1280;

  test(`1122-7, 1122-15, 4443-2: a closed UDP port is told with as much of the packet as fits ${whole} octets (IPv${family})`, (t) => {
    const host = new Lone();

    for (const size of [0, 1, 8, 500, 519, 520, 521, 1183, 1184, 1185, 1400]) {
      const about = toClosedPort(family, pattern(size));
      const [sent, ...more] = host.take(about);
      const { type, code, parameter, quote } = readIcmp(sent!);

      t.deepEqual(more, []);
      t.deepEqual([sent!.source, sent!.destination], [ours[family], theirs[family]]);
      t.deepEqual([sent!.protocol, type, code, parameter], family === 4 ? [1, 3, 3, 0] : [58, 1, 4, 0]);
      t.true(sent!.isSound);
      t.is(sent!.bytes.length, Math.min(whole, about.length + (family === 4 ? 28 : 48)));
      t.deepEqual(quote, about.slice(0, quote.length));
    }
  });

  test(`1122-7, 4443-2: an error does not quote what lies behind the packet's end (IPv${family})`, (t) => {
    const about = toClosedPort(family, pattern(10));

    const [sent] = new Lone().take(octets(about, pattern(50, 77)));

    t.deepEqual(readIcmp(sent!).quote, about);
  });

  test(`1122-7, 4443-3: no error answers what was sent to many (IPv${family})`, (t) => {
    const host = new Lone();
    const many = family === 4 ? ['10.0.0.255', '255.255.255.255', '224.0.0.1'] : ['ff02::1', 'ff02::1:ff00:1'];

    for (const destination of many) {
      t.deepEqual(
        host.take(packet(family, udpProtocol, udp(family, [5000, 9], pattern(9), { destination }), { destination })),
        [],
      );
      t.deepEqual(host.take(packet(family, 132, pattern(40), { destination })), []);
      t.deepEqual(host.take(packet(family, 6, tcpSyn(family, destination), { destination })), []);
    }
    t.is(host.drops('no UDP socket'), many.length);
    t.is(host.drops('unknown protocol'), many.length);
    t.is(host.drops('not unicast'), many.length);
  });

  test(`1122-7, 4443-3: no error answers an ICMP error, and one answers an ICMP question (IPv${family})`, (t) => {
    const router = new Lone({
      options: { forwarding: true },
      interfaces: [
        ['10.0.0.1/24', 'fd00::1/64'],
        ['10.0.1.1/24', 'fd00:1::1/64'],
      ],
    });
    const destination = family === 4 ? '10.0.1.2' : 'fd00:1::2';
    const dying = (type: number): Uint8Array => {
      const message = icmp(family, type, 0, octets(u32(0), toClosedPort(family, pattern(9))), { destination });
      return family === 4
        ? v4(message, { protocol: 1, ttl: 1, destination })
        : v6(message, { next: 58, hopLimit: 1, destination });
    };
    const errors = family === 4 ? [3, 4, 5, 11, 12] : [1, 2, 3, 4, 5, 100, 127, 137];
    const questions = family === 4 ? [0, 8, 13, 17] : [128, 129, 130, 200];

    for (const type of errors) t.deepEqual(router.take(dying(type)), [], `type ${type}`);
    for (const type of questions)
      t.deepEqual(told(router.take(dying(type))), [family === 4 ? '11/0 at 0' : '3/0 at 0']);
  });

  test(`4443-4: errors come 50 at once at most and 1,000 in a second (IPv${family})`, (t) => {
    const host = new Lone({ seed: 5 });
    const about = toClosedPort(family, pattern(9));
    const flood = (count: number): number => {
      let errors = 0;
      for (let each = 0; each < count; each++) errors += host.take(about).length;
      return errors;
    };

    const atOnce = flood(200);
    host.now += 1_000_000;
    const atOnceAgain = flood(200);
    let inASecond = 0;
    for (let millisecond = 0; millisecond < 1000; millisecond++) {
      host.now += 1000;
      inASecond += flood(3);
    }

    for (const burst of [atOnce, atOnceAgain]) t.true(burst > 25 && burst <= 50, `${burst}`);
    t.true(inASecond > 500 && inASecond <= 1000, `${inASecond}`);
    t.is(host.drops('ICMP rate limit'), 200 + 200 + 3000 - atOnce - atOnceAgain - inASecond);
  });

  test(`4443-4: echo replies do not draw on the errors' allowance (IPv${family})`, (t) => {
    const host = new Lone();

    for (let each = 0; each < 200; each++) t.true(isAnswered(host.take(ping(family))));
  });

  test(`1122-8: a packet from beyond the link is answered by the way it came, without a route back (IPv${family})`, (t) => {
    const host = new Lone();
    const source = family === 4 ? '192.0.2.1' : '2001:db8::1';

    const [sent] = host.take(packet(family, udpProtocol, udp(family, [5000, 9], pattern(4), { source }), { source }));

    t.is(sent!.destination, source);
  });
}

const tcpSyn = (family: 4 | 6, destination: string): Uint8Array => {
  const segment = octets(u16(5000), u16(80), u32(1), u32(0), 0x50, 2, u16(100), 0, 0, 0, 0);
  return octets(segment.subarray(0, 16), u16(family + destination.length), 0, 0);
};

test('1122-8, V02: an unknown protocol is refused with protocol unreachable, tunnels included', (t) => {
  const host = new Lone();

  for (const protocol of [4, 41, 47, 50, 51, 58, 132, 255]) {
    const about = v4(toClosedPort(4, pattern(9)), { protocol });
    const [sent, ...more] = host.take(about);

    t.deepEqual(more, []);
    t.deepEqual({ ...readIcmp(sent!) }, { type: 3, code: 2, parameter: 0, quote: about });
    t.is(sent!.source, ours[4]);
    t.true(sent!.isSound);
  }
});

test('8200-1, V02: an unknown next header is refused at the octet that names it, tunnels included', (t) => {
  const host = new Lone();

  for (const next of [1, 4, 41, 47, 50, 51, 132, 255]) {
    const about = v6(octets(toClosedPort(6, pattern(9))), { next });
    const [sent, ...more] = host.take(about);
    const behind = (...headers: number[]) => told(host.take(chain([...headers, next], pattern(30))));

    t.deepEqual(more, []);
    t.deepEqual({ ...readIcmp(sent!) }, { type: 4, code: 1, parameter: 6, quote: about });
    t.true(sent!.isSound);
    t.deepEqual(behind(destinationOptions), [problem(1, 40)]);
    t.deepEqual(behind(hopByHop, destinationOptions), [problem(1, 48)]);
    t.deepEqual(behind(hopByHop, routing, fragment), [problem(1, 56)]);
  }
});

test('1122-9, 1122-12, 4443-5: redirects, obsolete questions and what is unknown are not answered', (t) => {
  const host = new Lone();
  const rest = octets(u32(0), pattern(40));

  for (const type of [1, 2, 4, 5, 6, 7, 9, 10, 13, 14, 15, 16, 17, 18, 30, 41, 255]) {
    t.deepEqual(host.take(packet(4, 1, icmp(4, type, 0, rest))), []);
  }
  for (const type of [0, 5, 99, 127, 133, 134, 135, 136, 137, 139, 141, 199, 255]) {
    t.deepEqual(host.take(packet(6, 58, icmp(6, type, 0, rest))), []);
  }

  t.is(host.drops('ICMP ignored') + host.drops('malformed ICMP'), 17 + 13);
});

test('4443-1: an error about a link-local address comes from it, to the link it came by', (t) => {
  const host = new Lone();
  const ends = { source: 'fe80::2', destination: 'fe80::1' };

  const [sent] = host.take(packet(6, udpProtocol, udp(6, [5000, 9], pattern(9), ends), ends));

  t.deepEqual([sent!.source, sent!.destination], ['fe80::1', 'fe80::2']);
  t.true(sent!.isSound);
});

test('4443-3, 8200-2: an unknown option in an ICMPv6 error is not complained of', (t) => {
  const host = new Lone();
  const about = (type: number): Uint8Array => {
    const message = icmp(6, type, 0, octets(u32(0), ping(6)));
    return v6(octets(58, 0, 0x80, 0, 1, 2, 0, 0, message), { next: destinationOptions });
  };

  for (const type of [1, 2, 3, 4, 77, 127, 137]) t.deepEqual(host.take(about(type)), []);
  t.deepEqual(told(host.take(about(128))), [problem(2, 42)]);
});

// Echo ------------------------------------------------------------------------------------------------------------------

for (const family of [4, 6] as const) {
  test(`1122-10, 4443-7: an echo reply has the same identifier, sequence number and data, whatever their length (IPv${family})`, (t) => {
    const host = new Lone();

    for (let size = 0; size <= 1400; size += size < 40 ? 1 : 97) {
      const data = pattern(size, size);
      const [reply, ...more] = host.take(ping(family, data));
      const { type, code, parameter, quote } = readIcmp(reply!);

      t.deepEqual(more, []);
      t.deepEqual([type, code, parameter], [family === 4 ? 0 : 129, 0, 0x12340005]);
      t.deepEqual([reply!.source, reply!.destination], [ours[family], theirs[family]]);
      t.deepEqual(quote, data);
      t.true(reply!.isSound);
    }
  });

  test(`1122-10, 4443-7: an echo request with a wrong checksum or without its eight octets is not answered (IPv${family})`, (t) => {
    const host = new Lone();
    const sound = echo(family);

    for (let bit = 0; bit < sound.length * 8; bit++) {
      const flipped = sound.slice();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      t.deepEqual(host.take(packet(family, icmpOf[family], flipped)), [], `bit ${bit}`);
    }
    for (let length = 0; length < 8; length++) {
      t.deepEqual(host.take(packet(family, icmpOf[family], sound.slice(0, length))), []);
    }

    t.is(host.drops('bad ICMP checksum'), sound.length * 8);
    t.is(host.drops('malformed ICMP'), 8);
  });

  test(`1122-10: a reply that is too long for the link leaves in pieces (IPv${family})`, (t) => {
    const host = new Lone();
    const data = pattern(1400);
    const narrow = new Lone({ mtu: 1280 });

    const pieces = narrow.take(ping(family, data));
    const whole = host.take(ping(family, data));

    t.true(pieces.every(({ bytes, isFragment }) => isFragment && bytes.length <= 1280));
    t.deepEqual(octets(...pieces.map(({ payload }) => payload)), whole[0]!.payload);
  });
}

test('1122-11: an IPv4 echo request to a broadcast or multicast address is not answered', (t) => {
  const host = new Lone();

  for (const destination of ['10.0.0.255', '255.255.255.255', '224.0.0.1']) {
    t.deepEqual(host.take(packet(4, 1, echo(4), { destination })), []);
  }

  t.is(host.stack.counters.icmpInMsgs, 3);
});

test('4443-7: an IPv6 echo request to a group is answered from an address of the interface', (t) => {
  const host = new Lone();

  for (const destination of ['ff02::1', 'ff02::1:ff00:1']) {
    const [global] = host.take(packet(6, 58, echo(6, undefined, { destination }), { destination }));
    const ends = { source: 'fe80::2', destination };
    const [local] = host.take(packet(6, 58, echo(6, undefined, ends), ends));

    t.deepEqual([global!.source, global!.destination, global!.isSound], ['fd00::1', 'fd00::2', true]);
    t.deepEqual([local!.source, local!.destination, local!.isSound], ['fe80::1', 'fe80::2', true]);
    t.deepEqual(readIcmp(global!).quote, pattern(16));
  }
});

test('RFC 4291 section 2.7: what is sent to a group of one interface, or of no scope, does not come over a link', (t) => {
  const host = new Lone();
  host.stack.joinGroup(addressOf('ff01::99'), 1);
  host.sent(); // the report of it

  for (const destination of ['ff01::1', 'ff01::99', 'ff11::99', 'ff00::1']) {
    t.deepEqual(host.take(packet(6, 58, echo(6, undefined, { destination }), { destination })), []);
  }

  t.is(host.drops('invalid destination'), 4);
});

test('RFC 4007: a link-local address is ours on its own link only, and the answer stays there', (t) => {
  const host = new Lone({ interfaces: [['fe80::a/64'], ['fe80::b/64']] });
  const to = (destination: string): Uint8Array => {
    const ends = { source: 'fe80::2', destination };
    return packet(6, 58, echo(6, undefined, ends), ends);
  };

  t.is(host.take(to('fe80::a'), 1)[0]?.source, 'fe80::a');
  t.is(host.take(to('fe80::b'), 2)[0]?.source, 'fe80::b');
  t.deepEqual([...host.take(to('fe80::b'), 1), ...host.sent(2)], []);
  t.deepEqual([...host.take(to('fe80::a'), 2), ...host.sent(1)], []);
  t.is(host.drops('not for this host'), 2);
});

test('8200-11: an interface with an MTU below 1280 has no IPv6', (t) => {
  const narrow = new Lone({ mtu: 1279 });
  const wide = new Lone({ mtu: 1280 });

  t.deepEqual(narrow.take(ping(6)), []);
  t.true(isAnswered(narrow.take(ping(4))));
  t.true(isAnswered(wide.take(ping(6))));
  t.is(narrow.stack.findPath(addressOf('fd00::2'), anyV6), null);
});

test('1122-20: what a host sends to itself arrives without touching a device', (t) => {
  const host = new Lone();
  const socket = bound(host);

  for (const to of ['127.0.0.1', '127.2.3.4', '10.0.0.1', '::1', 'fd00::1']) {
    const sender = host.stack.udp.open(to.includes(':') ? anyV6 : anyV4);
    host.stack.udp.send(sender, pattern(3000), addressOf(to), 7);
    t.deepEqual(host.sent(), []);
    t.deepEqual(host.stack.udp.receiveFrom(socket)?.data, pattern(3000));
  }
});

// UDP's share --------------------------------------------------------------------------------------------------------------

for (const family of [4, 6] as const) {
  test(`1122-19: a UDP length below 8 or beyond the packet is dropped, one within it counts (IPv${family})`, (t) => {
    const host = new Lone();
    const socket = bound(host);
    const datagram = (length: number): Uint8Array => {
      const text = new Uint8Array(Math.max(0, length - 8));
      const right = udp(family, [5000, 7], text); // the checksum of zeros, as long as the length says
      return octets(right.subarray(0, 4), u16(length), right.subarray(6, 8), new Uint8Array(32));
    };

    for (let length = 0; length <= 60; length++) {
      t.deepEqual(host.take(packet(family, udpProtocol, datagram(length))), []);
      t.is(host.stack.udp.receiveFrom(socket)?.data.length, length >= 8 && length <= 40 ? length - 8 : undefined);
    }
    t.is(host.drops('bad UDP length'), 8 + 20);
  });

  test(`1122-16, 8200-12: a wrong UDP checksum is dropped silently, and so is none over IPv6 (IPv${family})`, (t) => {
    const host = new Lone();
    const socket = bound(host);
    const sound = udp(family, [5000, 7], pattern(9));

    for (let bit = 0; bit < sound.length * 8; bit++) {
      const flipped = sound.slice();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      t.deepEqual(host.take(packet(family, udpProtocol, flipped)), []);
    }
    const heard = host.stack.udp.receiveFrom(socket);
    host.take(packet(family, udpProtocol, octets(sound.subarray(0, 6), 0, 0, sound.subarray(8))));

    t.is(heard, null);
    t.deepEqual(host.stack.udp.receiveFrom(socket)?.data, family === 4 ? pattern(9) : undefined);
  });

  test(`1122-17, 4443-6: an ICMP error about what it has sent reaches a connected socket once (IPv${family})`, (t) => {
    const meanings =
      family === 4
        ? ([
            [3, 2, 'ENOPROTOOPT'],
            [3, 3, 'ECONNREFUSED'],
            [3, 10, 'EHOSTUNREACH'],
            [12, 0, 'EPROTO'],
          ] as const)
        : ([
            [1, 1, 'EACCES'],
            [1, 4, 'ECONNREFUSED'],
            [1, 5, 'EACCES'],
            [1, 6, 'EACCES'],
            [4, 1, 'EPROTO'],
          ] as const);
    const { host, socket, sent, error } = conversation(family);

    for (const [type, code, expected] of meanings) {
      host.take(error(type, code, sent));
      t.throws(() => host.stack.udp.receiveFrom(socket), { code: expected });
      t.is(host.stack.udp.receiveFrom(socket), null);
    }
  });

  test(`1122-17: passing troubles, and errors for a socket that is not connected, are not told (IPv${family})`, (t) => {
    const { host, socket, sent, error } = conversation(family);
    const soft =
      family === 4
        ? ([
            [3, 0],
            [3, 1],
            [3, 5],
            [11, 0],
            [11, 1],
          ] as const)
        : ([
            [1, 0],
            [1, 2],
            [1, 3],
            [3, 0],
            [3, 1],
          ] as const);

    for (const [type, code] of soft) host.take(error(type, code, sent));
    t.is(host.stack.udp.receiveFrom(socket), null);
    host.stack.udp.disconnect(socket);
    host.take(family === 4 ? error(3, 3, sent) : error(1, 4, sent));

    t.is(host.stack.udp.receiveFrom(socket), null);
  });

  test(`V07: an error whose quote is cut, bent, or of another flow changes nothing (IPv${family})`, (t) => {
    const { host, socket, sent, error } = conversation(family);
    const [type, code] = family === 4 ? [3, 3] : [1, 4];
    const enough = (family === 4 ? 20 : 40) + 8;
    const bent = (at: number, octet: number): Uint8Array => octets(sent.subarray(0, at), octet, sent.subarray(at + 1));

    for (let length = 0; length < enough; length++) host.take(error(type, code, sent.slice(0, length)));
    for (const octet of family === 4 ? [0, 0x15, 0x40, 0x44, 0x4f, 0x65, 0xff] : [0, 0x45, 0xff]) {
      host.take(error(type, code, bent(0, octet)));
    }
    for (let at = family === 4 ? 12 : 8; at < enough - 4; at++)
      host.take(error(type, code, bent(at, sent[at]! ^ 0x55)));
    if (family === 4) host.take(error(type, code, bent(7, 1))); // a later piece: its first octets are no ports
    host.take(error(type, code, error(type, code, sent))); // an error about an error

    t.is(host.stack.udp.receiveFrom(socket), null);
    t.deepEqual(host.sent(), []);
    host.take(error(type, code, sent.slice(0, enough)));
    t.throws(() => host.stack.udp.receiveFrom(socket), { code: 'ECONNREFUSED' });
  });
}

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

// Extension headers ---------------------------------------------------------------------------------------------------------

/** A header of 8 octets: padding, or a routing header with nothing left to do, or an atomic fragment header. */
const plain = (header: number, next: number): Uint8Array => {
  if (header === routing) return octets(next, 0, 0, 0, 0, 0, 0, 0);
  if (header === fragment) return octets(next, 0, 0, 0, 0, 0, 0, 99);
  return octets(next, 0, 1, 4, 0, 0, 0, 0);
};

/** A packet with these headers, the last of which names what `payload` is. */
function chain(headers: readonly number[], payload: Uint8Array, ends: { source?: string; destination?: string } = {}) {
  const parts = headers.slice(0, -1).map((header, at) => plain(header, headers[at + 1]!));
  return v6(octets(...parts, payload), { ...ends, next: headers[0]! });
}

/** Options, padded to whole headers. */
function optionsHeader(next: number, options: readonly number[]): Uint8Array {
  const length = Math.ceil((2 + options.length) / 8) * 8;
  return octets(next, length / 8 - 1, options, new Uint8Array(length - 2 - options.length));
}

test('8200-1, V18: extension headers are taken in any order and repetition, but for a second fragment header', (t) => {
  const host = new Lone();
  const kinds = [destinationOptions, routing, fragment];
  const orders: number[][] = [[]];
  for (let at = 0; at < orders.length; at++) {
    if (orders[at]!.length < 4) orders.push(...kinds.map((kind) => [...orders[at]!, kind]));
  }

  for (const order of orders) {
    const second = order.indexOf(fragment, order.indexOf(fragment) + 1);
    for (const before of [[], [hopByHop]]) {
      const sent = host.take(chain([...before, ...order, 58], echo(6)));
      if (second <= 0) t.true(isAnswered(sent), `${before},${order}`);
      else t.deepEqual(told(sent), [problem(0, 40 + 8 * (before.length + second))], `${before},${order}`);
      host.now += 100_000;
    }
  }
  t.is(orders.length, 1 + 3 + 9 + 27 + 81);
});

test('8200-1: a hop-by-hop header anywhere but first is refused at the octet that names it', (t) => {
  const host = new Lone();

  t.deepEqual(told(host.take(chain([destinationOptions, hopByHop, 58], echo(6)))), [problem(1, 40)]);
  t.deepEqual(told(host.take(chain([hopByHop, hopByHop, 58], echo(6)))), [problem(1, 40)]);
  t.deepEqual(told(host.take(chain([hopByHop, routing, hopByHop, 58], echo(6)))), [problem(1, 48)]);
  t.deepEqual(told(host.take(chain([fragment, hopByHop, 58], echo(6)))), [problem(1, 40)]);
});

for (const [name, header] of [
  ['hop-by-hop', hopByHop],
  ['destination', destinationOptions],
] as const) {
  for (const destination of [ours[6], 'ff02::1']) {
    const toMany = destination !== ours[6];
    test(`8200-2: the top bits of an unknown ${name} option decide, for a packet to ${toMany ? 'many' : 'one'}`, (t) => {
      const host = new Lone();
      const before = [0, 1, 3, 0, 0, 0, 0]; // 7 octets of padding: the option stands at 40 + 2 + 7

      for (let low = 0; low < 64; low++) {
        for (const action of [0, 1, 2, 3]) {
          if (action === 0 && low <= 1) continue; // padding
          const options = [...before, (action << 6) | low, 3, 1, 2, 3];
          const about = v6(octets(optionsHeader(58, options), echo(6, undefined, { destination })), {
            next: header,
            destination,
          });
          const sent = host.take(about);

          if (action === 0) t.true(isAnswered(sent));
          else if (action === 1 || (action === 3 && toMany)) t.deepEqual(sent, []);
          else {
            t.deepEqual(told(sent), [problem(2, 49)]);
            t.deepEqual(readIcmp(sent[0]!).quote, about);
            t.is(sent[0]!.source, ours[6]);
            t.true(sent[0]!.isSound);
          }
          host.now += 100_000;
        }
      }
    });
  }

  test(`8200-3: up to seven octets of padding in a row are skipped in a ${name} header, and more are refused`, (t) => {
    const host = new Lone();
    const takes = (options: readonly number[]): boolean => {
      const sent = host.take(v6(octets(optionsHeader(58, options), echo(6)), { next: header }));
      t.is(sent.length, isAnswered(sent) ? 1 : 0);
      return isAnswered(sent);
    };
    const skipped = (length: number): number[] => [5, length - 2, ...pattern(length - 2)];

    for (let length = 0; length <= 255; length++) {
      const padding = [1, length, ...new Array<number>(length).fill(0)];
      const fill = skipped(2 + ((12 - (padding.length % 8)) % 8)); // up to a whole header
      t.is(takes([...padding, ...fill]), length <= 5, `${length}`);
    }
    t.true(takes([0, 0, 0, 0, 0, 0]));
    t.true(takes([0, 1, 0, 0, 1, 0]));
    t.true(takes([1, 5, 0, 0, 0, 0, 0, ...skipped(2), 1, 3, 0, 0, 0])); // an option between
    t.false(takes([...skipped(6), 0, 1, 4, 0, 0, 0, 0, 0])); // eight
    t.false(takes([...skipped(6), 0, 0, 0, 0, 0, 0, 0, 0]));
  });

  test(`8200-3, RFC 4942 section 2.1.9.5: padding that is not zero is refused in a ${name} header`, (t) => {
    const host = new Lone();

    for (let at = 2; at < 6; at++) {
      const padding = octets(1, 4, 0, 0, 0, 0);
      padding[at] = 1;
      t.deepEqual(host.take(v6(octets(58, 0, padding, echo(6)), { next: header })), []);
    }
    t.is(host.drops('bad IPv6 option'), 4);
  });

  test(`8200-3: a ${name} option that ends beyond its header is dropped, one that ends with it is not`, (t) => {
    const host = new Lone();

    for (const type of [1, 5]) {
      for (let length = 0; length <= 255; length++) {
        const sent = host.take(v6(octets(58, 0, type, length, 0, 0, 0, 0, echo(6)), { next: header }));
        t.is(isAnswered(sent), length <= 4);
        t.true(length <= 4 || sent.length === 0);
      }
      t.deepEqual(host.take(v6(octets(58, 0, 0, 0, 0, 0, 0, type, echo(6)), { next: header })), []); // no length at all
    }
  });

  test(`8200-4: eight options are taken in a ${name} header, nine are not; padding does not count`, (t) => {
    const host = new Lone();
    const options = (count: number): number[] => Array.from({ length: count }, () => [1, 1, 0, 5, 3, 1, 2, 3]).flat();

    for (const count of [1, 7, 8]) {
      t.true(isAnswered(host.take(v6(octets(optionsHeader(58, options(count)), echo(6)), { next: header }))));
    }
    t.deepEqual(host.take(v6(octets(optionsHeader(58, options(9)), echo(6)), { next: header })), []);
  });
}

test('8200-4: eight extension headers are taken, nine are not', (t) => {
  const host = new Lone();
  const headers = (count: number): number[] => [...new Array<number>(count).fill(destinationOptions), 58];

  t.true(isAnswered(host.take(chain(headers(8), echo(6)))));
  t.deepEqual(host.take(chain(headers(9), echo(6))), []);
  t.deepEqual(host.take(chain(headers(1000), echo(6))), []);
  t.is(host.drops('bad extension header'), 2);
});

test('8200-5, V03: a routing header of any type is skipped when nothing is left of it and refused otherwise', (t) => {
  const host = new Lone();

  for (const type of [0, 1, 2, 3, 4, 253, 255]) {
    for (let left = 0; left <= 255; left++) {
      const about = octets(routing, 0, 1, 4, 0, 0, 0, 0, 58, 2, type, left, 0, 0, 0, 0, octetsOf('fd00::9'), echo(6));
      const sent = host.take(v6(about, { next: destinationOptions }));

      if (left === 0) t.true(isAnswered(sent));
      else t.deepEqual([...told(sent), sent[0]!.destination], [problem(0, 50), theirs[6]]);
      host.now += 100_000;
    }
  }
  t.deepEqual(
    host.take(v6(octets(58, 0, 0, 1, 0, 0, 0, 0, echo(6)), { next: routing, destination: 'ff02::1' })),
    [], // 4443-3: code 0 is never sent about what went to many
  );
});

test('8200-10: what follows "no next header" is ignored', (t) => {
  const host = new Lone();

  t.deepEqual(host.take(v6(echo(6), { next: none })), []);
  t.deepEqual(host.take(v6(octets(), { next: none })), []);
  t.deepEqual(host.take(chain([hopByHop, destinationOptions, none], echo(6))), []);
  t.is(host.drops('no next header'), 3);
});

test('6946-1: an atomic fragment is a whole datagram, whatever else has its identification', (t) => {
  const host = new Lone();
  const message = echo(6);
  const first = octets(58, 0, u16(1), u32(99), message.subarray(0, 16));

  t.deepEqual(host.take(v6(first, { next: fragment })), []);
  t.true(isAnswered(host.take(chain([fragment, 58], message))));
  const last = octets(58, 0, u16(16), u32(99), message.subarray(16));
  t.true(isAnswered(host.take(v6(last, { next: fragment }))));
  t.is(host.stack.nextDeadline(), Number.POSITIVE_INFINITY);
});

test('8200-12: the checksum behind extension headers covers the protocol and length of the upper layer', (t) => {
  const host = new Lone();
  const socket = bound(host);

  host.take(chain([hopByHop, destinationOptions, routing, udpProtocol], udp(6, [5000, 7], pattern(9))));

  t.deepEqual(host.stack.udp.receiveFrom(socket)?.data, pattern(9));
});

test('V04: a chain that is cut at any octet draws no reply and at most one error', (t) => {
  const host = new Lone();
  const whole = chain([hopByHop, destinationOptions, routing, fragment, destinationOptions, 58], echo(6));

  for (let length = 0; length < whole.length - 40; length++) {
    const short = host.take(v6(whole.subarray(40, 40 + length), { next: hopByHop })); // as the payload length says
    const cut = host.take(whole.slice(0, 40 + length));

    t.false(isAnswered(short));
    t.true(short.length <= 1);
    t.deepEqual(cut, []);
  }
  t.true(isAnswered(host.take(whole)));
});

test('V04: extension headers of every length are followed to where they end and no further', (t) => {
  const host = new Lone();

  for (const header of [hopByHop, destinationOptions, routing]) {
    for (let length = 0; length <= 255; length++) {
      const fields = header === routing ? [] : [5, 12]; // an option that fills the header
      const body = octets(58, length, fields, new Uint8Array(14 - fields.length), echo(6, pattern(0)));
      const sent = host.take(v6(body, { next: header }));
      t.is(isAnswered(sent), length === 1, `${header}: ${length}`);
    }
  }
});

test('V04: chains of up to 8,000 headers are given up after a bounded number of them', (t) => {
  const host = new Lone();
  const long = chain([...new Array<number>(8000).fill(destinationOptions), 58], echo(6));
  const wide = v6(octets(...Array.from({ length: 31 }, () => octets(60, 255, new Uint8Array(2046)))), { next: 60 });
  const started = performance.now();

  for (let round = 0; round < 1000; round++) {
    t.deepEqual(host.take(long), []);
    t.deepEqual(host.take(wide), []);
  }

  t.true(performance.now() - started < 2000); // 50 us each would be a twentieth
});

// Source addresses ---------------------------------------------------------------------------------------------------------------

const prefixOf = (text: string): Prefix => parsePrefix(text)!;

/** The address chosen on one interface that has all of these. */
function sourceFor(destination: string, candidates: readonly string[]): string | undefined {
  const only = new Interface(1, 'eth0', 1500, candidates.map(prefixOf));
  return chooseSource(addressOf(destination), only, [only])?.toString();
}

const rfc6724: readonly (readonly [to: string, candidates: readonly string[], chosen: string])[] = [
  // Section 10.1: destination, candidates, the one chosen
  ['2001:db8:1::1', ['2001:db8:3::1/64', 'fe80::1/64'], '2001:db8:3::1'],
  ['ff05::1', ['2001:db8:3::1/64', 'fe80::1/64'], '2001:db8:3::1'],
  ['2001:db8:1::1', ['2001:db8:1::1/64', '2001:db8:2::1/64'], '2001:db8:1::1'],
  ['fe80::1', ['fe80::2/64', '2001:db8:1::1/64'], 'fe80::2'],
  ['2001:db8:1::1', ['2001:db8:1::2/64', '2001:db8:3::2/64'], '2001:db8:1::2'],
  [
    '2002:c633:6401::1',
    ['2002:c633:6401::d5e3:7953:13eb:22e8/64', '2001:db8:1::2/64'],
    '2002:c633:6401::d5e3:7953:13eb:22e8',
  ],
  // Section 10.2: the Source(D) that its examples assume
  ['2001:db8:1::1', ['2001:db8:1::2/64', 'fe80::1/64', '169.254.13.78/16'], '2001:db8:1::2'],
  ['198.51.100.121', ['2001:db8:1::2/64', 'fe80::1/64', '169.254.13.78/16'], '169.254.13.78'],
  ['2001:db8:1::1', ['fe80::1/64', '198.51.100.117/24'], 'fe80::1'],
  ['198.51.100.121', ['fe80::1/64', '198.51.100.117/24'], '198.51.100.117'],
  ['10.1.2.3', ['2001:db8:1::2/64', 'fe80::1/64', '10.1.2.4/24'], '10.1.2.4'],
  ['fe80::1', ['2001:db8:1::2/64', 'fe80::2/64'], 'fe80::2'],
  ['2001:db8:1::1', ['2002:c633:6401::2/64', '2001:db8:1::2/64', 'fe80::2/64'], '2001:db8:1::2'],
  ['2002:c633:6401::1', ['2002:c633:6401::2/64', '2001:db8:1::2/64', 'fe80::2/64'], '2002:c633:6401::2'],
  ['2002:c633:6401::1', ['2001:db8:1::2/64', 'fe80::2/64'], '2001:db8:1::2'],
  ['2001:db8:1::1', ['2001:db8:1::2/64', '2001:db8:3f44::2/64', 'fe80::2/64'], '2001:db8:1::2'],
  ['2001:db8:3ffe::1', ['2001:db8:1::2/64', '2001:db8:3f44::2/64', 'fe80::2/64'], '2001:db8:3f44::2'],
  // and the labels of section 2.1
  ['fd00::9', ['2001:db8:1::2/64', 'fd99::2/64'], 'fd99::2'],
  ['2001:db8::9', ['fd99::2/64', '2001:db9::2/64'], '2001:db9::2'],
];

for (const [to, candidates, chosen] of rfc6724) {
  test(`RFC 6724 section 10: of ${candidates.join(', ')} the source for ${to} is ${chosen}`, (t) => {
    t.is(sourceFor(to, candidates), addressOf(chosen).toString());
    t.is(sourceFor(to, candidates.toReversed()), addressOf(chosen).toString());
  });
}

test('RFC 6724 rule 5: an address of the outgoing interface comes before a longer match elsewhere', (t) => {
  const one = new Interface(1, 'eth0', 1500, [prefixOf('2001:db8:1::2/64')]);
  const two = new Interface(2, 'eth1', 1500, [prefixOf('2001:db8:9::2/64')]);

  t.is(chooseSource(addressOf('2001:db8:1::1'), two, [one, two])?.toString(), '2001:db8:9::2');
});

test('RFC 6724 section 4: a link-local source belongs to the outgoing interface, and there is none of the other family', (t) => {
  const one = new Interface(1, 'eth0', 1500, [prefixOf('fe80::1/64')]);
  const two = new Interface(2, 'eth1', 1500, [prefixOf('10.0.0.1/24')]);

  t.is(chooseSource(addressOf('fe80::9'), two, [one, two]), null);
  t.is(chooseSource(addressOf('10.0.0.9'), one, [one]), null);
  t.is(chooseSource(addressOf('10.0.0.9'), one, [one, two])?.toString(), '10.0.0.1');
});
