/** 1.10: SO_SNDTIMEO and SO_RCVTIMEO beside settimeout; in virtual time. */
import test from 'ava';
import { createSocketModule, type Socket, type SocketModule } from '../../src/api/index.ts';
import { ms, pair, seconds } from '../../src/sim/index.ts';

const LATE = [null, 'Operation timed out'] as const;
const UNDER_WAY = [null, 'Operation now in progress'] as const;
const AGAIN = [null, 'Resource temporarily unavailable'] as const;

/** A round trip takes four seconds: longer than anybody here waits. */
async function stage() {
  const { network, client, server } = pair({ link: { delay: seconds(2) } });
  const [here, there] = [createSocketModule(client), createSocketModule(server)];
  const [listener] = there.tcp();
  await listener!.bind('', 80);
  listener!.listen(1);
  const [socket] = here.tcp();
  const limit = (option: number) => socket!.setoption(here.SOL_SOCKET, here.SO_SNDTIMEO, option);
  const time = async <T>(call: Promise<T>): Promise<[T, number]> => {
    const start = network.now;
    const result = await network.until(call);
    return [result, (network.now - start) / ms(1)];
  };
  return { network, here, socket: socket!, limit, time };
}

test('1.10: a connect that is late by SO_SNDTIMEO is EINPROGRESS, then EALREADY, and goes on by itself', async (t) => {
  const { network, socket, limit, time } = await stage();
  limit(0.5);

  t.deepEqual(await time(socket.connect('10.0.0.2', 80)), [UNDER_WAY, 500]);
  t.is(socket.lastError?.code, 'EINPROGRESS');
  t.deepEqual(await time(socket.connect('10.0.0.2', 80)), [[null, 'Operation already in progress'], 500]);
  network.run(seconds(4));
  t.deepEqual(await time(socket.connect('10.0.0.2', 80)), [[true, null], 0]);
  t.deepEqual(socket.getpeername(), [['10.0.0.2', 80], null]);
});

test('1.10: of settimeout and SO_SNDTIMEO the earlier one ends a connect, each with its own error', async (t) => {
  const { socket, limit, time } = await stage();
  limit(2);
  socket.settimeout(1);
  t.deepEqual(await time(socket.connect('10.0.0.2', 80)), [LATE, 1000]);
  limit(0.25);
  t.deepEqual((await time(socket.connect('10.0.0.2', 80)))[1], 250);
  limit(0);

  t.deepEqual(await time(socket.connect('10.0.0.2', 80)), [LATE, 1000]);
});

test('1.10: a connect of AF_UNIX that finds no room is EAGAIN when SO_SNDTIMEO is over, and ERROR_TIMEOUT when settimeout is', async (t) => {
  const { here, time } = await stage();
  const stream = (module: SocketModule): Socket => module.socket(module.AF_UNIX, module.SOCK_STREAM)[0]!;
  const [listener, first, late] = [stream(here), stream(here), stream(here)];
  await listener.bind('/full');
  listener.listen(0);
  await first.connect('/full');
  late.setoption(here.SOL_SOCKET, here.SO_SNDTIMEO, 0.5);

  t.deepEqual(await time(late.connect('/full')), [AGAIN, 500]);
  late.settimeout(0.25);
  t.deepEqual(await time(late.connect('/full')), [LATE, 250]);
});
