/** AF_UNIX by the documented module, in virtual time. Section numbers are those of the API's meaning. */
import test, { type ExecutionContext } from 'ava';
import { createSocketModule, type Socket, type SocketModule } from '../../src/api/index.ts';
import { type Host, Network } from '../../src/sim/index.ts';

const again = 'Resource temporarily unavailable';
const late = 'Operation timed out';
const ended = 'Connection closed';
const limit = 212_992;

interface Stage {
  readonly network: Network;
  readonly host: Host;
  readonly socket: SocketModule;
  /** Lets virtual time pass until the promise is settled. */
  until<T>(promise: Promise<T>): Promise<T>;
}

function stage(): Stage {
  const network = new Network();
  const host = network.host('one');
  return { network, host, socket: createSocketModule(host), until: (promise) => network.until(promise) };
}

function unwrap<T>([value, error]: readonly [T | null, string | null, ...unknown[]]): T {
  if (error !== null) throw new Error(error);
  return value as T;
}

const open = ({ socket }: Stage, type: number = socket.SOCK_STREAM): Socket =>
  unwrap(socket.socket(socket.AF_UNIX, type));

async function bound(on: Stage, type: number, path: string): Promise<Socket> {
  const made = open(on, type);
  unwrap(await made.bind(path));
  return made;
}

async function listening(on: Stage, backlog = 5, type: number = on.socket.SOCK_STREAM): Promise<Socket> {
  const listener = await bound(on, type, '/run/server');
  unwrap(listener.listen(backlog));
  return listener;
}

async function connected(on: Stage, type: number = on.socket.SOCK_STREAM): Promise<{ client: Socket; server: Socket }> {
  const listener = await listening(on, 5, type);
  const client = open(on, type);
  unwrap(await on.until(client.connect('/run/server')));
  return { client, server: unwrap(await on.until(listener.accept())) };
}

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** What `read` gives, as one string. */
async function told(on: Stage, socket: Socket, most = 100): Promise<string> {
  const [data, error] = await on.until(socket.read(most));
  return error ?? text(data);
}

/** The call is still waiting after ten seconds; `act` ends that. Returns its result. */
async function waits<T>(t: ExecutionContext, on: Stage, call: Promise<T>, act: () => unknown): Promise<T> {
  let isSettled = false;
  const settled = () => {
    isSettled = true;
  };
  call.then(settled, settled);
  await on.until(on.network.sleep(10_000_000));
  t.false(isSettled, 'it has not waited');
  await act();
  return on.until(call);
}

/** Reads until there is nothing. @returns the octets */
async function drain(socket: Socket): Promise<number> {
  let octets = 0;
  for (;;) {
    const [message] = await socket.recvfrom(limit, 0x40);
    if (message === null) return octets;
    octets += message.length;
  }
}

// 1.2 -----------------------------------------------------------------------------------------------------------------

test('1.2: AF_UNIX has streams, sequences and datagrams; SOCK_RAW becomes SOCK_DGRAM, the rest is refused', (t) => {
  const on = stage();
  const { AF_UNIX, SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_RDM, SOCK_SEQPACKET, SOL_SOCKET, SO_TYPE } = on.socket;

  for (const type of [SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET]) {
    t.is(unwrap(open(on, type).getoption(SOL_SOCKET, SO_TYPE)), type);
    t.is(on.socket.socket(AF_UNIX, type, AF_UNIX)[1], null);
    t.is(on.socket.socket(AF_UNIX, type, 6)[1], 'Protocol not supported');
  }
  t.is(unwrap(open(on, SOCK_RAW).getoption(SOL_SOCKET, SO_TYPE)), SOCK_DGRAM);
  t.is(on.socket.socket(AF_UNIX, SOCK_RDM)[1], 'Socket type not supported');
  t.is(on.socket.socket(AF_UNIX, 9)[1], 'Invalid argument');
});

test('1.2: a socket of SOCK_RAW is one of datagrams to others', async (t) => {
  const on = stage();
  const receiver = await bound(on, on.socket.SOCK_DGRAM, '/a');

  unwrap(await open(on, on.socket.SOCK_RAW).sendto('raw', '/a'));
  t.is(await told(on, receiver), 'raw');
});

test('1.2: SOCK_NONBLOCK makes a socket that does not wait', async (t) => {
  const on = stage();
  const { SOCK_DGRAM, SOCK_NONBLOCK } = on.socket;
  const socket = await bound(on, SOCK_DGRAM | SOCK_NONBLOCK, '/a');

  t.is(socket.gettimeout(), 0);
  t.is((await socket.read(1))[1], again);
});

