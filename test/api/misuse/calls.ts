/** The calls and the single cases of table.ts, as they are made. */
import {
  type Answer,
  CLOSE,
  ESTABLISHED,
  IPPROTO_TCP,
  livePort,
  must,
  open,
  portOf,
  SO_ERROR,
  SOL_SOCKET,
  TCP_NODELAY,
  type TestSocket,
  type World,
} from './sockets.ts';

/** Makes a call on a socket that is in a state. */
export type Make = (socket: TestSocket, world: World) => Answer | Promise<Answer>;

/** 'ok0' when there has been none. */
const errorOf: Make = (socket) => {
  const answer = socket.getoption(SOL_SOCKET, SO_ERROR);
  return answer === '0' ? 'ok0' : answer;
};

export const tcpCalls: Readonly<Record<string, Make>> = {
  'bind(0)': (socket, { near }) => socket.bind(near, 0),
  listen: (socket) => socket.listen(8),
  accept: async (socket) => (await socket.accept()).answer,
  'connect(live)': async (socket, world) => socket.connect(world.far, await livePort(world)),
  'send(1)': (socket) => socket.send(1),
  'send(0)': (socket) => socket.send(0),
  recv: (socket) => socket.recv(),
  'shut RD': (socket) => socket.shutdown(0),
  'shut WR': (socket) => socket.shutdown(1),
  getsockname: (socket) => socket.getsockname().answer,
  getpeername: (socket) => socket.getpeername().answer,
  SO_ERROR: errorOf,
  NODELAY: (socket) => socket.setoption(IPPROTO_TCP, TCP_NODELAY, 1),
};

/** To somebody who listens. */
const sendtoLive = async (socket: TestSocket, world: World, octets: number): Promise<Answer> =>
  socket.sendto(octets, world.far, await livePort(world, 'dgram'));

export const udpCalls: Readonly<Record<string, Make>> = {
  'bind(0)': (socket, { near }) => socket.bind(near, 0),
  listen: (socket) => socket.listen(8),
  accept: async (socket) => (await socket.accept()).answer,
  connect: async (socket, world) => socket.connect(world.far, await livePort(world, 'dgram')),
  'send(1)': (socket) => socket.send(1),
  sendto: (socket, world) => sendtoLive(socket, world, 1),
  'sendto port 0': (socket, { far }) => socket.sendto(1, far, 0),
  'send 65507': (socket, world) => sendtoLive(socket, world, 65_507),
  'send 65508': (socket, world) => sendtoLive(socket, world, 65_508),
  'sendto 255.255.255.255': async (socket, world) =>
    socket.sendto(1, '255.255.255.255', await livePort(world, 'dgram')),
  recv: (socket) => socket.recv(),
  'shut WR': (socket) => socket.shutdown(1),
  getpeername: (socket) => socket.getpeername().answer,
  SO_ERROR: errorOf,
};

const IPPROTO_IP = 0;
const IPPROTO_IPV6 = 41;
const IP_TTL = 2;
const TCP_MAXSEG = 2;
const TCP_KEEPIDLE = 4;
const TCP_KEEPCNT = 6;
const TCP_SYNCNT = 7;
const TCP_CONGESTION = 13;
const TCP_USER_TIMEOUT = 18;
const IPV6_V6ONLY = 26;

/** A connect that is seen to its end. */
async function connectAndWait(world: World, socket: TestSocket, host: string, port: number): Promise<Answer> {
  const answer = await socket.connect(host, port);
  if (answer !== 'EINPROGRESS') return answer;
  await world.until(() => [ESTABLISHED, CLOSE].includes(socket.tcpState()));
  const error = await errorOf(socket, world);
  return error === 'ok0' ? 'ok' : error;
}

const connecting =
  (host: string, port: number) =>
  (world: World): Promise<Answer> =>
    connectAndWait(world, open(world, 'near', 'stream'), host, port);

const setting =
  (level: number, name: number, value: number | string) =>
  (world: World): Answer =>
    open(world, 'near', 'stream').setoption(level, name, value);

async function connectMapped(world: World, v6Only: number): Promise<Answer> {
  const socket = open(world, 'near', 'stream', 6);
  must(socket.setoption(IPPROTO_IPV6, IPV6_V6ONLY, v6Only));
  return connectAndWait(world, socket, `::ffff:${world.far}`, await livePort(world));
}

export const cases: Readonly<Record<string, (world: World) => Answer | Promise<Answer>>> = {
  'TCP bind to a port in LISTEN': async (world) => {
    const listener = open(world, 'near', 'stream');
    must(await listener.bind(world.near, 0));
    must(await listener.listen(8));
    return open(world, 'near', 'stream').bind(world.near, portOf(listener));
  },
  'bind non-local address': (world) => open(world, 'near', 'stream').bind(world.silent, 0),
  'TCP connect multicast': connecting('224.0.0.1', 7),
  'TCP connect broadcast': connecting('255.255.255.255', 7),
  'TCP connect port 0': (world) => connecting(world.far, 0)(world),
  'IP_TTL 256': setting(IPPROTO_IP, IP_TTL, 256),
  'IP_TTL 0': setting(IPPROTO_IP, IP_TTL, 0),
  'TCP_MAXSEG 87': setting(IPPROTO_TCP, TCP_MAXSEG, 87),
  'TCP_MAXSEG 88': setting(IPPROTO_TCP, TCP_MAXSEG, 88),
  'TCP_KEEPIDLE 0': setting(IPPROTO_TCP, TCP_KEEPIDLE, 0),
  'TCP_KEEPIDLE 32768': setting(IPPROTO_TCP, TCP_KEEPIDLE, 32_768),
  'TCP_KEEPCNT 128': setting(IPPROTO_TCP, TCP_KEEPCNT, 128),
  'TCP_SYNCNT 128': setting(IPPROTO_TCP, TCP_SYNCNT, 128),
  'TCP_USER_TIMEOUT -1': setting(IPPROTO_TCP, TCP_USER_TIMEOUT, -1),
  'unknown congestion control': setting(IPPROTO_TCP, TCP_CONGESTION, 'none-such'),
  'AF_INET6 connect to v4-mapped': (world) => connectMapped(world, 0),
  'AF_INET6 connect to v4-mapped with V6ONLY': (world) => connectMapped(world, 1),
  'TCP self-connect': async (world) => {
    const socket = open(world, 'near', 'stream');
    must(await socket.bind(world.near, 0));
    const port = portOf(socket);
    const answer = await connectAndWait(world, socket, world.near, port);
    return answer === 'ok' && socket.getpeername().port === port ? 'ok, its own peer' : answer;
  },
  'SOCK_STREAM with IPPROTO_UDP': (world) => world.open('near', { family: 4, type: 'stream', protocol: 17 }).answer,
};
