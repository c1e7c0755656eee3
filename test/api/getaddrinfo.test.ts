/**
 * getaddrinfo, names in connect and bind, and the order of addresses (RFC 6724); in virtual time, without name servers. Where
 * there is a glibc, it is asked the same about everything that takes no network.
 */
import test from 'ava';
import type { KoffiFunc } from 'koffi';
import { getaddrinfo } from '../../src/api/getaddrinfo.ts';
import {
  type AddressInfo,
  createSocketModule,
  type HostSettings,
  type Result,
  type Socket,
} from '../../src/api/index.ts';
import type { Lookup, NameContext } from '../../src/api/names.ts';
import { ms, Network, pair } from '../../src/sim/index.ts';
import { type Address, addressFrom, formatAddress, inZone, parseAddress } from '../../src/stack/index.ts';
import { orderDestinations } from '../../src/stack/ip/destinations.ts';

const BAD_FLAGS = 'Bad value for ai_flags';
const NOBODY = 'Name or service not known';
const NO_DATA = 'No address associated with hostname';
const NO_SERVICE = 'Servname not supported for ai_socktype';
const NO_SUCH_TYPE = 'ai_socktype not supported';
const NO_SUCH_FAMILY = 'ai_family not supported';
const OTHER_FAMILY = 'Address family for hostname not supported';

function unwrap<T>([value, error]: readonly [T | null, string | null, ...unknown[]]): T {
  if (error !== null) throw new Error(error);
  return value as T;
}

const hosts = {
  'v4.test': '10.0.0.9',
  'v6.test': 'fd00::9',
  'Both.test': ['fd00::9', '10.0.0.9'],
  'many.test': ['10.0.0.8', '10.0.0.9', 'fd00::8', 'fd00::9'],
};
const services = { own: 4000, 'tcp-only': { tcp: 4001 }, 'udp-only': { udp: 4002 }, split: { tcp: 4003, udp: 4004 } };

function stage(settings: HostSettings = {}) {
  const { network, client, server } = pair({ link: { delay: ms(10) } });
  const here = createSocketModule(client, { hosts, services, ...settings });
  const there = createSocketModule(server);
  return { network, client, server, here, there };
}

const { here: module } = stage();
const { AF_INET, AF_INET6, SOCK_STREAM, SOCK_DGRAM, SOCK_RAW } = module;
const {
  AI_PASSIVE,
  AI_CANONNAME,
  AI_NUMERICHOST,
  AI_NUMERICSERV,
  AI_V4MAPPED,
  AI_V4MAPPED_CFG,
  AI_ALL,
  AI_ADDRCONFIG,
} = module;

/** 'family socktype protocol address port scope canonname', or the error. */
const brief = ([infos, error]: Result<AddressInfo[]>): string[] | string =>
  error ??
  infos.map((info) =>
    [info.family, info.socktype, info.protocol, info.addr, info.port, info.sockaddr[3] ?? 0, info.canonname]
      .join(' ')
      .trimEnd(),
  );
/** Only the addresses. */
const addresses = ([infos, error]: Result<AddressInfo[]>): string[] | string => error ?? infos.map(({ addr }) => addr);

// The C library's own, asked at the end of this file ----------------------------------------------------------------------

type Query = readonly [
  host: string | null,
  port: string | null,
  family: number,
  socktype: number,
  protocol: number,
  flags: number,
];

/** Octets of a struct addrinfo with pointers of 64 bits. */
const infoLength = 48;

/** getaddrinfo(3) of the C library here, in the form of `brief`; null when that is not glibc, or cannot be called. */
async function loadGlibc(): Promise<((...query: Query) => string[] | string) | null> {
  const report = process.report?.getReport() as { header?: { glibcVersionRuntime?: string } } | undefined;
  if (process.platform !== 'linux' || report?.header?.glibcVersionRuntime === undefined) return null;
  if (!['x64', 'arm64'].includes(process.arch)) return null; // the layout below
  const { default: koffi } = await import('koffi').catch(() => ({ default: null }));
  if (koffi === null) return null;
  const library = koffi.load(null);
  const call = library.func(
    'int getaddrinfo(const char *node, const char *service, const void *hints, _Out_ void **res)',
  ) as KoffiFunc<(node: string | null, service: string | null, hints: Uint8Array, res: [bigint | null]) => number>;
  const free = library.func('void freeaddrinfo(void *res)') as KoffiFunc<(res: bigint) => void>;
  const textOf = library.func('const char *gai_strerror(int code)') as KoffiFunc<(code: number) => string>;
  const bytesAt = (at: bigint, length: number): Buffer =>
    Buffer.from(koffi.decode(at, 'uint8_t', length) as Uint8Array);
  return (host, port, family, socktype, protocol, flags) => {
    const hints = Buffer.alloc(infoLength);
    for (const [index, value] of [flags, family, socktype, protocol].entries()) hints.writeInt32LE(value, 4 * index);
    const result: [bigint | null] = [null];
    const code = call(host, port, hints, result);
    if (code !== 0) return textOf(code);
    const records: string[] = [];
    for (let at = result[0] ?? 0n; at !== 0n; ) {
      const info = bytesAt(at, infoLength);
      const address = bytesAt(info.readBigUInt64LE(24), info.readUInt32LE(16));
      const nameAt = info.readBigUInt64LE(32);
      const name = nameAt === 0n ? '' : (koffi.decode(nameAt, 'char', -1) as string);
      const isV6 = info.readInt32LE(4) === 10;
      const parsed = addressFrom(isV6 ? address.subarray(8, 24) : address.subarray(4, 8));
      const text = `${isV6 && parsed.isV4 ? '::ffff:' : ''}${formatAddress(parsed)}`;
      const [own, type, proto] = [4, 8, 12].map((offset) => info.readInt32LE(offset));
      const scope = isV6 ? address.readUInt32LE(24) : 0;
      records.push([own, type, proto, text, address.readUInt16BE(2), scope, name].join(' ').trimEnd());
      at = info.readBigUInt64LE(40);
    }
    free(result[0]!);
    return records;
  };
}

