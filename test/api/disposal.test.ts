/** 1.9: sockets that end with their block, and those that are lost. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import test from 'ava';
import { createSocketModule, type SocketModule } from '../../src/api/index.ts';
import { ms, pair } from '../../src/sim/index.ts';
import { formatAddress } from '../../src/stack/index.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Lets the collector run, and what it calls. */
async function collected(): Promise<void> {
  for (let round = 0; round < 5; round++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

test('1.9: using closes a socket at the end of its block', (t) => {
  const { client } = pair();
  const module = createSocketModule(client);
  let number = 0;
  {
    using socket = module.udp()[0]!;
    number = socket.fileno();
  }
  const [next] = module.udp();

  t.is(next!.fileno(), number);
});

test('1.9: await using waits as long as SO_LINGER says', async (t) => {
  const { network, client, server } = pair({ link: { delay: ms(100) } });
  const [here, there] = [createSocketModule(client), createSocketModule(server)];
  const [listener] = there.tcp();
  await listener!.bind('', 80);
  listener!.listen(1);
  const block = async (): Promise<number> => {
    await using socket = here.tcp()[0]!;
    await socket.connect('10.0.0.2', 80);
    socket.setoption(here.SOL_SOCKET, here.SO_LINGER, { onoff: true, linger: 5 });
    await socket.write('last words');
    return network.now;
  };
  const written = await network.until(block());

  t.is(network.now - written, ms(200)); // a round trip: the words and the FIN have arrived
});

test.serial(
  '1.9: a socket that is lost while open is closed, told of once, and its number is free again',
  async (t) => {
    const { client } = pair();
    const module = createSocketModule(client);
    const warnings: string[] = [];
    const { warn } = console;
    console.warn = (text: string) => void warnings.push(text);
    t.teardown(() => {
      console.warn = warn;
    });
    const lost = lose(module);
    lose(module);
    await collected();

    t.is(lost.deref(), undefined);
    t.is(warnings.length, 1);
    t.regex(warnings[0]!, /^tundra: socket [34] was lost without being closed \(told once\)$/);
    const [next] = module.udp();
    t.is(next!.fileno(), 3);
  },
);

function lose(module: SocketModule): WeakRef<object> {
  const [socket] = module.udp();
  return new WeakRef(socket!);
}

test('1.9: a socket that somebody waits on is not lost', async (t) => {
  const { network, client, server } = pair();
  const [here, there] = [createSocketModule(client), createSocketModule(server)];
  const reading = waitOn(there);
  await collected();
  const [sender] = here.udp();
  await sender!.sendto('still there', '10.0.0.2', 7);

  t.is(new TextDecoder().decode((await network.until(reading))[0]), 'still there');
});

async function waitOn(module: SocketModule): Promise<readonly [Uint8Array, string | null]> {
  const [socket] = module.udp();
  await socket!.bind('', 7);
  return socket!.read(100);
}

test.serial('1.9: what a lost connection had to say is said before it ends', async (t) => {
  const { network, client, server } = pair();
  const [here, there] = [createSocketModule(client), createSocketModule(server)];
  const [listener] = there.tcp();
  await listener!.bind('', 80);
  listener!.listen(1);
  const { warn } = console;
  console.warn = () => {};
  t.teardown(() => {
    console.warn = warn;
  });
  await network.until(sayAndLose(here));
  const [accepted] = await network.until(listener!.accept());
  await collected();
  network.run(ms(100));

  t.is(new TextDecoder().decode((await network.until(accepted!.read(100)))[0]), 'bye');
  t.deepEqual(await network.until(accepted!.read(100)), [new Uint8Array(0), there.ERROR_CLOSED]);
});

async function sayAndLose(module: SocketModule): Promise<void> {
  const [socket] = module.tcp();
  await socket!.connect('10.0.0.2', 80);
  await socket!.write('bye');
}

test.serial('1.9: a socket that is lost leaves its groups, as one that is closed', async (t) => {
  const { client } = pair();
  const module = createSocketModule(client);
  const { warn } = console;
  console.warn = () => {};
  t.teardown(() => {
    console.warn = warn;
  });
  joinAndLose(module);
  const isMember = (): boolean => client.stack.interfaces[1]!.groups.map(formatAddress).includes('224.1.2.3');
  t.true(isMember());
  await collected();

  t.false(isMember());
  t.is(module.udp()[0]!.fileno(), 3);
});

function joinAndLose(module: SocketModule): void {
  const [socket] = module.udp();
  const group = { group: '224.1.2.3', iface: 1 };
  const [joined] = socket!.setoption(module.IPPROTO_IP, module.IP_ADD_MEMBERSHIP, group);
  if (joined !== true) throw new Error('the group could not be joined');
}
