/** SO_BINDTODEVICE: a host with two interfaces, of which a socket may want one. */
import test from 'ava';
import { createSocketModule, type SocketModule } from '../../src/api/index.ts';
import { Network } from '../../src/sim/index.ts';

const { SOL_SOCKET, SO_BINDTODEVICE } = { SOL_SOCKET: 1, SO_BINDTODEVICE: 25 };

/** 'left' and 'right' are each a neighbour of 'middle', by interfaces to-left and to-right. */
function stage() {
  const network = new Network();
  const [left, middle, right] = ['left', 'middle', 'right'].map((name) => network.host(name));
  network.link(left!, '10.1.0.1/24', middle!, '10.1.0.2/24');
  network.link(middle!, '10.2.0.2/24', right!, '10.2.0.1/24');
  left!.stack.addRoute(null, 1);
  right!.stack.addRoute(null, 1);
  const modules = [left!, middle!, right!].map((host) => createSocketModule(host));
  const names = middle!.stack.interfaces.map(({ name }) => name);
  return { network, left: modules[0]!, middle: modules[1]!, right: modules[2]!, names };
}

const udp = (module: SocketModule) => module.udp()[0]!;

test('1.14: SO_BINDTODEVICE is the name of an interface, and an unknown one is ENODEV', (t) => {
  const { middle, names } = stage();
  const [socket] = middle.tcp();

  t.deepEqual(socket!.getoption(SOL_SOCKET, SO_BINDTODEVICE), ['', null]);
  t.deepEqual(socket!.setoption(SOL_SOCKET, SO_BINDTODEVICE, 'nowhere'), [null, 'No such device']);
  t.deepEqual(socket!.setoption(SOL_SOCKET, SO_BINDTODEVICE, names[2]!), [true, null]);
  t.deepEqual(socket!.getoption(SOL_SOCKET, SO_BINDTODEVICE), [names[2], null]);
  t.deepEqual(socket!.setoption(SOL_SOCKET, SO_BINDTODEVICE, ''), [true, null]);
  t.deepEqual(socket!.getoption(SOL_SOCKET, SO_BINDTODEVICE), ['', null]);
});

test('1.14: SO_BINDTODEVICE: datagrams come in by that interface only, and one that is bound comes before one that is not', async (t) => {
  const { network, left, middle, right, names } = stage();
  const [bound, any] = [udp(middle), udp(middle)];
  for (const socket of [bound, any]) {
    socket.setoption(SOL_SOCKET, middle.SO_REUSEADDR, true);
    socket.settimeout(1);
  }
  bound.setoption(SOL_SOCKET, SO_BINDTODEVICE, names[1]!);
  await bound.bind('', 7);
  await any.bind('', 7);

  await udp(left).sendto('from the left', '10.1.0.2', 7);
  await udp(right).sendto('from the right', '10.2.0.2', 7);

  const text = (data: Uint8Array) => new TextDecoder().decode(data);
  t.is(text((await network.until(bound.read(100)))[0]), 'from the left');
  t.is(text((await network.until(any.read(100)))[0]), 'from the right');
});

test('1.14: SO_BINDTODEVICE: a listener answers by its interface only', async (t) => {
  const { network, left, middle, right, names } = stage();
  const [listener] = middle.tcp();
  listener!.setoption(SOL_SOCKET, SO_BINDTODEVICE, names[2]!);
  await listener!.bind('', 80);
  listener!.listen(1);

  const [fromLeft, fromRight] = [left.tcp()[0]!, right.tcp()[0]!];

  t.deepEqual(await network.until(fromLeft.connect('10.1.0.2', 80)), [null, 'Connection refused']);
  t.deepEqual(await network.until(fromRight.connect('10.2.0.2', 80)), [true, null]);
});

test('1.14: SO_BINDTODEVICE: what is sent leaves by that interface, whatever the routes say', async (t) => {
  const { network, left, middle, right, names } = stage();
  const sockets = [left, right].map((module) => udp(module));
  for (const socket of sockets) {
    socket.settimeout(1);
    await socket.bind('', 7);
  }
  const sender = udp(middle);
  sender.setoption(SOL_SOCKET, SO_BINDTODEVICE, names[2]!);

  t.deepEqual(await sender.sendto('hello', '10.2.0.1', 7), [5, null]);
  await sender.sendto('astray', '10.1.0.1', 7);

  t.is((await network.until(sockets[1]!.read(100)))[0].length, 5);
  t.is((await network.until(sockets[0]!.read(100)))[1], left.ERROR_TIMEOUT);
  const [connecting] = middle.tcp();
  connecting!.setoption(SOL_SOCKET, SO_BINDTODEVICE, 'lo');
  t.deepEqual(await network.until(connecting!.connect('10.2.0.1', 80)), [null, 'Network is unreachable']);
});
