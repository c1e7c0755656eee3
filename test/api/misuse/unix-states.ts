/** The states that sockets of AF_UNIX can be in, and how each is reached. */
import { must, octets, type UnixKind, type UnixSocket, type UnixWorld } from './unix-sockets.ts';

/** A socket in a state, and its peer, if it has one that is open. */
interface Reached {
  readonly socket: UnixSocket;
  readonly peer?: UnixSocket;
}

type Reach = (world: UnixWorld, kind: UnixKind) => Promise<Reached>;

async function bound(world: UnixWorld, kind: UnixKind, name: string): Promise<UnixSocket> {
  const socket = world.open(kind);
  must(await socket.bind(world.nameOf(name)));
  return socket;
}

async function listening(world: UnixWorld, kind: UnixKind, backlog = 5): Promise<UnixSocket> {
  const socket = await bound(world, kind, 'own');
  must(socket.listen(backlog));
  return socket;
}

async function connectedTo(world: UnixWorld, kind: UnixKind, name: string): Promise<UnixSocket> {
  const socket = world.open(kind);
  must(await socket.connect(world.nameOf(name)));
  return socket;
}

/** One that has connected, and one that was accepted. */
async function connection(world: UnixWorld, kind: UnixKind): Promise<readonly [UnixSocket, UnixSocket]> {
  const listener = await listening(world, kind);
  const client = await connectedTo(world, kind, 'own');
  const { socket } = await listener.accept();
  if (socket === null) throw new Error('nothing to accept');
  return [client, socket];
}

async function say(socket: UnixSocket, text: string): Promise<void> {
  must(await socket.send(octets(text), 0, null), String(text.length));
}

/** Something done to a connection, of whose ends the first is asked. */
const after =
  (prepare: (socket: UnixSocket, peer: UnixSocket, world: UnixWorld) => Promise<unknown>): Reach =>
  async (world, kind) => {
    const [socket, peer] = await connection(world, kind);
    await prepare(socket, peer, world);
    return { socket, peer };
  };

const alone =
  (make: (world: UnixWorld, kind: UnixKind) => Promise<UnixSocket>): Reach =>
  async (world, kind) => ({ socket: await make(world, kind) });

/** A socket that nobody has used yet, or only closed. */
const common: Readonly<Record<string, Reach>> = {
  fresh: alone(async (world, kind) => world.open(kind)),
  'bound to a path': alone((world, kind) => bound(world, kind, 'own')),
  'bound to an abstract name': alone((world, kind) => bound(world, kind, '@own')),
  'bound to a name of its choice': alone((world, kind) => bound(world, kind, '')),
  'bound and unlinked': alone(async (world, kind) => {
    const socket = await bound(world, kind, 'own');
    must(world.unlink(world.nameOf('own')));
    return socket;
  }),
  closed: alone(async (world, kind) => {
    const socket = await bound(world, kind, 'own');
    await socket.close();
    return socket;
  }),
  'shut RD while fresh': alone(async (world, kind) => {
    const socket = world.open(kind);
    socket.shutdown(0);
    return socket;
  }),
  'shut WR while fresh': alone(async (world, kind) => {
    const socket = world.open(kind);
    socket.shutdown(1);
    return socket;
  }),
  pair: async (world, kind) => {
    const [socket, peer] = world.pair(kind);
    return { socket, peer };
  },
  'pair with unread data': async (world, kind) => {
    const [socket, peer] = world.pair(kind);
    await say(peer, 'one');
    await say(peer, 'other');
    return { socket, peer };
  },
  'pair whose peer was closed': alone(async (world, kind) => {
    const [socket, peer] = world.pair(kind);
    await peer.close();
    return socket;
  }),
  'pair whose peer was closed before reading': alone(async (world, kind) => {
    const [socket, peer] = world.pair(kind);
    await say(peer, 'one');
    await say(socket, 'unread');
    await peer.close();
    return socket;
  }),
  'pair whose peer is shut RDWR': async (world, kind) => {
    const [socket, peer] = world.pair(kind);
    must(peer.shutdown(2));
    return { socket, peer };
  },
};