test('1.13: SO_DOMAIN, SO_PROTOCOL, SO_ACCEPTCONN and SO_ERROR tell what Linux tells of AF_UNIX', async (t) => {
  const on = stage();
  const { SOL_SOCKET, SO_DOMAIN, SO_PROTOCOL, SO_ACCEPTCONN, SO_ERROR, AF_UNIX } = on.socket;
  const socket = open(on);
  const option = (name: number) => unwrap(socket.getoption(SOL_SOCKET, name));

  t.is(option(SO_DOMAIN), AF_UNIX);
  t.is(option(SO_PROTOCOL), 0);
  t.is(option(SO_ACCEPTCONN), false);
  unwrap(await socket.bind('/a'));
  unwrap(socket.listen(1));
  t.is(option(SO_ACCEPTCONN), true);
  t.is(option(SO_ERROR), 0);
});

test('1.13: SO_ERROR tells of a reset once, and then nobody else does', async (t) => {
  const on = stage();
  const { SOL_SOCKET, SO_ERROR } = on.socket;
  const { client, server } = await connected(on);
  unwrap(await client.write('unread'));
  server.close();

  t.is(unwrap(client.getoption(SOL_SOCKET, SO_ERROR)), 104);
  t.is(unwrap(client.getoption(SOL_SOCKET, SO_ERROR)), 0);
  t.is(await told(on, client), ended);
});

test('1.13: SO_SNDBUF is doubled, and bounds a datagram', async (t) => {
  const on = stage();
  const { SOL_SOCKET, SO_SNDBUF, SO_RCVBUF, SOCK_DGRAM } = on.socket;
  await bound(on, SOCK_DGRAM, '/a');
  const sender = open(on, SOCK_DGRAM);

  t.is(unwrap(sender.getoption(SOL_SOCKET, SO_SNDBUF)), limit);
  t.is(unwrap(sender.getoption(SOL_SOCKET, SO_RCVBUF)), limit);
  unwrap(sender.setoption(SOL_SOCKET, SO_SNDBUF, 10_000));
  t.is(unwrap(sender.getoption(SOL_SOCKET, SO_SNDBUF)), 20_000);
  t.is((await sender.sendto(new Uint8Array(19_969), '/a'))[1], 'Message too long');
  t.is(unwrap(await sender.sendto(new Uint8Array(19_968), '/a')), 19_968);
});

// 1.4 -----------------------------------------------------------------------------------------------------------------

test('1.4: names are strings: the path, "" for none, a leading NUL for an abstract one', async (t) => {
  const on = stage();
  const listener = await listening(on);
  const client = open(on);

  t.is(unwrap(client.getsockname()), '');
  t.is(client.getpeername()[1], 'Transport endpoint is not connected');
  unwrap(await client.bind('\0client'));
  unwrap(await client.connect('/run/server'));
  const server = unwrap(await listener.accept());
  t.deepEqual(unwrap(client.getsockname()), '\0client');
  t.deepEqual(unwrap(client.getpeername()), '/run/server');
  t.deepEqual(unwrap(server.getsockname()), '/run/server');
  t.deepEqual(unwrap(server.getpeername()), '\0client');
  client.close();
  t.is(client.getsockname()[1], 'Bad file descriptor');
});

test('1.4: binding to "" takes an abstract name of five digits', async (t) => {
  const on = stage();
  const receiver = await bound(on, on.socket.SOCK_DGRAM, '');
  const name = unwrap(receiver.getsockname());

  t.regex(String(name), /^\0[0-9a-f]{5}$/);
  unwrap(await open(on, on.socket.SOCK_DGRAM).sendto('found', String(name)));
  t.is(await told(on, receiver), 'found');
});

test('1.4: "unix:" and a path makes any stream one of AF_UNIX, for connect and for bind', async (t) => {
  const on = stage();
  const { socket } = on;
  for (const family of [socket.AF_INET, socket.AF_INET6, socket.AF_UNIX]) {
    const path = `/run/${family}`;
    const listener = unwrap(socket.tcp(family === socket.AF_UNIX ? socket.AF_INET : family));
    unwrap(await listener.bind(`unix:${path}`));
    unwrap(listener.listen(5));
    const client = unwrap(socket.socket(family, socket.SOCK_STREAM));
    unwrap(await on.until(client.connect(`unix:${path}`)));
    const server = unwrap(await on.until(listener.accept()));
    unwrap(await client.write('hello'));

    t.is(await told(on, server), 'hello');
    t.is(unwrap(client.getpeername()), path);
    t.is(unwrap(client.getoption(socket.SOL_SOCKET, socket.SO_TYPE)), socket.SOCK_STREAM);
    t.is(unwrap(server.getsockname()), path);
  }
});

