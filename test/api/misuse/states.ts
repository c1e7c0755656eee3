/** How the states of table.ts are reached; those that can be reached in more than one way, by each of them. */
import {
  CLOSE,
  CLOSE_WAIT,
  ESTABLISHED,
  FIN_WAIT_2,
  freePort,
  LISTEN,
  livePort,
  must,
  open,
  portOf,
  SYN_SENT,
  type TestSocket,
  TIME_WAIT,
  type World,
} from './sockets.ts';

/** Makes a socket and brings it into a state. @throws Error it does not get there */
export type Reach = (world: World) => Promise<TestSocket>;

/** The ways into each state. A state with one way names it ''. */
export type Ways = Readonly<Record<string, Readonly<Record<string, Reach>>>>;

type Side = 'connected' | 'accepted';

interface Connection {
  readonly subject: TestSocket;
  readonly peer: TestSocket;
}

interface Manner {
  /** `connect` was called again when the connection had come about, and has said so. Default true. */
  readonly isTold?: boolean;
  /** Who connects does so from a port of its own choice. Default false. */
  readonly isPortChosen?: boolean;
}

/** A connection of which the socket under test is the side that has connected, or the one that was accepted. */
export async function connection(
  world: World,
  side: Side,
  { isTold = true, isPortChosen = false }: Manner = {},
): Promise<Connection> {
  const [from, to] = side === 'connected' ? (['near', 'far'] as const) : (['far', 'near'] as const);
  const listener = open(world, to, 'stream');
  must(await listener.bind(world[to], 0));
  must(await listener.listen(1));
  const active = open(world, from, 'stream');
  if (isPortChosen) must(await active.bind(world[from], await freePort(world, from)));
  must(await active.connect(world[to], portOf(listener)), 'EINPROGRESS');
  await reaches(world, active, ESTABLISHED);
  if (isTold) must(await active.connect(world[to], portOf(listener)));
  const accepted: TestSocket[] = [];
  await world.until(async () => {
    const { answer, socket } = await listener.accept();
    if (socket !== null) accepted.push(socket);
    else must(answer, 'EAGAIN');
    return socket !== null;
  });
  await listener.close();
  const [passive] = accepted;
  await reaches(world, passive!, ESTABLISHED);
  return side === 'connected' ? { subject: active, peer: passive! } : { subject: passive!, peer: active };
}

export const reaches = (world: World, socket: TestSocket, ...states: readonly number[]): Promise<void> =>
  world.until(() => states.includes(socket.tcpState()));

/** A state of connections, on both sides of them. */
const ofConnections = (change: (connection: Connection, world: World) => Promise<void>): Record<Side, Reach> => {
  const reach =
    (side: Side): Reach =>
    async (world) => {
      const made = await connection(world, side);
      await change(made, world);
      return made.subject;
    };
  return { connected: reach('connected'), accepted: reach('accepted') };
};

export async function bothHaveEnded(world: World, { subject, peer }: Connection, first: TestSocket): Promise<void> {
  const second = first === subject ? peer : subject;
  must(await first.shutdown(1));
  await reaches(world, second, CLOSE_WAIT);
  must(await second.shutdown(1));
  await reaches(world, subject, CLOSE, TIME_WAIT);
  await reaches(world, peer, CLOSE, TIME_WAIT);
}

const both = {
  weFirst: ofConnections((made, world) => bothHaveEnded(world, made, made.subject)),
  peerFirst: ofConnections((made, world) => bothHaveEnded(world, made, made.peer)),
};

export const onlyWay = (reach: Reach) => ({ '': reach });

export const tcpStates: Ways = {
  fresh: onlyWay(async (world) => open(world, 'near', 'stream')),
  bound: onlyWay(async (world) => {
    const socket = open(world, 'near', 'stream');
    must(await socket.bind(world.near, 0));
    return socket;
  }),
  listen: onlyWay(async (world) => {
    const socket = open(world, 'near', 'stream');
    must(await socket.bind(world.near, 0));
    must(await socket.listen(8));
    await reaches(world, socket, LISTEN);
    return socket;
  }),
  syn_sent: onlyWay(async (world) => {
    const socket = open(world, 'near', 'stream');
    must(await socket.connect(world.silent, 7), 'EINPROGRESS');
    await reaches(world, socket, SYN_SENT);
    return socket;
  }),
  estab: ofConnections(async () => {}),
  shut_wr: ofConnections(async ({ subject }, world) => {
    must(await subject.shutdown(1));
    await reaches(world, subject, FIN_WAIT_2);
  }),
  shut_rd: ofConnections(async ({ subject }, world) => {
    must(await subject.shutdown(0));
    await reaches(world, subject, ESTABLISHED);
  }),
  shut_rdwr: ofConnections(async ({ subject }, world) => {
    must(await subject.shutdown(2));
    await reaches(world, subject, FIN_WAIT_2);
  }),
  peer_fin: ofConnections(async ({ subject, peer }, world) => {
    must(await peer.shutdown(1));
    await reaches(world, subject, CLOSE_WAIT);
  }),
  peer_fin_unread: ofConnections(async ({ subject, peer }, world) => {
    must(await peer.send(3), '3');
    must(await peer.shutdown(1));
    await reaches(world, subject, CLOSE_WAIT);
  }),
  both_fin: {
    'connected, which ends first': both.weFirst.connected,
    'connected, whose peer ends first': both.peerFirst.connected,
    'accepted, which ends first': both.weFirst.accepted,
    'accepted, whose peer ends first': both.peerFirst.accepted,
  },
  got_rst: ofConnections(async ({ subject, peer }, world) => {
    await peer.reset();
    await reaches(world, subject, CLOSE);
  }),
  refused: onlyWay(async (world) => {
    const socket = open(world, 'near', 'stream');
    must(await socket.connect(world.far, await freePort(world, 'far')), 'EINPROGRESS');
    await reaches(world, socket, CLOSE);
    return socket;
  }),
  closed_fd: onlyWay(async (world) => {
    const socket = open(world, 'near', 'stream');
    await socket.close();
    return socket;
  }),
};

export async function connectedUdp(world: World, port: number): Promise<TestSocket> {
  const socket = open(world, 'near', 'dgram');
  must(await socket.connect(world.far, port));
  return socket;
}

async function shutUdp(world: World, how: 0 | 1): Promise<TestSocket> {
  const socket = await connectedUdp(world, await livePort(world, 'dgram'));
  must(await socket.shutdown(how));
  return socket;
}

export const udpStates: Ways = {
  fresh: onlyWay(async (world) => open(world, 'near', 'dgram')),
  bound: onlyWay(async (world) => {
    const socket = open(world, 'near', 'dgram');
    must(await socket.bind(world.near, 0));
    return socket;
  }),
  connected: onlyWay(async (world) => connectedUdp(world, await livePort(world, 'dgram'))),
  connected_port_unreachable: onlyWay(async (world) => {
    const socket = await connectedUdp(world, await freePort(world, 'far', 'dgram'));
    must(await socket.send(1), '1');
    await world.until(() => socket.hasError());
    return socket;
  }),
  unconnected_port_unreachable: onlyWay(async (world) => {
    const socket = open(world, 'near', 'dgram');
    const before = world.icmpMessages();
    must(await socket.sendto(1, world.far, await freePort(world, 'far', 'dgram')), '1');
    await world.until(() => world.icmpMessages() > before);
    return socket;
  }),
  shut_wr: onlyWay((world) => shutUdp(world, 1)),
  shut_rd: onlyWay((world) => shutUdp(world, 0)),
};