/** Streams and sequences of messages. */
export const connectionStates: Readonly<Record<string, Reach>> = {
  ...common,
  listening: alone((world, kind) => listening(world, kind)),
  'listening with a connection': alone(async (world, kind) => {
    const socket = await listening(world, kind);
    await connectedTo(world, kind, 'own');
    return socket;
  }),
  'listening without room': alone(async (world, kind) => {
    const socket = await listening(world, kind, 0);
    await connectedTo(world, kind, 'own');
    return socket;
  }),
  'listening, shut RD': alone(async (world, kind) => {
    const socket = await listening(world, kind);
    socket.shutdown(0);
    return socket;
  }),
  'listening, shut WR': alone(async (world, kind) => {
    const socket = await listening(world, kind);
    socket.shutdown(1);
    return socket;
  }),
  'listening with a connection, shut RD': alone(async (world, kind) => {
    const socket = await listening(world, kind);
    await connectedTo(world, kind, 'own');
    socket.shutdown(0);
    return socket;
  }),
  'listening with a connection that was closed': alone(async (world, kind) => {
    const socket = await listening(world, kind);
    await (await connectedTo(world, kind, 'own')).close();
    return socket;
  }),
  connected: after(async () => {}),
  accepted: async (world, kind) => {
    const [peer, socket] = await connection(world, kind);
    return { socket, peer };
  },
  'connected and bound': async (world, kind) => {
    const [socket, peer] = await connection(world, kind);
    must(await socket.bind(world.nameOf('mine')));
    return { socket, peer };
  },
  'not accepted yet': alone(async (world, kind) => {
    await listening(world, kind);
    return connectedTo(world, kind, 'own');
  }),
  'not accepted, having sent': alone(async (world, kind) => {
    await listening(world, kind);
    const socket = await connectedTo(world, kind, 'own');
    await say(socket, 'early');
    return socket;
  }),
  'not accepted when the listener was closed': alone(async (world, kind) => {
    const listener = await listening(world, kind);
    const socket = await connectedTo(world, kind, 'own');
    await listener.close();
    return socket;
  }),
  'no room at the listener': alone(async (world, kind) => {
    await listening(world, kind, 0);
    await connectedTo(world, kind, 'own');
    const socket = world.open(kind);
    must(await socket.connect(world.nameOf('own')), 'EAGAIN');
    return socket;
  }),
  refused: alone(async (world, kind) => {
    await (await bound(world, kind, 'own')).close();
    const socket = world.open(kind);
    must(await socket.connect(world.nameOf('own')), 'ECONNREFUSED');
    return socket;
  }),
  'data to read': after((_, peer) => say(peer, 'data')),
  'two times data to read': after(async (_, peer) => {
    await say(peer, 'one');
    await say(peer, 'other');
  }),
  'peer closed': after((_, peer) => peer.close()),
  'peer closed, data to read': after(async (_, peer) => {
    await say(peer, 'last');
    await peer.close();
  }),
  'peer closed before reading': after(async (socket, peer) => {
    await say(socket, 'unread');
    await peer.close();
  }),
  'peer closed before reading nothing': after(async (socket, peer) => {
    must(await socket.send(new Uint8Array(), 0, null), '0');
    await peer.close();
  }),
  'peer closed before reading, data to read': after(async (socket, peer) => {
    await say(socket, 'unread');
    await say(peer, 'last');
    await peer.close();
  }),
  'peer closed before reading, and that was told': after(async (socket, peer) => {
    await say(socket, 'unread');
    await peer.close();
    must(await socket.recv(10, 0), 'ECONNRESET');
  }),
  'shut RD': after(async (socket) => must(socket.shutdown(0))),
  'shut RD, data to read': after(async (socket, peer) => {
    await say(peer, 'data');
    must(socket.shutdown(0));
  }),
  'shut WR': after(async (socket) => must(socket.shutdown(1))),
  'shut RDWR': after(async (socket) => must(socket.shutdown(2))),
  'shut RDWR, peer closed': after(async (socket, peer) => {
    must(socket.shutdown(2));
    await peer.close();
  }),
  'peer shut RD': after(async (_, peer) => must(peer.shutdown(0))),
  'peer shut WR': after(async (_, peer) => must(peer.shutdown(1))),
  'peer shut WR, data to read': after(async (_, peer) => {
    await say(peer, 'data');
    must(peer.shutdown(1));
  }),
  'peer shut RDWR': after(async (_, peer) => must(peer.shutdown(2))),
};