test('1.4: a stream that became one of AF_UNIX stays one, and says so', async (t) => {
  const on = stage();
  const { socket } = on;
  await listening(on);
  const client = unwrap(socket.tcp());
  unwrap(await client.connect('unix:/run/server'));

  t.is((await client.connect('unix:/run/server'))[1], 'Transport endpoint is already connected');
  t.is(unwrap(client.getpeername()), '/run/server');
});

test('1.4: SO_DOMAIN of a stream that became one of AF_UNIX is AF_UNIX', async (t) => {
  const on = stage();
  const { socket } = on;
  await listening(on);
  const client = unwrap(socket.tcp());
  unwrap(await client.connect('unix:/run/server'));

  t.is(unwrap(client.getoption(socket.SOL_SOCKET, socket.SO_DOMAIN)), socket.AF_UNIX);
});

test('1.4: what is no fresh stream cannot become one of AF_UNIX', async (t) => {
  const on = stage();
  const { socket } = on;
  const used = unwrap(socket.tcp());
  unwrap(await used.bind('', 80));

  t.is((await used.connect('unix:/run/server'))[1], 'Address family not supported by protocol');
  t.is((await unwrap(socket.udp()).connect('unix:/run/server'))[1], 'Address family not supported by protocol');
});

test('1.4: a path is a string', async (t) => {
  await t.throwsAsync(open(stage()).connect(7), { instanceOf: TypeError });
});

test('1.4: a path may have 107 octets of UTF-8; more is "AF_UNIX path too long"', async (t) => {
  const on = stage();
  const long = `/${'é'.repeat(53)}`;
  const socket = open(on);

  t.is((await socket.bind(`${long}x`))[1], 'AF_UNIX path too long');
  t.is((await socket.connect(`${long}x`))[1], 'AF_UNIX path too long');
  t.is((await open(on, on.socket.SOCK_DGRAM).sendto('x', `${long}x`))[1], 'AF_UNIX path too long');
  t.like(socket.lastError, { code: 'ENAMETOOLONG', errno: 36, syscall: 'connect' });
  t.is((await socket.bind(long))[1], null);
});

test('1.4: nobody there, nobody who listens, another type, a path that exists', async (t) => {
  const on = stage();
  const { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET } = on.socket;
  await bound(on, SOCK_STREAM, '/bound');
  await listening(on);
  const datagrams = open(on, SOCK_DGRAM);

  t.is((await open(on).connect('/nobody'))[1], 'No such file or directory');
  t.is((await open(on).connect('\0nobody'))[1], 'Connection refused');
  t.is((await open(on).connect('/bound'))[1], 'Connection refused');
  t.is((await open(on, SOCK_SEQPACKET).connect('/run/server'))[1], 'Protocol wrong type for socket');
  t.is((await datagrams.connect('/run/server'))[1], 'Protocol wrong type for socket');
  t.is((await datagrams.sendto('x', '/run/server'))[1], 'Protocol wrong type for socket');
  t.is((await datagrams.sendto('x', '/nobody'))[1], 'No such file or directory');
  t.is((await datagrams.bind('/run/server'))[1], 'Address already in use');
});

test('1.4: close does not unlink: the path refuses, and cannot be bound again, until it is unlinked', async (t) => {
  const on = stage();
  (await listening(on)).close();

  t.is((await open(on).connect('/run/server'))[1], 'Connection refused');
  t.is((await open(on).bind('/run/server'))[1], 'Address already in use');
  on.host.stack.unix.unlink('/run/server');
  t.is((await open(on).connect('/run/server'))[1], 'No such file or directory');
  t.is((await open(on).bind('/run/server'))[1], null);
});

test('1.4: two hosts have two namespaces', async (t) => {
  const on = stage();
  const other = createSocketModule(on.network.host('other'));
  const elsewhere = (): Socket => unwrap(other.socket(other.AF_UNIX, other.SOCK_STREAM));
  await listening(on);

  for (const name of ['/run/server', '\0abstract']) {
    if (name.startsWith('\0')) unwrap(await open(on).bind(name));
    t.not((await elsewhere().connect(name))[1], null);
    t.is((await elsewhere().bind(name))[1], null);
  }
});

