/** select(2) over sockets of ours, in virtual time. */
import test, { type ExecutionContext } from 'ava';
import { createSocketModule, type Selectable, type Selected, type Socket } from '../../src/api/index.ts';
import { ms, pair, seconds } from '../../src/sim/index.ts';

function unwrap<T>([value, error]: readonly [T | null, string | null, ...unknown[]]): T {
  if (error !== null) throw new Error(error);
  return value as T;
}

const EBADF = 'Bad file descriptor';
const NONE: Selected = [[], [], []];

/** Sockets by their descriptors: AVA takes any two of them for equal. */
const named = (value: unknown): unknown =>
  Array.isArray(value) ? value.map(named) : typeof value === 'object' && value !== null ? String(value) : value;

/** `t.deepEqual`, where the sockets have to be the same ones. */
const same = (t: ExecutionContext, actual: unknown, expected: unknown): void =>
  void t.deepEqual(named(actual), named(expected));

function stage() {
  const { network, client, server, link } = pair({ link: { delay: ms(10) } });
  const [here, there] = [createSocketModule(client), createSocketModule(server)];

  /** A connection: the end that has connected, and the one that was accepted. */
  async function connection(port = 80): Promise<{ near: Socket; far: Socket; listener: Socket }> {
    const [near, listener] = [unwrap(here.tcp()), unwrap(there.tcp())];
    unwrap(await listener.bind('', port));
    unwrap(listener.listen(5));
    unwrap(await network.until(near.connect('10.0.0.2', port)));
    return { near, far: unwrap(await network.until(listener.accept())), listener };
  }

  /** Waits as `select` of the near host does; the lists, and after how many milliseconds. */
  async function wait(...args: Parameters<typeof here.select>): Promise<[Selected | string, number]> {
    const start = network.now;
    const [lists, error] = await network.until(here.select(...args));
    return [error ?? lists, (network.now - start) / 1000];
  }

  /** What is ready at once. */
  const look = async (...sockets: Socket[]): Promise<string[]> => {
    const [lists] = await here.select(sockets, sockets, sockets, 0);
    return sockets.map((socket) => ['r', 'w', 'o'].filter((_, index) => lists![index]!.includes(socket)).join(''));
  };
  return { network, here, there, link, connection, wait, look };
}

// What is ready --------------------------------------------------------------------------------------------------------------

test('What is ready is told as it was given, socket or number, in the order of the lists', async (t) => {
  const { network, here, connection, wait } = stage();
  const { near, far } = await connection();
  const idle = unwrap(here.udp());
  unwrap(await far.write('x'));
  network.run(ms(50));
  const [a, b] = [near.fileno(), idle.fileno()];

  same(t, await wait([idle, near], [near, idle], [near]), [[[near], [near, idle], []], 0]);
  same(t, await wait([b, a], [a, b], [a]), [[[a], [a, b], []], 0]);
  same(t, await wait([near, a, near], [b]), [[[near, a, near], [b], []], 0]);
});

test('A connection is writable, and readable when there is text', async (t) => {
  const { network, connection, look } = stage();
  const { near, far } = await connection();

  same(t, await look(near), ['w']);
  unwrap(await far.write('x'));
  network.run(ms(50));
  same(t, await look(near), ['rw']);
  await near.read(10);
  same(t, await look(near), ['w']);
});

test('The end of a stream is readable', async (t) => {
  const { connection, look, wait } = stage();
  const { near, far } = await connection();
  unwrap(far.shutdown(1));

  same(t, await wait([near]), [[[near], [], []], 10]);
  await near.read(10);
  same(t, await look(near), ['rw']);
});

test('A reset is readable and writable, but not urgent', async (t) => {
  const { connection, look, wait, here, network } = stage();
  const { near, far } = await connection();
  unwrap(far.setoption(here.SOL_SOCKET, here.SO_LINGER, { onoff: true, linger: 0 }));
  void far.close();

  same(t, await wait([near], null, [near]), [[[near], [], []], 10]);
  same(t, await look(near), ['rw']);
  t.is((await network.until(near.read(10)))[1], 'Connection reset by peer');
  same(t, await look(near), ['rw']);
});

test('What this end has shut is readable (SHUT_RD), and still writable (SHUT_WR)', async (t) => {
  const { connection, look } = stage();
  const { near } = await connection();
  unwrap(near.shutdown(1));
  same(t, await look(near), ['w']);
  unwrap(near.shutdown(0));
  same(t, await look(near), ['rw']);
});

