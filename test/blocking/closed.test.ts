/** 1.9: what calls say of a socket that is closed, and of a host that is gone: what the other face says. */
import test from 'ava';
import { type BlockingHost, type BlockingSocket, openBlockingNetwork } from '../../src/blocking/index.ts';
import { Flag, startThread } from '../helpers/threads.ts';

const open = (): Readonly<Record<'here' | 'there', BlockingHost>> =>
  openBlockingNetwork({
    hosts: { here: {}, there: {} },
    links: [{ between: ['here', 'there'], addresses: ['10.0.0.1/24', '10.0.0.2/24'] }],
  });

const badDescriptor = [null, 'Bad file descriptor'] as const;
const nothing = new Uint8Array(0);

/** Every call that has a result, and what it says. */
const resultsOf = (socket: BlockingSocket): readonly (readonly unknown[])[] => [
  socket.connect('10.0.0.2', 7),
  socket.bind('', 7),
  socket.listen(1),
  socket.accept(),
  socket.write('x'),
  socket.send('x', 0),
  socket.sendto('x', '10.0.0.2', 7),
  socket.recvfrom(1),
  socket.inq(),
  socket.outq(),
  socket.setoption(1, 2, true),
  socket.getoption(1, 2),
  socket.shutdown(2),
  socket.getpeername(),
  socket.getsockname(),
];

/** What a closed socket is like, whoever has closed it. */
function isClosed(t: { deepEqual(a: unknown, b: unknown): unknown }, socket: BlockingSocket): void {
  for (const result of resultsOf(socket)) t.deepEqual(result, badDescriptor);
  t.deepEqual(socket.read(1), [nothing, badDescriptor[1]]);
  t.deepEqual(socket.recv(1, 0), [nothing, badDescriptor[1]]);
  t.deepEqual([socket.fileno(), String(socket)], [-1, '<socket: -1>']);
  t.deepEqual([socket.type, socket.family], ['dgram', 4]);
  socket.close();
  socket[Symbol.dispose]();
}

test('1.9: a closed socket fails every call with EBADF, and is closed again without effect', (t) => {
  const { here } = open();
  const [socket] = here.socket.udp();
  socket!.settimeout(2);
  socket!.close();

  isClosed(t, socket!);
  t.is(socket!.gettimeout(), 2);
  socket!.settimeout(-5);
  t.is(socket!.gettimeout(), -1);
  socket!.setblocking(false);
  t.is(socket!.gettimeout(), 0);
  t.deepEqual(here.socket.select([socket!], null, null, 0), badDescriptor);
  here.close();
});

test('1.1: the structured error of a closed socket is the other face’s', (t) => {
  const { here } = open();
  const [socket] = here.socket.udp();
  socket!.write('x');
  socket!.close();

  t.is(socket!.lastError?.code, 'EDESTADDRREQ');
  socket!.inq();
  t.deepEqual(socket!.lastError, { code: 'EBADF', errno: 9, syscall: 'ioctl' });
  socket!.connect('10.0.0.2');
  t.deepEqual(socket!.lastError, { code: 'EBADF', errno: 9, syscall: 'connect', address: '10.0.0.2', port: 0 });
  socket!.sendto('x', '10.0.0.2', 9);
  t.deepEqual(socket!.lastError, { code: 'EBADF', errno: 9, syscall: 'sendto', address: '10.0.0.2', port: 9 });
  here.close();
});

test('1.9: sockets of a host that is closed are closed', (t) => {
  const { here, there } = open();
  const [socket] = here.socket.udp();
  const [other] = there.socket.udp();
  here.close();

  isClosed(t, socket!);
  isClosed(t, other!); // one network, one end
  t.is(socket!.gettimeout(), -1);
});

test('1.9: the module of a host that is closed returns EBADF, and EAI_FAIL for names', (t) => {
  const { here } = open();
  here.close();
  here.close();

  t.deepEqual(here.socket.socket(2, 1), badDescriptor);
  t.deepEqual(here.socket.tcp(), badDescriptor);
  t.deepEqual(here.socket.udp(), badDescriptor);
  t.deepEqual(here.socket.getaddrinfo('10.0.0.1', 7), [null, 'Non-recoverable failure in name resolution']);
  t.deepEqual(here.socket.select([3], null, null, 0), badDescriptor);
  here.socket.leave();
});

test('1.9: a host is closed while a thread waits there: its call returns EBADF, and so do all after it', async (t) => {
  const { here, there } = open();
  const ready = new Flag();
  const waiter = startThread(new URL('./threads/waiter.ts', import.meta.url), {
    share: there.share,
    ready: ready.words,
  });
  t.teardown(waiter.end);
  ready.wait();
  here.close();

  await t.notThrowsAsync(waiter.done); // it looks itself
});

test('1.9: for a thread that has left, the host is closed', (t) => {
  const { here } = open();
  const [socket] = here.socket.udp();
  here.socket.leave();

  isClosed(t, socket!);
  t.deepEqual(here.socket.udp(), badDescriptor);
});

test('1.9: a host whose thread has died of an error is gone: who waits is told', async (t) => {
  t.timeout(60_000);
  const returned = new Flag();
  const user = startThread(new URL('./threads/crash.ts', import.meta.url), { returned: returned.words });
  t.teardown(user.end);

  await user.done.catch(() => {}); // the error may arrive before the program is done, or not
  t.is(returned.words[0], 1);
});
