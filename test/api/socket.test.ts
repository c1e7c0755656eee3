/** The documented socket module over two simulated hosts, in virtual time. Section numbers are those of the API's meaning. */
import test from 'ava';
import { createSocketModule, type Socket, type SocketAddress, type SocketModule } from '../../src/api/index.ts';
import { type Pair, type PairSettings, pair } from '../../src/sim/index.ts';
import { ms, seconds } from '../../src/stack/index.ts';

/** What differs between the families: the same tests run for both. */
interface Family {
  readonly name: 'IPv4' | 'IPv6';
  readonly client: string;
  readonly server: string;
  readonly any: string;
  readonly loopback: string;
  readonly notOurs: string;
  readonly elsewhere: string;
  /** Octets of the longest datagram. */
  readonly most: number;
}

const families: readonly Family[] = [
  {
    name: 'IPv4',
    client: '10.0.0.1',
    server: '10.0.0.2',
    any: '0.0.0.0',
    loopback: '127.0.0.1',
    notOurs: '10.0.0.9',
    elsewhere: '192.0.2.1',
    most: 65_507,
  },
  {
    name: 'IPv6',
    client: 'fd00::1',
    server: 'fd00::2',
    any: '::',
    loopback: '::1',
    notOurs: 'fd00::9',
    elsewhere: '2001:db8::1',
    most: 65_527,
  },
];

/** The module with `tcp` and `udp` making sockets of the family under test. */
function moduleFor(family: Family, module: SocketModule): SocketModule {
  const number = family.name === 'IPv4' ? module.AF_INET : module.AF_INET6;
  return {
    ...module,
    tcp: () => module.socket(number, module.SOCK_STREAM),
    udp: () => module.socket(number, module.SOCK_DGRAM),
  };
}

/** An address as `getsockname` and its like tell it. */
const nameOf = ({ name }: Family, host: string, port: number): SocketAddress =>
  name === 'IPv4' ? [host, port] : [host, port, 0, 0];

interface Stage extends Pair {
  readonly family: Family;
  readonly here: SocketModule;
  readonly there: SocketModule;
  /** Lets virtual time pass until the promise is settled. */
  until<T>(promise: Promise<T>): Promise<T>;
}

function stage(family: Family = families[0]!, settings: PairSettings = { link: { delay: ms(10) } }): Stage {
  const made = pair(settings);
  const names = { hosts: { Server: '10.0.0.2' } };
  return {
    ...made,
    family,
    here: moduleFor(family, createSocketModule(made.client, names)),
    there: moduleFor(family, createSocketModule(made.server, names)),
    until: (promise) => made.network.until(promise),
  };
}

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

const portOf = (socket: Socket): number => Number(unwrap(socket.getsockname())[1]);

function unwrap<T>([value, error]: readonly [T | null, string | null, ...unknown[]]): T {
  if (error !== null) throw new Error(error);
  return value as T;
}

/** A listener on port 80 of the server. */
async function listening({ there, until }: Stage, backlog = 8): Promise<Socket> {
  const listener = unwrap(there.tcp());
  unwrap(await until(listener.bind('', 80)));
  unwrap(listener.listen(backlog));
  return listener;
}

/** A connection from the client to the server. */
async function connected(on: Stage): Promise<{ client: Socket; server: Socket; listener: Socket }> {
  const listener = await listening(on);
  const client = unwrap(on.here.tcp());
  unwrap(await on.until(client.connect(on.family.server, 80)));
  const server = unwrap(await on.until(listener.accept()));
  return { client, server, listener };
}

test('1.2: socket() refuses what Linux refuses, with the text of Linux', (t) => {
  const { here } = stage();
  const { AF_INET, SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_RDM, SOCK_SEQPACKET } = here;

  t.is(here.socket(AF_INET, SOCK_STREAM)[1], null);
  t.is(here.socket(AF_INET, SOCK_STREAM, 6)[1], null);
  t.is(here.socket(AF_INET, SOCK_DGRAM, 17)[1], null);
  t.is(here.socket(AF_INET, SOCK_RAW)[1], 'Protocol not supported');
  t.is(here.socket(AF_INET, SOCK_STREAM, 17)[1], 'Protocol not supported');
  t.is(here.socket(AF_INET, SOCK_RDM)[1], 'Socket type not supported');
  t.is(here.socket(AF_INET, SOCK_SEQPACKET)[1], 'Socket type not supported');
  t.is(here.socket(99, SOCK_STREAM)[1], 'Address family not supported by protocol');
});

