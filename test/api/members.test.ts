/** What each member of the module does by itself, beside the longer stories of the other files; in virtual time. */
import test from 'ava';
import { createSocketModule, type Socket, texts } from '../../src/api/index.ts';
import { ms, pair, seconds } from '../../src/sim/index.ts';

const BAD = [null, 'Bad file descriptor'] as const;

function unwrap<T>([value, error]: readonly [T | null, string | null, ...unknown[]]): T {
  if (error !== null) throw new Error(error);
  return value as T;
}

function stage() {
  const { network, client, server } = pair({ link: { delay: ms(10) } });
  return { network, here: createSocketModule(client), there: createSocketModule(server) };
}

/** A connection, open at both ends. */
async function connected() {
  const { network, here, there } = stage();
  const listener = unwrap(there.tcp());
  await listener.bind('', 80);
  listener.listen(1);
  const client = unwrap(here.tcp());
  unwrap(await network.until(client.connect('10.0.0.2', 80)));
  const server = unwrap(await network.until(listener.accept()));
  return { network, here, there, listener, client, server };
}

/** SO_DOMAIN, SO_TYPE and SO_PROTOCOL. */
const kindOf = (socket: Socket): unknown[] => [39, 3, 38].map((option) => socket.getoption(1, option)[0]);

test('1.3: tcp() is socket(AF_INET, SOCK_STREAM), and udp() socket(AF_INET, SOCK_DGRAM)', (t) => {
  const { here } = stage();
  const { AF_INET, SOCK_STREAM, SOCK_DGRAM } = here;
  const [stream, datagrams] = [unwrap(here.tcp()), unwrap(here.udp())];

  t.deepEqual(kindOf(stream), [2, 1, 6]);
  t.deepEqual(kindOf(datagrams), [2, 2, 17]);
  t.deepEqual(kindOf(stream), kindOf(unwrap(here.socket(AF_INET, SOCK_STREAM))));
  t.deepEqual(kindOf(datagrams), kindOf(unwrap(here.socket(AF_INET, SOCK_DGRAM))));
  t.deepEqual(
    [stream, datagrams].map((socket) => socket.gettimeout()),
    [-1, -1],
  );
});

test('1.3: tcp and udp take another family, and refuse what socket refuses', (t) => {
  const { here } = stage();

  t.deepEqual(kindOf(unwrap(here.tcp(here.AF_INET6))), [10, 1, 6]);
  t.deepEqual(kindOf(unwrap(here.udp(here.AF_INET6))), [10, 2, 17]);
  t.deepEqual(kindOf(unwrap(here.tcp(here.AF_UNIX))), [1, 1, 0]);
  t.deepEqual(kindOf(unwrap(here.udp(here.AF_UNIX))), [1, 2, 0]);
  t.deepEqual(here.tcp(99), [null, 'Address family not supported by protocol']);
  t.deepEqual(here.udp(99), [null, 'Address family not supported by protocol']);
});

test('1.3: what tcp and udp make is for IPv4: IPv6 addresses are names that it does not know', async (t) => {
  const { here } = stage();

  for (const socket of [here.tcp(), here.udp()].map(unwrap<Socket>)) {
    t.is((await socket.connect('fd00::2', 80))[1], 'Address family for hostname not supported');
    t.deepEqual(socket.getsockname(), [['0.0.0.0', 0], null]);
  }
});

test('1.4: getsockname tells the address that a connection was given, and getpeername the other end’s', async (t) => {
  const { here, client, server, listener } = await connected();
  const own = client.getsockname()[0] as readonly [string, number];

  t.is(own[0], '10.0.0.1');
  t.true(own[1] >= 1024);
  t.deepEqual(client.getpeername(), [['10.0.0.2', 80], null]);
  t.deepEqual(server.getsockname(), [['10.0.0.2', 80], null]);
  t.deepEqual(server.getpeername(), [own, null]);
  t.deepEqual(listener.getsockname(), [['0.0.0.0', 80], null]);
  t.deepEqual(listener.getpeername(), [null, 'Transport endpoint is not connected']);
  const fresh = unwrap(here.udp());
  t.deepEqual(fresh.getsockname(), [['0.0.0.0', 0], null]);
  t.deepEqual(fresh.getpeername(), [null, 'Transport endpoint is not connected']);
  t.is(fresh.lastError?.errno, 107);
});