const glibc = await loadGlibc();
if (glibc === null) console.warn('GETADDRINFO WAS NOT COMPARED: there is no glibc here, or no koffi');

// Records ------------------------------------------------------------------------------------------------------------------

test('1.11: of an address and a number there is a record for each kind of socket', async (t) => {
  t.deepEqual(await module.getaddrinfo('10.0.0.9', 80), [
    [1, 6, 2, 17, 3, 0].flatMap((_, index, all) =>
      index % 2 === 1
        ? []
        : [
            {
              family: 2,
              socktype: all[index]!,
              protocol: all[index + 1]!,
              canonname: '',
              addr: '10.0.0.9',
              port: 80,
              sockaddr: ['10.0.0.9', 80] as const,
            },
          ],
    ),
    null,
  ]);
});

test('1.11: records of IPv6 have the four values that connect takes', async (t) => {
  const [infos] = await module.getaddrinfo('fe80::9%1', '8080', 0, SOCK_STREAM);

  t.deepEqual(infos, [
    {
      family: 10,
      socktype: 1,
      protocol: 6,
      canonname: '',
      addr: 'fe80::9',
      port: 8080,
      sockaddr: ['fe80::9', 8080, 0, 1],
    },
  ]);
});

test('fe80::1%NAME has the index of the interface of that name', async (t) => {
  const { client, here } = stage();
  const { name, index } = client.stack.interfaces[1]!;

  t.is(unwrap(await here.getaddrinfo(`fe80::1%${name}`, 80))[0]!.sockaddr[3], index);
  t.is((await here.getaddrinfo('fe80::1%nope', 80))[1], NOBODY);
});

test('1.4: a host may be a number, in host order', async (t) => {
  t.deepEqual(addresses(await module.getaddrinfo(module.INADDR_LOOPBACK, 80, 0, SOCK_STREAM)), ['127.0.0.1']);
  t.deepEqual(addresses(await module.getaddrinfo(0xffffffff, 80, 0, SOCK_STREAM)), ['255.255.255.255']);
  t.deepEqual(addresses(await module.getaddrinfo(module.INADDR_ANY, 80, 0, SOCK_STREAM)), ['0.0.0.0']);
});

for (const host of [-1, 2 ** 32, 1.5, Number.NaN]) {
  test(`The number ${host} is no host: a RangeError, as from connect`, async (t) => {
    await t.throwsAsync(module.getaddrinfo(host, 80), { instanceOf: RangeError });
  });
}

test('1.11: a host of the wrong type is a TypeError, ports that there are not a RangeError', async (t) => {
  await t.throwsAsync(module.getaddrinfo(true as unknown as string, 80), { instanceOf: TypeError });
  for (const port of [-1, 65_536, 1.5, Number.NaN, '65536', '70000'])
    await t.throwsAsync(module.getaddrinfo('10.0.0.9', port), { instanceOf: RangeError });
});

test('Flags, family, kind and service that there are not: each has its text', async (t) => {
  const ask = async (...args: Parameters<typeof module.getaddrinfo>) => (await module.getaddrinfo(...args))[1];
  t.is(await ask('10.0.0.9', 80, 0, 0, 0, 0x800), BAD_FLAGS);
  t.is(await ask('10.0.0.9', 80, 0, 0, 0, 0x40), BAD_FLAGS);
  t.is(await ask(null, 80, 0, 0, 0, AI_CANONNAME), BAD_FLAGS);
  t.is(await ask('10.0.0.9', 80, 1), NO_SUCH_FAMILY);
  t.is(await ask('10.0.0.9', 80, 99), NO_SUCH_FAMILY);
  t.is(await ask('10.0.0.9', 80, 0, 77), NO_SUCH_TYPE);
  t.is(await ask('10.0.0.9', 80, 0, SOCK_STREAM, 17), NO_SUCH_TYPE);
  t.is(await ask('10.0.0.9', 'nosuchservice'), NO_SERVICE);
  t.is(await ask(null, null), NOBODY);
  t.is(await ask('nobody.test', 80), NOBODY);
  t.is(await ask('nobody.test', 80, 0, 0, 0, AI_NUMERICHOST), NOBODY);
  t.is(await ask('fd00::9', 80, AF_INET), OTHER_FAMILY);
  t.is(await ask('10.0.0.9', 80, AF_INET6), OTHER_FAMILY);
});

// Flags --------------------------------------------------------------------------------------------------------------------

test('1.11: no host is this one: to connect to, and with AI_PASSIVE to bind to', async (t) => {
  const own = async (flags: number, family = 0) =>
    addresses(await module.getaddrinfo(null, 80, family, SOCK_STREAM, 0, flags));
  t.deepEqual(await own(0), ['::1', '127.0.0.1']);
  t.deepEqual(await own(AI_PASSIVE), ['0.0.0.0', '::']);
  t.deepEqual(await own(AI_PASSIVE, AF_INET6), ['::']);
  t.deepEqual(await own(0, AF_INET), ['127.0.0.1']);
  t.deepEqual(addresses(await module.getaddrinfo('10.0.0.9', 80, 0, SOCK_STREAM, 0, AI_PASSIVE)), ['10.0.0.9']);
});