// 1.5, 1.6 ------------------------------------------------------------------------------------------------------------

test('1.5: connect is done at once, before anybody accepts', async (t) => {
  const on = stage();
  await listening(on);
  const client = open(on);
  client.settimeout(0);

  t.deepEqual(await client.connect('/run/server'), [true, null]);
  t.is((await client.connect('/run/server'))[1], 'Transport endpoint is already connected');
  t.is(unwrap(await client.write('early')), 5);
});

test('1.5: connect waits for room at the listener; who does not wait is told to come again', async (t) => {
  const on = stage();
  const listener = await listening(on, 0);
  unwrap(await open(on).connect('/run/server'));
  const hasty = open(on);
  hasty.settimeout(0);

  t.is((await hasty.connect('/run/server'))[1], again);
  const patient = open(on);
  t.deepEqual(await waits(t, on, patient.connect('/run/server'), () => listener.accept()), [true, null]);
  t.is(unwrap(patient.getpeername()), '/run/server');
});

test('1.5: of several that wait for room one gets the place that is made, the others wait on', async (t) => {
  const on = stage();
  const listener = await listening(on, 0);
  unwrap(await open(on).connect('/run/server'));
  const done: number[] = [];
  const all = [0, 1, 2].map((index) =>
    open(on)
      .connect('/run/server')
      .then(([, error]) => done.push(error === null ? index : -1)),
  );

  for (let accepted = 1; accepted <= 3; accepted++) {
    unwrap(await on.until(listener.accept()));
    await on.until(on.network.sleep(1_000_000));
    t.is(done.length, accepted);
  }
  await on.until(Promise.all(all));
  t.deepEqual(
    [...done].sort((a, b) => a - b),
    [0, 1, 2],
  );
});

test('1.5: a full listener’s queue is waited for as long as the timeout says, and then it may be tried again', async (t) => {
  const on = stage();
  const listener = await listening(on, 0);
  unwrap(await open(on).connect('/run/server'));
  const client = open(on);
  client.settimeout(2.5);

  const before = on.network.now;
  t.is((await on.until(client.connect('/run/server')))[1], late);
  t.is(on.network.now - before, 2_500_000);
  unwrap(await listener.accept());
  t.is((await on.until(client.connect('/run/server')))[1], null);
});

test('1.5: a connect that waits is refused when the listener closes, and fails with EBADF when its own socket does', async (t) => {
  const on = stage();
  const listener = await listening(on, 0);
  unwrap(await open(on).connect('/run/server'));
  const [refused, closed] = [open(on), open(on)];
  const attempt = refused.connect('/run/server');

  const [, error] = await waits(t, on, closed.connect('/run/server'), () => closed.close());
  t.is(error, 'Bad file descriptor');
  const [, other] = await waits(t, on, attempt, () => listener.close());
  t.is(other, 'Connection refused');
});

test('1.6: listen needs a name, and streams or sequences', async (t) => {
  const on = stage();

  t.is(open(on).listen(1)[1], 'Invalid argument');
  t.is((await bound(on, on.socket.SOCK_DGRAM, '/a')).listen(1)[1], 'Operation not supported');
  t.is((await open(on).accept())[1], 'Invalid argument');
  t.is((await open(on, on.socket.SOCK_DGRAM).accept())[1], 'Operation not supported');
});

test('1.6: accept waits, until the timeout, or not at all; the new socket waits without limit', async (t) => {
  const on = stage();
  const listener = await listening(on);

  const accepted = unwrap(await waits(t, on, listener.accept(), () => open(on).connect('/run/server')));
  t.is(accepted.family, 'unix');
  listener.settimeout(3);
  const before = on.network.now;
  t.is((await on.until(listener.accept()))[1], late);
  t.is(on.network.now - before, 3_000_000);
  unwrap(await open(on).connect('/run/server'));
  t.is(unwrap(await listener.accept()).gettimeout(), -1);
  listener.settimeout(0);
  t.is((await listener.accept())[1], again);
});

test('1.6: an accept that waits ends with EINVAL when the listener is shut', async (t) => {
  const on = stage();
  const listener = await listening(on);

  const [, error] = await waits(t, on, listener.accept(), () => listener.shutdown(on.socket.SHUT_RD));
  t.is(error, 'Invalid argument');
});

