/** Hosts in real time on a device that carries nothing: what openHost passes on, and what is left when it is closed. */
import test from 'ava';
import { openHost } from '../../src/api/node/index.ts';
import type { Device } from '../../src/stack/index.ts';

const silence = (): Device => ({
  name: 'silence',
  mtu: 1500,
  read: () => 0,
  write: () => true,
  onReady: () => {},
  onLost: () => {},
  close: () => {},
});

test('1.2: limit says how many sockets of the host may be open', async (t) => {
  await using host = await openHost({ tun: silence(), address: '10.0.0.1/24', resolver: null, limit: 2 });
  const { socket } = host;

  t.deepEqual(
    [socket.tcp(), socket.udp(), socket.udp()].map(([, error]) => error),
    [null, null, 'Too many open files'],
  );
});

test('1.9: a host that is closed ends what waits for a name, and makes no sockets any more', async (t) => {
  const host = await openHost({
    tun: silence(),
    address: '10.0.0.1/24',
    resolver: { servers: ['10.0.0.2'], timeout: 3600 },
  });
  const looking = host.socket.getaddrinfo('name.test', 80);
  const connecting = host.socket.tcp()[0]!.connect('name.test', 80);
  await host.close();

  t.deepEqual(await looking, [null, 'Non-recoverable failure in name resolution']);
  t.deepEqual(await connecting, [null, 'Bad file descriptor']);
  t.deepEqual(host.socket.tcp(), [null, 'Bad file descriptor']);
});
