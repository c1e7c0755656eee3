/**
 * The stub resolver over our own sockets, in virtual time: a host asks name servers that the test runs on another one, each
 * on a port of its own. The way there and back takes 20 ms.
 */
import test from 'ava';
import { encodeName, parseMessage, types } from '../../../src/api/dns/message.ts';
import { createSocketModule, type ResolverSettings, type Socket } from '../../../src/api/index.ts';
import { type LinkSettings, ms, Network } from '../../../src/sim/index.ts';
import { parseAddress, seconds } from '../../../src/stack/index.ts';

const AGAIN = 'Temporary failure in name resolution';
const NOBODY = 'Name or service not known';
const NO_DATA = 'No address associated with hostname';
const FAILED = 'Non-recoverable failure in name resolution';

// A name server --------------------------------------------------------------------------------------------------------

type Kind = 'A' | 'AAAA' | 'CNAME' | 'SOA' | 'NS';
/** The data: an address, a name, or of SOA the minimum. */
type Row = readonly [name: string, kind: Kind, data: string | number, ttl?: number];

interface Asked {
  readonly via: 'udp' | 'tcp';
  readonly id: number;
  readonly name: string;
  readonly type: 'A' | 'AAAA';
  readonly hasEdns: boolean;
  /** The port of whoever asks, and when it arrived. */
  readonly from: number;
  readonly at: number;
}

interface Said {
  readonly rcode?: number;
  readonly answers?: readonly Row[];
  readonly authorities?: readonly Row[];
  readonly truncated?: boolean;
  readonly id?: number;
  /** Instead of what was asked; null for none. */
  readonly question?: { readonly name?: string; readonly type?: number; readonly class?: number } | null;
  /** Instead of QR, RD and RA. */
  readonly flags?: number;
}

/** Null says nothing. */
type Behaviour = (asked: Asked) => Said | readonly Said[] | Uint8Array | null | Promise<Said | null>;

const u16 = (value: number): number[] => [(value >>> 8) & 255, value & 255];
const u32 = (value: number): number[] => [...u16(value >>> 16), ...u16(value)];
const kindNumbers = { ...types, NS: 2 } as const;

function addressOctets(text: string): number[] {
  const { isV4, w0, w1, w2, w3 } = parseAddress(text)!;
  return isV4 ? u32(w3) : [w0, w1, w2, w3].flatMap(u32);
}

function dataOf(kind: Kind, data: string | number): number[] {
  if (kind === 'A' || kind === 'AAAA') return addressOctets(String(data));
  if (kind === 'SOA')
    return [...encodeName('ns')!, ...encodeName('admin')!, ...[1, 2, 3, 4, Number(data)].flatMap(u32)];
  return [...encodeName(String(data))!];
}

function rowOctets([name, kind, data, ttl = 60]: Row): number[] {
  const octets = dataOf(kind, data);
  return [...encodeName(name)!, ...u16(kindNumbers[kind]), 0, 1, ...u32(ttl), ...u16(octets.length), ...octets];
}

function answerOctets(asked: Asked, said: Said): Uint8Array {
  const { answers = [], authorities = [], rcode = 0, truncated = false, flags = 0x8180, id = asked.id } = said;
  const { name = asked.name, type = types[asked.type], class: asks = 1 } = said.question ?? {};
  const question = said.question === null ? [] : [...encodeName(name)!, ...u16(type), ...u16(asks)];
  const counts = [said.question === null ? 0 : 1, answers.length, authorities.length, 0];
  const header = [id, flags | rcode | (truncated ? 0x200 : 0), ...counts].flatMap(u16);
  return Uint8Array.from([...header, ...question, ...[...answers, ...authorities].flatMap(rowOctets)]);
}

/** Answers from a list of records; names that it does not know do not exist. */
const zone =
  (...rows: readonly Row[]): Behaviour =>
  ({ name, type }) => {
    const own = rows.filter(([owner]) => owner.toLowerCase() === name.toLowerCase());
    if (own.length === 0) return { rcode: 3 };
    return { answers: own.filter(([, kind]) => kind === type || kind === 'CNAME') };
  };

const rcode =
  (code: number): Behaviour =>
  () => ({ rcode: code });
const silent: Behaviour = () => null;

function unwrap<T>([value, error]: readonly [T | null, string | null, ...unknown[]]): T {
  if (error !== null) throw new Error(error);
  return value as T;
}

/** What happens to a connection once its query has been read. */
type Stream = (socket: Socket, asked: Asked) => Promise<unknown>;

