import type { Socket, SocketModule } from '../../src/api/index.ts';
import { ProtocolError, reasonOf } from './protocol.ts';
import type { CpuTime } from './run.ts';
import type { TestSettings } from './settings.ts';

/** What the two sides of a test have in common: the world around them, and the options of data sockets. */

/** What a test needs besides sockets. A test in virtual time hands in its own. */
export interface Surroundings {
  readonly cpu: () => CpuTime;
  readonly wallClock: () => Date;
  /** Numbers from 0 to below 1. */
  readonly random: () => number;
}

/** The sockets' functions that take a level and an option, as this file needs them. */
const set = (socket: Socket, level: number, option: number, value: number | boolean | string, what: string): void => {
  const [, error] = socket.setoption(level, option, value);
  if (error !== null) throw new ProtocolError(`unable to set ${what}: ${reasonOf(socket, error)}`);
};

/** Gives a data socket the options that a test asks for. @throws ProtocolError one of them cannot be had */
export function prepare(socket: Socket, module: SocketModule, settings: TestSettings): void {
  const { SOL_SOCKET, IPPROTO_TCP, IPPROTO_IP, IPPROTO_IPV6 } = module;
  const { window, mss, noDelay, congestion, trafficClass } = settings;
  if (window > 0) {
    set(socket, SOL_SOCKET, module.SO_SNDBUF, window, 'socket buffer size');
    set(socket, SOL_SOCKET, module.SO_RCVBUF, window, 'socket buffer size');
  }
  if (trafficClass > 0) {
    if (socket.family === 6) set(socket, IPPROTO_IPV6, module.IPV6_TCLASS, trafficClass, 'IP TOS');
    set(socket, IPPROTO_IP, module.IP_TOS, trafficClass, 'IP TOS');
  }
  if (settings.protocol === 'udp') return;
  if (noDelay) set(socket, IPPROTO_TCP, module.TCP_NODELAY, true, 'TCP NODELAY');
  if (mss > 0) set(socket, IPPROTO_TCP, module.TCP_MAXSEG, mss, 'TCP MSS');
  if (congestion !== '') {
    const [, error] = socket.setoption(IPPROTO_TCP, module.TCP_CONGESTION, congestion);
    if (error !== null) {
      throw new ProtocolError(
        'unable to set TCP_CONGESTION: Supplied congestion control algorithm not supported on this host',
      );
    }
  }
}

/** SO_SNDBUF and SO_RCVBUF of the first stream. */
export function bufferSizesOf(socket: Socket, module: SocketModule): readonly [send: number, receive: number] {
  const size = (option: number): number => Number(socket.getoption(module.SOL_SOCKET, option)[0] ?? 0);
  return [size(module.SO_SNDBUF), size(module.SO_RCVBUF)];
}

/** The congestion control of a stream; '' for UDP. */
export function congestionOf(socket: Socket, module: SocketModule, settings: TestSettings): string {
  if (settings.protocol === 'udp') return '';
  return String(socket.getoption(module.IPPROTO_TCP, module.TCP_CONGESTION)[0] ?? '');
}
