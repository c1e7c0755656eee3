/** The single cases of table.ts: addresses and options, each on a fresh socket. */
import { errorOf } from './calls.ts';
import {
  type Answer,
  CLOSE,
  ESTABLISHED,
  freePort,
  IPPROTO_TCP,
  livePort,
  must,
  open,
  portOf,
  SO_ERROR,
  SOL_SOCKET,
  type SocketKind,
  type TestSocket,
  type World,
} from './sockets.ts';
import { connection, reaches } from './states.ts';

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
  const error = await errorOf(socket);
  return error === 'ok0' ? 'ok' : error;
}

const connecting =
  (host: string, port: number) =>
  (world: World): Promise<Answer> =>
    connectAndWait(world, open(world, 'near', 'stream'), host, port);

const setting =
  (level: number, name: number, value: number | string, type: SocketKind['type'] = 'stream', family: 4 | 6 = 4) =>
  (world: World): Answer =>
    open(world, 'near', type, family).setoption(level, name, value);

async function connectMapped(world: World, v6Only: number): Promise<Answer> {
  const socket = open(world, 'near', 'stream', 6);
  must(socket.setoption(IPPROTO_IPV6, IPV6_V6ONLY, v6Only));
  return connectAndWait(world, socket, `::ffff:${world.far}`, await livePort(world));
}

type Case = (world: World) => Answer | Promise<Answer>;