function stage(settings: Partial<ResolverSettings> = {}, link: LinkSettings = { delay: ms(10) }, seed = 1) {
  const network = new Network({ seed });
  const client = network.host('client');
  const server = network.host('server');
  const addresses = ['10.0.0.2/24', '10.0.0.3/24', 'fd00::2/64'];
  const wires = network.link(client, ['10.0.0.1/24', 'fd00::1/64'], server, addresses, link);
  const here = createSocketModule(client, { resolver: { servers: ['10.0.0.2'], ...settings } });
  const there = createSocketModule(server);

  /** Runs a name server; what it is asked is collected. `stream` null: not over TCP. */
  async function serve(
    behaviour: Behaviour,
    port = 53,
    stream: Stream | null = whole(behaviour),
    address = '',
  ): Promise<Asked[]> {
    const heard: Asked[] = [];
    const hear = (bytes: Uint8Array, via: 'udp' | 'tcp', from: number): Asked => {
      const { id, question } = parseMessage(bytes)!;
      const type = question!.type === types.A ? 'A' : 'AAAA';
      const asked = { via, id, name: question!.name, type, hasEdns: bytes[11] === 1, from, at: network.now } as const;
      heard.push(asked);
      return asked;
    };
    const udp = unwrap(there.udp(address === '' ? there.AF_INET6 : there.AF_INET));
    unwrap(await udp.bind(address, port));
    void overDatagrams(udp, behaviour, hear);
    if (stream === null) return heard;
    const listener = unwrap(there.tcp(there.AF_INET6));
    unwrap(await listener.bind('', port));
    unwrap(listener.listen(10));
    void overStreams(listener, stream, hear);
    return heard;
  }

  /** The addresses, or why there are none. No socket may be left open. */
  const ask = async (name: string, family = 0, flags = 0): Promise<string[] | string> => {
    const [infos, error] = await network.until(here.getaddrinfo(name, null, family, here.SOCK_STREAM, 0, flags));
    const probe = unwrap(here.udp());
    if (probe.fileno() !== 3) throw new Error('a socket has been left open');
    void probe.close();
    return error ?? infos.map(({ addr }) => addr);
  };

  /** The same, and how many seconds it took. */
  const time = async (name: string, family = 0): Promise<[string[] | string, number]> => {
    const start = network.now;
    const answer = await ask(name, family);
    return [answer, (network.now - start) / 1e6];
  };
  return { network, client, server, link: wires, here, there, serve, ask, time };
}

async function overDatagrams(
  socket: Socket,
  behaviour: Behaviour,
  hear: (bytes: Uint8Array, via: 'udp', from: number) => Asked,
): Promise<void> {
  for (;;) {
    const [received, error] = await socket.recvfrom(2000);
    if (error !== null) return;
    const [peer, port] = received.address;
    const asked = hear(received.data, 'udp', port);
    void answersOf(behaviour, asked).then(async (answers) => {
      for (const each of answers) await socket.sendto(each, peer, port);
    });
  }
}

async function answersOf(behaviour: Behaviour, asked: Asked): Promise<Uint8Array[]> {
  const said = await behaviour(asked);
  if (said === null) return [];
  const all: readonly (Said | Uint8Array)[] = Array.isArray(said) ? said : [said];
  return all.map((each) => (each instanceof Uint8Array ? each : answerOctets(asked, each)));
}

async function overStreams(
  listener: Socket,
  stream: Stream,
  hear: (bytes: Uint8Array, via: 'tcp', from: number) => Asked,
): Promise<void> {
  for (;;) {
    const [socket, error] = await listener.accept();
    if (error !== null) return;
    void (async () => {
      const [length] = await socket.recv(2, MSG_WAITALL);
      const [query] = await socket.recv((length[0]! << 8) | length[1]!, MSG_WAITALL);
      await stream(socket, hear(query, 'tcp', 0));
    })();
  }
}

const MSG_WAITALL = 0x100;

/** RFC 1035 section 4.2.2: with the length in front. */
const framed = (bytes: Uint8Array): Uint8Array => Uint8Array.from([...u16(bytes.length), ...bytes]);

/** Says over a connection what would be said in a datagram. */
const whole =
  (behaviour: Behaviour): Stream =>
  async (socket, asked) => {
    for (const each of await answersOf(behaviour, asked)) await socket.write(framed(each));
    await socket.close();
  };

const brief = (heard: readonly Asked[]): string[] => heard.map(({ name, type, via }) => `${via} ${type} ${name}`);
/** One host, with an address of either family. */
const one = zone(['host.example', 'A', '10.0.0.9'], ['host.example', 'AAAA', 'fd00::9']);
const two = { servers: ['10.0.0.2', '10.0.0.2#54'] };
const V4 = 2;
const V6 = 10;

// Answers ----------------------------------------------------------------------------------------------------------------

test('RFC 8305 section 3: AAAA and A are asked for side by side, in this order, and both are taken', async (t) => {
  const { serve, time } = stage();
  const heard = await serve(one);

  t.deepEqual(await time('host.example'), [['10.0.0.9', 'fd00::9'], 0.02]);
  t.deepEqual(brief(heard), ['udp AAAA host.example', 'udp A host.example']);
  t.is(heard[0]!.at, heard[1]!.at);
});

test('Only the family that is wanted is asked for', async (t) => {
  const { serve, ask } = stage();
  const heard = await serve(one);

  t.deepEqual(await ask('host.example', V4), ['10.0.0.9']);
  t.deepEqual(brief(heard), ['udp A host.example']);
  t.deepEqual(await ask('host.example', V6), ['fd00::9']);
  t.deepEqual(brief(heard).slice(1), ['udp AAAA host.example']);
});

test('One family is enough: the other has no address, or no answer', async (t) => {
  const { serve, time } = stage();
  await serve(({ name, type }) =>
    type === 'AAAA' ? (name === 'slow.example' ? null : {}) : { answers: [[name, 'A', '10.0.0.9']] },
  );

  t.deepEqual(await time('host.example'), [['10.0.0.9'], 0.02]);
  t.deepEqual(await time('slow.example'), [['10.0.0.9'], 15]);
});

test('A query asks for recursion of a server at any port and of either family', async (t) => {
  for (const server of ['10.0.0.2#5353', 'fd00::2', 'fd00::2#5353']) {
    const { serve, ask } = stage({ servers: [server] });
    await serve(one, server.includes('#') ? 5353 : 53);

    t.deepEqual(await ask('host.example', V4), ['10.0.0.9'], server);
  }
});