// 1.7 -----------------------------------------------------------------------------------------------------------------

test('1.7: write waits until all of it has found room', async (t) => {
  const on = stage();
  const { client, server } = await connected(on);
  const data = Uint8Array.from({ length: 1_000_000 }, (_, index) => index * 7);

  const written = client.write(data);
  const got = new Uint8Array(data.length);
  for (let at = 0; at < got.length; ) {
    const [part, error] = await on.until(server.read(65_536));
    t.is(error, null);
    got.set(part, at);
    at += part.length;
  }
  t.deepEqual(await on.until(written), [data.length, null]);
  t.deepEqual(got, data);
});

test('1.7: write without room: what fits, then EAGAIN; or the timeout, and how much was accepted', async (t) => {
  const on = stage();
  const { client, server } = await connected(on);
  client.settimeout(0);

  t.deepEqual(await client.write(new Uint8Array(limit + 1000)), [limit, null]);
  t.deepEqual(await client.write('x'), [null, again]);
  unwrap(await server.read(1000));
  client.settimeout(2);
  const before = on.network.now;
  t.deepEqual(await on.until(client.write(new Uint8Array(1500))), [null, late, 1000]);
  t.is(on.network.now - before, 2_000_000);
});

test('1.7: a write that waits is told when the reader closes, shuts or resets', async (t) => {
  for (const end of ['close', 'shutdown'] as const) {
    const on = stage();
    const { client, server } = await connected(on);

    const written = client.write(new Uint8Array(limit + 1000));
    const result = await waits(t, on, written, () => (end === 'close' ? server.close() : server.shutdown(0)));
    t.deepEqual(result, [null, ended, limit]);
  }
});

test('1.7: writing where nobody reads is ERROR_CLOSED, without a peer ENOTCONN; nothing is 0 octets', async (t) => {
  const on = stage();
  const { client, server } = await connected(on);

  t.deepEqual(await client.write(''), [0, null]);
  server.close();
  t.deepEqual(await client.write('x'), [null, ended]);
  t.is((await open(on).write('x'))[1], 'Transport endpoint is not connected');
  t.is((await open(on).sendto('x', '/run/server'))[1], 'Operation not supported');
});

test('1.7: a datagram or a message that is too big is EMSGSIZE', async (t) => {
  const on = stage();
  await bound(on, on.socket.SOCK_DGRAM, '/a');
  const { client } = await connected(on, on.socket.SOCK_SEQPACKET);
  const sender = open(on, on.socket.SOCK_DGRAM);

  for (const [octets, error] of [
    [limit - 32, null],
    [limit - 31, 'Message too long'],
  ] as const) {
    t.is((await client.write(new Uint8Array(octets)))[1], error);
    t.is((await sender.sendto(new Uint8Array(octets), '/a'))[1], error);
    await drain(client);
  }
});

// Whoever is told to wait has to be told by the same measure when that is over, whatever the sizes.
for (const [what, first, second] of [
  ['a long message after a short one', 40_000, 200_000],
  ['short ones after a long one', 200_000, 20_000],
  ['the longest after one octet', 1, limit - 32],
] as const) {
  test(`1.7: messages wait for room: ${what}`, async (t) => {
    for (const type of ['SOCK_SEQPACKET', 'SOCK_DGRAM'] as const) {
      const on = stage();
      const receiver =
        type === 'SOCK_DGRAM' ? await bound(on, on.socket.SOCK_DGRAM, '/a') : await connected(on, on.socket[type]);
      const [sender, reader] =
        'client' in receiver ? [receiver.client, receiver.server] : [open(on, on.socket.SOCK_DGRAM), receiver];
      if (type === 'SOCK_DGRAM') unwrap(await sender.connect('/a'));
      sender.settimeout(0);
      unwrap(await sender.write(new Uint8Array(first)));

      t.deepEqual(await sender.write(new Uint8Array(second)), [null, again]);
      sender.settimeout(-1);
      const result = await waits(t, on, sender.write(new Uint8Array(second)), () => drain(reader));
      t.deepEqual(result, [second, null]);
    }
  });
}