test('An urgent octet is ready in the third list, from its coming until it is read', async (t) => {
  const { network, here, connection, look, wait } = stage();
  const { near, far } = await connection();
  const waiting = wait(null, null, [near]);
  unwrap(await far.send('!', here.MSG_OOB));

  same(t, await waiting, [[[], [], [near]], 10]);
  same(t, await look(near), ['wo']);
  t.is((await near.recv(1, here.MSG_OOB))[1], null);
  same(t, await look(near), ['w']);
  unwrap(await far.write('text'));
  network.run(ms(50));
  same(t, await look(near), ['rw']);
});

test('A listener is readable when there is somebody to accept, and never writable', async (t) => {
  const { network, here, there } = stage();
  const listener = unwrap(there.tcp());
  unwrap(await listener.bind('', 80));
  unwrap(listener.listen(5));
  same(t, await there.select([listener], [listener], [listener], 0), [NONE, null]);
  const selecting = there.select([listener], [listener]);
  const connecting = unwrap(here.tcp()).connect('10.0.0.2', 80);

  same(t, await network.until(selecting), [[[listener], [], []], null]);
  t.is(network.now, 30_000); // SYN, SYN-ACK, ACK
  unwrap(await network.until(listener.accept()));
  same(t, await there.select([listener], null, null, 0), [NONE, null]);
  unwrap(await network.until(connecting));
});

test('An attempt to connect is not ready, then writable; refused, readable as well', async (t) => {
  const { here, there, look, wait } = stage();
  const listener = unwrap(there.tcp());
  unwrap(await listener.bind('', 80));
  unwrap(listener.listen(5));
  const [good, bad] = [unwrap(here.tcp()), unwrap(here.tcp())];
  for (const socket of [good, bad]) socket.settimeout(0);
  t.is((await good.connect('10.0.0.2', 80))[1], 'Operation now in progress');
  t.is((await bad.connect('10.0.0.2', 81))[1], 'Operation now in progress');

  same(t, await look(good, bad), ['', '']);
  same(t, await wait([good], [good]), [[[], [good], []], 20]);
  same(t, await look(good, bad), ['w', 'rw']);
  same(t, bad.getoption(here.SOL_SOCKET, here.SO_ERROR), [111, null]);
  same(t, good.getoption(here.SOL_SOCKET, here.SO_ERROR), [0, null]);
});

test('A stream that has not been used is readable and writable: either ends at once with an error', async (t) => {
  const { here, look } = stage();

  same(t, await look(unwrap(here.tcp()), unwrap(here.socket(here.AF_UNIX, here.SOCK_STREAM))), ['rw', 'rw']);
});

test('A datagram socket is writable, and readable when there is a datagram, be it empty', async (t) => {
  const { here, there, look, wait } = stage();
  const [near, far] = [unwrap(here.udp()), unwrap(there.udp())];
  unwrap(await near.bind('', 9));
  same(t, await look(near), ['w']);
  const waiting = wait([near]);
  unwrap(await far.sendto('', '10.0.0.1', 9));

  same(t, await waiting, [[[near], [], []], 10]);
  same(t, await look(near), ['rw']);
  unwrap(await near.recvfrom(10));
  same(t, await look(near), ['w']);
});

test('A datagram socket whose peer is not there is readable for its error, until that is told', async (t) => {
  const { here, look, wait } = stage();
  const socket = unwrap(here.udp());
  unwrap(await socket.connect('10.0.0.2', 9));
  unwrap(await socket.write('x'));

  same(t, await wait([socket]), [[[socket], [], []], 20]);
  t.is((await socket.read(10))[1], 'Connection refused');
  same(t, await look(socket), ['w']);
});

test('Sockets of AF_UNIX are told of as well', async (t) => {
  const { network, here, look } = stage();
  const listener = unwrap(here.socket(here.AF_UNIX, here.SOCK_STREAM));
  unwrap(await listener.bind('/s'));
  unwrap(listener.listen(5));
  const near = unwrap(here.socket(here.AF_UNIX, here.SOCK_STREAM));
  const accepting = here.select([listener]);
  unwrap(await near.connect('/s'));
  same(t, await network.until(accepting), [[[listener], [], []], null]);
  const far = unwrap(await listener.accept());

  same(t, await look(near, far, listener), ['w', 'w', '']);
  const reading = here.select([near], null, null, 5);
  unwrap(await far.write('x'));
  same(t, await network.until(reading), [[[near], [], []], null]);
  void far.close();
  same(t, await look(near), ['rw']);
});

