import { type Address, anyV4, formatAddress, inZone, ipv4, isLinkLocal, parseAddress } from '../stack/index.ts';
import type { LookupFailure } from './dns/resolver.ts';
import type { ServicesTable } from './services.ts';

/** The names that a host knows, and addresses as text. */

/** 4: an AF_INET socket, 6: an AF_INET6 one. */
export type SocketFamily = 4 | 6;

/** The address of an end of a socket: two values over IPv4, four over IPv6, as `connect` and `bind` take them. */
export type SocketAddress = readonly [host: string, port: number, flowinfo?: number, scopeid?: number];

/** What `getsockname` tells: an address, or of AF_UNIX a path, which is '' for a socket without a name. */
export type SocketName = SocketAddress | string;

/** Names and the addresses they stand for, like a hosts file. */
export type HostsTable = ReadonlyMap<string, readonly string[]>;

/** Told of addresses that are known before all are. */
export type OnFound = (addresses: readonly Address[]) => void;

/** Asks for the addresses of a name that is in no table. */
export type Lookup = (
  name: string,
  wanted: readonly ('A' | 'AAAA')[],
  onFound?: OnFound,
) => Promise<{ readonly addresses: readonly Address[]; readonly canonical: string } | LookupFailure>;

/** Where names come from. */
export interface NameContext {
  readonly hosts: HostsTable;
  readonly services: ServicesTable;
  /** The host has been closed: it knows nothing any more. */
  readonly isClosed: boolean;
  /** Null: nobody can be asked. */
  readonly lookup: Lookup | null;
  /** For 'fe80::1%eth0' and '%1'. */
  readonly interfaces: readonly { readonly name: string; readonly index: number }[];
  /** Has this host an address of the family, loopback aside (AI_ADDRCONFIG)? */
  hasAddress(isV4: boolean): boolean;
  /** Addresses in the order in which they should be tried (RFC 6724). */
  order(addresses: readonly Address[]): Address[];
}

/**
 * An address from its text: IPv4 in any form that inet_aton(3) takes; IPv6 with '%zone' perhaps, and IPv4 as '::ffff:a.b.c.d'.
 * Null when it is none.
 */
export function numericAddress(text: string, { interfaces }: Pick<NameContext, 'interfaces'>): Address | null {
  if (!text.includes(':')) return parseInetAton(text);
  const [host = '', zone, ...more] = text.split('%');
  const address = parseAddress(host);
  if (address === null || more.length > 0) return null;
  if (zone === undefined) return address;
  if (!isLinkLocal(address)) return null;
  if (/^\d+$/.test(zone)) return inZone(address, Number(zone));
  const found = interfaces.find(({ name }) => name === zone);
  return found === undefined ? null : inZone(address, found.index);
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

/** An address as AF_INET6 writes it: IPv4 is '::ffff:a.b.c.d' (RFC 3493 section 3.7). */
export const formatHost = (address: Address): string =>
  address.isV4 ? `::ffff:${formatAddress(address)}` : formatAddress(address);

/** An address as a socket of `family` tells it. */
export function socketAddress(address: Address, port: number, family: SocketFamily): SocketAddress {
  if (family === 4) return [formatAddress(address.isUnspecified ? anyV4 : address), port];
  return [formatHost(address), port, 0, address.zone];
}
