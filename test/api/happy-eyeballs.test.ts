/** RFC 8305: the addresses of a name side by side, in virtual time. */
import test from 'ava';
import { createSocketModule, type Socket, type SocketModule } from '../../src/api/index.ts';
import { ms, Network, seconds } from '../../src/sim/index.ts';

const isV6 = (packet: Uint8Array): boolean => packet[0]! >> 4 === 6;

/** A client that knows 'peer' under these addresses, and a server that listens on port 80 of both families. */
async function stage(addresses: readonly string[], happyEyeballs = true) {
  const network = new Network({ invariants: true });
  const [here, there] = [network.host('here'), network.host('there')];
  const link = network.link(here, ['10.0.0.1/24', '2001:db8::1/64'], there, ['10.0.0.2/24', '2001:db8::2/64'], {
    delay: ms(10),
  });
  const client = createSocketModule(here, { happyEyeballs, hosts: { peer: addresses } });
  const server = createSocketModule(there);
  const listener = open(server);
  await listener.bind('', 80);
  listener.listen(5);
  const states = (): string[] => [...here.stack.tcp.connections()].map(({ state }) => state);
  return { network, link, client, listener, states };
}

function open(module: SocketModule): Socket {
  const [socket] = module.socket(module.AF_INET6, module.SOCK_STREAM);
  return socket!;
}

const peerOf = (socket: Socket): unknown => socket.getpeername()[0]?.[0];

test('RFC 8305 section 5: an address that says nothing costs a quarter of a second, not minutes', async (t) => {
  const { network, link, client } = await stage(['2001:db8::2', '10.0.0.2']);
  link.forward.filter = isV6;
  const socket = open(client);

  t.deepEqual(await network.until(socket.connect('peer', 80)), [true, null]);
  t.is(peerOf(socket), '::ffff:10.0.0.2');
  t.is(network.now, ms(250 + 20));
});

test('RFC 8305 section 5: the first that connects stays, and the others are given up', async (t) => {
  const { network, link, client, listener, states } = await stage(['2001:db8::2', '10.0.0.2']);
  const settings = link.forward.settings;
  link.forward.settings = { ...settings, delay: ms(400) }; // both are begun before either is there
  const socket = open(client);

  t.deepEqual(await network.until(socket.connect('peer', 80)), [true, null]);
  t.is(peerOf(socket), '2001:db8::2');
  await socket.write('hello');
  const [accepted] = await network.until(listener.accept());
  t.is(new TextDecoder().decode((await network.until(accepted!.read(10)))[0]), 'hello');
  network.run(seconds(5));
  t.deepEqual(states(), ['ESTABLISHED']);
});

test('RFC 8305 section 4: an address that refuses lets the next begin at once', async (t) => {
  const { network, client } = await stage(['2001:db8::9', '10.0.0.2']); // nobody has 2001:db8::9, and the way there says so
  const socket = open(client);

  t.deepEqual(await network.until(socket.connect('peer', 80)), [true, null]);
  t.is(peerOf(socket), '::ffff:10.0.0.2');
  t.true(network.now <= ms(250 + 20));
});

test('when all fail, the last error is told, and the socket may try again', async (t) => {
  const { network, client } = await stage(['2001:db8::2', '10.0.0.2']);
  const socket = open(client);

  t.deepEqual(await network.until(socket.connect('peer', 81)), [null, 'Connection refused']);
  t.is(socket.lastError?.code, 'ECONNREFUSED');
  t.deepEqual(await network.until(socket.connect('peer', 80)), [true, null]);
});

test('1.10: the timeout of the socket counts for all attempts together', async (t) => {
  const { network, link, client } = await stage(['2001:db8::2', '10.0.0.2']);
  link.forward.filter = () => true;
  const socket = open(client);
  socket.settimeout(2);

  t.deepEqual(await network.until(socket.connect('peer', 80)), [null, 'Operation timed out']);
  t.is(network.now, seconds(2));
});

test('without the option one address is tried after the other, and IPv4 is left out where there is IPv6', async (t) => {
  const { network, link, client } = await stage(['2001:db8::2', '10.0.0.2'], false);
  link.forward.filter = isV6;
  const socket = open(client);
  socket.settimeout(10);

  t.deepEqual(await network.until(socket.connect('peer', 80)), [null, 'Operation timed out']);
});

test('options that were set before hold for the connection that wins', async (t) => {
  const { network, link, client } = await stage(['2001:db8::2', '10.0.0.2']);
  link.forward.filter = isV6;
  const socket = open(client);
  socket.setoption(client.IPPROTO_TCP, client.TCP_NODELAY, true);
  await network.until(socket.connect('peer', 80));

  t.deepEqual(socket.getoption(client.IPPROTO_TCP, client.TCP_NODELAY), [true, null]);
});
