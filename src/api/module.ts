import type { Runner } from '../stack/index.ts';
import { constants } from './constants.ts';
import { type ErrorText, type Result, texts } from './errors.ts';
import { type HostSettings, SocketHost } from './host.ts';
import { Socket, type SocketKind } from './socket.ts';

/** The documented socket module of one host: its functions and its constants. */
export type SocketModule = typeof constants & {
  /** A socket of a family and type: AF_INET or AF_INET6, stream, datagram or raw. The rest is refused as Linux refuses it. */
  socket(family: number, type: number, protocol?: number): Result<Socket>;
  /** `socket(AF_INET, SOCK_STREAM)` */
  tcp(): Result<Socket>;
  /** `socket(AF_INET, SOCK_DGRAM)` */
  udp(): Result<Socket>;
};

/** Makes the module of the host that `runner` turns. A host has one module. */
export function createSocketModule(runner: Runner, settings: HostSettings = {}): SocketModule {
  return socketModuleOf(new SocketHost(runner, settings));
}

/** The module over sockets that the caller keeps the record of. */
export function socketModuleOf(host: SocketHost): SocketModule {
  const make = (family: number, type: number, protocol = 0): Result<Socket> => {
    const error = refusal(host, family, type, protocol);
    if (error !== null) return [null, error];
    if (host.isFull) return [null, texts.EMFILE];
    const kind = kindOf(type, protocol);
    return [new Socket(host, family === constants.AF_INET ? 4 : 6, kind), null];
  };
  return {
    ...constants,
    socket: make,
    tcp: () => make(constants.AF_INET, constants.SOCK_STREAM),
    udp: () => make(constants.AF_INET, constants.SOCK_DGRAM),
  };
}

function kindOf(type: number, protocol: number): SocketKind {
  if (type === constants.SOCK_STREAM) return { type: 'stream', tcb: null };
  return type === constants.SOCK_DGRAM ? { type: 'dgram' } : { type: 'raw', protocol };
}

function refusal(host: SocketHost, family: number, type: number, protocol: number): ErrorText | null {
  if (family !== constants.AF_INET && family !== constants.AF_INET6) return texts.EAFNOSUPPORT;
  if (type === constants.SOCK_RAW) {
    if (protocol <= 0 || protocol > 255) return texts.EPROTONOSUPPORT;
    return host.mayOpenRaw ? null : texts.EPERM;
  }
  const own = type === constants.SOCK_STREAM ? 6 : type === constants.SOCK_DGRAM ? 17 : 0;
  if (own === 0) return texts.ESOCKTNOSUPPORT;
  return protocol === 0 || protocol === own ? null : texts.EPROTONOSUPPORT;
}