test('1.11: without a host and a port there is nothing to look for, with one of them there is', async (t) => {
  t.is((await module.getaddrinfo(undefined, undefined))[1], NOBODY);
  t.deepEqual(brief(await module.getaddrinfo('10.0.0.9')), [
    '2 1 6 10.0.0.9 0 0',
    '2 2 17 10.0.0.9 0 0',
    '2 3 0 10.0.0.9 0 0',
  ]);
  t.deepEqual(brief(await module.getaddrinfo(null, 'http', AF_INET)), ['2 1 6 127.0.0.1 80 0']);
});

test('AI_CANONNAME is on the first record only', async (t) => {
  const ask = async (host: string) =>
    unwrap(await module.getaddrinfo(host, 80, 0, 0, 0, AI_CANONNAME)).map(({ canonname }) => canonname);
  t.deepEqual(await ask('10.0.0.9'), ['10.0.0.9', '', '']);
  t.deepEqual(await ask('v4.test'), ['v4.test', '', '']);
  t.is((await ask('both.test')).filter((name) => name !== '').length, 1);
});

test('AI_NUMERICHOST asks nobody, AI_NUMERICSERV looks into no table', async (t) => {
  const failing: Lookup = () => Promise.reject(new Error('somebody was asked'));
  const ask = async (host: string | null, port: string, flags: number) =>
    brief(await getaddrinfo(host, port, { family: 0, socktype: 1, protocol: 0, flags }, contextWith(failing)));
  t.is(await ask('nobody.test', '80', AI_NUMERICHOST), NOBODY);
  t.is(await ask('v4.test', '80', AI_NUMERICHOST), NOBODY);
  t.is(await ask('localhost', '80', AI_NUMERICHOST), NOBODY);
  t.is(await ask('10.0.0.9', 'http', AI_NUMERICSERV), NOBODY);
  t.deepEqual(await ask('10.0.0.9', '80', AI_NUMERICHOST | AI_NUMERICSERV), ['2 1 6 10.0.0.9 80 0']);
});

for (const [name, flag] of [
  ['AI_V4MAPPED', AI_V4MAPPED],
  ['AI_V4MAPPED_CFG', AI_V4MAPPED_CFG],
] as const) {
  test(`${name}: IPv4 stands in for IPv6 where there is none, and with AI_ALL beside it`, async (t) => {
    const ask = async (host: string, flags: number, family = AF_INET6) =>
      addresses(await module.getaddrinfo(host, 80, family as 10, SOCK_STREAM, 0, flags));
    t.deepEqual(await ask('v4.test', flag), ['::ffff:10.0.0.9']);
    t.deepEqual(await ask('v6.test', flag), ['fd00::9']);
    t.deepEqual(await ask('both.test', flag), ['fd00::9']);
    t.deepEqual(((await ask('both.test', flag | AI_ALL)) as string[]).toSorted(), ['::ffff:10.0.0.9', 'fd00::9']);
    t.deepEqual(await ask('both.test', AI_ALL), ['fd00::9']);
    t.deepEqual(await ask('10.0.0.9', flag), ['::ffff:10.0.0.9']);
    t.deepEqual(await ask('v4.test', flag, AF_INET as unknown as 10), ['10.0.0.9']);
    t.not(await ask('v4.test', 0), '::ffff:10.0.0.9');
    const [info] = unwrap(await module.getaddrinfo('v4.test', 80, AF_INET6, SOCK_STREAM, 0, flag));
    t.deepEqual([info!.family, info!.sockaddr], [AF_INET6, ['::ffff:10.0.0.9', 80, 0, 0]]);
  });
}

/** A host with these addresses on one interface, and a way to everywhere. */
function hostWith(...own: string[]) {
  const network = new Network();
  const host = network.host('x');
  if (own.length > 0) host.stack.addRoute(null, host.addInterface('eth0', own, {}));
  return { network, host, own: createSocketModule(host, { hosts, services }) };
}

const families: readonly (readonly [has: string, own: readonly string[], wanted: readonly string[]])[] = [
  ['both families', ['10.0.0.1/24', 'fd00::1/64'], ['10.0.0.9', 'fd00::9']],
  ['IPv4 only', ['10.0.0.1/24'], ['10.0.0.9']],
  ['IPv6 only', ['fd00::1/64'], ['fd00::9']],
];
for (const [has, own, wanted] of families) {
  test(`AI_ADDRCONFIG on a host with ${has}: only addresses that it could use`, async (t) => {
    const { own: ours } = hostWith(...own);
    const found = addresses(await ours.getaddrinfo('both.test', 80, 0, SOCK_STREAM, 0, AI_ADDRCONFIG)) as string[];

    t.deepEqual(found.toSorted(), wanted as string[]);
  });
}

test('AI_ADDRCONFIG goes for addresses and for no host as well, as glibc has it', async (t) => {
  const { own } = hostWith('10.0.0.1/24');
  const ask = async (host: string | null, family = 0) =>
    addresses(await own.getaddrinfo(host, 80, family, SOCK_STREAM, 0, AI_ADDRCONFIG));
  t.deepEqual(await ask(null), ['127.0.0.1']);
  t.is(await ask(null, AF_INET6), NOBODY);
  t.is(await ask('::1'), OTHER_FAMILY);
  t.is(await ask('::1', AF_INET6), NOBODY);
  t.is(await ask('10.0.0.9', AF_INET6), NOBODY);
  t.deepEqual(await ask('10.0.0.9'), ['10.0.0.9']);
});

test('AI_ADDRCONFIG on a host with nothing but loopback leaves both families to who wants either', async (t) => {
  const { own } = hostWith();
  const ask = async (host: string | null, family = 0) =>
    addresses(await own.getaddrinfo(host, 80, family, SOCK_STREAM, 0, AI_ADDRCONFIG));
  t.deepEqual(await ask(null), ['::1', '127.0.0.1']);
  t.is(await ask(null, AF_INET), NOBODY);
  t.deepEqual(await ask('localhost'), ['::1', '127.0.0.1']);
});