test('1.7: sendto to a full receiver waits, until the timeout, or not at all', async (t) => {
  const on = stage();
  const { SOCK_DGRAM } = on.socket;
  const receiver = await bound(on, SOCK_DGRAM, '/a');
  const sender = open(on, SOCK_DGRAM);
  for (let sent = 0; sent < 11; sent++) unwrap(await sender.sendto(`${sent}`, '/a'));

  sender.settimeout(0);
  t.deepEqual(await sender.sendto('x', '/a'), [null, again]);
  t.is((await sender.sendto('x', '/nobody'))[1], 'No such file or directory');
  sender.settimeout(2);
  const before = on.network.now;
  t.deepEqual(await on.until(sender.sendto('x', '/a')), [null, late]);
  t.is(on.network.now - before, 2_000_000);
  sender.settimeout(-1);
  t.deepEqual(await waits(t, on, sender.sendto('last', '/a'), () => receiver.read(9)), [4, null]);
  const [, refused] = await waits(t, on, sender.sendto('x', '/a'), () => receiver.close());
  t.is(refused, 'Connection refused');
});

// 1.8 -----------------------------------------------------------------------------------------------------------------

test('1.8: read waits for something, until the timeout, or not at all', async (t) => {
  const on = stage();
  const { client, server } = await connected(on);

  const [data] = await waits(t, on, server.read(100), () => client.write('hello'));
  t.is(text(data), 'hello');
  server.settimeout(1.5);
  const before = on.network.now;
  t.is(await told(on, server), late);
  t.is(on.network.now - before, 1_500_000);
  server.settimeout(0);
  t.is(await told(on, server), again);
  t.is((await open(on).read(1))[1], 'Invalid argument');
});

test('1.8: a read that waits ends when the peer closes or shuts, and when its own socket closes', async (t) => {
  for (const [act, wanted] of [
    [({ client }: { client: Socket }) => client.close(), ended],
    [({ client }: { client: Socket }) => client.shutdown(1), ended],
    [({ server }: { server: Socket }) => server.shutdown(0), ended],
    [({ server }: { server: Socket }) => server.close(), 'Bad file descriptor'],
  ] as const) {
    const on = stage();
    const ends = await connected(on);
    const [, error] = await waits(t, on, ends.server.read(100), () => act(ends));
    t.is(error, wanted);
  }
});

test('1.8: a stream that its peer closed without reading: what was queued, then a reset once, then the end', async (t) => {
  const on = stage();
  const { client, server } = await connected(on);
  unwrap(await client.write('unread'));
  unwrap(await server.write('last'));
  server.close();

  t.is(await told(on, client), 'last');
  t.is(await told(on, client), 'Connection reset by peer');
  t.is(await told(on, client), ended);
  t.is((await client.write('x'))[1], ended);
});

test('1.8: a message of SOCK_SEQPACKET is read by itself, and cut; its end is ERROR_CLOSED, an empty one is not', async (t) => {
  const on = stage();
  const { client, server } = await connected(on, on.socket.SOCK_SEQPACKET);
  for (const word of ['abcdef', '', 'next']) unwrap(await client.write(word));
  client.close();

  t.is(await told(on, server, 3), 'abc');
  t.deepEqual(await server.read(10), [new Uint8Array(), null]);
  t.is(await told(on, server), 'next');
  t.is(await told(on, server), ended);
});

test('1.8: recvfrom tells who has sent a datagram, and how long it was', async (t) => {
  const on = stage();
  const { SOCK_DGRAM, MSG_PEEK } = on.socket;
  const receiver = await bound(on, SOCK_DGRAM, '/a');
  const named = await bound(on, SOCK_DGRAM, '/from');
  unwrap(await named.sendto('a long message', '/a'));
  unwrap(await open(on, SOCK_DGRAM).sendto('', '/a'));

  const peeked = unwrap(await receiver.recvfrom(6, MSG_PEEK));
  t.is(text(peeked.data), 'a long');
  const first = unwrap(await receiver.recvfrom(6));
  t.is(text(first.data), 'a long');
  t.like(first, { address: ['/from', 0], length: 14 });
  const second = unwrap(await receiver.recvfrom(6));
  t.like(second, { address: ['', 0], length: 0 });
  unwrap(await receiver.sendto('back', first.address[0]));
  t.is(await told(on, named), 'back');
});

test('1.8: MSG_WAITALL waits for all of it, or for the end', async (t) => {
  const on = stage();
  const { client, server } = await connected(on);
  unwrap(await client.write('abc'));

  const [all] = await waits(t, on, server.recv(6, on.socket.MSG_WAITALL), () => client.write('def!'));
  t.is(text(all), 'abcdef');
  const [rest] = await waits(t, on, server.recv(6, on.socket.MSG_WAITALL), () => client.close());
  t.is(text(rest), '!');
});

