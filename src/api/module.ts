import type { Runner } from '../stack/index.ts';
import { constants } from './constants.ts';
import { type ErrorText, type Result, texts } from './errors.ts';
import { lowestFree, Socket, type SocketHost } from './socket.ts';

/** The documented socket module of one host: its functions and its constants. */
export type SocketModule = typeof constants & {
  /** A socket of a family and type. IPv4 streams and datagrams; everything else is refused as Linux refuses it. */
  socket(family: number, type: number, protocol?: number): Result<Socket>;
  /** `socket(AF_INET, SOCK_STREAM)` */
  tcp(): Result<Socket>;
  /** `socket(AF_INET, SOCK_DGRAM)` */
  udp(): Result<Socket>;
};

export interface ModuleSettings {
  /** Names and their addresses, like a hosts file. `localhost` is there already. */
  readonly hosts?: Readonly<Record<string, string>>;
  /** Sockets that may be open at once. Default 65,536. */
  readonly limit?: number;
}

/** Makes the module of the host that `runner` turns. */
export function createSocketModule(runner: Runner, settings: ModuleSettings = {}): SocketModule {
  const names = Object.entries({ localhost: '127.0.0.1', ...settings.hosts });
  const host: SocketHost = {
    runner,
    hosts: new Map(names.map(([name, address]) => [name.toLowerCase(), address])),
    open: new Map(),
    owners: new WeakMap(),
  };
  const limit = settings.limit ?? 65_536;
  runner.onChanged((endpoint) => host.owners.get(endpoint as object)?.wake());
  const make = (family: number, type: number, protocol = 0): Result<Socket> => {
    const error = refusal(family, type, protocol);
    if (error !== null) return [null, error];
    if (host.open.size >= limit) return [null, texts.EMFILE];
    const kind = type === constants.SOCK_STREAM ? 'stream' : 'dgram';
    return [new Socket(host, kind, lowestFree(host.open)), null];
  };
  return {
    ...constants,
    socket: make,
    tcp: () => make(constants.AF_INET, constants.SOCK_STREAM),
    udp: () => make(constants.AF_INET, constants.SOCK_DGRAM),
  };
}

function refusal(family: number, type: number, protocol: number): ErrorText | null {
  if (family !== constants.AF_INET) return texts.EAFNOSUPPORT;
  const own = type === constants.SOCK_STREAM ? 6 : type === constants.SOCK_DGRAM ? 17 : 0;
  if (type === constants.SOCK_RAW) return texts.EPROTONOSUPPORT;
  if (own === 0) return texts.ESOCKTNOSUPPORT;
  return protocol === 0 || protocol === own ? null : texts.EPROTONOSUPPORT;
}
