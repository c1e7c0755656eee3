/** The blocking face (1.1): the same names without `await`, over hosts in memory that another thread turns. */
import { createHash } from 'node:crypto';
import test from 'ava';
import {
  type BlockingHost,
  type BlockingSocket,
  type MemoryPlan,
  openBlockingNetwork,
} from '../../src/blocking/index.ts';
import { Flag, startThread } from '../helpers/threads.ts';
import { octets } from '../tun/children/octets.ts';

const plan = (settings: MemoryPlan['links'][number]['settings'] = {}): MemoryPlan => ({
  hosts: { here: { hosts: { peer: '10.0.0.2' } }, there: {} },
  links: [
    {
      between: ['here', 'there'],
      addresses: [
        ['10.0.0.1/24', 'fd00::1/64'],
        ['10.0.0.2/24', 'fd00::2/64'],
      ],
      settings,
    },
  ],
});

type Hosts = Readonly<Record<'here' | 'there', BlockingHost>>;
const open = (settings?: MemoryPlan['links'][number]['settings']): Hosts =>
  openBlockingNetwork(plan(settings)) as Hosts;

function unwrap<T>([value, error]: readonly [T | null, string | null, ...unknown[]]): T {
  if (error !== null) throw new Error(error);
  return value as T;
}

/** Both ends of a connection, in one thread. */
function connected({ here, there }: Hosts): [BlockingSocket, BlockingSocket] {
  const listener = unwrap(there.socket.tcp());
  unwrap(listener.bind('', 80));
  unwrap(listener.listen(5));
  const client = unwrap(here.socket.tcp());
  client.settimeout(0);
  client.connect('10.0.0.2', 80);
  const server = unwrap(listener.accept());
  client.settimeout(-1);
  unwrap(client.connect('10.0.0.2', 80)); // the attempt that is under way
  return [client, server];
}

test('1.1: connect, accept, write, read and close, each returning when it is done', (t) => {
  const hosts = open({ delay: 10_000 });
  const [client, server] = connected(hosts);

  t.deepEqual(client.write('hello'), [5, null]);
  t.deepEqual(server.read(100), [new TextEncoder().encode('hello'), null]);
  t.deepEqual(client.getpeername(), [['10.0.0.2', 80], null]);
  t.is(String(client), `<socket: ${client.fileno()}>`);
  client.close();
  t.deepEqual(server.read(100), [new Uint8Array(0), 'Connection closed']);
  t.deepEqual(client.write('x'), [null, 'Bad file descriptor']);
  t.is(client.lastError?.code, 'EBADF');
  hosts.here.close();
});

test('1.10: a read waits as long as its timeout in virtual time, which costs none of ours', (t) => {
  const hosts = open();
  const [client] = connected(hosts);
  const start = performance.now();
  client.settimeout(1000);

  t.deepEqual(client.read(1), [new Uint8Array(0), 'Operation timed out']);
  t.true(performance.now() - start < 20_000);
  client.settimeout(0);
  t.deepEqual(client.read(1), [new Uint8Array(0), 'Resource temporarily unavailable']);
  hosts.here.close();
});

test('1.4, 1.1: arguments that cannot be throw in the calling thread', (t) => {
  const hosts = open();
  const socket = unwrap(hosts.here.socket.tcp());

  t.throws(() => socket.connect('10.0.0.2', 65_536), { instanceOf: RangeError });
  t.throws(() => socket.write(7 as never), { instanceOf: TypeError });
  t.throws(() => socket.settimeout('soon' as never), { instanceOf: TypeError });
  t.is(socket.fileno(), 3); // and it goes on
  hosts.here.close();
});