test('1.4: getsockname and getpeername of AF_INET6 have four values, IPv4 in its mapped form', async (t) => {
  const { here, there, network } = stage();
  const listener = unwrap(there.tcp(there.AF_INET6));
  await listener.bind('', 80);
  listener.listen(1);
  const client = unwrap(here.tcp(here.AF_INET6));
  await client.bind('', 5000);
  unwrap(await network.until(client.connect('::ffff:10.0.0.2', 80)));

  t.deepEqual(client.getsockname(), [['::ffff:10.0.0.1', 5000, 0, 0], null]);
  t.deepEqual(client.getpeername(), [['::ffff:10.0.0.2', 80, 0, 0], null]);
});

test('1.9: close returns nothing, is idempotent, sends what was written and a FIN, and gives the number back', async (t) => {
  const { network, client, server, here } = await connected();
  await client.write('bye');

  t.is(await client.close(), undefined);
  t.is(await client.close(), undefined);
  t.is(client.fileno(), -1);
  t.deepEqual(await client.write('more'), BAD);
  t.is(unwrap(here.tcp()).fileno(), 3);
  t.is(new TextDecoder().decode((await network.until(server.read(10)))[0]), 'bye');
  t.deepEqual(await network.until(server.read(10)), [new Uint8Array(0), here.ERROR_CLOSED]);
});

test('1.9: close with text that nobody has read resets', async (t) => {
  const { network, client, server } = await connected();
  await client.write('unread');
  network.run(ms(20));
  server.close();

  t.deepEqual(await network.until(client.read(10)), [new Uint8Array(0), 'Connection reset by peer']);
});

test('1.9: fileno is the lowest free number from 3 on, and what select takes', async (t) => {
  const { here, client, server, there } = await connected();

  t.is(client.fileno(), 3);
  t.is(server.fileno(), 4);
  const more = unwrap(here.udp());
  t.is(more.fileno(), 4);
  client.close();
  t.is(client.fileno(), -1);
  t.is(unwrap(here.udp()).fileno(), 3);
  t.deepEqual(await there.select([], [server.fileno()], null, 0), [[[], [4], []], null]);
});

test('1.10: gettimeout tells what settimeout and setblocking have set, -1 to begin with', (t) => {
  const { here } = stage();
  const socket = unwrap(here.tcp());

  t.is(socket.gettimeout(), -1);
  for (const [set, told] of [
    [2.5, 2.5],
    [0, 0],
    [-7, -1],
    [1e9, 1e9],
  ] as const) {
    socket.settimeout(set);
    t.is(socket.gettimeout(), told);
  }
  socket.setblocking(false);
  t.is(socket.gettimeout(), 0);
  socket.setblocking(true);
  t.is(socket.gettimeout(), -1);
});

test('1.10: settimeout ends accept, read and write, each call with a time of its own', async (t) => {
  const { network, listener, client, server } = await connected();
  const time = async (call: Promise<readonly unknown[]>): Promise<unknown[]> => {
    const start = network.now;
    const [, error] = await network.until(call);
    return [error, network.now - start];
  };
  for (const socket of [listener, client]) socket.settimeout(1.5);
  const late = ['Operation timed out', seconds(1.5)];

  t.deepEqual(await time(listener.accept()), late);
  t.deepEqual(await time(client.read(1)), late);
  t.deepEqual(await time(client.read(1)), late);
  t.deepEqual(await time(client.write(new Uint8Array(20_000_000))), late);
  t.is(server.gettimeout(), -1);
});

