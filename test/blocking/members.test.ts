/** 1.1: both faces have the same names; what only one has is listed here, with the reason. */
import test from 'ava';
import { createSocketModule } from '../../src/api/index.ts';
import { Socket } from '../../src/api/socket.ts';
import { BlockingSocket, openBlockingNetwork } from '../../src/blocking/index.ts';
import { Network } from '../../src/sim/index.ts';
import { octets } from '../tun/children/octets.ts';

/** Members that the other face has, and why not this one. */
const onlyAsync: Readonly<Record<string, string>> = {
  wake: 'for whoever drives the stack, in its own thread',
  onceChanged: 'calls back, which a thread that sleeps cannot be; select waits for several sockets',
  runner: 'the stack itself, which lives in another thread',
};

/** Members that only this face has, and why. */
const onlyBlocking: Readonly<Record<string, string>> = {
  token: 'how a socket travels to the other thread',
};

const onlyBlockingFunctions: Readonly<Record<string, string>> = {
  leave: 'takes a thread out of those that share the host',
};

const modules = () => {
  const { alone } = openBlockingNetwork({ hosts: { alone: {} }, links: [] });
  return { alone, other: createSocketModule(new Network().host('alone')) };
};

/** Methods, accessors and fields. */
const membersOf = (type: { prototype: object }, instance: object): string[] => {
  const names = [type.prototype, instance].flatMap((each) => Reflect.ownKeys(each).map(String));
  return [...new Set(names)].toSorted();
};

test('1.1: sockets have the members of the other face', (t) => {
  const { alone, other } = modules();
  const blocking = membersOf(BlockingSocket, alone.socket.udp()[0]!);
  const async = membersOf(Socket, other.udp()[0]!);

  t.deepEqual(
    async.filter((name) => !blocking.includes(name)),
    Object.keys(onlyAsync).toSorted(),
  );
  t.deepEqual(
    blocking.filter((name) => !async.includes(name)),
    Object.keys(onlyBlocking),
  );
  alone.close();
});

test('1.1: methods say no other number of arguments than in the other face', (t) => {
  const { alone, other } = modules();
  const [blocking, async] = [alone.socket.udp()[0]!, other.udp()[0]!].map(
    (socket) => socket as unknown as Record<string, unknown>,
  );
  const lengthOf = (socket: Record<string, unknown>, name: string): number | null => {
    const member = socket[name];
    return typeof member === 'function' ? member.length : null;
  };
  const names = Object.getOwnPropertyNames(Socket.prototype).filter((name) => !(name in onlyAsync));

  t.deepEqual(
    names.filter((name) => lengthOf(blocking!, name) !== lengthOf(async!, name)),
    [],
  );
  alone.close();
});

test('1.1: the module has the members of the other face', (t) => {
  const { alone, other } = modules();
  const [blocking, async] = [alone.socket, other].map((module) => Object.keys(module).toSorted());

  t.deepEqual(
    blocking!.filter((name) => !(name in onlyBlockingFunctions)),
    async,
  );
  alone.close();
});

/** Both ends of a connection within a host. */
function connection() {
  const { alone } = openBlockingNetwork({ hosts: { alone: {} }, links: [] });
  const [listener] = alone.socket.tcp();
  listener!.bind('127.0.0.1', 80);
  listener!.listen(1);
  const [client] = alone.socket.tcp();
  client!.settimeout(0);
  client!.connect('127.0.0.1', 80);
  const [server] = listener!.accept();
  client!.settimeout(-1);
  client!.connect('127.0.0.1', 80);
  return { alone, client: client!, server: server! };
}

test('1.8: recvInto fills a buffer of the caller’s', (t) => {
  const { alone, client, server } = connection();
  const buffer = new Uint8Array(8).fill(0x2e);
  server.write('hello');

  t.deepEqual(client.recvInto(buffer.subarray(1, 4)), [3, null]);
  t.is(new TextDecoder().decode(buffer), '.hel....');
  t.deepEqual(client.recvInto(new Uint8Array(0)), [0, null]);
  t.deepEqual(client.recvInto(buffer, alone.socket.MSG_PEEK), [2, null]);
  t.deepEqual(client.recvInto(buffer), [2, null]);
  client.settimeout(0);
  t.deepEqual(client.recvInto(buffer), [null, 'Resource temporarily unavailable']);
  t.throws(() => client.recvInto('buffer' as never), { instanceOf: TypeError });
  server.close();
  client.settimeout(-1);
  t.deepEqual(client.recvInto(buffer), [null, alone.socket.ERROR_CLOSED]);
  client.close();
  t.deepEqual(client.recvInto(buffer), [null, 'Bad file descriptor']);
  t.deepEqual(client.recvInto(new Uint8Array(0)), [0, null]);
  alone.close();
});