test('RFC 1034 section 3.6.2: aliases in the answer are followed, in whatever order their records stand', async (t) => {
  const { network, here, serve, ask } = stage();
  const rows: Row[] = [
    ['c.example', 'A', '10.0.0.9'],
    ['B.example', 'CNAME', 'C.example'],
    ['other.example', 'A', '10.0.0.66'],
    ['www.example', 'CNAME', 'b.example'],
    ['c.example', 'A', '10.0.0.10'],
  ];
  await serve(({ type }) => ({ answers: type === 'A' ? rows : [] }));

  t.deepEqual(await ask('www.example'), ['10.0.0.9', '10.0.0.10']);
  const [infos] = await network.until(here.getaddrinfo('www.example', 80, V4, here.SOCK_STREAM, 0, here.AI_CANONNAME));
  t.deepEqual(
    infos!.map(({ canonname }) => canonname),
    ['c.example', ''],
  );
});

test('Aliases are followed over several queries', async (t) => {
  const { serve, ask } = stage();
  const heard = await serve(zone(['a.x', 'CNAME', 'b.x'], ['b.x', 'CNAME', 'c.x'], ['c.x', 'A', '10.0.0.9']));

  t.deepEqual(await ask('a.x', V4), ['10.0.0.9']);
  t.deepEqual(brief(heard), ['udp A a.x', 'udp A b.x', 'udp A c.x']);
});

const aliases = (count: number): Row[] =>
  Array.from({ length: count }, (_, index) => [`a${index}.x`, 'CNAME', `a${index + 1}.x`]);

test('V53: sixteen aliases in one answer are followed, seventeen are too many', async (t) => {
  for (const [count, expected] of [
    [16, ['10.0.0.9']],
    [17, FAILED],
  ] as const) {
    const { serve, ask } = stage();
    await serve(() => ({ answers: [...aliases(count), [`a${count}.x`, 'A', '10.0.0.9']] }));

    t.deepEqual(await ask('a0.x', V4), expected as string);
  }
});

test('V53: sixteen aliases in as many answers are followed just so', async (t) => {
  const { serve, ask } = stage();
  await serve(zone(...aliases(16), ['a16.x', 'A', '10.0.0.9']));

  t.deepEqual(await ask('a0.x', V4), ['10.0.0.9']);
});

test('V53: aliases in circles end, within an answer and over several', async (t) => {
  const circle: Row[] = [
    ['a.x', 'CNAME', 'b.x'],
    ['b.x', 'CNAME', 'a.x'],
  ];
  const { serve, ask } = stage(two);
  const within = await serve(() => ({ answers: circle }));
  t.is(await ask('a.x', V4), FAILED);
  t.is(within.length, 1);

  const other = stage();
  const over = await other.serve(zone(...circle));
  t.is(await other.ask('a.x', V4), FAILED);
  t.true(over.length <= 17, `${over.length} queries`);

  const third = stage();
  await third.serve(zone(['a.x', 'CNAME', 'a.x']));
  t.true([FAILED, NO_DATA].includes(String(await third.ask('a.x', V4))));
});

test('RFC 2308 section 2: no such name and no such record are told apart', async (t) => {
  const { serve, ask } = stage();
  const heard = await serve(one);

  t.is(await ask('nobody.example'), NOBODY);
  t.is(await ask('nobody.example.'), NOBODY);
  const other = stage();
  await other.serve(
    zone(['v4.example', 'A', '10.0.0.9'], ['empty.example', 'CNAME', 'end.example'], ['end.example', 'NS', 'x']),
  );
  t.is(await other.ask('v4.example', V6), NO_DATA);
  t.is(await other.ask('empty.example'), NO_DATA);
  t.is(heard.length, 4);
});

test('An alias of a name that does not exist is no such name', async (t) => {
  const { serve, ask } = stage();
  await serve(() => ({ rcode: 3, answers: [['a.x', 'CNAME', 'gone.x']] }));

  t.is(await ask('a.x'), NOBODY);
});

// Servers that do not help -------------------------------------------------------------------------------------------------

for (const [what, code] of [
  ['SERVFAIL', 2],
  ['REFUSED', 5],
  ['NOTIMP', 4],
  ['FORMERR', 1],
  ['an answer code that nobody knows', 11],
] as const) {
  test(`After ${what} the next server is asked`, async (t) => {
    const { serve, time } = stage(two);
    const first = await serve(rcode(code));
    await serve(one, 54);

    const [addresses, took] = await time('host.example', V4);
    t.deepEqual(addresses, ['10.0.0.9']);
    t.true(took <= 0.06);
    t.true(first.length <= 2);
  });
}

test('SERVFAIL from all: each is asked twice, and it is a temporary failure', async (t) => {
  const { serve, time } = stage(two);
  const heard = [await serve(rcode(2)), await serve(rcode(2), 54)];

  t.deepEqual(await time('host.example', V4), [AGAIN, 0.08]);
  t.deepEqual(
    heard.map(({ length }) => length),
    [2, 2],
  );
});

for (const [what, behaviour] of [
  ['REFUSED', rcode(5)],
  ['NOTIMP', rcode(4)],
] as const) {
  test(`${what} from all is a temporary failure, as it is for glibc`, async (t) => {
    const { serve, ask } = stage(two);
    await serve(behaviour);
    await serve(behaviour, 54);

    t.is(await ask('host.example', V4), AGAIN);
  });
}

