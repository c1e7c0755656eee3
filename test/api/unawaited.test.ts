/** 1.7: what fits is accepted within the call: what follows without `await` finds it written. In virtual time. */
import test from 'ava';
import { createSocketModule, type Socket } from '../../src/api/index.ts';
import { ms, pair } from '../../src/sim/index.ts';
import { connected } from '../helpers/connected.ts';

const { SHUT_WR, AF_UNIX, SOCK_STREAM } = createSocketModule(pair().client);

const overTcp = () => connected({ delay: ms(10) });

async function overUnix() {
  const { network, client } = pair();
  const here = createSocketModule(client);
  const [[listener], [writer]] = [here.socket(AF_UNIX, SOCK_STREAM), here.socket(AF_UNIX, SOCK_STREAM)];
  await listener!.bind('/unawaited');
  listener!.listen(1);
  await writer!.connect('/unawaited');
  const [reader] = await listener!.accept();
  return { network, writer: writer!, reader: reader! };
}

const textOf = async (stage: Awaited<ReturnType<typeof overUnix>>): Promise<string> => {
  let text = '';
  for (;;) {
    const [data, error] = await stage.network.until(stage.reader.read(100_000));
    if (error !== null) return `${text}|${error}`;
    text += new TextDecoder().decode(data);
  }
};

const endings: readonly (readonly [what: string, end: (socket: Socket) => unknown])[] = [
  ['close', (socket) => socket.close()],
  ['shutdown', (socket) => socket.shutdown(SHUT_WR)],
];

for (const [kind, open] of [
  ['TCP', overTcp],
  ['AF_UNIX', overUnix],
] as const) {
  for (const [what, end] of endings) {
    test(`1.7: what nobody waited for is sent before ${what} ends it (${kind})`, async (t) => {
      const stage = await open();
      const writing = [stage.writer.write('good'), stage.writer.write('bye'), stage.writer.send('!', 0)];
      end(stage.writer);

      t.is(await textOf(stage), 'goodbye!|Connection closed');
      t.deepEqual(await Promise.all(writing), [
        [4, null],
        [3, null],
        [1, null],
      ]);
    });
  }
}

test('1.7: of what does not fit, as much is sent before close as did; the call says so', async (t) => {
  const stage = await overTcp();
  const writing = stage.writer.write(new Uint8Array(10_000_000));
  void stage.writer.close();

  const [value, error, accepted] = await writing;
  t.deepEqual([value, error], [null, 'Bad file descriptor']);
  t.is((await textOf(stage)).length - '|Connection closed'.length, accepted!);
});

test('1.7: a datagram that nobody waited for leaves before close', async (t) => {
  const { network, client, server } = pair();
  const [[writer], [reader]] = [createSocketModule(client).udp(), createSocketModule(server).udp()];
  await reader!.bind('', 7);
  void writer!.sendto('bye', '10.0.0.2', 7);
  void writer!.close();

  t.is(new TextDecoder().decode((await network.until(reader!.read(10)))[0]), 'bye');
});