test('AI_DEFAULT and AI_MASK are sets of flags that there are', async (t) => {
  const { AI_DEFAULT, AI_MASK } = module;
  t.deepEqual(addresses(await module.getaddrinfo('v4.test', 80, AF_INET6, SOCK_STREAM, 0, AI_DEFAULT)), [
    '::ffff:10.0.0.9',
  ]);
  t.is((await module.getaddrinfo('10.0.0.9', '80', 0, 0, 0, AI_MASK))[1], null);
  for (let bit = 1; bit > 0 && bit <= 0x40000000; bit <<= 1) {
    const [, error] = await module.getaddrinfo('10.0.0.9', '80', 0, 0, 0, bit);
    t.is(error, (AI_MASK & bit) === 0 ? BAD_FLAGS : null, `0x${bit.toString(16)}`);
  }
});

// Tables -------------------------------------------------------------------------------------------------------------------

test('The hosts table is looked at without regard to case and to a dot at the end', async (t) => {
  for (const name of ['both.test', 'BOTH.TEST', 'Both.test.'])
    t.deepEqual(addresses(await module.getaddrinfo(name, 80, AF_INET, SOCK_STREAM)), ['10.0.0.9'], name);
});

test('localhost is there without a table, and stays beside one', async (t) => {
  for (const settings of [{}, { hosts: {} }, { hosts: { other: '10.0.0.1' } }]) {
    const { here } = stage(settings);
    t.deepEqual(addresses(await here.getaddrinfo('localhost', 80, 0, SOCK_STREAM)), ['::1', '127.0.0.1']);
  }
});

test('V54: no name means something else because JavaScript knows it', async (t) => {
  for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
    t.is((await module.getaddrinfo(name, 80))[1], NOBODY);
    t.is((await module.getaddrinfo('10.0.0.9', name))[1], NO_SERVICE);
  }
});

const named: readonly (readonly [service: string, tcp: number | null, udp: number | null])[] = [
  ['echo', 7, 7],
  ['http', 80, 80],
  ['https', 443, 443],
  ['domain', 53, 53],
  ['ssh', 22, null],
  ['tftp', null, 69],
  ['own', 4000, 4000],
  ['tcp-only', 4001, null],
  ['udp-only', null, 4002],
  ['split', 4003, 4004],
];
for (const [service, tcp, udp] of named.filter(([name]) => name !== 'http')) {
  test(`The service '${service}' has its port over the protocols that it has`, async (t) => {
    const ask = async (socktype: number, protocol = 0) => {
      const [infos, error] = await module.getaddrinfo('10.0.0.9', service, 0, socktype, protocol);
      return error ?? infos.map((info) => `${info.socktype} ${info.port}`);
    };
    const ofTcp = tcp === null ? [] : [`1 ${tcp}`];
    const ofUdp = udp === null ? [] : [`2 ${udp}`];
    t.deepEqual(await ask(0), [...ofTcp, ...ofUdp]);
    t.deepEqual(await ask(SOCK_STREAM), tcp === null ? NO_SERVICE : ofTcp);
    t.deepEqual(await ask(SOCK_DGRAM), udp === null ? NO_SERVICE : ofUdp);
    t.deepEqual(await ask(0, 17), udp === null ? NO_SERVICE : ofUdp);
    t.is(await ask(SOCK_RAW), NO_SERVICE);
  });
}

test('1.11: the services that the page names are known, with their ports', async (t) => {
  const list =
    'echo 7,discard 9,systat 11,daytime 13,qotd 17,chargen 19,ftp-data 20,ftp 21,ssh 22,telnet 23,smtp 25,time 37,domain 53,' +
    'bootps 67,bootpc 68,tftp 69,gopher 70,finger 79,http 80,pop3 110,sunrpc 111,ntp 123,imap 143,snmp 161,ldap 389,https 443,' +
    'submission 587,imaps 993,pop3s 995';
  for (const each of list.split(',')) {
    const [name, port] = each.split(' ');
    t.is(unwrap(await module.getaddrinfo('10.0.0.9', name!))[0]!.port, Number(port), name);
  }
});

// Somebody to ask ----------------------------------------------------------------------------------------------------------

const everything = { AF_INET: 2, AF_INET6: 10 } as const;

/** A host of both families that asks `lookup`. */
function contextWith(lookup: Lookup | null): NameContext {
  return {
    hosts: new Map(
      Object.entries(hosts).map(([name, value]) => [name.toLowerCase(), typeof value === 'string' ? [value] : value]),
    ),
    services: new Map<string, number>([['http', 80]]),
    lookup,
    interfaces: [],
    isClosed: false,
    hasAddress: () => true,
    order: (all: readonly Address[]) => [...all],
  } as NameContext;
}

for (const [failure, text] of [
  ['nobody', NOBODY],
  ['none', NO_DATA],
  ['again', 'Temporary failure in name resolution'],
  ['failed', 'Non-recoverable failure in name resolution'],
] as const) {
  test(`When whoever is asked says '${failure}', the error is '${text}'`, async (t) => {
    const hints = { family: 0, socktype: 1, protocol: 0, flags: 0 };
    t.is(
      (
        await getaddrinfo(
          'x.test',
          80,
          hints,
          contextWith(() => Promise.resolve(failure)),
        )
      )[1],
      text,
    );
  });
}