test('RFC 2308 section 2.2: a referral is no answer; the next server is asked', async (t) => {
  const { serve, ask } = stage(two);
  await serve(() => ({ flags: 0x8100, authorities: [['example', 'NS', 'ns.example']] }));
  await serve(one, 54);

  t.deepEqual(await ask('host.example', V4), ['10.0.0.9']);
});

test('RFC 2308 section 2.2: no data is an answer of who could know: with AA, with RA, or with a SOA record', async (t) => {
  const answers: readonly Said[] = [
    { flags: 0x8500 },
    { flags: 0x8180 },
    { flags: 0x8100, authorities: [['example', 'SOA', 5]] },
  ];
  for (const said of answers) {
    const { serve, ask } = stage(two);
    const heard = await serve(() => said);

    t.is(await ask('host.example', V4), NO_DATA);
    t.is(heard.length, 1);
  }
});

test('After a server that is silent, the next one is asked when the timeout is over', async (t) => {
  const { serve, time } = stage(two);
  const first = await serve(silent);
  await serve(one, 54);

  t.deepEqual(await time('host.example', V4), [['10.0.0.9'], 5.02]);
  t.is(first.length, 1);
});

test('8085-1: each time that all are asked they are waited for twice as long, a second at least and 30 at most', async (t) => {
  for (const [settings, ...at] of [
    [{}, 0, 5],
    [{ timeout: 1, attempts: 4 }, 0, 1, 3, 7],
    [{ timeout: 0.1, attempts: 3 }, 0, 1, 3],
    [{ timeout: 12, attempts: 5 }, 0, 12, 36, 66, 96],
    [{ timeout: 40, attempts: 3 }, 0, 40, 80],
    [{ ...two, timeout: 1, attempts: 3 }, 0, 2, 6],
  ] as const) {
    const { serve, ask } = stage(settings);
    const heard = await serve(silent);
    await serve(silent, 54);

    t.is(await ask('host.example', V4), AGAIN);
    t.deepEqual(
      heard.map((each) => (each.at - heard[0]!.at) / seconds(1)),
      at,
    );
  }
});

test('When all are silent, it is a temporary failure as soon as the last was waited for', async (t) => {
  for (const [settings, seconds, queries] of [
    [two, 30, 2],
    [{ ...two, timeout: 1, attempts: 3 }, 14, 3],
    [{ timeout: 2, attempts: 1 }, 2, 1],
  ] as const) {
    const { serve, time } = stage(settings);
    const first = await serve(silent);

    if ('servers' in settings) await serve(silent, 54);
    t.deepEqual(await time('host.example', V4), [AGAIN, seconds]);
    t.is(first.length, queries);
  }
});

test('A server that is silent is asked again, and then answers', async (t) => {
  const { serve, time } = stage();
  let count = 0;
  await serve((asked) => (count++ === 0 ? null : one(asked)));

  t.deepEqual(await time('host.example', V4), [['10.0.0.9'], 5.02]);
});

test('Where nobody listens (port unreachable), the next server is asked at once', async (t) => {
  const { serve, time } = stage(two);
  await serve(one, 54);

  t.deepEqual(await time('host.example', V4), [['10.0.0.9'], 0.04]);
});

test('Servers that cannot be reached at all are a temporary failure at once', async (t) => {
  const { time } = stage({ servers: ['192.0.2.1', '2001:db8::1'] });

  t.deepEqual(await time('host.example'), [AGAIN, 0]);
});

test('An answer that comes after its time is not taken for that of the next server', async (t) => {
  const { network, serve, time } = stage({ ...two, timeout: 1 });
  await serve(async ({ name }) => {
    await network.sleep(seconds(1.5));
    return { answers: [[name, 'A', '10.6.6.6']] };
  });
  await serve(async ({ name }) => {
    await network.sleep(seconds(0.9));
    return { answers: [[name, 'A', '10.0.0.9']] };
  }, 54);

  t.deepEqual(await time('host.example', V4), [['10.0.0.9'], 1.92]);
});

// Over TCP -----------------------------------------------------------------------------------------------------------------

/** Cut over UDP. */
const cut: Behaviour = (asked) => (asked.via === 'udp' ? { truncated: true } : one(asked));

test('RFC 7766 section 5: an answer that was cut is asked for again over TCP', async (t) => {
  const many: Row[] = Array.from({ length: 250 }, (_, index) => ['many.example', 'A', `10.0.1.${index}`]);
  const { serve, ask } = stage();
  const heard = await serve(({ via }) =>
    via === 'udp' ? { truncated: true, answers: many.slice(0, 30) } : { answers: many },
  );

  const answer = await ask('many.example', V4);
  t.deepEqual(answer, many.map(([, , address]) => address) as string[]);
  t.deepEqual(brief(heard), ['udp A many.example', 'tcp A many.example']);
});

test('RFC 7766 section 8: an answer over TCP may come in pieces, and with more behind it', async (t) => {
  const { network, serve, ask } = stage();
  await serve(cut, 53, async (socket, asked) => {
    const [answer] = await answersOf(one, asked);
    const [forged] = await answersOf(zone(['host.example', 'A', '10.6.6.6']), asked);
    for (const octet of framed(answer!)) {
      await network.sleep(ms(20));
      await socket.write(Uint8Array.of(octet));
    }
    await socket.write(framed(forged!));
  });

  t.deepEqual(await ask('host.example', V4), ['10.0.0.9']);
});

