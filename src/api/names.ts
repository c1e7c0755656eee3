import {
  type Address,
  anyV4,
  anyV6,
  broadcastV4,
  formatAddress,
  inZone,
  ipv4,
  isLinkLocal,
  isMulticast,
  parseAddress,
  StackError,
} from '../stack/index.ts';
import { type ErrorText, unknownHost } from './errors.ts';

/** What a user may write for a host and for a port, and how a socket tells its addresses. */

/** 4: an AF_INET socket, 6: an AF_INET6 one. */
export type SocketFamily = 4 | 6;

/** The address of an end of a socket: two values over IPv4, four over IPv6, as `connect` and `bind` take them. */
export type SocketAddress = readonly [host: string, port: number, flowinfo?: number, scopeid?: number];

/** What `getsockname` tells: an address, or of AF_UNIX a path, which is '' for a socket without a name. */
export type SocketName = SocketAddress | string;

/** Names and the addresses they stand for, like a hosts file. */
export type HostsTable = ReadonlyMap<string, readonly string[]>;

export interface NameContext {
  readonly hosts: HostsTable;
  /** For 'fe80::1%eth0' and '%1'. */
  readonly interfaces: readonly { readonly name: string; readonly index: number }[];
}

/**
 * An address for a socket of `family`, from: a number in host order (INADDR_LOOPBACK), '' (any), '<broadcast>', a name of
 * the hosts table, or the text of an address: over IPv4 in any form that inet_aton(3) takes; over IPv6 with '%zone'
 * perhaps, and IPv4 as '::ffff:a.b.c.d'.
 * @returns null when it is none of these
 * @throws TypeError neither a string nor a number; RangeError a number that is not 32 bits
 */
export function resolveHost(host: string | number, family: SocketFamily, context: NameContext): Address | null {
  if (typeof host === 'number') {
    if (!Number.isInteger(host) || host < 0 || host > 0xffffffff)
      throw new RangeError(`${host} is not an IPv4 address`);
    return ipv4(host); // on an IPv6 socket its mapped form
  }
  if (typeof host !== 'string') throw new TypeError('host: a string or a number');
  if (host === '') return family === 4 ? anyV4 : anyV6;
  if (host === '<broadcast>') return family === 4 ? broadcastV4 : null;
  for (const text of context.hosts.get(host.toLowerCase()) ?? [host]) {
    const address = family === 4 ? parseForV4(text) : parseForV6(text, context);
    if (address !== null) return address;
  }
  return null;
}

function parseForV4(text: string): Address | null {
  const address = parseAddress(text);
  if (address !== null) return address.isV4 && !text.includes(':') ? address : null;
  return parseInetAton(text);
}

function parseForV6(text: string, { interfaces }: NameContext): Address | null {
  const [host = '', zone, ...more] = text.split('%');
  const address = host.includes(':') ? parseAddress(host) : null;
  if (address === null || more.length > 0) return null;
  if (zone === undefined) return address;
  const found = interfaces.find(({ name, index }) => name === zone || String(index) === zone);
  return found === undefined || !isLinkLocal(address) ? null : inZone(address, found.index);
}

/**
 * inet_aton(3): one to four parts, each decimal, octal (0…) or hexadecimal (0x…); the last one fills what is left.
 * '127.1' is 127.0.0.1, '010.0.0.1' is 8.0.0.1.
 */
function parseInetAton(text: string): Address | null {
  const parts = text.split('.').map(parseNumber);
  if (parts.length > 4 || parts.includes(-1)) return null;
  const last = parts.pop()!;
  if (parts.some((part) => part > 255) || last >= 256 ** (4 - parts.length)) return null;
  return ipv4(parts.reduce((sum, part, index) => sum + part * 256 ** (3 - index), 0) + last);
}

function parseNumber(text: string): number {
  if (/^0x[0-9a-f]{1,8}$/i.test(text)) return Number.parseInt(text.slice(2), 16);
  if (/^0[0-7]{0,11}$/.test(text)) return Number.parseInt(text, 8);
  return /^[1-9]\d{0,9}$/.test(text) ? Number(text) : -1;
}

/**
 * A port from a number or a numeric string.
 * @throws TypeError neither; RangeError not 0 to 65535
 */
export function toPort(port: number | string): number {
  const value = typeof port === 'string' && /^\d+$/.test(port) ? Number(port) : port;
  if (typeof value !== 'number') throw new TypeError('port: a number or a numeric string');
  if (!Number.isInteger(value) || value < 0 || value > 65_535) throw new RangeError(`port ${port} is not 0 to 65535`);
  return value;
}

/** An address as a socket of `family` tells it: IPv4 on an IPv6 socket is '::ffff:a.b.c.d' (RFC 3493 section 3.7). */
export function socketAddress(address: Address, port: number, family: SocketFamily): SocketAddress {
  if (family === 4) return [formatAddress(address.isUnspecified ? anyV4 : address), port];
  return [address.isV4 ? `::ffff:${formatAddress(address)}` : formatAddress(address), port, 0, address.zone];
}

/** The path that is meant: all that an AF_UNIX socket is given, 'unix:' and a path elsewhere; null when it is no path. */
export function unixPath(host: string | number, family: SocketFamily | 'unix'): string | null {
  const isMarked = typeof host === 'string' && host.startsWith('unix:');
  if (isMarked) return host.slice('unix:'.length);
  if (family !== 'unix') return null;
  if (typeof host !== 'string') throw new TypeError('a path: a string');
  return host;
}

/**
 * The places that a host and a port stand for.
 * @throws StackError EINVAL a link-local address without an interface (RFC 4007)
 */
export function placesOf(
  host: string | number,
  port: number | string,
  scopeid: number,
  family: SocketFamily,
  context: NameContext,
): readonly [{ address: Address; port: number }] | readonly [null, ErrorText] {
  const number = toPort(port);
  const found = resolveHost(host, family, context);
  if (found === null) return [null, unknownHost];
  return [{ address: scoped(found, scopeid), port: number }];
}

function scoped(found: Address, scopeid: number): Address {
  if (!isLinkLocal(found)) return found;
  const address = found.zone === 0 ? inZone(found, scopeid) : found;
  if (address.zone === 0 && !isMulticast(address)) throw new StackError('EINVAL');
  return address;
}