/** A datagram socket whose peer is bound to 'own'. */
const toward =
  (prepare: (socket: UnixSocket, peer: UnixSocket, world: UnixWorld) => Promise<unknown>): Reach =>
  async (world, kind) => {
    const peer = await bound(world, kind, 'own');
    const socket = await connectedTo(world, kind, 'own');
    await prepare(socket, peer, world);
    return { socket, peer };
  };

/** Both have names and are each other's peer. */
const mutual =
  (prepare: (socket: UnixSocket, peer: UnixSocket, world: UnixWorld) => Promise<unknown>): Reach =>
  async (world, kind) => {
    const [socket, peer] = [await bound(world, kind, 'mine'), await bound(world, kind, 'own')];
    must(await socket.connect(world.nameOf('own')));
    must(await peer.connect(world.nameOf('mine')));
    await prepare(socket, peer, world);
    return { socket, peer };
  };

/** Messages to anybody. */
export const datagramStates: Readonly<Record<string, Reach>> = {
  ...common,
  connected: toward(async () => {}),
  'connected and bound': toward((socket, _, world) => socket.bind(world.nameOf('mine'))),
  'connected to each other': mutual(async () => {}),
  'connected to itself': alone(async (world, kind) => {
    const socket = await bound(world, kind, 'own');
    must(await socket.connect(world.nameOf('own')));
    return socket;
  }),
  'connected to itself, data to read': alone(async (world, kind) => {
    const socket = await bound(world, kind, 'own');
    must(await socket.connect(world.nameOf('own')));
    await say(socket, 'mine');
    return socket;
  }),
  'bound, data to read': alone(async (world, kind) => {
    const socket = await bound(world, kind, 'own');
    const sender = await connectedTo(world, kind, 'own');
    await say(sender, 'data');
    return socket;
  }),
  'bound, data of one that was closed': alone(async (world, kind) => {
    const socket = await bound(world, kind, 'own');
    const sender = await bound(world, kind, 'theirs');
    must(await sender.send(octets('data'), 0, world.nameOf('own')), '4');
    await sender.close();
    return socket;
  }),
  'bound, nothing to read that was sent': alone(async (world, kind) => {
    const socket = await bound(world, kind, 'own');
    const sender = await connectedTo(world, kind, 'own');
    must(await sender.send(new Uint8Array(), 0, null), '0');
    return socket;
  }),
  'connected to each other, data to read': mutual((_, peer) => say(peer, 'data')),
  'peer of another': alone(async (world, kind) => {
    const socket = await bound(world, kind, 'own');
    await connectedTo(world, kind, 'own');
    return socket;
  }),
  'peer closed': toward((_, peer) => peer.close()),
  'peer closed, and that was told': toward(async (socket, peer) => {
    await peer.close();
    must(await socket.send(octets('x'), 0, null), 'ECONNREFUSED');
  }),
  'peer of each other closed': mutual((_, peer) => peer.close()),
  'peer of each other closed, data to read': mutual(async (_, peer) => {
    await say(peer, 'last');
    await peer.close();
  }),
  'peer has another peer': toward(async (_, peer, world) => {
    await bound(world, 'dgram', 'third');
    must(await peer.connect(world.nameOf('third')));
  }),
  'peer of each other has left': mutual((_, peer) => peer.connect(null)),
  'peer of each other has left, data to read': mutual(async (_, peer) => {
    await say(peer, 'data');
    must(await peer.connect(null));
  }),
  'has left its peer': mutual((socket) => socket.connect(null)),
  'has left its peer, data to read': mutual(async (socket, peer) => {
    await say(peer, 'data');
    must(await socket.connect(null));
  }),
  'reset, data to read': mutual(async (socket, peer, world) => {
    await say(socket, 'unread');
    await say(peer, 'data');
    must(await peer.connect(null));
    must(await peer.connect(world.nameOf('mine')));
  }),
  'shut RD': toward(async (socket) => must(socket.shutdown(0))),
  'shut WR': toward(async (socket) => must(socket.shutdown(1))),
  'shut RDWR': toward(async (socket) => must(socket.shutdown(2))),
  'shut RD, data to read': mutual(async (socket, peer) => {
    await say(peer, 'data');
    must(socket.shutdown(0));
  }),
  'peer shut RD': mutual(async (_, peer) => must(peer.shutdown(0))),
  'peer shut WR': mutual(async (_, peer) => must(peer.shutdown(1))),
};