test('Only what is wanted is asked for, and what the hosts table has is not asked for at all', async (t) => {
  const asked: string[] = [];
  const lookup: Lookup = (name, wanted) => {
    asked.push(`${name} ${wanted.join(' ')}`);
    return Promise.resolve('nobody');
  };
  const ask = (name: string, family: number, flags = 0) =>
    getaddrinfo(name, 80, { family, socktype: 1, protocol: 0, flags }, contextWith(lookup));
  await ask('x.test', 0);
  await ask('x.test', everything.AF_INET);
  await ask('x.test', everything.AF_INET6);
  await ask('x.test', everything.AF_INET6, AI_V4MAPPED);
  await ask('v4.test', everything.AF_INET);
  await ask('10.0.0.9', 0);

  t.deepEqual(asked, ['x.test AAAA A', 'x.test A', 'x.test AAAA', 'x.test AAAA A']);
});

// Names in connect and bind --------------------------------------------------------------------------------------------------

async function listenAt(socket: Socket, host: string, port: number | string): Promise<Socket> {
  unwrap(await socket.bind(host, port));
  unwrap(socket.listen(5));
  return socket;
}

test('1.4: connect and bind take names of hosts and of services', async (t) => {
  const table = {
    hosts: { 'server.test': '10.0.0.2', 'client.test': '10.0.0.1' },
    services: { special: { tcp: 4001 } },
  };
  const { network, client, server } = pair();
  const [here, there] = [createSocketModule(client, table), createSocketModule(server, table)];
  await listenAt(unwrap(there.tcp()), 'server.test', 'special');
  const socket = unwrap(here.tcp());

  t.deepEqual(await socket.bind('client.test', 'http'), [true, null]);
  t.deepEqual(await network.until(socket.connect('server.test', 'special')), [true, null]);
  t.deepEqual(socket.getsockname()[0], ['10.0.0.1', 80]);
  t.deepEqual(socket.getpeername()[0], ['10.0.0.2', 4001]);
});

test('A service is looked for under the protocol of the socket', async (t) => {
  const { here } = stage();
  const [udp, tcp] = [unwrap(here.udp()), unwrap(here.tcp())];
  unwrap(await udp.bind('', 'split'));
  unwrap(await tcp.bind('', 'split'));

  t.deepEqual(
    [udp.getsockname()[0], tcp.getsockname()[0]],
    [
      ['0.0.0.0', 4004],
      ['0.0.0.0', 4003],
    ],
  );
});

test('A name that nobody knows is an error of connect, bind and sendto, with the text of getaddrinfo', async (t) => {
  const { here } = stage();
  for (const family of [AF_INET, AF_INET6]) {
    t.is((await unwrap(here.tcp(family)).connect('nobody.test', 80))[1], NOBODY);
    t.is((await unwrap(here.tcp(family)).bind('nobody.test', 80))[1], NOBODY);
    t.is((await unwrap(here.udp(family)).sendto('x', 'nobody.test', 80))[1], NOBODY);
  }
  t.is((await unwrap(here.tcp()).connect('fd00::2', 80))[1], OTHER_FAMILY);
});

test('1.4: a service that nobody knows is an error, not an exception: it is a value, not a type', async (t) => {
  const { here } = stage();
  t.is((await unwrap(here.tcp()).connect('10.0.0.2', 'nosuchservice'))[1], NO_SERVICE);
  t.is((await unwrap(here.tcp()).connect('10.0.0.2', 'udp-only'))[1], NO_SERVICE);
  t.is((await unwrap(here.tcp()).bind('', 'nosuchservice'))[1], NO_SERVICE);
});

test('Decision 4: lastError tells of a name that was not found', async (t) => {
  const { here } = stage();
  const socket = unwrap(here.tcp());
  await socket.connect('nobody.test', 80);

  t.like(socket.lastError, { code: 'EAI_NONAME', syscall: 'connect', address: 'nobody.test', port: 80 });
});

test('1.5: the addresses of a name are tried in order: one that refuses is followed by the next', async (t) => {
  const { network, client, server } = pair({ link: { delay: ms(10) } });
  const here = createSocketModule(client, { hosts: { 'x.test': ['10.0.0.1', '10.0.0.2'] } });
  await listenAt(unwrap(createSocketModule(server).tcp()), '', 80);
  const socket = unwrap(here.tcp());

  t.deepEqual(await network.until(socket.connect('x.test', 80)), [true, null]);
  t.deepEqual(socket.getpeername()[0], ['10.0.0.2', 80]);
});

test('1.5: one that is silent is followed by the next when TCP has given up', async (t) => {
  const { network, client, server } = pair({ link: { delay: ms(10) } });
  const here = createSocketModule(client, { hosts: { 'x.test': ['10.0.0.77', '10.0.0.2'] } });
  await listenAt(unwrap(createSocketModule(server).tcp()), '', 80);
  const socket = unwrap(here.tcp());
  unwrap(socket.setoption(here.IPPROTO_TCP, here.TCP_SYNCNT, 1));

  t.deepEqual(await network.until(socket.connect('x.test', 80)), [true, null]);
  t.deepEqual(socket.getpeername()[0], ['10.0.0.2', 80]);
  t.true(network.now > 2_900_000, 'after 1 s and 2 s');
  t.true(network.now < 4_000_000);
});

test('1.5: the timeout is for the whole call, not for each address', async (t) => {
  const { network, here } = stage({ hosts: { 'x.test': ['10.0.0.77', '10.0.0.78', '10.0.0.79'] } });
  const socket = unwrap(here.tcp());
  socket.settimeout(2);

  t.is((await network.until(socket.connect('x.test', 80)))[1], here.ERROR_TIMEOUT);
  t.is(network.now, 2_000_000);
});

test('1.5: when all addresses fail, the error is that of the last one', async (t) => {
  const { network, here } = stage({ hosts: { 'x.test': ['192.0.2.1', '10.0.0.2'] } });

  t.is((await network.until(unwrap(here.tcp()).connect('x.test', 80)))[1], 'Network is unreachable'); // sorted last
});