const trouble: readonly (readonly [what: string, stream: Stream | null, seconds: number])[] = [
  ['stalls', async () => {}, 5.02],
  [
    'stalls in the midst',
    (socket, asked) => answersOf(one, asked).then(([answer]) => socket.write(framed(answer!).subarray(0, 20))),
    5.02,
  ],
  ['is refused', null, 0.04],
  ['ends at once', (socket) => socket.close(), 0.06],
  [
    'ends in the midst',
    async (socket) => {
      await socket.write(Uint8Array.of(0, 40, 1, 2, 3));
      await socket.close();
    },
    0.06,
  ],
  ['says nothing in a message of no octets', (socket) => socket.write(Uint8Array.of(0, 0)), 0.06],
  [
    'answers with another number',
    whole((asked) => ({ id: asked.id ^ 1, answers: [['host.example', 'A', '10.6.6.6']] })),
    0.06,
  ],
  [
    'answers another question',
    whole(() => ({ question: { name: 'x.y' }, answers: [['host.example', 'A', '10.6.6.6']] })),
    0.06,
  ],
  ['answers with an answer that is cut', whole(() => ({ truncated: true })), 0.06],
  ['fails', whole(rcode(2)), 0.06],
];
for (const [what, stream, took] of trouble) {
  test(`When TCP ${what}, the next server is asked`, async (t) => {
    const { serve, time } = stage(two);
    await serve(cut, 53, stream);
    await serve(one, 54);

    const [addresses, whole] = await time('host.example', V4);
    t.deepEqual(addresses, ['10.0.0.9']);
    t.true(Math.abs(whole - took - 0.02) < 0.001, `${whole} s`);
  });
}

test('A cut answer that comes late leaves TCP all of its time', async (t) => {
  const { network, serve, time } = stage({ timeout: 1 });
  await serve(
    async () => {
      await network.sleep(ms(970));
      return { truncated: true };
    },
    53,
    async (socket, asked) => {
      await network.sleep(ms(900));
      await whole(one)(socket, asked);
    },
  );

  t.deepEqual(await time('host.example', V4), [['10.0.0.9'], 1.93]);
});

// EDNS ---------------------------------------------------------------------------------------------------------------------

for (const [what, code] of [
  ['FORMERR', 1],
  ['NOTIMP', 4],
] as const) {
  test(`RFC 6891 section 7: a server that answers EDNS with ${what} is asked without, then and later`, async (t) => {
    const { serve, time } = stage(two);
    const heard = await serve((asked) => (asked.hasEdns ? { rcode: code } : one(asked)));

    t.deepEqual(await time('host.example', V4), [['10.0.0.9'], 0.04]);
    t.deepEqual(await time('host.example', V6), [['fd00::9'], 0.02]);
    t.deepEqual(
      heard.map(({ hasEdns }) => hasEdns),
      [true, false, false],
    );
  });
}

test('RFC 6891 section 7: FORMERR counts without its question as well', async (t) => {
  const { serve, time } = stage();
  await serve((asked) => (asked.hasEdns ? { rcode: 1, question: null } : one(asked)));

  t.deepEqual(await time('host.example'), [['10.0.0.9', 'fd00::9'], 0.04]);
});

// Forgery ------------------------------------------------------------------------------------------------------------------

const forged: Row[] = [['host.example', 'A', '10.6.6.6']];
const forgeries: readonly (readonly [what: string, answer: (asked: Asked) => Said])[] = [
  ['another number', ({ id }) => ({ id: id ^ 0x8000, answers: forged })],
  [
    'the number in the other order of octets',
    ({ id }) => ({ id: id === 0 ? 1 : (id >> 8) | ((id & 255) << 8), answers: forged }),
  ],
  ['another name', () => ({ question: { name: 'host.example.x' }, answers: forged })],
  ['another type', () => ({ question: { type: types.AAAA }, answers: forged })],
  ['another class', () => ({ question: { class: 3 }, answers: forged })],
  ['no question', () => ({ question: null, answers: forged })],
  ['the form of a query', () => ({ flags: 0x0180, answers: forged })],
  ['another operation', () => ({ flags: 0xa180, answers: forged })],
  ['an error in the name of nobody', ({ id }) => ({ id: id ^ 1, rcode: 3 })],
  ['a wish for TCP with another number', ({ id }) => ({ id: id ^ 1, truncated: true })],
  ['FORMERR with another number and no question', ({ id }) => ({ id: id ^ 1, rcode: 1, question: null })],
];
for (const [what, answer] of forgeries) {
  test(`RFC 5452 section 9.1: an answer with ${what} is not heard, and the true one is taken`, async (t) => {
    const { serve, time } = stage();
    const heard = await serve((asked) => [answer(asked), one(asked) as Said]);

    t.deepEqual(await time('host.example', V4), [['10.0.0.9'], 0.02]);
    t.is(heard.length, 1);
  });
}

test('RFC 5452 section 9.1: answers from another port and from another address are not heard', async (t) => {
  const { network, there, serve, time } = stage();
  const strangers: Socket[] = [unwrap(there.udp()), unwrap(there.udp())];
  unwrap(await strangers[0]!.bind('10.0.0.2', 5300));
  unwrap(await strangers[1]!.bind('10.0.0.3', 53));
  let sent = 0;
  const heard = await serve(
    async (asked) => {
      const bytes = answerOctets(asked, { answers: forged });
      for (const stranger of strangers) {
        unwrap(await stranger.sendto(bytes, '10.0.0.1', asked.from));
        sent++;
      }
      await network.sleep(ms(100));
      return { answers: [['host.example', 'A', '10.0.0.9']] };
    },
    53,
    null,
    '10.0.0.2',
  );

  t.deepEqual(await time('host.example', V4), [['10.0.0.9'], 0.12]);
  t.is(sent, 2);
  t.is(heard.length, 1);
});