test('A writer is ready again when a third of its buffer is free', async (t) => {
  const { network, connection, look, wait } = stage();
  const { near, far } = await connection();
  near.settimeout(0);
  while ((await near.write(new Uint8Array(65_536)))[1] === null) network.run(ms(100));
  same(t, await look(near), ['']);
  const waiting = wait([near], [near]);
  void (async () => {
    while ((await far.read(65_536))[1] === null);
  })();

  const [ready] = await waiting;
  same(t, ready, [[], [near], []]);
  t.is((await near.write('x'))[1], null);
});

// Time -----------------------------------------------------------------------------------------------------------------------

test('Timeout 0 only looks; a positive one waits so long; none waits for ever', async (t) => {
  const { network, here, connection, wait } = stage();
  const { near, far } = await connection();

  same(t, await wait([near], null, null, 0), [NONE, 0]);
  same(t, await wait([near], null, null, 1.5), [NONE, 1500]);
  same(t, await wait([near], null, null, 0.000_25), [NONE, 0.25]);
  network.at(network.now + seconds(100_000), () => void far.write('x'));
  const start = network.now;
  same(t, await network.until(here.select([near]), seconds(200_000)), [[[near], [], []], null]);
  t.is(network.now - start, seconds(100_000) + 10_000);
});

test('A negative timeout, and none, wait without limit', async (t) => {
  for (const timeout of [-1, -0.001, undefined, Number.POSITIVE_INFINITY]) {
    const { network, connection, wait } = stage();
    const { near, far } = await connection();
    network.at(network.now + seconds(1000), () => void far.write('x'));

    same(t, await wait([near], null, null, timeout), [[[near], [], []], 1_000_010]);
  }
});

test('Without sockets it waits until the timeout is over', async (t) => {
  const { wait } = stage();

  same(t, await wait([], [], [], 2), [NONE, 2000]);
  same(t, await wait(null, null, null, 0.5), [NONE, 500]);
  same(t, await wait(null, undefined, undefined, 0), [NONE, 0]);
});

test('What comes in time ends the wait, and what comes later does not', async (t) => {
  const { network, connection, wait } = stage();
  const { near, far } = await connection();
  network.at(network.now + ms(90), () => void far.write('x'));

  same(t, await wait([near], null, null, 0.099), [NONE, 99]);
  same(t, await wait([near], null, null, 0.099), [[[near], [], []], 1]);
});

test('A change that makes nothing ready does not end the wait', async (t) => {
  const { network, here, connection, wait } = stage();
  const { near, far } = await connection();
  unwrap(near.setoption(here.SOL_SOCKET, here.SO_RCVLOWAT, 3));
  for (const after of [100, 200, 300]) network.at(network.now + ms(after), () => void far.write('x'));

  same(t, await wait([near], null, null, 5), [[[near], [], []], 310]);
});

test('A timeout that is no number is a TypeError, as from settimeout', async (t) => {
  const { here } = stage();
  const socket = unwrap(here.udp());
  const asked = here.select([], [socket], [], Number.NaN);

  await t.throwsAsync(asked, { instanceOf: TypeError });
});

// Closing --------------------------------------------------------------------------------------------------------------------

test('A descriptor that there is not is EBADF at once, in any list', async (t) => {
  const { here, wait } = stage();
  const [open, closed] = [unwrap(here.udp()), unwrap(here.udp())];
  void closed.close();
  for (const bad of [99, -1, 0, 3.5, Number.NaN, closed] as Selectable[]) {
    same(t, await wait([open, bad], null, null), [EBADF, 0]);
    same(t, await wait(null, [open, bad]), [EBADF, 0]);
    same(t, await wait([], [open], [bad], 0), [EBADF, 0]);
  }
});

test('A socket that is closed meanwhile ends the wait with EBADF, given as itself or by its number', async (t) => {
  for (const by of [(socket: Socket) => socket, (socket: Socket) => socket.fileno()]) {
    const { network, connection, wait, here } = stage();
    const { near } = await connection();
    const other = unwrap(here.udp());
    network.at(network.now + ms(500), () => void near.close());

    same(t, await wait([other, by(near)], null, null, 5), [EBADF, 500]);
  }
});