test('1.2: sockets are limited in number', (t) => {
  const { client } = pair();
  const module = createSocketModule(client, { limit: 2 });
  const first = unwrap(module.tcp());
  module.tcp();

  t.is(module.udp()[1], 'Too many open files');
  first.close();
  t.is(module.udp()[1], null);
});

test('1.6: accept without a free descriptor is EMFILE at once, and the connection stays in the queue', async (t) => {
  const { network, client, server } = pair({ link: { delay: ms(10) } });
  const [here, there] = [createSocketModule(client), createSocketModule(server, { limit: 2 })];
  const [listener, last] = [unwrap(there.tcp()), unwrap(there.udp())];
  await listener.bind('', 80);
  listener.listen(1);
  const peer = unwrap(here.tcp());
  const tooMany = [null, 'Too many open files'] as const;
  t.deepEqual(await listener.accept(), tooMany);
  await network.until(peer.connect('10.0.0.2', 80));
  await peer.write('still there');
  t.deepEqual(await listener.accept(), tooMany);
  t.is(listener.lastError?.code, 'EMFILE');
  last.close();

  const accepted = unwrap(await network.until(listener.accept()));
  t.is(new TextDecoder().decode((await network.until(accepted.read(100)))[0]), 'still there');
});

test('1.6: an accept that waits is EMFILE when the last descriptor has been taken meanwhile', async (t) => {
  const { network, client, server } = pair({ link: { delay: ms(10) } });
  const [here, there] = [createSocketModule(client), createSocketModule(server, { limit: 2 })];
  const listener = unwrap(there.tcp());
  await listener.bind('', 80);
  listener.listen(1);
  const accepting = listener.accept();
  const taken = unwrap(there.udp());
  await network.until(unwrap(here.tcp()).connect('10.0.0.2', 80));
  t.deepEqual(await network.until(accepting), [null, 'Too many open files']);
  taken.close();

  t.is((await network.until(listener.accept()))[1], null);
});

test('1.4: a host may be a number, a name of the hosts table, or any form that inet_aton takes', async (t) => {
  const on = stage();
  const addressOf = async (host: string | number): Promise<unknown> => {
    const socket = unwrap(on.here.udp());
    const [, error] = await on.until(socket.connect(host, 9));
    return error ?? unwrap(socket.getpeername())[0];
  };

  t.is(await addressOf(0x0a000002), '10.0.0.2');
  t.is(await addressOf('167772162'), '10.0.0.2');
  t.is(await addressOf('10.2'), '10.0.0.2');
  t.is(await addressOf('0xa.0.02'), '10.0.0.2');
  t.is(await addressOf('012.0.0.2'), '10.0.0.2');
  t.is(await addressOf('server'), '10.0.0.2');
  t.is(await addressOf('localhost'), '127.0.0.1');
  t.is(await addressOf('10.0.0.256'), 'Name or service not known');
  t.is(await addressOf('10.0.0.0.2'), 'Name or service not known');
  t.is(await addressOf('unheard.of'), 'Name or service not known');
});