test('V42: of 10,000 guesses at the number none is taken, and then the true answer is', async (t) => {
  const { network, there, ask } = stage();
  const server = unwrap(there.udp());
  unwrap(await server.bind('', 53));
  let guesses = 0;
  void (async () => {
    const { data, address } = unwrap(await server.recvfrom(2000));
    const { id } = parseMessage(data)!;
    const asked = { via: 'udp', id, name: 'host.example', type: 'A', hasEdns: true, from: address[1], at: 0 } as const;
    for (; guesses < 10_000; guesses++) {
      await server.sendto(
        answerOctets(asked, { id: (id + 1 + guesses) & 0xffff, answers: forged }),
        address[0],
        address[1],
      );
      if (guesses % 5 === 0) await network.sleep(ms(1));
    }
    await server.sendto(answerOctets(asked, { answers: [['host.example', 'A', '10.0.0.9']] }), address[0], address[1]);
  })();

  t.deepEqual(await ask('host.example', V4), ['10.0.0.9']);
  t.is(guesses, 10_000);
});

test('The question is known again in other letters (upper case, lower case)', async (t) => {
  const { serve, ask } = stage();
  await serve(() => ({ question: { name: 'HOST.exAMPLE' }, answers: [['Host.Example', 'A', '10.0.0.9']] }));

  t.deepEqual(await ask('hOsT.example', V4), ['10.0.0.9']);
});

test('Addresses of names that nobody asked for are not taken, nor remembered', async (t) => {
  const { serve, ask } = stage();
  await serve(({ name }) =>
    name === 'host.example'
      ? {
          answers: [
            ['bank.example', 'A', '10.6.6.6'],
            ['host.example', 'A', '10.0.0.9'],
          ],
        }
      : { rcode: 3 },
  );

  t.deepEqual(await ask('host.example', V4), ['10.0.0.9']);
  t.is(await ask('bank.example', V4), NOBODY);
});

test('RFC 5452 sections 4.3 and 9.2: numbers and ports differ from query to query, and do not follow each other', async (t) => {
  const { serve, ask } = stage({ cache: 0 });
  const heard = await serve(one);
  for (let round = 0; round < 100; round++) await ask('host.example');

  const steps = (values: number[]): number =>
    values.filter((value, index) => Math.abs(value - values[index - 1]!) < 3).length;
  const [ids, ports] = [heard.map(({ id }) => id), heard.map(({ from }) => from)];
  t.is(heard.length, 200);
  t.true(new Set(ids).size > 195);
  t.true(Math.max(...ids) - Math.min(...ids) > 60_000);
  t.true(steps(ids) < 5);
  t.true(new Set(ports).size > 190);
  t.true(Math.max(...ports) - Math.min(...ports) > 16_384 * 0.9);
  t.true(steps(ports) < 5);
});

// Malformed answers --------------------------------------------------------------------------------------------------------

test('RFC 9267: malformed answers are not heard, and the true one is taken', async (t) => {
  const { serve, time } = stage();
  await serve((asked) => {
    const good = answerOctets(asked, { answers: [['host.example', 'A', '10.6.6.6']] });
    const bad = (change: (bytes: Uint8Array) => void): Uint8Array => {
      const bytes = good.slice();
      change(bytes);
      return bytes;
    };
    const malformed = [
      new Uint8Array(0),
      Uint8Array.of(...u16(asked.id)),
      good.subarray(0, good.length - 1),
      bad((bytes) => bytes.set(u16(9), 6)), // answers
      bad((bytes) => bytes.set(u16(3), bytes.length - 6)), // RDLENGTH
      bad((bytes) => bytes.set([0xc0, 12], 12)),
      bad((bytes) => bytes.set([0x7f], 12)),
    ];
    const truth = answerOctets(asked, { answers: [['host.example', 'A', '10.0.0.9']] });
    return [...malformed, truth] as unknown as Said[];
  });

  t.deepEqual(await time('host.example', V4), [['10.0.0.9'], 0.02]);
});

test('When all that comes is malformed, the next server is asked', async (t) => {
  const { serve, time } = stage(two);
  await serve(() => Uint8Array.of(1, 2, 3));
  await serve(one, 54);

  t.deepEqual(await time('host.example', V4), [['10.0.0.9'], 5.02]);
});

test('V54: names that mean something to JavaScript are names like others', async (t) => {
  const { serve, ask } = stage({ search: ['constructor'], ndots: 0 });
  const heard = await serve(zone(['__proto__', 'A', '10.0.0.9'], ['tostring', 'A', '10.0.0.10']));

  t.deepEqual(await ask('__proto__', V4), ['10.0.0.9']);
  t.deepEqual(await ask('__proto__', V4), ['10.0.0.9']);
  t.deepEqual(await ask('toString.', V4), ['10.0.0.10']);
  t.deepEqual(brief(heard), ['udp A __proto__', 'udp A tostring']);
});

for (const name of [
  'a..b',
  'a!b.example',
  'a b.example',
  `${'x'.repeat(64)}.example`,
  'y.'.repeat(150),
  'fe80::1%nope',
  '1:2',
]) {
  test(`'${name.slice(0, 20)}' cannot be the name of a host: as with glibc nobody is asked`, async (t) => {
    const { serve, time } = stage();
    const heard = await serve(rcode(3));

    t.deepEqual(await time(name), [NOBODY, 0]);
    t.is(heard.length, 0);
  });
}

