/** 1.9: a host that is closed is dead: each call says so at once, nothing is asked any more, and nothing keeps the process. */
import test from 'ava';
import { type HostSettings, SocketHost, type SocketModule, socketModuleOf } from '../../src/api/index.ts';
import { ms, Network, seconds } from '../../src/sim/index.ts';
import type { Runner } from '../../src/stack/index.ts';

const BAD = [null, 'Bad file descriptor'] as const;
const FAILED = [null, 'Non-recoverable failure in name resolution'] as const;
const silentServer = { resolver: { servers: ['10.0.0.2'] } };

/** A host whose peer says nothing to a name server's port, with what it has asked of whoever keeps the process alive. */
function stage(settings: HostSettings = {}) {
  const network = new Network();
  const [client, server] = [network.host('client'), network.host('server')];
  const link = network.link(client, ['10.0.0.1/24'], server, ['10.0.0.2/24'], { delay: ms(10) });
  const held: boolean[] = [];
  const runner: Runner = {
    stack: client.stack,
    now: () => client.now(),
    kick: () => client.kick(),
    at: (when, action) => client.at(when, action),
    onChanged: (wake) => client.onChanged(wake),
    hold: (alive) => void held.push(alive),
  };
  const host = new SocketHost(runner, settings);
  const module = socketModuleOf(host, settings.resolver);
  const [sink] = socketModuleOf(new SocketHost(server)).udp();
  const isHeld = (): boolean => held.at(-1) ?? false;
  return { network, link, host, module, sink: sink!, held, isHeld };
}

/** What each function of the module says. */
const everything = async (module: SocketModule): Promise<unknown[]> => [
  module.socket(module.AF_INET6, module.SOCK_STREAM),
  module.socket(module.AF_UNIX, module.SOCK_DGRAM),
  module.tcp(),
  module.udp(),
  await module.select([], null, null, 5),
  await module.select([3], null, null, 0),
  await module.getaddrinfo('10.0.0.2', 53),
  await module.getaddrinfo(null, 53),
  await module.getaddrinfo('localhost', 53),
  await module.getaddrinfo('name.test', 53),
];

test('1.9: every call on the module of a closed host fails at once, and nothing holds the process', async (t) => {
  const { network, host, module, isHeld } = stage(silentServer);
  module.tcp();
  host.closeAll();
  host.closeAll();

  t.deepEqual(await everything(module), [...Array(6).fill(BAD), ...Array(4).fill(FAILED)]);
  t.is(network.now, 0);
  t.true(host.isClosed);
  t.false(isHeld());
});

test('1.9: every call on a socket of a closed host is EBADF, those that wait as well', async (t) => {
  const { network, host, module } = stage();
  const [listener] = module.tcp();
  await listener!.bind('', 80);
  listener!.listen(1);
  const [stream] = module.tcp();
  const [datagrams] = module.udp();
  const waiting = [listener!.accept(), stream!.connect('10.0.0.2', 80), module.select([datagrams!.fileno()])];
  const reading = datagrams!.read(10);
  network.run(ms(5));
  host.closeAll();

  t.deepEqual(await Promise.all(waiting), [BAD, BAD, BAD]);
  t.deepEqual(await reading, [new Uint8Array(0), BAD[1]]);
  t.deepEqual(await stream!.connect('10.0.0.2', 80), BAD);
  t.deepEqual(await listener!.accept(), BAD);
  t.deepEqual(await datagrams!.sendto('x', '10.0.0.2', 7), BAD);
});

test('1.9: a select without sockets ends with its host', async (t) => {
  const { host, module } = stage();
  const waiting = module.select(null, null, null, 60);
  host.closeAll();

  t.deepEqual(await waiting, BAD);
});

test('1.9: a name that is looked for when the host is closed fails at once, and no further server is asked', async (t) => {
  const { network, link, host, module, sink, held, isHeld } = stage(silentServer);
  await sink.bind('', 53);
  const [socket] = module.tcp();
  const looking = module.getaddrinfo('name.test', 80);
  const connecting = socket!.connect('name.test', 80);
  network.run(seconds(1));
  t.true(isHeld());
  const asked = held.length;
  let packets = 0;
  link.forward.taps.push(() => packets++);
  host.closeAll();

  t.deepEqual(await looking, FAILED);
  t.deepEqual(await connecting, BAD);
  t.is(network.now, seconds(1));
  network.run(seconds(60));
  t.is(packets, 0);
  t.false(held.slice(asked).includes(true));
  t.false(isHeld());
});

test('1.9: a socket that accepts in the moment of closing leaves no open connection behind', async (t) => {
  const { network, host, module } = stage();
  const [listener] = module.tcp();
  await listener!.bind('', 80);
  listener!.listen(1);
  const [client] = module.tcp();
  const accepting = listener!.accept();
  const connecting = client!.connect('10.0.0.1', 80);
  network.run(ms(50)); // both have been told, and neither has been able to look
  host.closeAll();

  t.deepEqual(await accepting, BAD);
  t.deepEqual(await connecting, BAD);
});
