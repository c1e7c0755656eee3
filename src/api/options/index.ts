import { StackError } from '../../stack/index.ts';
import { icmpv6Level, ipLevel, ipv6Level, rawLevel } from './ip.ts';
import { socketLevel } from './socket.ts';
import type { Level, Option, OptionTarget } from './target.ts';
import { tcpLevel } from './tcp.ts';

export {
  checkValue,
  type Datagrams,
  type Membership,
  type OptionTarget,
  type OptionValue,
  ownTcp,
  type SocketSettings,
  type StreamHolder,
} from './target.ts';

/** The options of sockets: numbers and meanings are Linux's (socket(7), ip(7), ipv6(7), tcp(7)). */

const IPPROTO_IPV6 = 41;
const IPPROTO_TCP = 6;

/** The levels, by the names of their constants. */
export const levels: readonly (readonly [name: string, number: number, options: Level])[] = [
  ['SOL_SOCKET', 1, socketLevel],
  ['IPPROTO_IP', 0, ipLevel],
  ['IPPROTO_TCP', IPPROTO_TCP, tcpLevel],
  ['IPPROTO_IPV6', IPPROTO_IPV6, ipv6Level],
  ['IPPROTO_ICMPV6', 58, icmpv6Level],
  ['SOL_RAW', 255, rawLevel],
];

const table: ReadonlyMap<number, ReadonlyMap<number, Option>> = new Map(
  levels.map(([, level, options]) => [level, new Map(options.map(([, number, option]) => [number, option]))]),
);

/** @throws StackError ENOPROTOOPT there is no such option for this kind of socket; EOPNOTSUPP AF_UNIX has no such level */
export function findOption(target: OptionTarget, level: number, name: number): Option {
  if (target.unix !== null && level !== 1) throw new StackError('EOPNOTSUPP');
  const option = table.get(level)?.get(name);
  const isMissing =
    option === undefined ||
    (level === IPPROTO_IPV6 && target.family === 4) ||
    (level === IPPROTO_TCP && target.type !== 'stream');
  if (isMissing) throw new StackError('ENOPROTOOPT');
  return option;
}
