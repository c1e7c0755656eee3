/** Calls and answers larger than the memory that threads share for one: they come to the same as in the other face. */
import test from 'ava';
import { type BlockingHost, type BlockingSocket, openBlockingNetwork } from '../../src/blocking/index.ts';
import { octets } from '../tun/children/octets.ts';

type Hosts = Readonly<Record<'here' | 'there', BlockingHost>>;

const open = (): Hosts =>
  openBlockingNetwork({
    hosts: { here: {}, there: {} },
    links: [{ between: ['here', 'there'], addresses: ['10.0.0.1/24', '10.0.0.2/24'] }],
  });

/** Both ends of a connection over AF_UNIX, which holds what was written before anybody reads. */
function streams({ here }: Hosts, type: number = here.socket.SOCK_STREAM): readonly [BlockingSocket, BlockingSocket] {
  const { AF_UNIX, SOL_SOCKET, SO_SNDBUF } = here.socket;
  const [listener] = here.socket.socket(AF_UNIX, type);
  listener!.bind('/end');
  listener!.listen(1);
  const [client] = here.socket.socket(AF_UNIX, type);
  client!.setoption(SOL_SOCKET, SO_SNDBUF, 2 << 20);
  client!.connect('/end');
  const [server] = listener!.accept();
  return [client!, server!];
}

const large = octets(3 << 20, 6);

test('1.7: a datagram of more than a call can hold is too long, and nothing else', (t) => {
  const hosts = open();
  const [socket] = hosts.here.socket.udp();
  const tooLong = [null, 'Message too long'] as const;

  t.deepEqual(socket!.sendto(large, '10.0.0.2', 7), tooLong);
  t.deepEqual(socket!.lastError, { code: 'EMSGSIZE', errno: 90, syscall: 'sendto', address: '10.0.0.2', port: 7 });
  socket!.connect('10.0.0.2', 7);
  t.deepEqual(socket!.write(large), tooLong);
  t.deepEqual(socket!.write('x'.repeat(3 << 20)), tooLong);
  hosts.here.close();
});

test('1.7, 1.8: a mebibyte and more is written and read whole, by one call each', (t) => {
  const hosts = open();
  const [client, server] = streams(hosts);

  t.deepEqual(client.write(large), [large.length, null]);
  const [data, error] = server.recv(large.length, hosts.here.socket.MSG_WAITALL);
  t.is(error, null);
  t.is(Buffer.compare(data, large), 0);
  hosts.here.close();
});

test('1.4: a record of more than a call can hold stays one record', (t) => {
  const hosts = open();
  const [client, server] = streams(hosts, hosts.here.socket.SOCK_SEQPACKET);

  const [sent, error] = client.write(large);
  t.is(error, null);
  t.is(sent, large.length);
  const [message] = server.recvfrom(large.length + 1);
  t.is(Buffer.compare(message!.data, large), 0);
  hosts.here.close();
});

test('1.7: a write that does not wait gives what has fitted of much', (t) => {
  const hosts = open();
  const [client, server] = streams(hosts);
  client.settimeout(0);
  const [first] = client.write(octets(8 << 20, 7));

  t.true(first! > 1 << 20 && first! < 8 << 20, `${first}`);
  t.deepEqual(client.write('x'), [null, 'Resource temporarily unavailable']);
  t.deepEqual(server.inq(), [first, null]);
  hosts.here.close();
});

test('1.7: a write of much that runs out of time tells what was sent before', (t) => {
  const hosts = open();
  const [client, server] = streams(hosts);
  client.settimeout(1);
  const [value, error, sent] = client.write(octets(8 << 20, 7));

  t.deepEqual([value, error], [null, 'Operation timed out']);
  t.deepEqual(server.inq(), [sent as number, null]);
  hosts.here.close();
});

test('1.1: an argument that cannot travel to another thread is a TypeError', (t) => {
  const hosts = open();
  const [socket] = hosts.here.socket.udp();

  t.throws(() => socket!.connect((() => {}) as never), { instanceOf: TypeError });
  t.throws(() => socket!.write(Symbol('x') as never), { instanceOf: TypeError });
  t.is(socket!.fileno(), 3);
  hosts.here.close();
});
