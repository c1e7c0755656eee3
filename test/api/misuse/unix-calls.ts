/** The calls that are made in each state, and the single cases. Somebody of every sort is there to be called. */
import { SO_ERROR, SOL_SOCKET } from './sockets.ts';
import { type Answer, must, octets, type UnixKind, type UnixSocket, type UnixWorld } from './unix-sockets.ts';

interface Asked {
  readonly socket: UnixSocket;
  readonly peer?: UnixSocket;
  readonly world: UnixWorld;
}

type Make = (asked: Asked) => Answer | Promise<Answer>;

const others = { stream: 'seqpacket', dgram: 'stream', seqpacket: 'stream' } as const;

/** The name of a socket that can be reached: it listens, or reads datagrams. */
async function liveOne({ world, socket }: Asked, kind: UnixKind = socket.kind, backlog = 5): Promise<string> {
  const name = world.nameOf(`live ${kind}`);
  const live = world.open(kind);
  must(await live.bind(name));
  if (kind !== 'dgram') must(live.listen(backlog));
  return name;
}

async function closedOne({ world, socket }: Asked): Promise<string> {
  const name = world.nameOf('left');
  const left = world.open(socket.kind);
  must(await left.bind(name));
  await left.close();
  return name;
}

async function boundOne({ world, socket }: Asked): Promise<string> {
  const name = world.nameOf('@bound');
  must(await world.open(socket.kind).bind(name));
  return name;
}

/** Where there is no more room: a listener with a connection, or a reader of datagrams with eleven. */
async function fullOne(asked: Asked): Promise<string> {
  const { world, socket } = asked;
  const name = await liveOne(asked, socket.kind, 0);
  const other = world.open(socket.kind);
  if (socket.kind !== 'dgram') must(await other.connect(name));
  else for (let sent = 0; sent < 11; sent++) must(await other.send(octets('x'), 0, name), '1');
  return name;
}

/** Who has a peer that is not us. */
async function engagedOne({ world, socket }: Asked): Promise<string> {
  const name = world.nameOf('engaged');
  const engaged = world.open(socket.kind);
  must(await engaged.bind(name));
  must(await world.open(socket.kind).bind(world.nameOf('third')));
  await engaged.connect(world.nameOf('third'));
  return name;
}

const send =
  (data: Uint8Array | string, flags = 0): Make =>
  ({ socket }) =>
    socket.send(typeof data === 'string' ? octets(data) : data, flags, null);

const sendTo =
  (where: (asked: Asked) => string | Promise<string>): Make =>
  async (asked) =>
    asked.socket.send(octets('abc'), 0, await where(asked));

const connect =
  (where: (asked: Asked) => string | Promise<string>): Make =>
  async (asked) =>
    asked.socket.connect(await where(asked));

const bind =
  (name: string): Make =>
  ({ socket, world }) =>
    socket.bind(world.nameOf(name));

const recv =
  (size = 100, flags = 0): Make =>
  ({ socket }) =>
    socket.recv(size, flags);

const option =
  (name: number): Make =>
  ({ socket }) =>
    socket.getoption(SOL_SOCKET, name);

/** One call after the other; all answers, and what poll says in between. */
const both =
  (...calls: readonly Make[]): Make =>
  async (asked) => {
    const answers: Answer[] = [];
    for (const call of calls) answers.push(`${await call(asked)} [${asked.socket.poll()}]`);
    return answers.join(', ');
  };

/** What a call has done to the peer. */
const peerPolls =
  (call: Make): Make =>
  async (asked) =>
    `${await call(asked)} [${asked.peer?.poll() ?? 'alone'}]`;

/** And what the peer is told then. */
const peerThen =
  (call: Make, then: Make): Make =>
  async (asked) => {
    const first = await call(asked);
    if (asked.peer === undefined) return first;
    return `${first}, ${await then({ ...asked, socket: asked.peer })} [${asked.peer.poll()}]`;
  };

const shut =
  (how: number): Make =>
  ({ socket }) =>
    socket.shutdown(how);

