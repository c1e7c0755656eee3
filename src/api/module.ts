import { type Address, addressFrom, type ErrorCode, type Runner } from '../stack/index.ts';
import { checkNumber } from './arguments.ts';
import { constants } from './constants.ts';
import type { Known } from './dns/cache.ts';
import { Resolver, type ResolverSettings } from './dns/resolver.ts';
import { type OpenSocket, SocketTransport } from './dns/transport.ts';
import { DatagramEnd } from './ends/datagrams.ts';
import type { MakeEnd } from './ends/end.ts';
import { TcpEnd } from './ends/tcp.ts';
import { type Result, texts } from './errors.ts';
import { type AddressInfo, getaddrinfo } from './getaddrinfo.ts';
import { type HostSettings, SocketHost } from './host.ts';
import type { Lookup } from './names.ts';
import { type Select, select } from './select.ts';
import { Socket } from './socket.ts';

/**
 * The documented socket module of one host: its functions and its constants. When the host has been closed, what makes or asks
 * sockets is EBADF, and what asks for names EAI_FAIL.
 */
export type SocketModule = typeof constants & {
  /**
   * A socket of a family and type: AF_INET or AF_INET6 with SOCK_STREAM, SOCK_DGRAM or SOCK_RAW; AF_UNIX with SOCK_STREAM,
   * SOCK_DGRAM (SOCK_RAW is the same) or SOCK_SEQPACKET. The rest is refused as Linux refuses it. SOCK_NONBLOCK may be added.
   * @returns EMFILE too many sockets are open; EBADF the host has been closed
   * @throws TypeError an argument that is no number
   */
  socket(family: number, type: number, protocol?: number): Result<Socket>;
  /**
   * Addresses for a host and a service, as getaddrinfo(3) of glibc finds them.
   * @param host a name, an address, a number in host order; null for this host
   * @param port a number, a numeric string, the name of a service; null for none
   */
  getaddrinfo(
    host: string | number | null | undefined,
    port?: string | number | null,
    family?: number,
    socktype?: number,
    protocol?: number,
    flags?: number,
  ): Promise<Result<AddressInfo[]>>;
  /** Waits until one of several sockets can be read, written, or has an urgent octet (select(2)). See `select`. */
  select: Select;
  /** `socket(AF_INET, SOCK_STREAM)` */
  tcp(family?: number): Result<Socket>;
  /** `socket(AF_INET, SOCK_DGRAM)` */
  udp(family?: number): Result<Socket>;
};

/** Makes the module of the host that `runner` turns. A host has one module. */
export function createSocketModule(runner: Runner, settings: HostSettings = {}): SocketModule {
  return socketModuleOf(new SocketHost(runner, settings), settings.resolver);
}

/** The module over sockets that the caller keeps the record of. */
export function socketModuleOf(host: SocketHost, resolver?: ResolverSettings): SocketModule {
  const make = (family: number, type: number, protocol = 0): Result<Socket> => {
    checkNumber(family, 'family');
    checkNumber(type, 'type');
    checkNumber(protocol, 'protocol');
    if (host.isClosed) return [null, texts.EBADF];
    const kind = type & ~(constants.SOCK_NONBLOCK | constants.SOCK_CLOEXEC);
    const error = refusal(host, family, kind, protocol);
    if (error !== null) return [null, texts[error]];
    if (host.isFull) return [null, texts.EMFILE];
    const socket = new Socket(host, familyOf(family), endOf(host, family, kind, protocol));
    if ((type & constants.SOCK_NONBLOCK) !== 0) socket.settimeout(0);
    return [socket, null];
  };
  const open = (server: string, type: 'stream' | 'dgram'): Result<Socket> =>
    make(
      server.includes(':') ? constants.AF_INET6 : constants.AF_INET,
      type === 'stream' ? constants.SOCK_STREAM : constants.SOCK_DGRAM,
    );
  if (resolver !== undefined && resolver.servers.length > 0) host.lookup = lookupBy(host, resolver, open);
  return {
    ...constants,
    socket: make,
    getaddrinfo: (name, port, family = 0, socktype = 0, protocol = 0, flags = 0) =>
      getaddrinfo(name, port, { family, socktype, protocol, flags }, host),
    select: (readers, writers, others, timeout) => select(host, readers, writers, others, timeout),
    tcp: (family = constants.AF_INET) => make(family, constants.SOCK_STREAM),
    udp: (family = constants.AF_INET) => make(family, constants.SOCK_DGRAM),
  };
}

/** Asks name servers over sockets of this host. */
function lookupBy(host: SocketHost, settings: ResolverSettings, open: OpenSocket): Lookup {
  const { runner } = host;
  const transport = new SocketTransport(() => runner.now(), open);
  const resolver = new Resolver(settings, transport, runner.stack.random);
  const addressesOf = (known: Known): Address[] => known.addresses.map(addressFrom);
  return async (name, wanted, onFound) => {
    const found = await resolver.lookup(name, wanted, (known) => onFound?.(addressesOf(known)));
    if (host.isClosed) return 'failed';
    if (typeof found === 'string') return found;
    return { addresses: found.flatMap(addressesOf), canonical: found[0]!.canonical };
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
