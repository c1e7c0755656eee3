/** 1.4: sockets that travel over AF_UNIX (SCM_RIGHTS). */
import test from 'ava';
import { createSocketModule, type Socket } from '../../src/api/index.ts';
import { pair } from '../../src/sim/index.ts';

function unwrap<T>([value, error]: readonly [T | null, string | null, ...unknown[]]): T {
  if (error !== null) throw new Error(error);
  return value as T;
}

const text = (data: Uint8Array): string => new TextDecoder().decode(data);

/** Two hosts; on the server's, two sockets of AF_UNIX that are connected, and a TCP connection from the client. */
async function stage(kind: 'SOCK_STREAM' | 'SOCK_SEQPACKET' | 'SOCK_DGRAM' = 'SOCK_STREAM', limit = 100) {
  const { network, client, server } = pair();
  const [here, there] = [createSocketModule(client), createSocketModule(server, { limit })];
  const open = (): Socket => unwrap(there.socket(there.AF_UNIX, there[kind]));
  const [one, named] = [open(), open()];
  unwrap(await named.bind('/run/other'));
  let other = named;
  if (kind !== 'SOCK_DGRAM') unwrap(named.listen(1));
  unwrap(await one.connect('/run/other'));
  if (kind !== 'SOCK_DGRAM') {
    other = unwrap(await named.accept());
    named.close();
  }
  const listener = unwrap(there.tcp());
  await listener.bind('', 80);
  listener.listen(5);
  const caller = unwrap(here.tcp());
  unwrap(await network.until(caller.connect('10.0.0.2', 80)));
  const called = unwrap(await network.until(listener.accept()));
  return { network, here, there, one, other, listener, caller, called, server };
}

for (const kind of ['SOCK_STREAM', 'SOCK_SEQPACKET', 'SOCK_DGRAM'] as const) {
  test(`1.4: a connection goes on at the socket that has been received, whoever closes his (${kind})`, async (t) => {
    const { network, one, other, caller, called } = await stage(kind);
    t.deepEqual(await one.sendsockets('take it', [called]), [7, null]);
    called.close();
    const [data, [received]] = unwrap(await other.recvsockets(100));
    t.is(text(data), 'take it');
    t.deepEqual(received!.getpeername(), caller.getsockname());

    await network.until(caller.write('hello'));
    t.is(text((await network.until(received!.read(100)))[0]), 'hello');
    await network.until(received!.write('back'));
    t.is(text((await network.until(caller.read(100)))[0]), 'back');
    received!.close();
    t.deepEqual((await network.until(caller.read(100)))[1], 'Connection closed', 'the last one closes the connection');
  });
}

test('1.4: both sockets stand for one connection: its octets, its options, and who waits; each has its own timeout', async (t) => {
  const { network, there, one, other, caller, called } = await stage();
  called.settimeout(5);
  await one.sendsockets('x', [called]);
  const [, [received]] = unwrap(await other.recvsockets(1));

  t.not(received!.fileno(), called.fileno());
  t.is(received!.gettimeout(), -1);
  called.setoption(there.IPPROTO_TCP, there.TCP_NODELAY, true);
  t.deepEqual(received!.getoption(there.IPPROTO_TCP, there.TCP_NODELAY), [true, null]);
  const reads = [called.read(3), received!.read(3)];
  await network.until(caller.write('onetwo'));
  t.deepEqual((await network.until(Promise.all(reads))).map(([data]) => text(data)).toSorted(), ['one', 'two']);
  const waiting = received!.read(1);
  called.close();
  await network.until(caller.write('!'));
  t.is(text((await network.until(waiting))[0]), '!', 'who waits on the one is not told of the other’s close');
});

test('1.4: a stream gives sockets with the octets that they came with, and does not read beyond them', async (t) => {
  const { one, other, called, listener } = await stage();
  await one.write('before');
  await one.sendsockets('AB', [called]);
  await one.sendsockets('C', [listener]);
  await one.write('after');
  const seen: [string, number][] = [];
  for (let count = 0; count < 3; count++) {
    const [data, sockets] = unwrap(await other.recvsockets(100));
    seen.push([text(data), sockets.length]);
  }

  t.deepEqual(seen, [
    ['beforeAB', 1],
    ['C', 1],
    ['after', 0],
  ]);
});

