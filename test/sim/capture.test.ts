/** Captures as the programs see them that people open them with, and octet for octet. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { Capture, type LinkSettings, ms, pair, seconds } from '../../src/sim/index.ts';
import { anyV4, parseAddress } from '../../src/stack/index.ts';

// Programs -------------------------------------------------------------------------------------------------------------

/** A test that needs a program; where there is none it says so and passes. */
function programTest(program: string, title: string, body: (t: ExecutionContext) => void): void {
  const missing = spawnSync(program, ['--version']).status !== 0;
  if (missing) console.warn(`A TEST OF CAPTURES DID NOT RUN: there is no ${program}`);
  test(`${program}: ${title}`, (t) => {
    if (!missing) return body(t);
    t.log(`did not run: there is no ${program}`);
    t.pass();
  });
}

interface Printed {
  readonly lines: readonly string[];
  /** What it complains of, but for being run as root. */
  readonly complaints: readonly string[];
  readonly status: number | null;
}

const linesOf = (text: string): string[] => text.split('\n').filter((line) => line !== '');

/** Runs a program on a file with this content, which stands where `-` is among the arguments. */
function run(t: ExecutionContext, program: string, file: Uint8Array, ...args: readonly string[]): Printed {
  const folder = mkdtempSync(join(tmpdir(), 'tundra-capture-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'test.pcapng');
  writeFileSync(path, file);
  const real = args.map((each) => (each === '-' && program !== 'tcpdump' ? path : each));
  const { status, stdout, stderr } = spawnSync(program, real, { encoding: 'utf8', input: file, maxBuffer: 1 << 26 });
  const complaints = linesOf(stderr).filter((line) => !line.startsWith('Running as user "root"'));
  return { lines: linesOf(stdout), complaints, status };
}

/** What tshark finds of each packet in these fields. */
function tshark(
  t: ExecutionContext,
  file: Uint8Array,
  ...fields: readonly string[]
): { packets: string[][]; complaints: readonly string[] } {
  const { lines, complaints, status } = run(
    t,
    'tshark',
    file,
    '-n',
    '-r',
    '-',
    '-T',
    'fields',
    ...fields.flatMap((each) => ['-e', each]),
  );
  t.is(status, 0);
  return { packets: lines.map((line) => line.split('\t')), complaints };
}

// The format, read by itself -------------------------------------------------------------------------------------------

interface Block {
  readonly type: number;
  readonly body: DataView;
}

/** The blocks of a file, each checked for its frame. */
function blocksOf(t: ExecutionContext, file: Uint8Array): Block[] {
  const blocks: Block[] = [];
  for (let at = 0; at < file.length; ) {
    const view = new DataView(file.buffer, file.byteOffset + at, file.length - at);
    const length = view.getUint32(4, true);
    if (length < 12 || length % 4 !== 0 || length > view.byteLength) throw new Error(`a block of ${length} at ${at}`);
    t.is(view.getUint32(length - 4, true), length, 'the length stands at both ends');
    blocks.push({
      type: view.getUint32(0, true),
      body: new DataView(file.buffer, file.byteOffset + at + 8, length - 12),
    });
    at += length;
  }
  return blocks;
}

/** The options from `at` to the end of a block's body. */
function optionsOf(body: DataView, at: number): Map<number, Uint8Array> {
  const options = new Map<number, Uint8Array>();
  while (at < body.byteLength) {
    const code = body.getUint16(at, true);
    const length = body.getUint16(at + 2, true);
    if (code === 0) {
      if (length !== 0 || at + 4 !== body.byteLength) throw new Error('the options do not end with the block');
      break;
    }
    options.set(code, new Uint8Array(body.buffer, body.byteOffset + at + 4, length));
    at += 4 + Math.ceil(length / 4) * 4;
  }
  return options;
}

interface Packet {
  readonly interfaceIndex: number;
  readonly time: number;
  readonly octets: Uint8Array;
  readonly flags: number;
}

function packetsOf(t: ExecutionContext, file: Uint8Array): Packet[] {
  const packets = blocksOf(t, file).filter(({ type }) => type === 6);
  return packets.map(({ body }) => {
    const length = body.getUint32(12, true);
    t.is(body.getUint32(16, true), length, 'the whole packet is there');
    const flags = optionsOf(body, 20 + Math.ceil(length / 4) * 4).get(2)!;
    return {
      interfaceIndex: body.getUint32(0, true),
      time: body.getUint32(4, true) * 2 ** 32 + body.getUint32(8, true),
      octets: new Uint8Array(body.buffer, body.byteOffset + 20, length).slice(),
      flags: flags[0]!,
    };
  });
}

// Packets --------------------------------------------------------------------------------------------------------------

interface Entered {
  readonly direction: 'in' | 'out';
  readonly now: number;
  readonly octets: Uint8Array;
}

/** A connection attempt that is refused, over a link that is captured; and what has entered it by another account. */
function captured(settings: LinkSettings = {}): { readonly capture: Capture; readonly entered: Entered[] } {
  const { network, client, link } = pair({ seed: 3, link: { delay: ms(10), ...settings } });
  const capture = link.capture();
  const entered: Entered[] = [];
  for (const [direction, wire] of [
    ['out', link.forward],
    ['in', link.backward],
  ] as const) {
    wire.taps.push((bytes, length, now) => entered.push({ direction, now, octets: bytes.slice(0, length) }));
  }
  for (const port of [4001, 4002, 4003]) {
    network.at(ms(100) * port, () => {
      client.stack.tcp.connect(parseAddress('10.0.0.2')!, port, null, anyV4, network.now);
      client.kick();
    });
  }
  network.run(seconds(1000));
  return { capture, entered };
}

/** A sound IPv4 packet of an unassigned protocol with so many octets of payload. */
function soundPacket(payload: number): Uint8Array {
  const packet = new Uint8Array(20 + payload).fill(0x61);
  packet.set([
    0x45,
    0,
    packet.length >> 8,
    packet.length & 255,
    0,
    1,
    0x40,
    0,
    64,
    253,
    0,
    0,
    10,
    0,
    0,
    1,
    10,
    0,
    0,
    2,
  ]);
  let sum = 0;
  for (let at = 0; at < 20; at += 2) sum += packet[at]! * 256 + packet[at + 1]!;
  sum = 0xffff - ((sum & 0xffff) + (sum >>> 16));
  packet.set([sum >> 8, sum & 255], 10);
  return packet;
}

const oneInterface = { interfaces: [{ name: 'test0' }] };

// What programs make of it ---------------------------------------------------------------------------------------------

programTest(
  'tshark',
  'reads the capture of a link without a warning: each packet, its time, its direction and the name',
  (t) => {
    const { capture, entered } = captured();

    const fields = [
      'frame.time_epoch',
      'frame.packet_flags_direction',
      'frame.interface_name',
      'frame.len',
      'tcp.srcport',
      '_ws.malformed',
    ];
    const { packets, complaints } = tshark(t, capture.bytes(), ...fields);

    t.deepEqual(complaints, []);
    t.is(entered.length, 6);
    t.is(capture.packets, 6);
    const right = entered.map(({ direction, now, octets }) => {
      const port = new DataView(octets.buffer).getUint16(20);
      return [now / 1e6, direction === 'in' ? 1 : 2, 'client-server', octets.length, port, ''];
    });
    t.deepEqual(
      packets.map(([time, direction, name, length, port, malformed]) => [
        Number(time),
        Number(direction),
        name,
        Number(length),
        Number(port),
        malformed,
      ]),
      right,
    );
  },
);

programTest(
  'tshark',
  'reads names and descriptions of interfaces in any script, and finds each packet on its own',
  (t) => {
    const interfaces = [{ name: 'a' }, { name: 'größe→😀', description: 'the second\u00a0one' }, { name: '' }];
    const capture = new Capture({ interfaces, application: 'tundra ü' });
    for (const index of [1, 0, 1]) capture.packet(index, 'in', soundPacket(5), 25, 0);

    const { packets, complaints } = tshark(
      t,
      capture.bytes(),
      'frame.interface_id',
      'frame.interface_name',
      'frame.interface_description',
    );

    t.deepEqual(complaints, []);
    t.deepEqual(
      packets.map(([id, name]) => [id, name]),
      [
        ['1', 'größe→😀'],
        ['0', 'a'],
        ['1', 'größe→😀'],
      ],
    );
    t.is(packets[0]![2], 'the second\u00a0one');
  },
);

programTest('tshark', 'reads times to the microsecond, years from the start', (t) => {
  const capture = new Capture(oneInterface);
  const times = [0, 1, 2 ** 32 - 1, 2 ** 32, seconds(10_000) + 0.9, seconds(1_700_000_000) + 123_456];
  for (const time of times) capture.packet(0, 'out', soundPacket(0), 20, time);

  const { packets, complaints } = tshark(t, capture.bytes(), 'frame.time_epoch');

  t.deepEqual(complaints, []);
  t.deepEqual(
    packets.map(([time]) => time!.replace(/000$/, '')),
    ['0.000000', '0.000001', '4294.967295', '4294.967296', '10000.000000', '1700000000.123456'],
  );
});

programTest('capinfos', 'accepts a capture, counts its packets and names its interface and its origin', (t) => {
  const capture = new Capture({ interfaces: [{ name: 'test0', description: 'a link' }], application: 'tundra 1' });
  for (let number = 0; number < 5; number++) capture.packet(0, 'in', soundPacket(number), 20 + number, ms(number));

  const { lines, complaints, status } = run(t, 'capinfos', capture.bytes(), '-');

  const text = lines.join('\n');
  t.is(status, 0);
  t.deepEqual(complaints, []);
  t.regex(text, /File type: +Wireshark\/\.\.\. - pcapng/);
  t.regex(text, /File encapsulation: +Raw IP/);
  t.regex(text, /Number of packets: += 5|Number of packets: +5/);
  t.regex(text, /Data size: +110 bytes/);
  t.regex(text, /Name = test0/);
  t.regex(text, /Description = a link/);
  t.regex(text, /application: +tundra 1/i);
});

programTest('capinfos', 'accepts a capture without packets', (t) => {
  const { lines, complaints, status } = run(t, 'capinfos', new Capture(oneInterface).bytes(), '-');

  t.is(status, 0);
  t.deepEqual(complaints, []);
  t.regex(lines.join('\n'), /Number of packets: +0/);
});

programTest('tcpdump', 'reads the capture of a link: a line for each packet, at its time', (t) => {
  const { capture, entered } = captured();

  const { lines, complaints, status } = run(t, 'tcpdump', capture.bytes(), '-n', '-tt', '-r', '-');

  t.is(status, 0);
  t.deepEqual(
    complaints.filter((line) => !line.startsWith('reading from file -')),
    [],
  );
  t.deepEqual(
    lines.map((line) => line.split(' ')[0]),
    entered.map(({ now }) => (now / 1e6).toFixed(6)),
  );
  t.true(lines.every((line) => line.includes(' IP 10.0.0.')));
});

// What stands in it ----------------------------------------------------------------------------------------------------

test('a capture of a link has every packet that entered it, octet for octet, in order', (t) => {
  const { capture, entered } = captured();

  const packets = packetsOf(t, capture.bytes());

  t.is(packets.length, 6);
  t.deepEqual(
    packets,
    entered.map(({ direction, now, octets }) => ({
      interfaceIndex: 0,
      time: now,
      octets,
      flags: direction === 'in' ? 1 : 2,
    })),
  );
});

test('a capture of a link has packets that are lost or too long as well', (t) => {
  const lost = captured({ loss: 1 });
  const tooLong = captured({ mtu: 68 });

  t.true(lost.capture.packets > 6); // SYNs, again and again
  t.is(lost.capture.packets, lost.entered.length);
  t.is(tooLong.capture.packets, tooLong.entered.length);
});

test('the header names version, application, interfaces, link type and resolution', (t) => {
  const interfaces = [{ name: 'eth0' }, { name: 'eth1', description: 'äöü' }];
  const blocks = blocksOf(t, new Capture({ interfaces, application: 'app' }).header());
  const utf8 = (octets: Uint8Array | undefined): string => new TextDecoder('utf-8', { fatal: true }).decode(octets);

  t.deepEqual(
    blocks.map(({ type }) => type),
    [0x0a0d0d0a, 1, 1],
  );
  const [section, first, second] = blocks.map(({ body }) => body) as [DataView, DataView, DataView];
  t.deepEqual([section.getUint32(0, true), section.getUint16(4, true), section.getUint16(6, true)], [0x1a2b3c4d, 1, 0]);
  t.is(section.getBigInt64(8, true), -1n);
  t.is(utf8(optionsOf(section, 16).get(4)), 'app');
  for (const [index, body] of [first, second].entries()) {
    t.deepEqual([body.getUint16(0, true), body.getUint16(2, true), body.getUint32(4, true)], [101, 0, 0]);
    const options = optionsOf(body, 8);
    t.is(utf8(options.get(2)), interfaces[index]!.name);
    t.is(options.has(3), index === 1);
    t.deepEqual([...options.get(9)!], [6]);
  }
  t.is(utf8(optionsOf(second, 8).get(3)), 'äöü');
});

test('names are well-formed UTF-8 whatever they hold, and cut at 65,535 octets', (t) => {
  const nameOf = (name: string): Uint8Array =>
    optionsOf(blocksOf(t, new Capture({ interfaces: [{ name }] }).header())[1]!.body, 8).get(2)!;

  for (const name of ['', 'a', '\u007f\u0080\u07ff\u0800\uffff', '😀x', '\ud800', 'x\udc00y', '\udc00\ud800']) {
    t.deepEqual([...nameOf(name)], [...new TextEncoder().encode(name)], JSON.stringify(name));
  }
  t.is(nameOf('a'.repeat(70_000)).length, 65_535);
});

test('packets of any length are padded to whole words, and the padding is no part of them', (t) => {
  const capture = new Capture(oneInterface);
  const packets = Array.from({ length: 10 }, (_, length) => Uint8Array.from({ length }, (_each, at) => at + 1));
  for (const packet of packets) capture.packet(0, 'in', packet, packet.length, 0);

  t.deepEqual(
    packetsOf(t, capture.bytes()).map(({ octets }) => octets),
    packets,
  );
});

test('only the first octets up to the length are captured, and they are copied', (t) => {
  const capture = new Capture(oneInterface);
  const buffer = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);

  capture.packet(0, 'in', buffer, 5, 0);
  buffer.fill(9);

  t.deepEqual([...packetsOf(t, capture.bytes())[0]!.octets], [1, 2, 3, 4, 5]);
});

test('a capture grows to any size, and bytes() is a copy of it as it stands', (t) => {
  const capture = new Capture(oneInterface);
  const packets = Array.from({ length: 300 }, (_, number) => soundPacket(1000 + number));
  const early = capture.bytes();

  for (const packet of packets) capture.packet(0, 'out', packet, packet.length, 0);
  capture.bytes().fill(0);

  t.deepEqual(early, capture.header());
  t.is(capture.bytes().length, capture.octets);
  t.deepEqual(
    packetsOf(t, capture.bytes()).map(({ octets }) => octets),
    packets,
  );
});

test('a file is its header and then blocks of packets, which can be made one by one', (t) => {
  const capture = new Capture(oneInterface);
  const packets = [soundPacket(3), soundPacket(8)];
  packets.forEach((packet, number) => {
    capture.packet(0, 'in', packet, packet.length, number);
  });

  const blocks = packets.map((packet, number) => Capture.packetBlock(0, 'in', packet, packet.length, number));

  t.deepEqual(capture.bytes(), Uint8Array.from([capture.header(), ...blocks].flatMap((piece) => [...piece])));
});

test('an interface that does not exist is refused, and nothing is captured', (t) => {
  const capture = new Capture({ interfaces: [{ name: 'a' }, { name: 'b' }] });
  const before = capture.octets;

  for (const index of [-1, 2, Number.NaN]) {
    t.throws(() => capture.packet(index, 'in', soundPacket(0), 20, 0), { instanceOf: RangeError });
  }
  capture.packet(1, 'in', soundPacket(0), 20, 0);

  t.is(capture.packets, 1);
  t.is(capture.octets, before + 64);
});

test('with maxOctets a file never grows beyond it; what does not fit is counted, and what still fits is taken', (t) => {
  const header = new Capture(oneInterface).octets;
  const capture = new Capture({ ...oneInterface, maxOctets: header + 64 + 144 + 64 });
  const taken = [0, 80, 1, 0, 0].map((payload) => {
    const before = capture.packets;
    capture.packet(0, 'in', soundPacket(payload), 20 + payload, 0);
    return capture.packets > before;
  });

  t.deepEqual(taken, [true, true, false, true, false]); // the third is one octet too long, the fourth fits exactly
  t.is(capture.dropped, 2);
  t.is(capture.octets, header + 64 + 144 + 64);
  t.is(capture.bytes().length, capture.octets);
  t.deepEqual(
    packetsOf(t, capture.bytes()).map(({ octets }) => octets.length),
    [20, 100, 20],
  );
});

test('a sink gets the header at once and then each packet, as arrays of its own, and nothing is kept', (t) => {
  const pieces: Uint8Array[] = [];
  const capture = new Capture({ ...oneInterface, sink: (bytes) => pieces.push(bytes) });
  const collected = new Capture(oneInterface);
  const atOnce = pieces.length;

  for (const payload of [3, 8, 13]) {
    for (const each of [capture, collected]) each.packet(0, 'out', soundPacket(payload), 20 + payload, payload);
  }

  t.is(atOnce, 1);
  t.is(pieces.length, 4);
  t.deepEqual(Uint8Array.from(pieces.flatMap((piece) => [...piece])), collected.bytes());
  t.deepEqual([capture.packets, capture.octets], [3, collected.octets]);
  t.throws(() => capture.bytes(), { message: /sink/ });
  t.is(new Set(pieces.map((piece) => piece.buffer)).size, 4);
  pieces[0]!.fill(0);
  t.deepEqual(capture.header(), collected.header());
});

test('maxOctets bounds what a sink gets as well', (t) => {
  let octets = 0;
  const sink = (bytes: Uint8Array): void => {
    octets += bytes.length;
  };
  const capture = new Capture({ ...oneInterface, sink, maxOctets: 1000 });

  for (let number = 0; number < 100; number++) capture.packet(0, 'in', soundPacket(0), 20, 0);

  t.true(octets > 900 && octets <= 1000, String(octets));
  t.is(capture.octets, octets);
  t.is(capture.packets + capture.dropped, 100);
});