test('1.8: MSG_WAITALL may ask for more than a stream holds', async (t) => {
  const on = stage();
  const { client, server } = await connected(on);
  server.settimeout(5);

  const written = client.write(new Uint8Array(2 * limit));
  const [data, error] = await on.until(server.recv(2 * limit, on.socket.MSG_WAITALL));
  t.deepEqual([data.length, error], [2 * limit, null]);
  await on.until(written);
});

test('1.10: SO_RCVTIMEO and SO_SNDTIMEO end a wait with EAGAIN', async (t) => {
  const on = stage();
  const { SOL_SOCKET, SO_RCVTIMEO, SO_SNDTIMEO } = on.socket;
  const { client } = await connected(on);
  unwrap(client.setoption(SOL_SOCKET, SO_RCVTIMEO, 1));
  unwrap(client.setoption(SOL_SOCKET, SO_SNDTIMEO, 2));

  const before = on.network.now;
  t.is(await told(on, client), again);
  t.is(on.network.now - before, 1_000_000);
  t.deepEqual(await on.until(client.write(new Uint8Array(limit + 1))), [null, again, limit]);
  t.is(on.network.now - before, 3_000_000);
});

test('1.12: poll tells of listeners, of what is not connected yet, and of ends', async (t) => {
  const on = stage();
  const told = (socket: Socket): string =>
    Object.entries(socket.poll())
      .filter(([, is]) => is)
      .map(([name]) => name)
      .join(' ');
  const fresh = open(on);
  t.is(told(fresh), 'writable hungUp');
  const listener = await listening(on, 0);
  t.is(told(listener), '');
  unwrap(await fresh.connect('/run/server'));
  t.is(told(listener), 'readable');
  t.is(told(fresh), 'writable');
  const server = unwrap(await listener.accept());
  unwrap(server.shutdown(on.socket.SHUT_WR));
  t.is(told(fresh), 'readable writable readHungUp');
  t.is(told(server), 'writable');
  unwrap(await fresh.write('unread'));
  server.close();
  t.is(told(fresh), 'readable writable error readHungUp hungUp');
  unwrap(listener.shutdown(on.socket.SHUT_RD));
  t.is(told(listener), 'readable readHungUp');
  t.is(told(open(on, on.socket.SOCK_DGRAM)), 'writable');
});

test('1.4: a datagram peer that was closed is nobody’s peer once that was told', async (t) => {
  const on = stage();
  const { SOCK_DGRAM } = on.socket;
  const peer = await bound(on, SOCK_DGRAM, '/a');
  const socket = open(on, SOCK_DGRAM);
  unwrap(await socket.connect('/a'));
  peer.close();

  t.is(unwrap(socket.getpeername()), '/a');
  t.is((await socket.write('x'))[1], 'Connection refused');
  t.is(socket.getpeername()[1], 'Transport endpoint is not connected');
  t.is((await socket.write('x'))[1], 'Transport endpoint is not connected');
});

test('1.12: select tells of connections, of text, of room and of ends', async (t) => {
  const on = stage();
  const { select } = on.socket;
  const listener = await listening(on);
  const client = open(on);

  t.deepEqual((await waits(t, on, select([listener]), () => client.connect('/run/server')))[0]?.[0], [listener]);
  const server = unwrap(await listener.accept());
  t.deepEqual((await waits(t, on, select([server]), () => client.write('x')))[0]?.[0], [server]);
  await drain(server);
  client.settimeout(0);
  unwrap(await client.write(new Uint8Array(limit)));
  t.deepEqual((await waits(t, on, select(null, [client]), () => drain(server)))[0]?.[1], [client]);
  t.deepEqual((await waits(t, on, select([server]), () => client.close()))[0]?.[0], [server]);
});

test('1.9: sockets that are closed leave no descriptor, and nothing keeps the host', async (t) => {
  const on = stage();
  const listener = await listening(on);
  const client = open(on);
  unwrap(await client.connect('/run/server'));
  const server = unwrap(await listener.accept());
  const numbers = [listener, client, server].map((socket) => socket.fileno());
  for (const socket of [listener, client, server]) socket.close();

  t.deepEqual(numbers, [3, 4, 5]);
  t.is(open(on).fileno(), 3);
});