// The search list ----------------------------------------------------------------------------------------------------------

const search = ['one.test', 'two.test'];
const orders: readonly (readonly [name: string, ndots: number, order: readonly string[]])[] = [
  ['bare', 1, ['bare.one.test', 'bare.two.test', 'bare']],
  ['bare', 0, ['bare', 'bare.one.test', 'bare.two.test']],
  ['with.dot', 1, ['with.dot', 'with.dot.one.test', 'with.dot.two.test']],
  ['with.dot', 2, ['with.dot.one.test', 'with.dot.two.test', 'with.dot']],
  ['bare.', 1, ['bare']],
  ['with.dot.', 3, ['with.dot']],
];
for (const [name, ndots, order] of orders) {
  test(`resolv.conf(5): with ndots ${ndots}, '${name}' is looked for as ${order.join(', ')}`, async (t) => {
    const { serve, ask } = stage({ search, ndots });
    const heard = await serve(rcode(3));

    t.is(await ask(name, V4), NOBODY);
    t.deepEqual(
      heard.map((asked) => asked.name),
      order,
    );
  });
}

test('The search ends with the first domain that has the name', async (t) => {
  const { serve, ask } = stage({ search });
  const heard = await serve(zone(['bare.two.test', 'A', '10.0.0.9'], ['bare', 'A', '10.6.6.6']));

  t.deepEqual(await ask('bare', V4), ['10.0.0.9']);
  t.deepEqual(
    heard.map(({ name }) => name),
    ['bare.one.test', 'bare.two.test'],
  );
});

test('The search goes on behind a name without addresses, and then says so', async (t) => {
  const { serve, ask } = stage({ search });
  const heard = await serve(({ name }) => (name === 'bare.one.test' ? {} : { rcode: 3 }));

  t.is(await ask('bare', V4), NO_DATA);
  t.is(heard.length, 3);
});

test('The search ends where no server answers', async (t) => {
  const { serve, time } = stage({ search });
  await serve(silent);

  t.deepEqual(await time('bare', V4), [AGAIN, 15]);
});

test('The search goes on behind SERVFAIL, as that of glibc', async (t) => {
  const { serve, ask } = stage({ search });
  await serve((asked) =>
    asked.name === 'bare.one.test' ? { rcode: 2 } : zone(['bare.two.test', 'A', '10.0.0.9'])(asked),
  );

  t.deepEqual(await ask('bare', V4), ['10.0.0.9']);
});

for (const name of ['foo.localhost', 'a.b.LocalHost.', 'localhost.']) {
  test(`RFC 6761 section 6.3: '${name}' is this host, and nobody is asked`, async (t) => {
    const { serve, ask } = stage({ search });
    const heard = await serve(rcode(3));

    t.deepEqual((await ask(name)).toString(), '::1,127.0.0.1');
    t.is(heard.length, 0);
  });
}

// Memory -------------------------------------------------------------------------------------------------------------------

/** When queries arrive for a name that is asked for every second, for `until` seconds. */
async function askedAt(said: Behaviour, until: number, settings: Partial<ResolverSettings> = {}): Promise<number[]> {
  const { network, serve, ask } = stage(settings, {});
  const heard = await serve(said);
  for (let second = 0; second < until; second++) {
    await ask('host.example', V4);
    network.run(seconds(1));
  }
  return heard.map(({ at }) => Math.round(at / 1e6));
}

test('RFC 1035 section 7.4: an answer is remembered for its TTL, the least one on the way', async (t) => {
  const found = (ttl: number): Behaviour => zone(['host.example', 'A', '10.0.0.9', ttl]);
  t.deepEqual(await askedAt(found(3), 7), [0, 3, 6]);
  t.deepEqual(await askedAt(found(0), 3), [0, 1, 2]);
  t.deepEqual(await askedAt(found(0x80000000), 3), [0, 1, 2]);
  const least = ({ name }: Asked): Said => ({
    answers: [
      [name, 'CNAME', 'b.x', 2],
      ['b.x', 'A', '10.0.0.9', 4],
      ['b.x', 'A', '10.0.0.8', 3],
    ],
  });
  t.deepEqual(await askedAt(least, 5), [0, 2, 4]);
});

test('The least TTL counts over several queries too', async (t) => {
  const times = await askedAt(zone(['host.example', 'CNAME', 'b.x', 2], ['b.x', 'A', '10.0.0.9', 100]), 5);

  t.deepEqual(times, [0, 0, 2, 2, 4, 4]);
});

test('RFC 2308 section 5: that there is nothing is remembered as long as the SOA record says', async (t) => {
  const nothing =
    (code: number, minimum: number, ttl: number): Behaviour =>
    () => ({ rcode: code, authorities: [['example', 'SOA', minimum, ttl]] });
  for (const code of [0, 3]) {
    t.deepEqual(await askedAt(nothing(code, 3, 100), 5), [0, 3]);
    t.deepEqual(await askedAt(nothing(code, 100, 3), 5), [0, 3]);
    t.deepEqual(await askedAt(rcode(code), 3), [0, 1, 2]);
  }
});

test('Failures are not remembered', async (t) => {
  t.deepEqual(
    await askedAt(() => ({ rcode: 2, authorities: [['example', 'SOA', 100, 100]] }), 2, { attempts: 1 }),
    [0, 1],
  );
  t.deepEqual(await askedAt(rcode(5), 2, { attempts: 1 }), [0, 1]);
});