test('1.4: sockets come with the first of their octets', async (t) => {
  const { one, other, called } = await stage();
  await one.sendsockets('ABC', [called]);
  const first = unwrap(await other.recvsockets(1));
  const second = unwrap(await other.recvsockets(100));

  t.deepEqual([text(first[0]), first[1].length, text(second[0]), second[1].length], ['A', 1, 'BC', 0]);
});

test('1.4: what is peeked at gives no sockets; they are there for who takes it', async (t) => {
  const { there, one, other, called } = await stage();
  await one.sendsockets('x', [called]);
  t.deepEqual(unwrap(await other.recvsockets(1, there.MSG_PEEK))[1], []);
  t.is(unwrap(await other.recvsockets(1))[1].length, 1);
});

test('1.4: sockets that nobody takes are closed: read without asking, unread at a close, or with no descriptor left', async (t) => {
  const ends: Record<string, (on: Awaited<ReturnType<typeof stage>>) => unknown> = {
    read: ({ other }) => other.read(100),
    recvfrom: ({ other }) => other.recvfrom(100),
    recvInto: ({ other }) => other.recvInto(new Uint8Array(100)),
    close: ({ other }) => other.close(),
    host: ({ there, other }) => {
      while (there.udp()[1] === null);
      return other.recvsockets(100);
    },
  };
  for (const [how, end] of Object.entries(ends)) {
    const on = await stage('SOCK_STREAM', 10);
    await on.one.sendsockets('x', [on.called]);
    on.called.close();
    await on.caller.write('y');
    const waiting = on.caller.read(1);
    await end(on);
    const [, error] = await on.network.until(waiting);
    t.true(error === 'Connection closed' || error === 'Connection reset by peer', `${how}: ${error}`);
  }
});

test('1.4: a message that is not accepted takes nothing along', async (t) => {
  const { network, one, other, called, caller } = await stage('SOCK_SEQPACKET');
  one.settimeout(0);
  while ((await one.sendsockets('x'.repeat(50_000), []))[1] === null);
  t.deepEqual(await one.sendsockets('x'.repeat(50_000), [called]), [null, 'Resource temporarily unavailable']);
  called.close();

  t.is((await network.until(caller.read(1)))[1], 'Connection closed');
  t.deepEqual(unwrap(await other.recvsockets(1))[1], []);
});

test('1.4: sendsockets is refused where sockets cannot travel', async (t) => {
  const { here, there, one, called, listener } = await stage();
  const foreign = unwrap(here.tcp());
  const closed = unwrap(there.udp());
  closed.close();

  t.deepEqual(await called.sendsockets('x', [listener]), [null, 'Operation not supported']);
  t.is(called.lastError?.syscall, 'sendsockets');
  t.deepEqual(await one.sendsockets('x', [closed]), [null, 'Bad file descriptor']);
  t.deepEqual(await one.sendsockets('x', [foreign]), [null, 'Bad file descriptor']);
  t.deepEqual(await one.sendsockets('x', [999]), [null, 'Bad file descriptor']);
  t.deepEqual(await one.sendsockets('x', Array(254).fill(listener)), [null, 'Invalid argument']);
  t.deepEqual(await one.sendsockets('x', [listener.fileno()]), [1, null]);
  await t.throwsAsync(one.sendsockets('x', called as never), { instanceOf: TypeError, message: /sockets/ });
  await t.throwsAsync(one.sendsockets('x', ['called'] as never), { instanceOf: TypeError, message: /sockets/ });
  await t.throwsAsync(one.sendsockets(5 as never, []), { instanceOf: TypeError, message: /data/ });
  closed.close();
  one.close();
  t.deepEqual(await one.sendsockets('x', [listener]), [null, 'Bad file descriptor']);
});

test('1.4: recvsockets tells the end of the stream as an error', async (t) => {
  const { there, one, other } = await stage();
  one.close();
  t.deepEqual(await other.recvsockets(1), [null, there.ERROR_CLOSED]);
});

test('1.4: a listener that has been received accepts', async (t) => {
  const { network, here, one, other, listener } = await stage();
  await one.sendsockets('x', [listener]);
  listener.close();
  const [, [received]] = unwrap(await other.recvsockets(1));
  const another = unwrap(here.tcp());
  unwrap(await network.until(another.connect('10.0.0.2', 80)));

  t.deepEqual(unwrap(await network.until(received!.accept())).getpeername(), another.getsockname());
});
