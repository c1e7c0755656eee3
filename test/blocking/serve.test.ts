/** The serving side: what it keeps of the sockets that it makes. */
import test from 'ava';
import { createSocketModule } from '../../src/api/index.ts';
import { Servant, type SocketToken } from '../../src/blocking/serve.ts';
import { Network } from '../../src/sim/index.ts';

const makeServant = (): Servant =>
  new Servant(new Map([['', createSocketModule(new Network({ seed: 1 }).host('alone'))]]));

/** What a call returns. */
async function ask(servant: Servant, target: string | number, method: string, ...args: unknown[]): Promise<unknown> {
  const answer = await servant.serve([target, method, args], 0);
  if (answer.length === 2) throw new Error(answer[0]);
  return answer[0];
}

async function openOne(servant: Servant): Promise<number> {
  const [token] = (await ask(servant, '', 'udp')) as readonly [SocketToken, null];
  return token.socketToken;
}

test('1.9: a socket that is closed is kept no longer', async (t) => {
  const servant = makeServant();
  const kept = await openOne(servant);

  for (let count = 0; count < 100; count++) await ask(servant, await openOne(servant), 'close');

  t.is(servant.openCount, 1);
  t.is(await ask(servant, kept, 'fileno'), 3);
});

test('a socket that leaves twice is the same both times', async (t) => {
  const servant = makeServant();
  const socketToken = await openOne(servant);

  const [[, writers]] = (await ask(servant, '', 'select', [], [{ socketToken }], [], 0)) as [SocketToken[][]];

  t.deepEqual(
    writers!.map((each) => each.socketToken),
    [socketToken],
  );
  t.is(servant.openCount, 1);
});

test('1.12: select of a socket that is closed says so', async (t) => {
  const servant = makeServant();
  const socketToken = await openOne(servant);
  await ask(servant, socketToken, 'close');

  t.deepEqual(await ask(servant, '', 'select', [{ socketToken }], [], [], 0), [null, 'Bad file descriptor']);
});