const closing: Make = async ({ socket }) => {
  await socket.close();
  return 'ok';
};

const soError = option(SO_ERROR);

/** Sets a size, and tells what it is then. */
const sized =
  (name: number, size: number): Make =>
  ({ socket }) =>
    `${socket.setoption(SOL_SOCKET, name, size)} ${socket.getoption(SOL_SOCKET, name)}`;

// Linux's numbers.
const SO_SNDBUF = 7;
const SO_RCVBUF = 8;
const MSG_OOB = 1;
const MSG_PEEK = 2;

export const unixCalls: Readonly<Record<string, Make>> = {
  poll: ({ socket }) => socket.poll(),
  inq: ({ socket }) => socket.inq(),
  'bind path': bind('new'),
  'bind abstract': bind('@new'),
  'bind nothing': bind(''),
  'bind what is there': async (asked) => asked.socket.bind(await closedOne(asked)),
  'bind abstract that is there': async (asked) => asked.socket.bind(await boundOne(asked)),
  'bind, getsockname': both(bind('new'), ({ socket }) => socket.getsockname()),
  listen: ({ socket }) => socket.listen(3),
  'listen 0': ({ socket }) => socket.listen(0),
  'listen, accept': both(
    ({ socket }) => socket.listen(3),
    async ({ socket }) => (await socket.accept()).answer,
  ),
  accept: async ({ socket }) => (await socket.accept()).answer,
  'accept, getpeername of it': async ({ socket }) => {
    const { answer, socket: next } = await socket.accept();
    return next === null
      ? answer
      : `${next.getpeername()} ${next.getsockname()} [${next.poll()}] ${await next.recv(9, 0)}`;
  },
  connect: connect(liveOne),
  'connect, getpeername': both(connect(liveOne), ({ socket }) => socket.getpeername()),
  'connect, recv': both(connect(liveOne), recv()),
  'connect, send': both(connect(liveOne), send('abc')),
  'connect to nobody': connect(({ world }) => world.nameOf('nobody')),
  'connect to nobody abstract': connect(({ world }) => world.nameOf('@nobody')),
  'connect to what was closed': connect(closedOne),
  'connect to what does not listen': connect(boundOne),
  'connect to another type': connect((asked) => liveOne(asked, others[asked.socket.kind])),
  'connect to one with a peer': connect(engagedOne),
  'connect to one without room': connect(fullOne),
  'connect to one without room, send': both(connect(fullOne), send('abc')),
  'connect to its own name': connect(({ world }) => world.nameOf('own')),
  disconnect: ({ socket }) => socket.connect(null),
  'disconnect, getpeername': both(
    ({ socket }) => socket.connect(null),
    ({ socket }) => socket.getpeername(),
  ),
  'disconnect, recv': both(({ socket }) => socket.connect(null), recv()),
  send: send('abc'),
  'send, send': both(send('abc'), send('def')),
  'send, recv': both(send('abc'), recv()),
  'send, SO_ERROR': both(send('abc'), soError),
  'send nothing': send(''),
  'send 212961': send(new Uint8Array(212_961)),
  'send, the peer polls': peerPolls(send('abc')),
  'send, the peer reads': peerThen(send('abc'), recv()),
  'send nothing, the peer reads': peerThen(send(''), recv()),
  'sendto a live one': sendTo(liveOne),
  'sendto nobody': sendTo(({ world }) => world.nameOf('nobody')),
  'sendto nobody abstract': sendTo(({ world }) => world.nameOf('@nobody')),
  'sendto what was closed': sendTo(closedOne),
  'sendto another type': sendTo((asked) => liveOne(asked, others[asked.socket.kind])),
  'sendto one with a peer': sendTo(engagedOne),
  'sendto one without room': sendTo(fullOne),
  'sendto its own name': sendTo(({ world }) => world.nameOf('own')),
  'sendto its own name, recv': both(
    sendTo(({ world }) => world.nameOf('own')),
    recv(),
  ),
  recv: recv(),
  'recv 2': recv(2),
  'recv 2, recv': both(recv(2), recv()),
  'recv 2, inq': both(recv(2), ({ socket }) => socket.inq()),
  'recv, recv': both(recv(), recv()),
  'recv, recv, recv': both(recv(), recv(), recv()),
  'recv, send': both(recv(), send('abc')),
  'recv, SO_ERROR': both(recv(), soError),
  peek: recv(100, MSG_PEEK),
  'peek, recv': both(recv(2, MSG_PEEK), recv()),
  'recv, the peer polls': peerPolls(recv()),
  'shut RD': both(shut(0)),
  'shut WR': both(shut(1)),
  'shut RDWR': both(shut(2)),
  'shut 3': shut(3),
  'shut RD, recv': both(shut(0), recv()),
  'shut RD, send': both(shut(0), send('abc')),
  'shut WR, send': both(shut(1), send('abc')),
  'shut WR, recv': both(shut(1), recv()),
  'shut RD, the peer polls': peerPolls(shut(0)),
  'shut WR, the peer polls': peerPolls(shut(1)),
  'shut RDWR, the peer polls': peerPolls(shut(2)),
  'shut RD, the peer sends': peerThen(shut(0), send('abc')),
  'shut WR, the peer reads': peerThen(shut(1), recv()),
  'shut WR, the peer sends': peerThen(shut(1), send('abc')),
  'shut RDWR, the peer is asked for an error': peerThen(shut(2), soError),
  'close, the peer polls': peerPolls(closing),
  'close, the peer reads': peerThen(closing, both(recv(), recv())),
  'close, the peer sends': peerThen(closing, both(send('abc'), send('abc'))),
  'close, the peer is asked for an error': peerThen(closing, both(soError, soError)),
  'close, the peer asks for names': peerThen(
    closing,
    ({ socket }) => `${socket.getpeername()} ${socket.getsockname()}`,
  ),
  getsockname: ({ socket }) => socket.getsockname(),
  getpeername: ({ socket }) => socket.getpeername(),
  "the peer's getpeername": ({ peer }) => peer?.getpeername() ?? 'alone',
  SO_ERROR: soError,
  'SO_ERROR, SO_ERROR': both(soError, soError),
  'SO_ERROR, recv': both(soError, recv()),
  SO_TYPE: option(3),
  SO_REUSEADDR: option(2),
  SO_BROADCAST: option(6),
  SO_SNDBUF: option(SO_SNDBUF),
  SO_RCVBUF: option(SO_RCVBUF),
  SO_KEEPALIVE: option(9),
  SO_RCVLOWAT: option(18),
  SO_SNDLOWAT: option(19),
  SO_ACCEPTCONN: option(30),
  SO_PROTOCOL: option(38),
  SO_DOMAIN: option(39),
  'SO_SNDBUF 10000': sized(SO_SNDBUF, 10_000),
  'SO_SNDBUF 1': sized(SO_SNDBUF, 1),
  'SO_RCVBUF 10000': sized(SO_RCVBUF, 10_000),
  'SO_RCVBUF 1': sized(SO_RCVBUF, 1),
  // How much of a stream fits in is the kernel's accounting.
  'SO_SNDBUF 10000, send 19969': async (asked) =>
    asked.socket.kind === 'stream' ? 'part' : both(sized(SO_SNDBUF, 10_000), send(new Uint8Array(19_969)))(asked),
  'SO_TYPE set': ({ socket }) => socket.setoption(SOL_SOCKET, 3, 1),
  'SO_ERROR set': ({ socket }) => socket.setoption(SOL_SOCKET, SO_ERROR, 1),
  'SOL_SOCKET 9999': option(9999),
  'TCP_NODELAY set': ({ socket }) => socket.setoption(6, 1, 1),
  TCP_NODELAY: ({ socket }) => socket.getoption(6, 1),
  IP_TTL: ({ socket }) => socket.getoption(0, 2),
  'send urgent': send('abc', MSG_OOB),
  'send urgent, the peer reads': peerThen(send('abc', MSG_OOB), both(recv(), recv(100, MSG_OOB))),
  'recv urgent': recv(100, MSG_OOB),
};
