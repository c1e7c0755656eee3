/** 1.5: connect(null) lets go of the peer (AF_UNSPEC), as Linux does it; in virtual time. */
import test from 'ava';
import { createSocketModule, type Socket } from '../../src/api/index.ts';
import { ms, pair } from '../../src/sim/index.ts';

const RESET = 'Connection reset by peer';
const NOT_CONNECTED = [null, 'Transport endpoint is not connected'] as const;

async function stage() {
  const { network, client, server } = pair({ link: { delay: ms(10) } });
  const [here, there] = [createSocketModule(client), createSocketModule(server)];
  const [listener] = there.tcp();
  await listener!.bind('', 80);
  listener!.listen(5);
  const connect = async (socket: Socket): Promise<Socket> => {
    const [, error] = await network.until(socket.connect('10.0.0.2', 80));
    if (error !== null) throw new Error(error);
    return (await network.until(listener!.accept()))[0]!;
  };
  return { network, here, listener: listener!, connect, socket: here.tcp()[0]!, states: () => statesOf(client.stack) };
}

const statesOf = (stack: ReturnType<typeof pair>['client']['stack']): string[] =>
  [...stack.tcp.connections()].map(({ state }) => state);

test('1.5: connect(null) on a connection resets it, is told once, and leaves a socket that connects again', async (t) => {
  const { network, connect, socket, states } = await stage();
  const first = await connect(socket);
  await socket.write('lost');

  t.deepEqual(await socket.connect(null), [true, null]);
  t.deepEqual(socket.getpeername(), NOT_CONNECTED);
  t.deepEqual(socket.getsockname(), [['0.0.0.0', 0], null]);
  t.deepEqual(await socket.read(10), [new Uint8Array(0), RESET]);
  t.deepEqual(await socket.read(10), [new Uint8Array(0), NOT_CONNECTED[1]]);
  t.deepEqual(await socket.write('x'), [null, 'Connection closed']);
  t.deepEqual(states(), []);
  t.is((await network.until(first.read(10)))[1], RESET);
  const second = await connect(socket);
  await socket.write('again');
  t.is(new TextDecoder().decode((await network.until(second.read(10)))[0]), 'again');
});

test('1.5: connect(null) keeps what bind has named', async (t) => {
  const { connect, socket } = await stage();
  await socket.bind('10.0.0.1', 5000);
  await connect(socket);
  await socket.connect(null);

  t.deepEqual(socket.getsockname(), [['10.0.0.1', 5000], null]);
  t.deepEqual(await socket.bind('', 5001), [null, 'Invalid argument']);
  await connect(socket);
  t.deepEqual(socket.getsockname(), [['10.0.0.1', 5000], null]);
});

test('1.5: connect(null) gives an attempt up, and whoever waits for it is told', async (t) => {
  const { network, here, socket, states } = await stage();
  const connecting = socket.connect('10.0.0.2', 80);
  network.run(ms(5));
  t.deepEqual(states(), ['SYN-SENT']);

  t.deepEqual(await socket.connect(null), [true, null]);
  t.deepEqual(await connecting, [null, RESET]);
  t.deepEqual(states(), []);
  t.deepEqual(socket.getoption(here.SOL_SOCKET, here.SO_ERROR), [0, null]);
});

test('1.5: connect(null) without a connection does nothing', async (t) => {
  const { here, socket } = await stage();
  const [bound] = here.tcp();
  await bound!.bind('', 6000);

  t.deepEqual(await socket.connect(null), [true, null]);
  t.deepEqual(await bound!.connect(null), [true, null]);
  t.deepEqual(bound!.getsockname(), [['0.0.0.0', 6000], null]);
  t.deepEqual(await socket.read(1), [new Uint8Array(0), NOT_CONNECTED[1]]);
});

test('1.5: connect(null) ends listening, and resets whom nobody has accepted', async (t) => {
  const { network, here, listener } = await stage();
  const [client] = here.tcp();
  await network.until(client!.connect('10.0.0.2', 80));

  t.deepEqual(await listener.connect(null), [true, null]);
  t.deepEqual(listener.getsockname(), [['0.0.0.0', 80], null]);
  t.deepEqual(await listener.accept(), [null, 'Invalid argument']);
  t.is((await network.until(client!.read(1)))[1], RESET);
  t.deepEqual(listener.listen(1), [true, null]);
});

test('1.5: connect(null) wakes those that read', async (t) => {
  const { connect, socket } = await stage();
  await connect(socket);
  const reading = socket.read(10);
  await socket.connect(null);

  t.deepEqual(await reading, [new Uint8Array(0), RESET]);
});

test('1.8: read of nothing, and recvInto nothing, are EBADF on a closed socket', async (t) => {
  const { socket } = await stage();
  socket.close();

  t.deepEqual(await socket.read(0), [new Uint8Array(0), 'Bad file descriptor']);
  t.deepEqual(await socket.recv(0, 0), [new Uint8Array(0), 'Bad file descriptor']);
  t.deepEqual(await socket.recvInto(new Uint8Array(0)), [null, 'Bad file descriptor']);
  t.is(socket.lastError?.code, 'EBADF');
});

test('1.5: connect(null) of a connection that is over leaves it in TIME-WAIT, with its name, and tells of nothing', async (t) => {
  const { network, connect, socket, states } = await stage();
  await socket.bind('', 7000);
  const peer = await connect(socket);
  socket.shutdown(1);
  network.run(ms(50));
  peer.close();
  network.run(ms(50));
  t.deepEqual(states(), ['TIME-WAIT']);

  t.deepEqual(await socket.connect(null), [true, null]);
  t.deepEqual(states(), ['TIME-WAIT']);
  t.deepEqual(await socket.read(1), [new Uint8Array(0), NOT_CONNECTED[1]]);
  t.deepEqual(socket.getsockname(), [['0.0.0.0', 0], null]);
  await connect(socket);
});