test('An IPv6 socket reaches a name that has IPv4 addresses only, in their mapped form', async (t) => {
  const { network, client, server } = pair({ link: { delay: ms(10) } });
  const here = createSocketModule(client, { hosts: { 'x.test': '10.0.0.2', 'y.test': ['10.0.0.77', 'fd00::2'] } });
  const there = createSocketModule(server);
  await listenAt(unwrap(there.tcp(there.AF_INET6)), '', 80);
  const [mapped, native] = [unwrap(here.tcp(AF_INET6)), unwrap(here.tcp(AF_INET6))];

  t.deepEqual(await network.until(mapped.connect('x.test', 80)), [true, null]);
  t.deepEqual(mapped.getpeername()[0], ['::ffff:10.0.0.2', 80, 0, 0]);
  t.deepEqual(await network.until(native.connect('y.test', 80)), [true, null]);
  t.deepEqual(native.getpeername()[0], ['fd00::2', 80, 0, 0]);
  const plain = unwrap(here.tcp(AF_INET6));
  t.deepEqual(await network.until(plain.connect('10.0.0.2', 80)), [true, null]);
});

// While a name server is asked -----------------------------------------------------------------------------------------------

test('1.5: the timeout of connect counts while a name is looked for', async (t) => {
  const { network, here } = stage({ resolver: { servers: ['10.0.0.77'] } });
  const socket = unwrap(here.tcp());
  socket.settimeout(2);

  t.is((await network.until(socket.connect('slow.test', 80)))[1], here.ERROR_TIMEOUT);
  t.is(network.now, 2_000_000);
});

for (const call of ['connect', 'bind', 'sendto'] as const) {
  test(`1.9: ${call} on a socket that is closed while a name is looked for is EBADF at once`, async (t) => {
    const { network, here } = stage({ resolver: { servers: ['10.0.0.77'] } });
    const socket = unwrap(call === 'sendto' ? here.udp() : here.tcp());
    const calling: Promise<readonly unknown[]> =
      call === 'sendto' ? socket.sendto('x', 'slow.test', 80) : socket[call]('slow.test', 80);
    network.run(ms(100));
    void socket.close();

    t.is((await network.until(calling))[1], 'Bad file descriptor');
    t.true(network.now < 1_000_000, `${network.now} us`);
  });
}

test('A socket that is closed while a name is looked for sends nothing when the answer comes', async (t) => {
  const { network, client, server, link } = pair({ link: { delay: ms(10) } });
  const there = createSocketModule(server);
  const here = createSocketModule(client, { resolver: { servers: ['10.0.0.2'] } });
  const nameServer = unwrap(there.udp());
  unwrap(await nameServer.bind('', 53));
  const socket = unwrap(here.tcp());
  const connecting = socket.connect('x', 80);
  const { data, address } = unwrap(await network.until(nameServer.recvfrom(2000)));
  void socket.close();
  let segments = 0;
  link.forward.taps.push((bytes) => {
    if (bytes[9] === 6) segments++;
  });
  const answer = Uint8Array.from([
    ...data.subarray(0, 2),
    0x81,
    0x80,
    0,
    1,
    0,
    1,
    0,
    0,
    0,
    0,
    ...data.subarray(12, 19),
    0xc0,
    12,
    0,
    1,
    0,
    1,
    0,
    0,
    0,
    9,
    0,
    4,
    10,
    0,
    0,
    2,
  ]);
  unwrap(await nameServer.sendto(answer, address[0], address[1]));

  t.not((await network.until(connecting))[1], null);
  network.run(ms(5000));
  t.is(segments, 0);
});

// RFC 6724 -----------------------------------------------------------------------------------------------------------------

const ordered = (own: readonly string[], destinations: readonly string[]): string[] =>
  hostWith(...own)
    .host.stack.orderDestinations(destinations.map((text) => inZone(parseAddress(text)!, 1)))
    .map(formatAddress);

/** What section 10.2 shows, rule by rule, with addresses of the same kinds; each the other way round too. */
const preferences: readonly (readonly [rule: string, own: readonly string[], first: string, second: string])[] = [
  ['1: what can be reached', ['10.0.0.1/24'], '192.0.2.1', '2001:db8::1'],
  ['1: what can be reached', ['fd00::1/64'], '2001:db8::1', '192.0.2.1'],
  ['2: matching scope', ['2001:db8::2/64', 'fe80::1/64', '169.254.13.78/16'], '2001:db8:1::1', '198.51.100.121'],
  ['2: matching scope', ['fe80::1/64', '198.51.100.117/24'], '198.51.100.121', '2001:db8:1::1'],
  ['5: matching label', ['2002:c633:6401::2/64', 'fe80::2/64'], '2002:c633:6401::1', '2001:db8:1::1'],
  ['5: matching label', ['fd00::1/64', '10.0.0.1/24'], 'fd00::2', '2001:db8::1'],
  ['5: matching label', ['fd00::1/64', '10.0.0.1/24'], '192.0.2.1', '2001:db8::1'],
  ['6: higher precedence', ['2001:db8::2/64', 'fe80::1/64', '10.1.2.4/24'], '2001:db8:1::1', '10.1.2.3'],
  [
    '6: higher precedence',
    ['2002:c633:6401::2/64', '2001:db8:1::2/64', 'fe80::2/64'],
    '2001:db8:1::1',
    '2002:c633:6401::1',
  ],
  ['6: higher precedence', ['fd00::1/64', '10.0.0.1/24'], '10.0.0.2', 'fd00::2'],
  ['6: higher precedence', ['2001:db8::2/64', '10.0.0.1/24', '2001:0:1::1/64'], '10.0.0.2', '2001:0:1::2'],
  ['6: loopback before all', ['2001:db8::2/64'], '::1', '2001:db8::9'],
  ['8: smaller scope', ['2001:db8::2/64', 'fe80::2/64'], 'fe80::1', '2001:db8:1::1'],
  ['8: smaller scope', ['2001:db8::2/64', 'fe80::2/64'], 'fe80:8000::1', '2001:db8::99'],
  [
    '9: the longest common prefix',
    ['2001:db8::2/64', '2001:db8:3f44::2/64', 'fe80::2/64'],
    '2001:db8:3f44::1',
    '2001:db8:8000::1',
  ],
  ['9: the longest common prefix', ['2001:db8::2/64'], '2001:db8::99', '2001:db8:1::1'],
];
for (const [rule, own, first, second] of preferences) {
  test(`RFC 6724 section 6, rule ${rule}: with ${own.join(' and ')}, ${first} is before ${second}`, (t) => {
    t.deepEqual(ordered(own, [first, second]), [first, second]);
    t.deepEqual(ordered(own, [second, first]), [first, second]);
  });
}

