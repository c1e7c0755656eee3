import type { ErrorCode, Runner } from '../stack/index.ts';
import { constants } from './constants.ts';
import { DatagramEnd } from './ends/datagrams.ts';
import type { MakeEnd } from './ends/end.ts';
import { TcpEnd } from './ends/tcp.ts';
import { type Result, texts } from './errors.ts';
import { type HostSettings, SocketHost } from './host.ts';
import { Socket } from './socket.ts';

/** The documented socket module of one host: its functions and its constants. */
export type SocketModule = typeof constants & {
  /**
   * A socket of a family and type: AF_INET or AF_INET6 with SOCK_STREAM, SOCK_DGRAM or SOCK_RAW; AF_UNIX with SOCK_STREAM,
   * SOCK_DGRAM (SOCK_RAW is the same) or SOCK_SEQPACKET. The rest is refused as Linux refuses it. SOCK_NONBLOCK may be added.
   */
  socket(family: number, type: number, protocol?: number): Result<Socket>;
  /** `socket(AF_INET, SOCK_STREAM)` */
  tcp(family?: number): Result<Socket>;
  /** `socket(AF_INET, SOCK_DGRAM)` */
  udp(family?: number): Result<Socket>;
};

/** Makes the module of the host that `runner` turns. A host has one module. */
export function createSocketModule(runner: Runner, settings: HostSettings = {}): SocketModule {
  return socketModuleOf(new SocketHost(runner, settings));
}

/** The module over sockets that the caller keeps the record of. */
export function socketModuleOf(host: SocketHost): SocketModule {
  const make = (family: number, type: number, protocol = 0): Result<Socket> => {
    const kind = type & ~(constants.SOCK_NONBLOCK | constants.SOCK_CLOEXEC);
    const error = refusal(host, family, kind, protocol);
    if (error !== null) return [null, texts[error]];
    if (host.isFull) return [null, texts.EMFILE];
    const socket = new Socket(host, familyOf(family), endOf(host, family, kind, protocol));
    if ((type & constants.SOCK_NONBLOCK) !== 0) socket.settimeout(0);
    return [socket, null];
  };
  return {
    ...constants,
    socket: make,
    tcp: (family = constants.AF_INET) => make(family, constants.SOCK_STREAM),
    udp: (family = constants.AF_INET) => make(family, constants.SOCK_DGRAM),
  };
}

const familyOf = (family: number): 4 | 6 | 'unix' => {
  if (family === constants.AF_UNIX) return 'unix';
  return family === constants.AF_INET ? 4 : 6;
};

function endOf(host: SocketHost, family: number, type: number, protocol: number): MakeEnd {
  const { SOCK_STREAM, SOCK_RAW, SOCK_SEQPACKET } = constants;
  if (family === constants.AF_UNIX) {
    if (type === SOCK_SEQPACKET) return host.makeUnix('seqpacket');
    return host.makeUnix(type === SOCK_STREAM ? 'stream' : 'dgram');
  }
  if (type === SOCK_STREAM) return (context) => new TcpEnd(context);
  return (context) => new DatagramEnd(context, type === SOCK_RAW ? protocol : null);
}

/** Why Linux makes no such socket, or null. */
function refusal(host: SocketHost, family: number, type: number, protocol: number): ErrorCode | null {
  const { SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET } = constants;
  if (type < SOCK_STREAM || type > SOCK_SEQPACKET) return 'EINVAL';
  if (family === constants.AF_UNIX) {
    if (protocol !== 0 && protocol !== constants.AF_UNIX) return 'EPROTONOSUPPORT';
    return type === constants.SOCK_RDM ? 'ESOCKTNOSUPPORT' : null;
  }
  if (family !== constants.AF_INET && family !== constants.AF_INET6) return 'EAFNOSUPPORT';
  if (type === SOCK_RAW) {
    if (protocol <= 0 || protocol > 255) return 'EPROTONOSUPPORT';
    return host.mayOpenRaw ? null : 'EPERM';
  }
  const own = type === SOCK_STREAM ? 6 : type === SOCK_DGRAM ? 17 : 0;
  if (own === 0) return 'ESOCKTNOSUPPORT';
  return protocol === 0 || protocol === own ? null : 'EPROTONOSUPPORT';
}