test('1.14: the constants are those of Linux, and the document’s own', (t) => {
  const { here } = stage();

  t.like(here, {
    AF_INET: 2,
    AF_INET6: 10,
    AF_UNIX: 1,
    SOCK_STREAM: 1,
    SOCK_DGRAM: 2,
    SOCK_RAW: 3,
    SOCK_RDM: 4,
    SOCK_SEQPACKET: 5,
  });
  t.like(here, { AI_PASSIVE: 1, AI_CANONNAME: 2, AI_NUMERICHOST: 4, AI_V4MAPPED: 8, AI_ALL: 16, AI_ADDRCONFIG: 32 });
  t.like(here, { AI_NUMERICSERV: 0x400, AI_V4MAPPED_CFG: 0x200, AI_DEFAULT: 0x220, AI_MASK: 0x63f });
  t.like(here, { INADDR_ANY: 0, INADDR_LOOPBACK: 0x7f000001, INADDR_BROADCAST: 0xffffffff, INADDR_NONE: 0xffffffff });
  t.like(here, {
    INADDR_UNSPEC_GROUP: 0xe0000000,
    INADDR_ALLHOSTS_GROUP: 0xe0000001,
    INADDR_MAX_LOCAL_GROUP: 0xe00000ff,
  });
  t.like(here, { TCP_NODELAY: 1, TCP_KEEPALIVE: 4, SHUT_RD: 0, SHUT_WR: 1, SHUT_RDWR: 2, SOMAXCONN: 4096 });
  t.like(here, { ERROR_TIMEOUT: 'Operation timed out', ERROR_CLOSED: 'Connection closed' });
});