test('1.13: setoption returns true, getoption what was set; what there is not is ENOPROTOOPT', (t) => {
  const { here } = stage();
  const socket = unwrap(here.tcp());
  const { SOL_SOCKET, SO_KEEPALIVE, IPPROTO_TCP, TCP_NODELAY, TCP_KEEPALIVE } = here;

  t.deepEqual(socket.getoption(IPPROTO_TCP, TCP_NODELAY), [false, null]);
  t.deepEqual(socket.setoption(IPPROTO_TCP, TCP_NODELAY, 1), [true, null]);
  t.deepEqual(socket.getoption(IPPROTO_TCP, TCP_NODELAY), [true, null]);
  t.deepEqual(socket.setoption(SOL_SOCKET, SO_KEEPALIVE, true), [true, null]);
  t.deepEqual(socket.getoption(SOL_SOCKET, SO_KEEPALIVE), [true, null]);
  t.deepEqual(socket.setoption(IPPROTO_TCP, TCP_KEEPALIVE, 75), [true, null]);
  t.deepEqual(socket.getoption(IPPROTO_TCP, TCP_KEEPALIVE), [75, null]);
  t.deepEqual(socket.setoption(IPPROTO_TCP, 999, 1), [null, 'Protocol not available']);
  t.deepEqual(socket.getoption(IPPROTO_TCP, 999), [null, 'Protocol not available']);
  t.is(socket.lastError?.code, 'ENOPROTOOPT');
});

test('1.15: the texts of errors are Linux’s, but for the two that the document names', (t) => {
  t.like(texts, {
    EPERM: 'Operation not permitted',
    ENOENT: 'No such file or directory',
    EBADF: 'Bad file descriptor',
    EAGAIN: 'Resource temporarily unavailable',
    EACCES: 'Permission denied',
    EINVAL: 'Invalid argument',
    EMFILE: 'Too many open files',
    EPIPE: 'Connection closed',
    EDESTADDRREQ: 'Destination address required',
    EMSGSIZE: 'Message too long',
    ENOPROTOOPT: 'Protocol not available',
    EPROTONOSUPPORT: 'Protocol not supported',
    ESOCKTNOSUPPORT: 'Socket type not supported',
    EOPNOTSUPP: 'Operation not supported',
    EAFNOSUPPORT: 'Address family not supported by protocol',
    EADDRINUSE: 'Address already in use',
    EADDRNOTAVAIL: 'Cannot assign requested address',
    ENETUNREACH: 'Network is unreachable',
    ECONNABORTED: 'Software caused connection abort',
    ECONNRESET: 'Connection reset by peer',
    ENOBUFS: 'No buffer space available',
    EISCONN: 'Transport endpoint is already connected',
    ENOTCONN: 'Transport endpoint is not connected',
    ETIMEDOUT: 'Operation timed out',
    ECONNREFUSED: 'Connection refused',
    EHOSTUNREACH: 'No route to host',
    EALREADY: 'Operation already in progress',
    EINPROGRESS: 'Operation now in progress',
  });
});

test('1.15: lastError has the code, the number and the call behind a text', async (t) => {
  const { here, network } = stage();
  const socket = unwrap(here.tcp());

  t.is(socket.lastError, null);
  t.deepEqual(await network.until(socket.connect('10.0.0.2', 81)), [null, 'Connection refused']);
  t.deepEqual(socket.lastError, {
    code: 'ECONNREFUSED',
    errno: 111,
    syscall: 'connect',
    address: '10.0.0.2',
    port: 81,
  });
  t.deepEqual(await socket.write('x'), [null, here.ERROR_CLOSED]);
  t.like(socket.lastError, { code: 'EPIPE', errno: 32, syscall: 'write' });
});

test('1.15: that TCP has given up is the same text as that the user has: ERROR_TIMEOUT', async (t) => {
  const { network, client, server } = pair({ link: { delay: ms(10), loss: 1 } });
  const [here] = [createSocketModule(client), createSocketModule(server)];
  const socket = unwrap(here.tcp());
  socket.setoption(here.IPPROTO_TCP, here.TCP_SYNCNT, 1);

  t.deepEqual(await network.until(socket.connect('10.0.0.2', 80)), [null, here.ERROR_TIMEOUT]);
  t.like(socket.lastError, { code: 'ETIMEDOUT', errno: 110 });
});
