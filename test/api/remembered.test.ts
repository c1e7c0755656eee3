/** 1.13: what is set is told again, also where it has no effect; as Linux, which was asked the same. */
import test from 'ava';
import { createSocketModule, type Socket } from '../../src/api/index.ts';
import { pair } from '../../src/sim/index.ts';

const { client, network } = pair();
const module = createSocketModule(client);
const { SOL_SOCKET, SO_DEBUG, SO_DONTROUTE, SO_BROADCAST, IPPROTO_TCP, TCP_QUICKACK } = module;
const flags = { SO_DEBUG, SO_DONTROUTE, SO_BROADCAST };

const tell = (socket: Socket): unknown[] => Object.values(flags).map((flag) => socket.getoption(SOL_SOCKET, flag)[0]);

async function connectedTo(listener: Socket, family: number, address: string, port: number): Promise<[Socket, Socket]> {
  const [socket] = module.tcp(family);
  await network.until(socket!.connect(address, port));
  return [socket!, (await network.until(listener.accept()))[0]!];
}

for (const [kind, family, type] of [
  ['TCP', module.AF_INET, module.SOCK_STREAM],
  ['UDP', module.AF_INET6, module.SOCK_DGRAM],
  ['AF_UNIX', module.AF_UNIX, module.SOCK_STREAM],
  ['AF_UNIX with datagrams', module.AF_UNIX, module.SOCK_DGRAM],
] as const) {
  for (const [name, flag] of Object.entries(flags)) {
    test(`1.13: ${name} of ${kind} is told as it was set`, (t) => {
      const [socket] = module.socket(family, type);

      t.deepEqual(socket!.getoption(SOL_SOCKET, flag), [false, null]);
      t.deepEqual(socket!.setoption(SOL_SOCKET, flag, true), [true, null]);
      t.deepEqual(socket!.getoption(SOL_SOCKET, flag), [true, null]);
      t.is(tell(socket!).filter((is) => is === true).length, 1);
      socket!.setoption(SOL_SOCKET, flag, 0);
      t.deepEqual(socket!.getoption(SOL_SOCKET, flag), [false, null]);
      t.deepEqual(socket!.setoption(SOL_SOCKET, flag, 'on'), [null, 'Invalid argument']);
    });
  }
}

test('1.13: an accepted TCP socket has them from its listener, one of AF_UNIX has not', async (t) => {
  const [[listener], [local]] = [module.tcp(), module.tcp(module.AF_UNIX)];
  await listener!.bind('127.0.0.1', 80);
  await local!.bind('/remembered');
  for (const socket of [listener!, local!]) {
    socket.listen(1);
    for (const flag of Object.values(flags)) socket.setoption(SOL_SOCKET, flag, true);
  }

  t.deepEqual(tell((await connectedTo(listener!, module.AF_INET, '127.0.0.1', 80))[1]), [true, true, true]);
  t.deepEqual(tell((await connectedTo(local!, module.AF_UNIX, '/remembered', 0))[1]), [false, false, false]);
});

test('1.13: TCP_QUICKACK is told as it was set before there is a connection; connecting sets it again, accepting does not', async (t) => {
  const [socket] = module.tcp();
  const [listener] = module.tcp();
  await listener!.bind('127.0.0.1', 81);
  listener!.listen(1);
  const told = (each: Socket): unknown => each.getoption(IPPROTO_TCP, TCP_QUICKACK)[0];
  t.is(told(socket!), true);
  socket!.setoption(IPPROTO_TCP, TCP_QUICKACK, 0);
  listener!.setoption(IPPROTO_TCP, TCP_QUICKACK, false);
  t.is(told(socket!), false);
  t.is(told(listener!), false);

  await network.until(socket!.connect('127.0.0.1', 81));
  const [accepted] = await network.until(listener!.accept());
  t.is(told(socket!), true);
  t.is(told(accepted!), false);
});