test('RFC 6724 section 6, rule 10: what no rule tells apart stays as it was', (t) => {
  const own = ['2001:db8::2/64', '10.0.0.1/24'];
  for (const list of [
    ['192.0.2.1', '198.51.100.1', '10.0.0.7', '192.0.2.1'],
    ['2001:db8::a', '2001:db8::b', '2001:db8::ffff:1'],
    ['2001:db8::ffff:1', '2001:db8::b', '2001:db8::a'],
  ])
    t.deepEqual(ordered(own, list), list);
});

test('The order does not depend on the order before it, and nothing is lost, nor the list changed', (t) => {
  const all = [
    '::1',
    '2001:db8::1',
    '2001:db8:f000::1',
    'fd00::1',
    '2002:a00:1::1',
    '10.0.0.9',
    'fe80::1',
    '2001::1',
  ].map((text) => parseAddress(text)!);
  const own = new Map([
    [true, parseAddress('10.0.0.1')!],
    [false, parseAddress('2001:db8::2')!],
  ]);
  const source = (to: Address): Address | null => (formatAddress(to).startsWith('fd') ? null : own.get(to.isV4)!);
  const sorted = orderDestinations(all, source).map(formatAddress);
  for (let turn = 1; turn < all.length; turn++) {
    const turned = [...all.slice(turn), ...all.slice(0, turn)];
    const before = turned.map(formatAddress);
    t.deepEqual(orderDestinations(turned, source).map(formatAddress), sorted);
    t.deepEqual(turned.map(formatAddress), before);
  }
  t.deepEqual(sorted.toSorted(), all.map(formatAddress).toSorted());
  t.is(sorted.at(-1), 'fd00::1');
});

test('getaddrinfo and connect go by that order', async (t) => {
  const { here } = stage();
  t.deepEqual(addresses(await here.getaddrinfo('many.test', 80, 0, SOCK_STREAM)), [
    '10.0.0.8',
    '10.0.0.9',
    'fd00::8',
    'fd00::9',
  ]);
  const { own } = hostWith('2001:db8::2/64', '10.0.0.1/24');
  t.deepEqual(addresses(await own.getaddrinfo('many.test', 80, 0, SOCK_STREAM)), [
    '10.0.0.8',
    '10.0.0.9',
    'fd00::8',
    'fd00::9',
  ]);
  const { own: onlyV6 } = hostWith('fd00::1/64');
  t.deepEqual(addresses(await onlyV6.getaddrinfo('many.test', 80, 0, SOCK_STREAM)), [
    'fd00::8',
    'fd00::9',
    '10.0.0.8',
    '10.0.0.9',
  ]);
});

// glibc --------------------------------------------------------------------------------------------------------------------

/** The queries that glibc and we do not answer alike. The order of several addresses depends on those of the machine: not compared. */
async function differing(queries: Iterable<Query>): Promise<string[]> {
  const different: string[] = [];
  for (const query of queries) {
    const [theirs, ours] = [glibc!(...query), brief(await module.getaddrinfo(...query))].map((answer) =>
      JSON.stringify(query[0] === null && Array.isArray(answer) ? answer.toSorted() : answer),
    );
    if (theirs !== ours) different.push(`${JSON.stringify(query)}: glibc ${theirs}, ours ${ours}`);
  }
  return different.slice(0, 10);
}

/** All unions of these flags. */
const unions = (flags: readonly number[]): number[] =>
  Array.from({ length: 2 ** flags.length }, (_, set) =>
    flags.reduce((all, flag, bit) => (((set >> bit) & 1) === 1 ? all | flag : all), 0),
  );

