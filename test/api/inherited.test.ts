/** 1.6: what accepted sockets inherit is theirs. */
import test from 'ava';
import { createSocketModule } from '../../src/api/index.ts';
import { pair } from '../../src/sim/index.ts';

test('1.6: an option of an accepted socket changes nothing of its listener and of the others, nor the other way round', async (t) => {
  const { network, client, server } = pair();
  const [here, there] = [createSocketModule(client), createSocketModule(server)];
  const [listener] = there.tcp();
  const level = [there.IPPROTO_TCP, there.TCP_KEEPIDLE] as const;
  await listener!.bind('', 80);
  listener!.listen(5);
  listener!.setoption(...level, 100);
  const accepted = async () => {
    await network.until(here.tcp()[0]!.connect('10.0.0.2', 80));
    return (await network.until(listener!.accept()))[0]!;
  };
  const [first, second] = [await accepted(), await accepted()];
  first.setoption(...level, 200);
  const third = await accepted();
  listener!.setoption(...level, 300);
  const fourth = await accepted();
  second.setoption(there.IPPROTO_TCP, there.TCP_NODELAY, true);

  t.deepEqual(
    [first, second, third, fourth, listener!].map((socket) => socket.getoption(...level)[0]),
    [200, 100, 100, 300, 300],
  );
  t.deepEqual(
    [first, second, third].map((socket) => socket.getoption(there.IPPROTO_TCP, there.TCP_NODELAY)[0]),
    [false, true, false],
  );
});