test('What is remembered is told as it was, of each type and in any letters', async (t) => {
  const { serve, ask } = stage();
  const heard = await serve(zone(['host.example', 'CNAME', 'b.example'], ['b.example', 'A', '10.0.0.9']));
  for (const name of ['host.example', 'HOST.example', 'host.example.']) {
    t.deepEqual(await ask(name, V4), ['10.0.0.9']);
    t.is(await ask('nobody.example', V4), NOBODY);
  }
  t.is(await ask('host.example', V6), NO_DATA);

  t.deepEqual(
    heard.filter(({ type, name }) => type === 'A' && name !== 'nobody.example').map(({ name }) => name),
    ['host.example', 'b.example'],
  );
});

test('V55: as many answers are remembered as the settings say, and the oldest goes first', async (t) => {
  const { serve, ask } = stage({ cache: 2 });
  const heard = await serve(({ name }) => ({ answers: [[name, 'A', '10.0.0.9']] }));
  for (const name of ['a', 'b', 'c', 'c', 'b', 'a']) await ask(name, V4);
  t.deepEqual(
    heard.map(({ name }) => name),
    ['a', 'b', 'c', 'a'],
  );

  t.deepEqual(await askedAt(one, 2, { cache: 0 }), [0, 1]);
});

test('An answer is remembered for a day at most', async (t) => {
  const { network, serve, ask } = stage();
  const heard = await serve(zone(['host.example', 'A', '10.0.0.9', 0x7fffffff]));
  await ask('host.example', V4);
  network.run(seconds(86_399));
  await ask('host.example', V4);
  t.is(heard.length, 1);
  network.run(seconds(2));
  await ask('host.example', V4);

  t.is(heard.length, 2);
});

// Several at once ----------------------------------------------------------------------------------------------------------

test('RFC 5452 section 5: who asks the same at the same time shares the answer', async (t) => {
  const { network, here, serve, ask } = stage({ cache: 0 });
  const heard = await serve(one);
  const all = await network.until(
    Promise.all(Array.from({ length: 50 }, () => here.getaddrinfo('host.example', 80, V4, 1))),
  );

  for (const [infos] of all) t.is(infos![0]!.addr, '10.0.0.9');
  t.is(heard.length, 1);
  await ask('host.example', V4);
  t.is(heard.length, 2);
});

test('Who shares a failure shares it once: the next one asks anew', async (t) => {
  const { network, here, serve, ask } = stage({ attempts: 1 });
  let isUp = false;
  await serve((asked) => (isUp ? one(asked) : null));
  const all = await network.until(Promise.all([1, 2, 3].map(() => here.getaddrinfo('host.example', 80, V4, 1))));
  t.deepEqual(
    all.map(([, error]) => error),
    [AGAIN, AGAIN, AGAIN],
  );
  isUp = true;

  t.deepEqual(await ask('host.example', V4), ['10.0.0.9']);
});

test('rotate begins with another server each time; without it, the first is first', async (t) => {
  for (const rotate of [true, false]) {
    const { serve, ask } = stage({ servers: ['10.0.0.2', '10.0.0.2#54', '10.0.0.2#55'], rotate, cache: 0 });
    const heard = [await serve(one), await serve(one, 54), await serve(one, 55)];
    for (let round = 0; round < 6; round++) await ask('host.example', V4);

    t.deepEqual(
      heard.map(({ length }) => length),
      rotate ? [2, 2, 2] : [6, 0, 0],
    );
  }
});

test('With rotate as well, all servers are asked before it is a failure', async (t) => {
  const { serve, time } = stage({ ...two, rotate: true, timeout: 1, cache: 0 });
  await serve(silent);
  await serve(one, 54);

  t.deepEqual(await time('host.example', V4), [['10.0.0.9'], 1.02]);
  t.deepEqual(await time('host.example', V4), [['10.0.0.9'], 0.02]);
  t.deepEqual(await time('host.example', V4), [['10.0.0.9'], 1.02]);
});

test('Over a link that loses every fifth packet, most names are found, and no answer is wrong', async (t) => {
  let found = 0;
  for (let seed = 1; seed <= 40; seed++) {
    const { serve, time } = stage(two, { delay: ms(10), loss: 0.2 }, seed);
    await serve(one);
    await serve(one, 54);
    const [answer, took] = await time('host.example', V4);
    t.true(took <= 30, `seed ${seed}: ${took} s`);
    if (answer === AGAIN) continue;
    t.deepEqual(answer, ['10.0.0.9'], `seed ${seed}`);
    found++;
  }
  t.true(found >= 37, `${found} of 40`); // four tries, each of which fails in 36 of 100
});

test('Packets that come twice, late and with flipped bits do no harm', async (t) => {
  for (let seed = 1; seed <= 20; seed++) {
    const link = { delay: ms(10), duplicate: 0.3, reorder: 0.3, corrupt: 0.1 };
    const { serve, ask } = stage({ ...two, attempts: 5 }, link, seed);
    await serve(cut);
    await serve(cut, 54);

    t.deepEqual(await ask('host.example'), ['10.0.0.9', 'fd00::9'], `seed ${seed}`);
  }
});

// Settings that make no sense ----------------------------------------------------------------------------------------------

for (const server of ['ns.example', '', '10.0.0.2#x', '10.0.0.2#70000', '300.0.0.1']) {
  test(`A server '${server}' is none: the next one is asked, and nothing hangs`, async (t) => {
    const { serve, ask } = stage({ servers: [server, '10.0.0.2'] });
    await serve(one);

    t.deepEqual(await ask('host.example', V4), ['10.0.0.9']);
  });
}