test('1.14: constants are there, and options travel as what they are', (t) => {
  const { here } = open();
  const { socket } = here;
  const udp = unwrap(socket.udp());

  t.is(socket.SOCK_STREAM, 1);
  t.is(socket.ERROR_TIMEOUT, 'Operation timed out');
  t.deepEqual(udp.setoption(socket.SOL_SOCKET, socket.SO_BROADCAST, true), [true, null]);
  t.deepEqual(udp.getoption(socket.SOL_SOCKET, socket.SO_BROADCAST), [true, null]);
  const tcp = unwrap(socket.tcp());
  t.deepEqual(tcp.setoption(socket.SOL_SOCKET, socket.SO_LINGER, { onoff: true, linger: 3 }), [true, null]);
  t.deepEqual(tcp.getoption(socket.SOL_SOCKET, socket.SO_LINGER), [{ onoff: true, linger: 3 }, null]);
  here.close();
});

test('1.11: getaddrinfo, and connect by name', (t) => {
  const hosts = open();

  const [infos] = hosts.here.socket.getaddrinfo('peer', 'http', 0, hosts.here.socket.SOCK_STREAM);
  t.deepEqual(
    infos?.map(({ sockaddr }) => sockaddr),
    [['10.0.0.2', 80]],
  );
  const udp = unwrap(hosts.here.socket.udp());
  t.deepEqual(udp.connect('peer', 'domain'), [true, null]);
  t.deepEqual(udp.getpeername(), [['10.0.0.2', 53], null]);
  hosts.here.close();
});

test('1.12: select gives back the sockets that were given to it', (t) => {
  const hosts = open({ delay: 5000 });
  const [client, server] = connected(hosts);
  server.write('news');

  const [ready, error] = hosts.here.socket.select([client], null, null, 1);
  t.is(error, null);
  t.deepEqual(ready, [[client], [], []]);
  t.is(ready![0]![0], client);
  t.deepEqual(hosts.here.socket.select([client.fileno()], [client]), [[[client.fileno()], [client], []], null]);
  hosts.here.close();
});

test('a thread of its own answers: a mebibyte there and back over a link that loses a tenth', async (t) => {
  const hosts = open({ delay: 2000, loss: 0.1 });
  const ready = new Flag();
  const echo = startThread(new URL('./threads/echo.ts', import.meta.url), {
    share: hosts.there.share,
    ready: ready.words,
    port: 7,
  });
  t.teardown(echo.end);
  ready.wait();
  const client = unwrap(hosts.here.socket.tcp());
  unwrap(client.connect('10.0.0.2', 7));
  const sent = octets(1 << 20, 5);
  const received: Uint8Array[] = [];
  const piece = 1 << 15;
  for (let at = 0; at < sent.length; at += piece) {
    unwrap(client.write(sent.subarray(at, at + piece)));
    for (let missing = piece; missing > 0; ) {
      const [data, error] = client.read(missing);
      if (error !== null) throw new Error(error);
      received.push(data);
      missing -= data.length;
    }
  }
  client.close();
  hosts.here.socket.leave();
  await echo.done;

  t.is(Buffer.compare(Buffer.concat(received), sent), 0);
});

test('what is larger than a call can hold is written all the same, and counted whole', async (t) => {
  const hosts = open();
  const ready = new Flag();
  const sink = startThread(new URL('./threads/sink.ts', import.meta.url), {
    share: hosts.there.share,
    ready: ready.words,
    port: 9,
  });
  t.teardown(sink.end);
  ready.wait();
  const client = unwrap(hosts.here.socket.tcp());
  unwrap(client.connect('10.0.0.2', 9));
  const sent = octets(3 << 20, 6);

  t.deepEqual(client.write(sent), [sent.length, null]);
  client.shutdown(hosts.here.socket.SHUT_WR);
  const [digest] = client.read(100);
  t.is(new TextDecoder().decode(digest), createHash('sha256').update(sent).digest('hex'));
  client.close();
  hosts.here.socket.leave();
  await sink.done;
});

test('a plan that cannot be is refused with its reason', (t) => {
  t.throws(
    () =>
      openBlockingNetwork({
        hosts: { a: {} },
        links: [{ between: ['a', 'b'], addresses: ['10.0.0.1/24', '10.0.0.2/24'] }],
      }),
    {
      message: /a link between hosts that there are not/,
    },
  );
});
