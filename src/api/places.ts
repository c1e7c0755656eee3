import {
  type Address,
  anyV4,
  anyV6,
  broadcastV4,
  inZone,
  ipv4,
  isLinkLocal,
  isMulticast,
  parseAddress,
  StackError,
} from '../stack/index.ts';
import { checkNumber, numericPort } from './arguments.ts';
import { constants } from './constants.ts';
import { type ErrorText, lookupTexts } from './errors.ts';
import { getaddrinfo } from './getaddrinfo.ts';
import { type NameContext, numericAddress, type SocketFamily } from './names.ts';
import { portOf } from './services.ts';

/** Where a host and a port lead, as `connect`, `bind` and `sendto` take them. */

export interface AddressPlace {
  readonly address: Address;
  readonly port: number;
}

/** At least one place, or why there is none. */
export type Places = readonly [AddressPlace, ...AddressPlace[]] | readonly [null, ErrorText];

/** The path that is meant: all that an AF_UNIX socket is given, 'unix:' and a path elsewhere; null when it is no path. */
export function unixPath(host: string | number, family: SocketFamily | 'unix'): string | null {
  if (typeof host === 'string' && host.startsWith('unix:')) return host.slice('unix:'.length);
  if (family !== 'unix') return null;
  if (typeof host !== 'string') throw new TypeError('host: a path, a string');
  return host;
}

/**
 * The places that a host and a port stand for, in the order in which they should be tried: at once for an address, '' (any),
 * '<broadcast>' or a name of the hosts table; a promise when somebody has to be asked.
 * @param all addresses of both families for an IPv6 socket, not IPv4 only where there is no IPv6
 * @param onSome is told of the places that are known before all are, each time of all of them
 * @throws StackError EINVAL a link-local address without an interface (RFC 4007)
 * @throws TypeError, RangeError arguments of the wrong type, and ports that there are not
 */
export function placesOf(
  host: string | number,
  port: number | string,
  scopeid: number,
  family: SocketFamily,
  protocol: 'tcp' | 'udp',
  context: NameContext,
  all = false,
  onSome?: (places: readonly AddressPlace[]) => void,
): Places | Promise<Places> {
  checkNumber(scopeid, 'scopeid');
  const number = toPort(port, protocol, context);
  if (number === null) return [null, lookupTexts.EAI_SERVICE];
  const known = knownAddresses(host, family, context, all);
  if (known.length > 0) return placesFor(known, number, scopeid);
  const mapped = constants.AI_V4MAPPED | (all ? constants.AI_ALL : 0);
  const flags = family === 6 ? mapped : 0;
  const hints = { family: family === 4 ? constants.AF_INET : constants.AF_INET6, socktype: 1, protocol: 0, flags };
  const usable: Address[] = [];
  const onFound = (addresses: readonly Address[]): void => {
    // One without an interface is an error of the whole, in the end; until then there may be others.
    usable.push(...addresses.filter((address) => !isLinkLocal(address) || scopeid !== 0));
    onSome?.(placesFor(context.order(usable), number, scopeid));
  };
  return getaddrinfo(host, number, hints, context, onFound).then(([infos, error]) => {
    if (error !== null) return [null, error];
    return placesFor(
      infos.map(({ addr, sockaddr: [, , , zone = 0] }) => inZone(parseAddress(addr)!, zone)),
      number,
      scopeid,
    );
  });
}

function placesFor(
  addresses: readonly Address[],
  port: number,
  scopeid: number,
): readonly [AddressPlace, ...AddressPlace[]] {
  const places = addresses.map((address) => ({ address: scoped(address, scopeid), port }));
  return places as [AddressPlace, ...AddressPlace[]];
}

/** What needs nobody's answer; empty for a name that is not in the hosts table. */
function knownAddresses(host: string | number, family: SocketFamily, context: NameContext, all: boolean): Address[] {
  if (typeof host === 'number') {
    if (!Number.isInteger(host) || host < 0 || host > 0xffffffff)
      throw new RangeError(`${host} is not an IPv4 address`);
    return [ipv4(host)]; // on an IPv6 socket its mapped form
  }
  if (typeof host !== 'string') throw new TypeError('host: a string or a number');
  if (host === '') return [family === 4 ? anyV4 : anyV6];
  if (host === '<broadcast>' && family === 4) return [broadcastV4];
  const isFitting = (address: Address): boolean => family === 6 || address.isV4;
  const numeric = numericAddress(host, context);
  // An IPv6 socket takes IPv4 addresses in their mapped form only.
  const isMappedText = family === 4 || host.includes(':');
  if (numeric !== null)
    return isMappedText && isFitting(numeric) && (family === 6 || !host.includes(':')) ? [numeric] : [];
  const listed = (context.hosts.get(host.toLowerCase().replace(/\.$/, '')) ?? [])
    .map((text) => numericAddress(text, context))
    .filter((address): address is Address => address !== null && isFitting(address));
  const native = listed.filter(({ isV4 }) => isV4 === (family === 4));
  return context.order(native.length > 0 && !all ? native : listed);
}

function scoped(found: Address, scopeid: number): Address {
  if (!isLinkLocal(found)) return found;
  const address = found.zone === 0 ? inZone(found, scopeid) : found;
  if (address.zone === 0 && !isMulticast(address)) throw new StackError('EINVAL');
  return address;
}

/**
 * A port from a number, a numeric string or the name of a service; null when there is no such service.
 * @throws TypeError none of these; RangeError not 0 to 65535
 */
function toPort(port: number | string, protocol: 'tcp' | 'udp', { services }: NameContext): number | null {
  if (typeof port !== 'number' && typeof port !== 'string')
    throw new TypeError('port: a number, a numeric string or the name of a service');
  return numericPort(port) ?? portOf(services, String(port), protocol);
}