test('1.8: recvInto with MSG_WAITALL waits until the buffer is full', (t) => {
  const { alone, client, server } = connection();
  const text = octets(5000, 3);
  client.write(text);
  const buffer = new Uint8Array(5000);

  t.deepEqual(server.recvInto(buffer, alone.socket.MSG_WAITALL), [5000, null]);
  t.is(Buffer.compare(buffer, text), 0);
  alone.close();
});

test('1.8: recvInto loses what does not fit of a datagram', (t) => {
  const { alone } = openBlockingNetwork({ hosts: { alone: {} }, links: [] });
  const [socket] = alone.socket.udp();
  socket!.bind('127.0.0.1', 7);
  for (const text of ['longer', 'next']) socket!.sendto(text, '127.0.0.1', 7);
  const buffer = new Uint8Array(4);

  t.deepEqual(socket!.recvInto(buffer), [4, null]);
  t.is(new TextDecoder().decode(buffer), 'long');
  t.deepEqual(socket!.recvInto(buffer), [4, null]);
  t.is(new TextDecoder().decode(buffer), 'next');
  alone.close();
});

test('1.12: outqnsd, atmark and poll tell what they tell in the other face', (t) => {
  const { alone, client, server } = connection();
  const quiet = { readable: false, writable: true, urgent: false, error: false, readHungUp: false, hungUp: false };

  t.deepEqual(client.outqnsd(), [0, null]);
  t.deepEqual(client.poll(), quiet);
  server.send('x', alone.socket.MSG_OOB);
  alone.socket.select(null, null, [client], 1);
  t.deepEqual(client.atmark(), [true, null]);
  t.deepEqual(client.poll(), { ...quiet, urgent: true });
  client.close();
  t.deepEqual(client.atmark(), [null, 'Bad file descriptor']);
  t.deepEqual(client.outqnsd(), [null, 'Bad file descriptor']);
  t.deepEqual(client.poll(), { ...quiet, hungUp: true });
  alone.close();
});

test('1.1: readString gives text; a letter that is cut waits for its rest', (t) => {
  const { alone, client, server } = connection();
  server.write('grün');
  t.deepEqual(client.readString(3), ['gr', null]);
  t.deepEqual(client.readString(3), ['ün', null]);
  server.write(Uint8Array.of(0xe4));
  t.deepEqual(client.readString(3, 'latin1'), ['ä', null]);
  t.throws(() => client.readString(3, 'utf-16' as never), { instanceOf: RangeError });
  server.close();
  t.deepEqual(client.readString(3), ['', alone.socket.ERROR_CLOSED]);
  client.close();
  t.deepEqual(client.readString(3), ['', 'Bad file descriptor']);
  alone.close();
});

test('1.4: sockets travel over AF_UNIX, and what is behind them lives as long as one of them', (t) => {
  const { alone, client, server } = connection();
  const { socket } = alone;
  const [listener] = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM);
  listener!.bind('/run/handover');
  listener!.listen(1);
  const [master] = socket.tcp();
  master!.connect('unix:/run/handover');
  const [worker] = listener!.accept();

  t.deepEqual(master!.sendsockets('two', [client, listener!.fileno()]), [3, null]);
  client.close();
  const [received] = worker!.recvsockets(100);
  t.is(new TextDecoder().decode(received![0]), 'two');
  const [mine, accepting] = received![1];
  t.deepEqual(accepting!.getsockname(), ['/run/handover', null]);
  mine!.write('still here');
  t.deepEqual(server.readString(100), ['still here', null]);
  t.deepEqual(master!.sendsockets('x', [client]), [null, 'Bad file descriptor']);
  t.deepEqual(mine!.sendsockets('x', [server]), [null, 'Operation not supported']);
  t.throws(() => master!.sendsockets('x', 'client' as never), { instanceOf: TypeError });
  mine!.close();
  t.deepEqual(server.readString(100), ['', socket.ERROR_CLOSED]);
  master!.close();
  t.deepEqual(worker!.recvsockets(1), [null, socket.ERROR_CLOSED]);
  alone.close();
});
