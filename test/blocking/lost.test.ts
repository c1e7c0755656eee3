/** 1.9: sockets that end with their block, and those that the calling thread has lost. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import test, { type ExecutionContext } from 'ava';
import { type BlockingHost, type BlockingModule, openBlockingNetwork } from '../../src/blocking/index.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Lets the collector run, and what it calls. */
async function collected(): Promise<void> {
  for (let round = 0; round < 10; round++) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const open = (): Readonly<Record<'here' | 'there', BlockingHost>> =>
  openBlockingNetwork({
    hosts: { here: {}, there: {} },
    links: [{ between: ['here', 'there'], addresses: ['10.0.0.1/24', '10.0.0.2/24'] }],
  });

/** What is warned of from now on. */
function listen(t: ExecutionContext): string[] {
  const warnings: string[] = [];
  const { warn } = console;
  console.warn = (text: string) => void warnings.push(text);
  t.teardown(() => {
    console.warn = warn;
  });
  return warnings;
}

function lose({ udp }: BlockingModule): WeakRef<object> {
  const [socket] = udp();
  return new WeakRef(socket!);
}

test.serial(
  '1.9: a socket that is lost while open is closed, told of once, and its number is free again',
  async (t) => {
    const { here } = open();
    const warnings = listen(t);
    const lost = lose(here.socket);
    lose(here.socket);
    await collected();

    t.is(lost.deref(), undefined);
    t.is(warnings.length, 1);
    t.regex(warnings[0]!, /^tundra: socket [34] was lost without being closed \(told once\)$/);
    const [next] = here.socket.udp();
    t.is(next!.fileno(), 3);
    here.close();
  },
);

test.serial('1.9: what a lost connection had to say is said before it ends', async (t) => {
  const { here, there } = open();
  listen(t);
  const [listener] = there.socket.tcp();
  listener!.bind('', 80);
  listener!.listen(1);
  (() => {
    const [socket] = here.socket.tcp();
    socket!.settimeout(0);
    socket!.connect('10.0.0.2', 80);
    here.socket.select(null, [socket!]);
    socket!.write('bye');
  })();
  const [accepted] = listener!.accept();
  await collected();

  t.is(new TextDecoder().decode(accepted!.read(100)[0]), 'bye');
  t.deepEqual(accepted!.read(100), [new Uint8Array(0), there.socket.ERROR_CLOSED]);
  here.close();
});

test.serial(
  '1.9: of a socket that was closed, of one that is held, and of a host that is gone nothing is told',
  async (t) => {
    const { here } = open();
    const other = open();
    const warnings = listen(t);
    (() => here.socket.udp()[0]!.close())();
    (() => void other.here.socket.udp())();
    other.here.close();
    const [held] = here.socket.udp();
    await collected();

    t.deepEqual(warnings, []);
    t.is(held!.fileno(), 3);
    here.close();
  },
);

test('1.9: using closes a socket at the end of its block, and a host', async (t) => {
  await using hosts = open().here;
  {
    await using socket = hosts.socket.udp()[0]!;
    t.is(socket.fileno(), 3);
  }
  using next = hosts.socket.udp()[0]!;
  t.is(next.fileno(), 3);
});
