/** The calls of table.ts, as they are made. */
import {
  type Answer,
  IPPROTO_TCP,
  livePort,
  SO_ERROR,
  SOL_SOCKET,
  TCP_NODELAY,
  type TestSocket,
  type World,
} from './sockets.ts';

/** Makes a call on a socket that is in a state. */
export type Make = (socket: TestSocket, world: World) => Answer | Promise<Answer>;

/** 'ok0' when there has been none. */
export const errorOf = (socket: TestSocket): Answer => {
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