/** Texts that are addresses, or nearly so: AI_NUMERICHOST keeps those that are not from being looked for. */
const texts: readonly (string | null)[] = [
  ...[
    null,
    '*',
    '127.0.0.1',
    '10.0.0.1',
    '127.1',
    '1.65535',
    '1.2.65535',
    '1.2.65536',
    '0x7f.1',
    '0X7F.0x1',
    '010.0.0.1',
    '0',
    '00',
    '08',
  ],
  ...[
    '4294967295',
    '4294967296',
    '0xffffffff',
    '0x1ffffffff',
    '037777777777',
    '040000000000',
    '255.255.255.255',
    '0.0.0.0',
  ],
  ...[
    '256.1.1.1',
    '1.2.3.256',
    '1.2.3.',
    '.1.2.3',
    '1..2',
    '1.2.3.4.5',
    '1.2.3.4 ',
    ' 1.2.3.4',
    '+1',
    '-1',
    '1e3',
    '0x',
    'a.b',
    'localhost',
  ],
  ...[
    '::',
    '::1',
    '2001:db8::1',
    '2001:DB8:0::1',
    '1:2:3:4:5:6:7:8',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '::1::',
    '12345::',
    '[::1]',
  ],
  ...[
    '::10.0.0.1',
    '::ffff:0:10.0.0.1',
    '64:ff9b::10.0.0.1',
    '::10.0.0.01',
    '::10.0.0',
    '1::2:3:4:5:6:7:8',
    ':1',
    '1:',
    ':::',
  ],
  ...['fe80::1', 'fe80::1%1', 'fe80::1%77', 'ff02::1%1', '', '::ffff:10.0.0.1'],
];
for (const host of texts) {
  if (glibc === null) continue;
  test(`glibc and we answer alike about ${JSON.stringify(host)}, whatever the family and the flags`, async (t) => {
    const queries: Query[] = [];
    for (const family of [0, 1, 2, 10, 77])
      for (const port of [null, '80'])
        for (const [socktype, protocol] of [
          [0, 0],
          [1, 0],
          [2, 17],
        ] as const)
          for (const flags of unions([AI_PASSIVE, AI_CANONNAME, AI_V4MAPPED, AI_ALL, AI_NUMERICSERV, 0x800]))
            queries.push([host, port, family, socktype, protocol, flags | AI_NUMERICHOST]);

    t.deepEqual(await differing(queries), []);
  });
}

/** Services by number and name; which names glibc knows depends on the machine's file. */
const ports = [
  null,
  '',
  '*',
  '+80',
  '-0',
  '0',
  '80',
  '65535',
  ' 80',
  '080',
  '80 ',
  '0x50',
  '8 0',
  'nosuchservice',
  'HTTP',
];
const known = ['http', 'domain', 'ssh', 'echo'].filter(
  (name) => glibc !== null && Array.isArray(glibc('10.0.0.1', name, 2, 1, 0, AI_NUMERICHOST)),
);

function* servicesWith(port: string | null, socktypes: readonly number[], flags: readonly number[]): Iterable<Query> {
  for (const host of [null, '10.0.0.1', 'fd00::1'])
    for (const socktype of socktypes)
      for (const protocol of [0, 1, 6, 17, 255, -1]) {
        // Raw sockets, and what becomes one by its protocol, have a test of their own.
        const isRaw = socktype === SOCK_RAW || (socktype === 0 && ![0, 6, 17].includes(protocol));
        if (isRaw !== socktypes.includes(SOCK_RAW) && port !== null) continue;
        for (const flag of flags) yield [host, port, 0, socktype, protocol, flag | AI_NUMERICHOST];
      }
}

for (const port of [...ports, ...known]) {
  if (glibc === null) continue;
  test(`glibc and we answer alike about the service ${JSON.stringify(port)}, whatever the kind of socket`, async (t) => {
    t.deepEqual(await differing(servicesWith(port, [0, SOCK_STREAM, SOCK_DGRAM, 4, 10, -1], [0, AI_PASSIVE])), []);
    t.deepEqual(await differing(servicesWith(port, [0, SOCK_STREAM, SOCK_DGRAM], [AI_NUMERICSERV])), []);
  });
}

if (glibc !== null) {
  for (const port of [...ports, ...known]) {
    test(`glibc and we answer alike about the service ${JSON.stringify(port)} of raw sockets`, async (t) => {
      t.deepEqual(await differing(servicesWith(port, [SOCK_RAW], [0, AI_NUMERICSERV])), []);
    });
  }

  test('glibc and we look at AI_NUMERICSERV before the kind of socket', async (t) => {
    t.deepEqual(await differing(servicesWith('http', [4, 10, -1], [AI_NUMERICSERV])), []);
  });

  test('Meant to differ: a scope is for link-local addresses only (RFC 4007), and has to be one', async (t) => {
    for (const host of ['2001:db8::1%5', '::ffff:10.0.0.1%1']) {
      t.true(Array.isArray(glibc(host, '80', 0, 1, 0, AI_NUMERICHOST)));
      t.is((await module.getaddrinfo(host, '80', 0, 1, 0, AI_NUMERICHOST))[1], NOBODY);
    }
    for (const host of ['2001:db8::1%x', 'fe80::1%', 'fe80::1%x']) {
      t.is(glibc(host, '80', AF_INET, 1, 0, AI_NUMERICHOST), OTHER_FAMILY);
      t.is(glibc(host, '80', 0, 1, 0, AI_NUMERICHOST), NOBODY);
      for (const family of [0, AF_INET, AF_INET6])
        t.is((await module.getaddrinfo(host, '80', family, 1, 0, AI_NUMERICHOST))[1], NOBODY);
    }
  });

  test('Meant to differ: protocols that this stack has not, flags that AI_MASK has not, ports that wrap', async (t) => {
    const both = async (...query: Query) => [Array.isArray(glibc(...query)), (await module.getaddrinfo(...query))[1]];
    t.deepEqual(await both('10.0.0.1', '80', 0, 5, 0, 0), [true, NO_SUCH_TYPE]); // SCTP
    t.deepEqual(await both('10.0.0.1', '80', 0, 6, 0, 0), [true, NO_SUCH_TYPE]); // DCCP
    t.deepEqual(await both('10.0.0.1', '80', 0, SOCK_DGRAM, 136, 0), [true, NO_SUCH_TYPE]); // UDP-Lite
    t.deepEqual(await both('10.0.0.1', '80', 0, 0, 0, 0x40), [true, BAD_FLAGS]); // AI_IDN
    t.deepEqual(glibc('10.0.0.1', '70000', 0, 1, 0, 0), ['2 1 6 10.0.0.1 4464 0']);
    await t.throwsAsync(module.getaddrinfo('10.0.0.1', '70000'), { instanceOf: RangeError });
  });
}
