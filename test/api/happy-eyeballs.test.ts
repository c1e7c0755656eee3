/** RFC 8305: the addresses of a name side by side, in virtual time. */
import test from 'ava';
import { parseMessage, types } from '../../src/api/dns/message.ts';
import { createSocketModule, type Socket, type SocketModule } from '../../src/api/index.ts';
import { ms, Network, seconds } from '../../src/sim/index.ts';
import { parseAddress } from '../../src/stack/index.ts';

const isV6 = (packet: Uint8Array): boolean => packet[0]! >> 4 === 6;

/** A client that knows 'peer' under these addresses, and a server that listens on port 80 of both families. */
async function stage(addresses: readonly string[], happyEyeballs = true) {
  const network = new Network();
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

// Names that somebody has to be asked for ------------------------------------------------------------------------------------

type Asked = 'A' | 'AAAA';
/** How long the name server thinks, in milliseconds, and what it says; null says nothing. */
type Says = Readonly<Record<Asked, readonly [thinks: number, ...addresses: string[]] | null>>;

/** The server serves names as well: there and back again takes 20 ms. What it is asked is collected. */
async function asking(says: Says, search: readonly string[] = []) {
  const network = new Network();
  const [here, there] = [network.host('here'), network.host('there')];
  const link = network.link(here, ['10.0.0.1/24', '2001:db8::1/64'], there, ['10.0.0.2/24', '2001:db8::2/64'], {
    delay: ms(10),
  });
  const client = createSocketModule(here, { happyEyeballs: true, resolver: { servers: ['10.0.0.2'], search } });
  const server = createSocketModule(there);
  const listener = open(server);
  await listener.bind('', 80);
  listener.listen(5);
  const heard: string[] = [];
  const [names] = server.udp();
  await names!.bind('', 53);
  void (async () => {
    for (;;) {
      const [query] = await names!.recvfrom(2000);
      const { question } = parseMessage(query!.data)!;
      const type: Asked = question!.type === types.A ? 'A' : 'AAAA';
      heard.push(`${type} ${question!.name}`);
      const said = question!.name === 'peer.example' ? says[type] : ([0] as const);
      if (said === null) continue;
      const [thinks, ...addresses] = said;
      void network.sleep(ms(thinks)).then(() => names!.sendto(answerTo(query!.data, addresses), ...query!.address));
    }
  })();
  const socket = open(client);
  /** When the first SYN to each address has left, in milliseconds. */
  const syns = new Map<string, number>();
  link.forward.taps.push((packet, _length, now) => {
    const isTcp = packet[isV6(packet) ? 6 : 9] === 6;
    const to = isV6(packet) ? `v6 .${packet[39]}` : `v4 .${packet[19]}`;
    if (isTcp && !syns.has(to)) syns.set(to, now / ms(1));
  });
  const connect = (name = 'peer.example') => network.until(socket.connect(name, 80));
  return { network, link, client, socket, syns, connect, heard };
}

/** The query again, as an answer with these addresses. */
function answerTo(query: Uint8Array, addresses: readonly string[]): Uint8Array {
  const question = query.subarray(12, query.indexOf(0, 12) + 5);
  const records = addresses.flatMap((text) => {
    const { isV4, w0, w1, w2, w3 } = parseAddress(text)!;
    const octets = (isV4 ? [w3] : [w0, w1, w2, w3]).flatMap((word) => [24, 16, 8, 0].map((by) => (word >>> by) & 255));
    return [0xc0, 12, 0, isV4 ? 1 : 28, 0, 1, 0, 0, 0, 60, 0, octets.length, ...octets];
  });
  const header = [query[0]!, query[1]!, 0x81, 0x80, 0, 1, 0, addresses.length, 0, 0, 0, 0];
  return Uint8Array.from([...header, ...question, ...records]);
}

test('8305-1: AAAA is asked for first, and A behind it at once', async (t) => {
  const { connect, heard, network } = await asking({ AAAA: [0, '2001:db8::2'], A: [0, '10.0.0.2'] });

  t.deepEqual(await connect(), [true, null]);
  t.deepEqual(heard, ['AAAA peer.example', 'A peer.example']);
  t.is(network.now, ms(40));
});

test('8305-1: IPv6 is tried as soon as it is known, and IPv4 takes part when it comes', async (t) => {
  const { connect, link, syns, socket } = await asking({ AAAA: [0, '2001:db8::2'], A: [100, '10.0.0.2'] });
  link.forward.filter = (packet) => isV6(packet);

  t.deepEqual(await connect(), [true, null]);
  t.is(peerOf(socket), '::ffff:10.0.0.2');
  t.deepEqual(
    [...syns],
    [
      ['v6 .2', 20],
      ['v4 .2', 270],
    ],
  );
});

test('8305-1: IPv4 waits 50 ms for IPv6, and then begins', async (t) => {
  const { connect, syns, socket } = await asking({ AAAA: [400, '2001:db8::2'], A: [0, '10.0.0.2'] });

  t.deepEqual(await connect(), [true, null]);
  t.is(peerOf(socket), '::ffff:10.0.0.2');
  t.deepEqual([...syns], [['v4 .2', 70]]);
});

test('8305-1: IPv6 that comes within 50 ms is tried before IPv4', async (t) => {
  const { connect, syns, socket } = await asking({ AAAA: [30, '2001:db8::2'], A: [0, '10.0.0.2'] });

  t.deepEqual(await connect(), [true, null]);
  t.is(peerOf(socket), '2001:db8::2');
  t.deepEqual([...syns], [['v6 .2', 50]]);
});

test('8305-1: that there is no IPv6 is an answer: IPv4 waits no longer', async (t) => {
  const { connect, syns } = await asking({ AAAA: [30], A: [0, '10.0.0.2'] });

  t.deepEqual(await connect(), [true, null]);
  t.deepEqual([...syns], [['v4 .2', 50]]);
});

test('8305-1: IPv6 that comes later takes part, before further IPv4', async (t) => {
  const { connect, link, syns, socket } = await asking({
    AAAA: [200, '2001:db8::2'],
    A: [0, '10.0.0.8', '10.0.0.9'],
  });
  link.forward.filter = (packet) => !isV6(packet) && packet[9] === 6;

  t.deepEqual(await connect(), [true, null]);
  t.is(peerOf(socket), '2001:db8::2');
  t.deepEqual(
    [...syns],
    [
      ['v4 .8', 70],
      ['v6 .2', 320],
    ],
  );
});

test('8305-1: when all that is known has failed, what is still to come is waited for', async (t) => {
  const { connect, syns, socket } = await asking({ AAAA: [600, '2001:db8::2'], A: [0, '10.0.0.1'] });

  t.deepEqual(await connect(), [true, null]); // our own address, where nobody listens
  t.is(peerOf(socket), '2001:db8::2');
  t.deepEqual([...syns], [['v6 .2', 620]]);
});

test('8305-1: a server that says nothing about IPv6 delays IPv4 by 50 ms only', async (t) => {
  const { connect, network } = await asking({ AAAA: null, A: [0, '10.0.0.2'] });

  t.deepEqual(await connect(), [true, null]);
  t.is(network.now, ms(90));
});

test('8305-1: both families are of one name of the search list', async (t) => {
  const { connect, heard, socket } = await asking({ AAAA: [500], A: [0, '10.0.0.2'] }, ['elsewhere', 'example']);

  t.deepEqual(await connect('peer'), [true, null]);
  t.is(peerOf(socket), '::ffff:10.0.0.2');
  t.deepEqual(heard, ['AAAA peer.elsewhere', 'A peer.elsewhere', 'AAAA peer.example', 'A peer.example']);
});

test('1.10: the timeout of the socket counts while addresses are waited for, and while they are tried', async (t) => {
  const { connect, link, network, socket } = await asking({ AAAA: null, A: [0, '10.0.0.9'] });
  link.forward.filter = (packet) => packet[9] === 6;
  socket.settimeout(0.06);
  t.deepEqual(await connect(), [null, 'Operation timed out']);
  t.is(network.now, ms(60));
  socket.settimeout(2);

  t.deepEqual(await connect(), [null, 'Operation timed out']);
  t.is(network.now, ms(2060));
});

test('1.9: a socket that is closed while addresses come and are tried is EBADF, and leaves nothing behind', async (t) => {
  const { link, network, socket, client } = await asking({ AAAA: [300, '2001:db8::2'], A: [0, '10.0.0.9'] });
  link.forward.filter = (packet) => packet[9] === 6;
  const connecting = socket.connect('peer.example', 80);
  network.run(ms(200));
  void socket.close();

  t.deepEqual(await network.until(connecting), [null, 'Bad file descriptor']);
  network.run(seconds(30));
  t.is(client.tcp()[0]!.fileno(), 3);
});

test('8305-1: names that there are not, and that nobody answers for, fail as without it', async (t) => {
  const none = await asking({ AAAA: [0], A: [0] });
  const silent = await asking({ AAAA: null, A: null });

  t.deepEqual(await none.connect(), [null, 'No address associated with hostname']);
  t.deepEqual(await silent.connect(), [null, 'Temporary failure in name resolution']);
});