for (const family of families) {
  test(`1.9: descriptors are the lowest free numbers from 3 on, and -1 once closed (${family.name})`, (t) => {
    const { here } = stage(family);
    const [a, b, c] = [here.tcp(), here.udp(), here.tcp()].map((result) => unwrap<Socket>(result)) as [
      Socket,
      Socket,
      Socket,
    ];

    t.deepEqual([a.fileno(), b.fileno(), c.fileno()], [3, 4, 5]);
    b.close();
    b.close();
    t.is(b.fileno(), -1);
    t.is(String(a), '<socket: 3>');
    t.is(unwrap(here.tcp()).fileno(), 4);
  });

  test(`1.9, MAY-1: every call on a closed socket fails with EBADF (${family.name})`, async (t) => {
    const { here, until } = stage(family);
    const socket = unwrap(here.tcp());
    socket.close();

    t.is((await until(socket.connect(family.server, 80)))[1], 'Bad file descriptor');
    t.is((await until(socket.write('x')))[1], 'Bad file descriptor');
    t.deepEqual(await until(socket.read(1)), [new Uint8Array(0), 'Bad file descriptor']);
    t.is(socket.getsockname()[1], 'Bad file descriptor');
    t.is(socket.shutdown(here.SHUT_WR)[1], 'Bad file descriptor');
    t.deepEqual(socket.lastError, { code: 'EBADF', errno: 9, syscall: 'shutdown' });
  });

  test(`a connection carries text both ways and ends in order (${family.name})`, async (t) => {
    const on = stage(family);
    const { client, server } = await connected(on);

    t.deepEqual(await on.until(client.write('hello')), [5, null]);
    t.is(text((await on.until(server.read(1024)))[0]), 'hello');
    t.deepEqual(await on.until(server.write(new Uint8Array([1, 2, 3]))), [3, null]);
    t.deepEqual([...(await on.until(client.read(2)))[0]], [1, 2]);
    t.deepEqual([...(await on.until(client.read(2)))[0]], [3]);
    client.close();
    t.deepEqual(await on.until(server.read(1)), [new Uint8Array(0), on.there.ERROR_CLOSED]);
    server.close();
    on.network.run(seconds(61));
    t.is([...on.client.stack.tcp.connections(), ...on.server.stack.tcp.connections()].length, 0);
  });

  test(`1.4: names of both ends are [host, port] pairs (${family.name})`, async (t) => {
    const on = stage(family);
    const fresh = unwrap(on.here.tcp());

    t.deepEqual(fresh.getsockname(), [nameOf(family, family.any, 0), null]);
    t.is(fresh.getpeername()[1], 'Transport endpoint is not connected');
    const { client, server, listener } = await connected(on);
    t.deepEqual(client.getpeername(), [nameOf(family, family.server, 80), null]);
    t.deepEqual(server.getpeername(), client.getsockname());
    t.deepEqual(server.getsockname(), [nameOf(family, family.server, 80), null]);
    t.deepEqual(listener.getsockname(), [nameOf(family, family.any, 80), null]);
  });

  test(`1.4: ports outside of 0 to 65535 and arguments of wrong types throw (${family.name})`, async (t) => {
    const { here } = stage(family);
    const socket = unwrap(here.tcp());

    await t.throwsAsync(socket.connect(family.server, 65_536), { instanceOf: RangeError });
    await t.throwsAsync(socket.bind(family.client, -1), { instanceOf: RangeError });
    await t.throwsAsync(socket.bind(family.client, 1.5), { instanceOf: RangeError });
    t.is((await socket.connect(family.server, 'no service'))[1], 'Servname not supported for ai_socktype');
    await t.throwsAsync(socket.connect(undefined as never, 80), { instanceOf: TypeError });
    await t.throwsAsync(socket.write(7 as never), { instanceOf: TypeError });
    t.throws(() => socket.settimeout(Number.NaN), { instanceOf: TypeError });
    t.throws(() => socket.settimeout('1' as never), { instanceOf: TypeError });
  });

  test(`1.5: a refused connection says so, after one round trip (${family.name})`, async (t) => {
    const on = stage(family);
    const socket = unwrap(on.here.tcp());

    t.deepEqual(await on.until(socket.connect(family.server, 81)), [null, 'Connection refused']);
    t.is(on.network.now, ms(20));
  });

  test(`1.5: a connect that waits longer than the timeout says ERROR_TIMEOUT and goes on by itself (${family.name})`, async (t) => {
    const on = stage(family);
    await listening(on);
    on.link.forward.filter = (_bytes, _length, index) => index === 0;
    const socket = unwrap(on.here.tcp());
    socket.settimeout(0.5);

    t.deepEqual(await on.until(socket.connect(family.server, 80)), [null, on.here.ERROR_TIMEOUT]);
    t.is(on.network.now, ms(500));
    socket.settimeout(-1);
    t.deepEqual(await on.until(socket.connect(family.server, 80)), [true, null]);
    t.is(on.network.now, ms(1020));
  });

  test(`1.5: without waiting, connect says EINPROGRESS, EALREADY, and then EISCONN (${family.name})`, async (t) => {
    const on = stage(family);
    await listening(on);
    const socket = unwrap(on.here.tcp());
    socket.setblocking(false);

    t.is((await socket.connect(family.server, 80))[1], 'Operation now in progress');
    t.is((await socket.connect(family.server, 80))[1], 'Operation already in progress');
    on.network.run(ms(100));
    t.is((await socket.connect(family.server, 80))[1], null);
    t.is((await socket.connect(family.server, 80))[1], 'Transport endpoint is already connected');
  });

  test(`1.5, MUST-22, MUST-23: a peer that never answers is given up after the SYN and six more: ERROR_TIMEOUT (${family.name})`, async (t) => {
    const on = stage(family);
    on.link.forward.filter = () => true;
    const socket = unwrap(on.here.tcp());

    t.deepEqual(await on.until(socket.connect(family.server, 80)), [null, on.here.ERROR_TIMEOUT]);
    t.is(on.network.now, seconds(127));
  });

  test(`1.5: there is no route to a network that no interface is on (${family.name})`, async (t) => {
    const on = stage(family);
    const socket = unwrap(on.here.tcp());

    t.is((await on.until(socket.connect(family.elsewhere, 80)))[1], 'Network is unreachable');
  });

  test(`1.6: bind takes a free port for 0, and refuses strange addresses, taken ports and a second time (${family.name})`, async (t) => {
    const on = stage(family);
    const [a, b, c] = [on.here.tcp(), on.here.tcp(), on.here.tcp()].map((result) => unwrap<Socket>(result)) as [
      Socket,
      Socket,
      Socket,
    ];

    t.is((await a.bind(family.client, 0))[1], null);
    const port = portOf(a);
    t.true(port >= 32_768 && port <= 60_999);
    t.is((await a.bind(family.client, 0))[1], 'Invalid argument');
    t.is((await b.bind(family.notOurs, 0))[1], 'Cannot assign requested address');
    unwrap(a.listen(1));
    t.is((await c.bind(family.client, port))[1], 'Address already in use');
    a.close();
    t.is((await c.bind(family.client, port))[1], null);
  });

  test(`1.6: a backlog of n lets n + 1 connections finish before accept (${family.name})`, async (t) => {
    for (const backlog of [0, 1, 5]) {
      const on = stage(family);
      const listener = await listening(on, backlog);
      const sockets = Array.from({ length: 10 }, () => unwrap(on.here.tcp()));
      for (const socket of sockets) socket.settimeout(0.5);
      await on.until(Promise.all(sockets.map((socket) => socket.connect(family.server, 80))));
      on.network.run(ms(100));
      listener.settimeout(0);
      let accepted = 0;
      while ((await listener.accept())[1] === null) accepted++;

      t.is(accepted, backlog + 1);
    }
  });

  test(`1.6: accept waits, times out, says EAGAIN without waiting and EINVAL without listen (${family.name})`, async (t) => {
    const on = stage(family);
    const listener = await listening(on);
    listener.settimeout(0.2);

    t.deepEqual(await on.until(listener.accept()), [null, on.there.ERROR_TIMEOUT]);
    t.is(on.network.now, ms(200));
    listener.settimeout(0);
    t.is((await listener.accept())[1], 'Resource temporarily unavailable');
    t.is((await unwrap(on.there.tcp()).accept())[1], 'Invalid argument');
    t.is((await unwrap(on.there.udp()).accept())[1], 'Operation not supported');
    t.is(unwrap(on.there.udp()).listen(1)[1], 'Operation not supported');
  });

  test(`1.6: an accepted socket waits without limit, whatever the listener does (${family.name})`, async (t) => {
    const on = stage(family);
    const listener = await listening(on);
    const client = unwrap(on.here.tcp());
    unwrap(await on.until(client.connect(family.server, 80)));
    listener.settimeout(0.25);

    t.is(unwrap(await on.until(listener.accept())).gettimeout(), -1);
  });

  test(`1.6: listen binds an unbound socket to a free port (${family.name})`, (t) => {
    const { there } = stage(family);
    const listener = unwrap(there.tcp());

    t.is(listener.listen(1)[1], null);
    t.true(portOf(listener) >= 32_768);
  });

  test(`what arrives before accept is not lost (${family.name})`, async (t) => {
    const on = stage(family);
    const listener = await listening(on);
    const client = unwrap(on.here.tcp());
    unwrap(await on.until(client.connect(family.server, 80)));
    unwrap(await on.until(client.write('early')));
    client.close();
    on.network.run(seconds(5));
    const server = unwrap(await on.until(listener.accept()));

    t.is(text((await on.until(server.read(100)))[0]), 'early');
    t.is((await on.until(server.read(100)))[1], on.there.ERROR_CLOSED);
  });

  test(`1.7: write waits until everything is in the send buffer, and the reader gets every octet in order (${family.name})`, async (t) => {
    const on = stage(family);
    const { client, server } = await connected(on);
    const data = Uint8Array.from({ length: 3_000_000 }, (_, index) => (index * 31) >> 3);
    let isWritten = false;
    const writing = client.write(data).then((result) => {
      isWritten = true;
      return result;
    });
    on.network.run(seconds(60));

    t.false(isWritten);
    const got = new Uint8Array(data.length);
    let length = 0;
    while (length < got.length) {
      const [piece] = await on.until(server.read(100_000));
      got.set(piece, length);
      length += piece.length;
    }
    t.deepEqual(await on.until(writing), [data.length, null]);
    t.is(Buffer.compare(got, data), 0);
  });

  test(`1.7: writes that nobody awaited keep their order (${family.name})`, async (t) => {
    const on = stage(family);
    const { client, server } = await connected(on);
    const pieces = ['a', 'b', 'c'].map((letter) => letter.repeat(900_000));
    const writing = Promise.all(pieces.map((piece) => client.write(piece)));
    const reading = (async () => {
      let all = '';
      while (all.length < 2_700_000) all += text((await server.read(65_536))[0]);
      return all;
    })();

    t.is(await on.until(reading), pieces.join(''));
    t.deepEqual(await on.until(writing), [
      [900_000, null],
      [900_000, null],
      [900_000, null],
    ]);
  });

  test(`1.7: a write that times out tells what was accepted before (${family.name})`, async (t) => {
    const on = stage(family);
    const { client } = await connected(on);
    client.settimeout(2);
    const [value, error, sent] = await on.until(client.write(new Uint8Array(5_000_000)));

    t.is(value, null);
    t.is(error, on.here.ERROR_TIMEOUT);
    t.true(sent !== undefined && sent >= 256 << 10 && sent < 2_000_000);
  });

  test(`1.7: without waiting, write takes what fits, then says EAGAIN (${family.name})`, async (t) => {
    const on = stage(family);
    const { client } = await connected(on);
    client.setblocking(0);
    const sent = unwrap<number>(await client.write(new Uint8Array(5_000_000)));

    t.is(sent, 262_144);
    t.is((await client.write('x'))[1], 'Resource temporarily unavailable');
  });

  test(`1.7: write on an unconnected socket: ERROR_CLOSED on a stream, EDESTADDRREQ on a datagram socket (${family.name})`, async (t) => {
    const { here } = stage(family);

    t.is((await unwrap(here.tcp()).write('x'))[1], here.ERROR_CLOSED);
    t.is((await unwrap(here.udp()).write('x'))[1], 'Destination address required');
  });

  test(`1.8: read: nothing for 0, a timeout, EAGAIN, ENOTCONN, and always data (${family.name})`, async (t) => {
    const on = stage(family);
    const { client } = await connected(on);
    const none = new Uint8Array(0);

    t.deepEqual(await on.until(client.read(0)), [none, null]);
    client.settimeout(0.3);
    const before = on.network.now;
    t.deepEqual(await on.until(client.read(10)), [none, on.here.ERROR_TIMEOUT]);
    t.is(on.network.now - before, ms(300));
    client.settimeout(0);
    t.deepEqual(await client.read(10), [none, 'Resource temporarily unavailable']);
    t.deepEqual(await unwrap(on.here.tcp()).read(10), [none, 'Transport endpoint is not connected']);
  });

  test(`1.8, MUST-12: after a reset, what had come is read first, then ECONNRESET once, then the end (${family.name})`, async (t) => {
    const on = stage(family);
    const { client, server } = await connected(on);
    unwrap(await on.until(client.write('unread'))); // makes the server's close a reset
    unwrap(await on.until(server.write('last words')));
    on.network.run(ms(100));
    server.close();
    on.network.run(ms(100));

    t.is(text((await on.until(client.read(100)))[0]), 'last words');
    t.is((await on.until(client.read(100)))[1], 'Connection reset by peer');
    t.is((await on.until(client.read(100)))[1], on.here.ERROR_CLOSED);
    t.is((await on.until(client.write('x')))[1], on.here.ERROR_CLOSED);
  });

  test(`1.9: closing wakes whoever waits, with EBADF (${family.name})`, async (t) => {
    const on = stage(family);
    const { client, listener } = await connected(on);
    const reading = client.read(10);
    const accepting = listener.accept();
    client.close();
    listener.close();

    t.is((await on.until(reading))[1], 'Bad file descriptor');
    t.is((await on.until(accepting))[1], 'Bad file descriptor');
  });

  test(`1.9: shutdown: the other direction goes on; wrong arguments and unconnected sockets are refused (${family.name})`, async (t) => {
    const on = stage(family);
    const { client, server } = await connected(on);

    t.is(client.shutdown(7)[1], 'Invalid argument');
    t.is(unwrap(on.here.tcp()).shutdown(on.here.SHUT_RDWR)[1], 'Transport endpoint is not connected');
    t.is(client.shutdown(on.here.SHUT_WR)[1], null);
    t.is((await on.until(client.write('x')))[1], on.here.ERROR_CLOSED);
    t.is((await on.until(server.read(10)))[1], on.there.ERROR_CLOSED);
    unwrap(await on.until(server.write('still here')));
    t.is(text((await on.until(client.read(100)))[0]), 'still here');
    client.shutdown(on.here.SHUT_RD);
    t.is((await on.until(client.read(100)))[1], on.here.ERROR_CLOSED);
  });

  test(`1.9: closing a listener resets connections that nobody accepted (${family.name})`, async (t) => {
    const on = stage(family);
    const listener = await listening(on);
    const client = unwrap(on.here.tcp());
    unwrap(await on.until(client.connect(family.server, 80)));
    listener.close();

    t.is((await on.until(client.read(1)))[1], 'Connection reset by peer');
  });

  test(`1.10: setblocking and settimeout write the same value (${family.name})`, (t) => {
    const { here } = stage(family);
    const socket = unwrap(here.tcp());

    t.is(socket.gettimeout(), -1);
    socket.settimeout(2.5);
    t.is(socket.gettimeout(), 2.5);
    socket.setblocking(0);
    t.is(socket.gettimeout(), 0);
    socket.setblocking(true);
    t.is(socket.gettimeout(), -1);
    socket.settimeout(-7);
    t.is(socket.gettimeout(), -1);
  });

  test(`datagrams carry their sender, keep their borders, and may be empty (${family.name})`, async (t) => {
    const on = stage(family);
    const server = unwrap(on.there.udp());
    unwrap(await server.bind('', 53));
    const client = unwrap(on.here.udp());

    t.deepEqual(await on.until(client.sendto('one', family.server, 53)), [3, null]);
    t.deepEqual(await on.until(client.sendto('', family.server, '53')), [0, null]);
    const first = unwrap(await on.until(server.recvfrom(2)));
    t.is(text(first.data), 'on'); // the rest of a datagram is discarded
    t.is(first.address[0], family.client);
    t.is(first.address[1], portOf(client));
    t.deepEqual(await on.until(server.read(10)), [new Uint8Array(0), null]);
    t.deepEqual(await on.until(server.sendto('back', ...first.address)), [4, null]);
    t.is(text((await on.until(client.read(10)))[0]), 'back');
  });

  test(`1.5: a connected datagram socket hears its peer only, and a refusal once (${family.name})`, async (t) => {
    const on = stage(family);
    const client = unwrap(on.here.udp());
    unwrap(await client.connect(family.server, 7));
    unwrap(await client.write('anybody?'));
    on.network.run(ms(50));

    t.is((await client.write('again'))[1], 'Connection refused');
    t.is((await client.write('again'))[1], null);
    const stranger = unwrap(on.there.udp());
    unwrap(await stranger.sendto('psst', family.client, portOf(client)));
    on.network.run(seconds(1));
    client.settimeout(0);
    t.is((await client.read(10))[1], 'Connection refused'); // for the third datagram
    t.is((await client.read(10))[1], 'Resource temporarily unavailable');
  });

  test(`more datagrams than the send buffer holds wait for room (${family.name})`, async (t) => {
    const on = stage(family);
    const client = unwrap(on.here.udp());
    const sent = await on.until(Promise.all(Array.from({ length: 2000 }, () => client.sendto('x', family.server, 9))));

    t.true(sent.every(([octets]) => octets === 1));
    t.is(on.client.stack.counters.udpOutDatagrams, 2000);
  });

  test(`1.7: a datagram that cannot be is EMSGSIZE (${family.name})`, async (t) => {
    const { here } = stage(family);

    t.is((await unwrap(here.udp()).sendto(new Uint8Array(family.most + 1), family.loopback, 9))[1], 'Message too long');
    t.is((await unwrap(here.udp()).sendto(new Uint8Array(family.most), family.loopback, 9))[1], null);
  });

  test(`a host talks to itself over loopback, and nothing of it reaches a link (${family.name})`, async (t) => {
    const on = stage(family);
    const listener = await listening(on);
    const client = unwrap(on.there.tcp());
    unwrap(await on.until(client.connect('localhost', 80)));
    const server = unwrap(await on.until(listener.accept()));
    let packets = 0;
    on.link.forward.taps.push(() => packets++);
    on.link.backward.taps.push(() => packets++);
    unwrap(await on.until(client.write('inner voice')));

    t.is(text((await on.until(server.read(100)))[0]), 'inner voice');
    t.is(packets, 0);
  });
}