export const cases: Readonly<Record<string, Case>> = {
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

const bindUdp = async (world: World, host: string, port: number): Promise<Answer> =>
  open(world, 'near', 'dgram').bind(host, port);

/** A socket whose peer has reset its connection. */
async function resetSocket(world: World): Promise<TestSocket> {
  const { subject, peer } = await connection(world, 'connected');
  await peer.reset();
  await reaches(world, subject, CLOSE);
  return subject;
}

async function mappedUdp(world: World, v6Only: number): Promise<{ socket: TestSocket; host: string; port: number }> {
  const socket = open(world, 'near', 'dgram', 6);
  must(socket.setoption(IPPROTO_IPV6, IPV6_V6ONLY, v6Only));
  return { socket, host: `::ffff:${world.far}`, port: await livePort(world, 'dgram') };
}

/** Cases that 4.6 does not have. */
export const moreCases: Readonly<Record<string, Case>> = {
  'TCP bind to a bound port': async (world) => {
    const first = open(world, 'near', 'stream');
    must(await first.bind(world.near, 0));
    return open(world, 'near', 'stream').bind(world.near, portOf(first));
  },
  'TCP bind to a bound port without SO_REUSEADDR': async (world) => {
    const [first, second] = [open(world, 'near', 'stream'), open(world, 'near', 'stream')] as const;
    for (const socket of [first, second]) must(socket.setoption(SOL_SOCKET, SO_REUSEADDR, 0));
    must(await first.bind(world.near, 0));
    return second.bind(world.near, portOf(first));
  },
  'TCP bind to a bound port with SO_REUSEADDR': async (world) => {
    const [first, second] = [open(world, 'near', 'stream'), open(world, 'near', 'stream')] as const;
    for (const socket of [first, second]) must(socket.setoption(SOL_SOCKET, SO_REUSEADDR, 1));
    must(await first.bind(world.near, 0));
    return second.bind(world.near, portOf(first));
  },
  'TCP port of a socket bound again after a reset': async (world) => {
    const socket = await resetSocket(world);
    const before = portOf(socket);
    must(await socket.bind(world.near, 0));
    const after = portOf(socket);
    return after === 0 ? 'none' : after === before ? 'the old one' : 'a new one';
  },
  'TCP port of a socket that was reset': async (world) => (portOf(await resetSocket(world)) === 0 ? 'none' : 'some'),
  'TCP port of a listener after shut RD': async (world) => {
    const socket = open(world, 'near', 'stream');
    must(await socket.listen(8));
    const before = portOf(socket);
    must(await socket.shutdown(0));
    return portOf(socket) === before ? 'the old one' : `${portOf(socket)}`;
  },
  'TCP bind by another to the port of a listener after shut RD': async (world) => {
    const socket = open(world, 'near', 'stream');
    must(await socket.listen(8));
    const port = portOf(socket);
    must(await socket.shutdown(0));
    return open(world, 'near', 'stream').bind(world.near, port);
  },
  'TCP bind multicast': (world) => open(world, 'near', 'stream').bind('224.0.0.1', 0),
  'TCP bind broadcast': (world) => open(world, 'near', 'stream').bind('255.255.255.255', 0),
  'TCP listen twice': async (world) => {
    const socket = open(world, 'near', 'stream');
    must(await socket.listen(8));
    return socket.listen(0);
  },
  'TCP listen -1': (world) => open(world, 'near', 'stream').listen(-1),
  'TCP connect 0.0.0.0': async (world) => {
    const listener = open(world, 'near', 'stream');
    must(await listener.bind('0.0.0.0', 0));
    must(await listener.listen(8));
    return connectAndWait(world, open(world, 'near', 'stream'), '0.0.0.0', portOf(listener));
  },
  'TCP connect from a port to the same peer again': async (world) => {
    const port = await livePort(world);
    const local = await freePort(world, 'near');
    const sockets = [open(world, 'near', 'stream'), open(world, 'near', 'stream')] as const;
    for (const socket of sockets) {
      must(socket.setoption(SOL_SOCKET, SO_REUSEADDR, 1));
      must(await socket.bind(world.near, local));
    }
    must(await connectAndWait(world, sockets[0], world.far, port));
    return connectAndWait(world, sockets[1], world.far, port);
  },
  'TCP sendto while fresh': async (world) => open(world, 'near', 'stream').sendto(1, world.far, await livePort(world)),
  'UDP bind to a bound port': async (world) => {
    const first = open(world, 'near', 'dgram');
    must(await first.bind(world.near, 0));
    return bindUdp(world, world.near, portOf(first));
  },
  'UDP bind non-local address': (world) => bindUdp(world, world.silent, 0),
  'UDP bind multicast': (world) => bindUdp(world, '224.0.0.1', 0),
  'UDP bind broadcast': (world) => bindUdp(world, '255.255.255.255', 0),
  'UDP connect multicast': (world) => open(world, 'near', 'dgram').connect('224.0.0.1', 7),
  'UDP connect broadcast': (world) => open(world, 'near', 'dgram').connect('255.255.255.255', 7),
  'UDP connect port 0': (world) => open(world, 'near', 'dgram').connect(world.far, 0),
  'UDP connect port 0, then send': async (world) => {
    const socket = open(world, 'near', 'dgram');
    must(await socket.connect(world.far, 0));
    return socket.send(1);
  },
  'UDP send of nothing': async (world) => {
    const socket = open(world, 'near', 'dgram');
    must(await socket.connect(world.far, await livePort(world, 'dgram')));
    return socket.send(0);
  },
  'AF_INET6 UDP connect to v4-mapped': async (world) => {
    const { socket, host, port } = await mappedUdp(world, 0);
    return socket.connect(host, port);
  },
  'AF_INET6 UDP connect to v4-mapped with V6ONLY': async (world) => {
    const { socket, host, port } = await mappedUdp(world, 1);
    return socket.connect(host, port);
  },
  'AF_INET6 UDP sendto v4-mapped': async (world) => {
    const { socket, host, port } = await mappedUdp(world, 0);
    return socket.sendto(1, host, port);
  },
  'AF_INET6 UDP sendto v4-mapped with V6ONLY': async (world) => {
    const { socket, host, port } = await mappedUdp(world, 1);
    return socket.sendto(1, host, port);
  },
  'AF_INET6 bind v4-mapped': (world) => open(world, 'near', 'stream', 6).bind(`::ffff:${world.near}`, 0),
  'AF_INET6 bind v4-mapped with V6ONLY': (world) => {
    const socket = open(world, 'near', 'stream', 6);
    must(socket.setoption(IPPROTO_IPV6, IPV6_V6ONLY, 1));
    return socket.bind(`::ffff:${world.near}`, 0);
  },
  'V6ONLY once bound': async (world) => {
    const socket = open(world, 'near', 'stream', 6);
    must(await socket.bind('::', 0));
    return socket.setoption(IPPROTO_IPV6, IPV6_V6ONLY, 1);
  },
  'SOCK_DGRAM with IPPROTO_TCP': (world) => world.open('near', { family: 4, type: 'dgram', protocol: 6 }).answer,
  'SO_TYPE set': setting(SOL_SOCKET, 3, 1),
  'SO_ERROR set': setting(SOL_SOCKET, SO_ERROR, 1),
  'SO_ACCEPTCONN set': setting(SOL_SOCKET, 30, 1),
  'SO_SNDBUF -1': setting(SOL_SOCKET, 7, -1),
  'SO_RCVBUF -1': setting(SOL_SOCKET, 8, -1),
  'SO_RCVLOWAT -1': setting(SOL_SOCKET, 18, -1),
  'SOL_SOCKET 9999': setting(SOL_SOCKET, 9999, 1),
  'level 77': setting(77, 1, 1),
  'IPPROTO_TCP 9999': setting(IPPROTO_TCP, 9999, 1),
  'IPPROTO_IP 9999': setting(IPPROTO_IP, 9999, 1),
  'IPPROTO_TCP on UDP': setting(IPPROTO_TCP, 1, 1, 'dgram'),
  'IPPROTO_IPV6 on AF_INET': setting(IPPROTO_IPV6, IPV6_V6ONLY, 1),
  'IP_TTL -1': setting(IPPROTO_IP, IP_TTL, -1),
  'IP_TTL -2': setting(IPPROTO_IP, IP_TTL, -2),
  'IP_TOS 256': setting(IPPROTO_IP, 1, 256),
  'IP_TOS -1': setting(IPPROTO_IP, 1, -1),
  'IP_MTU_DISCOVER 2': setting(IPPROTO_IP, 10, 2),
  'IP_MTU_DISCOVER 6': setting(IPPROTO_IP, 10, 6),
  'IP_MULTICAST_TTL 256': setting(IPPROTO_IP, 33, 256, 'dgram'),
  'IP_MULTICAST_TTL on TCP': setting(IPPROTO_IP, 33, 1),
  'IP_HDRINCL on UDP': setting(IPPROTO_IP, 3, 1, 'dgram'),
  'IPV6_UNICAST_HOPS 256': setting(IPPROTO_IPV6, 16, 256, 'stream', 6),
  'IPV6_UNICAST_HOPS 0': setting(IPPROTO_IPV6, 16, 0, 'stream', 6),
  'IPV6_UNICAST_HOPS -2': setting(IPPROTO_IPV6, 16, -2, 'stream', 6),
  'IPV6_TCLASS 256': setting(IPPROTO_IPV6, 67, 256, 'stream', 6),
  'IPV6_TCLASS -2': setting(IPPROTO_IPV6, 67, -2, 'stream', 6),
  'TCP_MAXSEG 0': setting(IPPROTO_TCP, TCP_MAXSEG, 0),
  'TCP_MAXSEG 32767': setting(IPPROTO_TCP, TCP_MAXSEG, 32_767),
  'TCP_MAXSEG 32768': setting(IPPROTO_TCP, TCP_MAXSEG, 32_768),
  'TCP_KEEPIDLE 32767': setting(IPPROTO_TCP, TCP_KEEPIDLE, 32_767),
  'TCP_KEEPINTVL 0': setting(IPPROTO_TCP, 5, 0),
  'TCP_KEEPINTVL 32768': setting(IPPROTO_TCP, 5, 32_768),
  'TCP_KEEPCNT 0': setting(IPPROTO_TCP, TCP_KEEPCNT, 0),
  'TCP_KEEPCNT 127': setting(IPPROTO_TCP, TCP_KEEPCNT, 127),
  'TCP_SYNCNT 0': setting(IPPROTO_TCP, TCP_SYNCNT, 0),
  'TCP_SYNCNT 127': setting(IPPROTO_TCP, TCP_SYNCNT, 127),
  'TCP_LINGER2 -1': setting(IPPROTO_TCP, 8, -1),
  'TCP_LINGER2 1000': setting(IPPROTO_TCP, 8, 1000),
  'TCP_DEFER_ACCEPT -1': setting(IPPROTO_TCP, 9, -1),
  'TCP_WINDOW_CLAMP 0': setting(IPPROTO_TCP, 10, 0),
  'TCP_WINDOW_CLAMP -1': setting(IPPROTO_TCP, 10, -1),
  'TCP_INFO set': setting(IPPROTO_TCP, 11, 0),
  'TCP_FASTOPEN -1 while fresh': setting(IPPROTO_TCP, 23, -1),
  'TCP_NOTSENT_LOWAT -1': setting(IPPROTO_TCP, 25, -1),
};

const SO_REUSEADDR = 2;