test('A number that was given away again meanwhile is not taken for the new socket', async (t) => {
  const { network, here, connection, wait } = stage();
  const { near } = await connection();
  const fd = near.fileno();
  let next: Socket | null = null;
  network.at(network.now + ms(500), () => {
    void near.close();
    next = unwrap(here.udp());
  });

  same(t, await wait([fd], null, null, 5), [EBADF, 500]);
  t.is(next!.fileno(), fd);
  same(t, await wait([], [fd], null, 5), [[[], [fd], []], 0]);
});

// Several ---------------------------------------------------------------------------------------------------------------------

test('Several may wait for the same socket, and each is told', async (t) => {
  const { network, here, connection } = stage();
  const { near, far } = await connection();
  const all = [here.select([near]), here.select([near.fileno()], null, null, 7), here.select([near, near])];
  const reading = near.recv(1, here.MSG_PEEK);
  unwrap(await far.write('x'));

  same(t, await network.until(Promise.all(all)), [
    [[[near], [], []], null],
    [[[near.fileno()], [], []], null],
    [[[near, near], [], []], null],
  ]);
  t.is((await network.until(reading))[1], null);
});

test('Of many sockets those that are ready are told, and a wait that is over leaves nothing behind', async (t) => {
  const { network, here, there, wait } = stage();
  const sockets: Socket[] = [];
  for (let port = 1; port <= 500; port++) {
    const socket = unwrap(here.udp());
    unwrap(await socket.bind('', port));
    sockets.push(socket);
  }
  const sender = unwrap(there.udp());
  for (let round = 0; round < 20; round++) same(t, await wait(sockets, null, null, 0.01), [NONE, 10]);
  for (const port of [77, 400]) unwrap(await sender.sendto('x', '10.0.0.1', port));

  same(t, await wait(sockets), [[[sockets[76], sockets[399]], [], []], 10]);
  network.run(seconds(100)); // timers that were left behind would end waits that are over
});

test('Whom it has asked to be told of changes it takes leave of, whichever way it ends', async (t) => {
  const { network, here } = stage();
  const looks = new Set<() => void>();
  const never = { ...here.udp()[0]!.poll(), readable: false, writable: false };
  const silent: Exclude<Selectable, number> = {
    wake: () => {},
    close: () => {},
    fileno: () => 77,
    poll: () => never,
    onceChanged: (look) => {
      looks.add(look);
      return () => void looks.delete(look);
    },
  };
  const socket = unwrap(here.udp());
  unwrap(await socket.bind('', 9));
  for (const timeout of [0.01, 5]) {
    const selecting = here.select([silent, socket], null, null, timeout);
    t.is(looks.size, 1);
    if (timeout === 5) unwrap(await socket.sendto('x', '10.0.0.1', 9));
    const [lists] = await network.until(selecting);

    same(t, lists, [timeout === 5 ? [socket] : [], [], []]);
    t.is(looks.size, 0);
  }
});

test('A server by select alone serves several clients in turn', async (t) => {
  const { network, here, there } = stage();
  const listener = unwrap(there.tcp());
  unwrap(await listener.bind('', 7));
  unwrap(listener.listen(10));
  let served = 0;
  void (async () => {
    const open: Socket[] = [listener];
    while (served < 8) {
      const [ready] = unwrap(await there.select(open));
      for (const socket of ready as Socket[]) {
        if (socket === listener) open.push(unwrap(await listener.accept()));
        else {
          const [data, error] = await socket.read(100);
          if (error === null) await socket.write(data);
          else {
            open.splice(open.indexOf(socket), 1);
            void socket.close();
            served++;
          }
        }
      }
    }
  })();
  const clients = Array.from({ length: 8 }, async (_, index) => {
    const socket = unwrap(here.tcp());
    unwrap(await socket.connect('10.0.0.2', 7));
    const echoed: string[] = [];
    for (let round = 0; round < 3; round++) {
      unwrap(await socket.write(`${index}${round}`));
      echoed.push(new TextDecoder().decode((await socket.read(100))[0]));
    }
    await socket.close();
    return echoed;
  });

  same(
    t,
    await network.until(Promise.all(clients)),
    Array.from({ length: 8 }, (_, index) => [0, 1, 2].map((round) => `${index}${round}`)),
  );
  network.run(seconds(1));
  await network.until(Promise.resolve());
  t.is(served, 8);
});
