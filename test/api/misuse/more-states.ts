/** States that 4.6 does not have: between an event and being told of it, and what comes after the ends. */

import type { World } from './sockets.ts';
import { CLOSE, freePort, livePort, must, open, portOf, SO_ERROR, SOL_SOCKET, type TestSocket } from './sockets.ts';
import {
  bothHaveEnded,
  connectedUdp,
  connection,
  onlyWay,
  type Reach,
  reaches,
  tcpStates,
  udpStates,
  type Ways,
} from './states.ts';

type Change = (socket: TestSocket, world: World) => Promise<void>;

/** From a state of states.ts on. */
function after(states: Ways, state: string, way: string, change: Change): Reach {
  const reach = states[state]?.[way];
  if (reach === undefined) throw new Error(`${state} is not reached by ${way}`);
  return async (world) => {
    const socket = await reach(world);
    await change(socket, world);
    return socket;
  };
}

const fromRefused = (change: Change): Reach => after(tcpStates, 'refused', '', change);
const fromListen = (change: Change): Reach => after(tcpStates, 'listen', '', change);
const bind: Change = async (socket, { near }) => must(await socket.bind(near, 0));

async function listening(world: World, port: number): Promise<TestSocket> {
  const socket = open(world, 'near', 'stream');
  must(await socket.bind(world.near, port));
  must(await socket.listen(8));
  return socket;
}

async function refusedFromChosenPort(world: World): Promise<TestSocket> {
  const socket = open(world, 'near', 'stream');
  must(await socket.bind(world.near, await freePort(world, 'near')));
  must(await socket.connect(world.far, await freePort(world, 'far')), 'EINPROGRESS');
  await reaches(world, socket, CLOSE);
  return socket;
}

/** Told: the error has been reported, by one call or another. Chosen: bound to a port that was named. */
export const moreTcpStates: Ways = {
  estab_untold: onlyWay(async (world) => (await connection(world, 'connected', { isTold: false })).subject),
  got_rst_untold: onlyWay(async (world) => {
    const { subject, peer } = await connection(world, 'connected', { isTold: false });
    await peer.reset();
    await reaches(world, subject, CLOSE);
    return subject;
  }),
  got_rst_told: {
    'by recv': after(tcpStates, 'got_rst', 'connected', async (socket) => must(await socket.recv(), 'ECONNRESET')),
    'by send': after(tcpStates, 'got_rst', 'accepted', async (socket) => must(await socket.send(1), 'ECONNRESET')),
    'by SO_ERROR': after(tcpStates, 'got_rst', 'accepted', async (socket) =>
      must(socket.getoption(SOL_SOCKET, SO_ERROR), 'ECONNRESET'),
    ),
  },
  got_rst_unread: onlyWay(async (world) => {
    const { subject, peer } = await connection(world, 'connected');
    must(await peer.send(3), '3');
    await world.until(() => subject.isReadable());
    await peer.reset();
    await reaches(world, subject, CLOSE);
    return subject;
  }),
  got_rst_bound: onlyWay(after(tcpStates, 'got_rst', 'connected', bind)),
  both_fin_bound: onlyWay(after(tcpStates, 'both_fin', 'connected, whose peer ends first', bind)),
  both_fin_chosen: onlyWay(async (world) => {
    const made = await connection(world, 'connected', { isPortChosen: true });
    await bothHaveEnded(world, made, made.peer);
    return made.subject;
  }),
  refused_told: {
    'by recv': fromRefused(async (socket) => must(await socket.recv(), 'ECONNREFUSED')),
    'by send': fromRefused(async (socket) => must(await socket.send(1), 'ECONNREFUSED')),
    'by SO_ERROR': fromRefused(async (socket) => must(socket.getoption(SOL_SOCKET, SO_ERROR), 'ECONNREFUSED')),
  },
  refused_told_by_connect: onlyWay(
    fromRefused(async (socket, world) => must(await socket.connect(world.far, await livePort(world)), 'ECONNREFUSED')),
  ),
  refused_bound: onlyWay(fromRefused(bind)),
  refused_chosen: onlyWay(refusedFromChosenPort),
  refused_chosen_told_by_connect: onlyWay(async (world) => {
    const socket = await refusedFromChosenPort(world);
    must(await socket.connect(world.far, await livePort(world)), 'ECONNREFUSED');
    return socket;
  }),
  listen_shut_rd: onlyWay(fromListen(async (socket) => must(await socket.shutdown(0)))),
  listen_shut_rd_chosen: onlyWay(async (world) => {
    const socket = await listening(world, await freePort(world, 'near'));
    must(await socket.shutdown(0));
    return socket;
  }),
  listen_shut_wr: onlyWay(fromListen(async (socket) => must(await socket.shutdown(1)))),
  syn_sent_shut: {
    reading: after(tcpStates, 'syn_sent', '', async (socket) => must(await socket.shutdown(0))),
    writing: after(tcpStates, 'syn_sent', '', async (socket) => must(await socket.shutdown(1))),
  },
};

export const moreUdpStates: Ways = {
  port_unreachable_told: {
    'by recv': after(udpStates, 'connected_port_unreachable', '', async (socket) =>
      must(await socket.recv(), 'ECONNREFUSED'),
    ),
    'by SO_ERROR': after(udpStates, 'connected_port_unreachable', '', async (socket) =>
      must(socket.getoption(SOL_SOCKET, SO_ERROR), 'ECONNREFUSED'),
    ),
  },
  shut_rdwr: onlyWay(after(udpStates, 'connected', '', async (socket) => must(await socket.shutdown(2)))),
  shut_rd_unread: onlyWay(async (world) => {
    const peer = open(world, 'far', 'dgram');
    must(await peer.bind(world.far, 0));
    const socket = await connectedUdp(world, portOf(peer));
    must(await peer.sendto(3, world.near, portOf(socket)), '3');
    await world.until(() => socket.isReadable());
    must(await socket.shutdown(0));
    return socket;
  }),
};
