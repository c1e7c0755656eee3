import { type Address, anyV4, anyV6, formatAddress, ipv4, loopbackV4, loopbackV6 } from '../stack/index.ts';
import { checkNumber, numericPort } from './arguments.ts';
import { constants } from './constants.ts';
import { type LookupError, lookupTexts, portTypeText, type Result } from './errors.ts';
import { formatHost, type NameContext, numericAddress, type OnFound, type SocketAddress } from './names.ts';
import { portOf } from './services.ts';

/** getaddrinfo(3), as glibc does it. */

/** One way to reach a host and a service. */
export interface AddressInfo {
  /** AF_INET or AF_INET6. */
  readonly family: number;
  /** SOCK_STREAM, SOCK_DGRAM or SOCK_RAW. */
  readonly socktype: number;
  /** IPPROTO_TCP, IPPROTO_UDP; of raw sockets what was asked for. */
  readonly protocol: number;
  /** The host's own name, on the first of the list and with AI_CANONNAME only; '' elsewhere. */
  readonly canonname: string;
  /** The address as text. */
  readonly addr: string;
  /** 0 where none was asked for. */
  readonly port: number;
  /** What `connect` and `bind` take. */
  readonly sockaddr: SocketAddress;
}

/** What to look for; 0 means any. */
export interface Hints {
  readonly family: number;
  readonly socktype: number;
  readonly protocol: number;
  readonly flags: number;
}

interface Kind {
  readonly socktype: number;
  readonly protocol: number;
  /** The protocol of the services table; raw sockets have no services. */
  readonly service: 'tcp' | 'udp' | null;
}

const kinds: readonly Kind[] = [
  { socktype: constants.SOCK_STREAM, protocol: constants.IPPROTO_TCP, service: 'tcp' },
  { socktype: constants.SOCK_DGRAM, protocol: constants.IPPROTO_UDP, service: 'udp' },
  { socktype: constants.SOCK_RAW, protocol: 0, service: null },
];

/** Thrown inside, returned outside. */
class LookupFailed extends Error {
  readonly code: LookupError;
  constructor(code: LookupError) {
    super(code);
    this.code = code;
  }
}

/**
 * Addresses and kinds of sockets for a host and a service.
 * @param host an address, a name, null for this host
 * @param port a number, a numeric string, the name of a service, or null
 * @param onFound is told of addresses of a name server's that are there before the others, in no order
 * @returns one of gai_strerror(3)'s texts when there are none; EAI_FAIL the host has been closed
 * @throws TypeError arguments of the wrong type, but for the port, of which that is a returned error; RangeError ports that
 *   there are not
 */
export async function getaddrinfo(
  host: string | number | null | undefined,
  port: string | number | null | undefined,
  hints: Hints,
  context: NameContext,
  onFound?: OnFound,
): Promise<Result<AddressInfo[]>> {
  checkTypes(host, hints);
  if (port !== null && !['number', 'string', 'undefined'].includes(typeof port)) return [null, portTypeText];
  try {
    const name = host === '*' ? null : (host ?? null);
    const service = port === '*' ? null : (port ?? null);
    const { family, flags } = hints;
    if (context.isClosed) throw new LookupFailed('EAI_FAIL');
    if (name === null && service === null) throw new LookupFailed('EAI_NONAME');
    if ((flags & ~allFlags) !== 0) throw new LookupFailed('EAI_BADFLAGS');
    if ((flags & constants.AI_CANONNAME) !== 0 && name === null) throw new LookupFailed('EAI_BADFLAGS');
    const isFamily = [constants.AF_UNSPEC, constants.AF_INET, constants.AF_INET6].includes(family as 0);
    if (!isFamily) throw new LookupFailed('EAI_FAMILY');
    const ends = kindsFor(service, hints, context);
    const wanted = { ...hints, family: configuredFamily(hints, context) };
    const found = name === null ? ownAddresses(wanted) : await addressesOf(name, wanted, context, onFound);
    const infos = found.addresses.flatMap((address) =>
      ends.map(({ kind, port: number }) =>
        infoOf(address, kind, number, found.isV6 && family !== constants.AF_INET ? constants.AF_INET6 : family),
      ),
    );
    if ((flags & constants.AI_CANONNAME) !== 0 && infos.length > 0) {
      infos[0] = { ...infos[0]!, canonname: found.canonical };
    }
    return [infos, null];
  } catch (error) {
    if (!(error instanceof LookupFailed)) throw error;
    return [null, lookupTexts[error.code]];
  }
}

function checkTypes(host: unknown, { family, socktype, protocol, flags }: Hints): void {
  if (host !== null && !['string', 'number', 'undefined'].includes(typeof host))
    throw new TypeError('host: a string, a number or null');
  checkNumber(family, 'family');
  checkNumber(socktype, 'socktype');
  checkNumber(protocol, 'protocol');
  checkNumber(flags, 'flags');
}

/** AI_MASK says which flags there are. */
const allFlags = constants.AI_MASK;

// Services ---------------------------------------------------------------------------------------------------------------

function kindsFor(
  port: string | number | null,
  { socktype, protocol, flags }: Hints,
  { services }: NameContext,
): { kind: Kind; port: number }[] {
  const number = port === null || port === '' ? 0 : numericPort(port);
  if (number === null && (flags & constants.AI_NUMERICSERV) !== 0) throw new LookupFailed('EAI_NONAME');
  const fitting = kinds.filter(
    (kind) =>
      (socktype === 0 || kind.socktype === socktype) &&
      (protocol === 0 || kind.service === null || kind.protocol === protocol),
  );
  const first = fitting[0];
  if (first === undefined) throw new LookupFailed(socktype === 0 ? 'EAI_SERVICE' : 'EAI_SOCKTYPE');
  const isOpen = socktype === 0 && protocol === 0;
  const wanted = isOpen ? fitting : [first];
  if (!isOpen && first.service === null && port !== null && port !== '') throw new LookupFailed('EAI_SERVICE');
  if (number !== null) {
    return wanted.map((kind) => ({ kind: kind.service === null ? { ...kind, protocol } : kind, port: number }));
  }
  const found = wanted.flatMap((kind) => {
    const known = kind.service === null ? null : portOf(services, String(port), kind.service);
    return known === null ? [] : [{ kind, port: known }];
  });
  if (found.length === 0) throw new LookupFailed('EAI_SERVICE');
  return found;
}

// Hosts ------------------------------------------------------------------------------------------------------------------

interface FoundAddresses {
  readonly addresses: readonly Address[];
  readonly canonical: string;
  /** It was given as an IPv6 address, '::ffff:…' too. */
  readonly isV6?: boolean;
}

/** AI_ADDRCONFIG: only families of which this host has an address. With neither, AF_UNSPEC is not limited (as glibc). */
function configuredFamily({ family, flags }: Hints, context: NameContext): number {
  if ((flags & constants.AI_ADDRCONFIG) === 0) return family;
  const { AF_UNSPEC, AF_INET, AF_INET6 } = constants;
  const [hasV4, hasV6] = [context.hasAddress(true), context.hasAddress(false)];
  if (family === AF_UNSPEC && hasV4 !== hasV6) return hasV4 ? AF_INET : AF_INET6;
  if ((family === AF_INET && !hasV4) || (family === AF_INET6 && !hasV6)) throw new LookupFailed('EAI_NONAME');
  return family;
}

/** No host: this one, to connect to or to bind to. */
function ownAddresses({ family, flags }: Hints): FoundAddresses {
  const isPassive = (flags & constants.AI_PASSIVE) !== 0;
  const both = isPassive ? [anyV4, anyV6] : [loopbackV6, loopbackV4];
  const isWanted = ({ isV4 }: Address): boolean =>
    family === constants.AF_UNSPEC || isV4 === (family === constants.AF_INET);
  return { addresses: both.filter(isWanted), canonical: '' };
}

async function addressesOf(
  host: string | number,
  hints: Hints,
  context: NameContext,
  onFound: OnFound | undefined,
): Promise<FoundAddresses> {
  const { family, flags } = hints;
  const numeric = typeof host === 'number' ? numbered(host) : numericAddress(host, context);
  const isV6 = typeof host === 'string' && host.includes(':');
  if (numeric !== null) return { addresses: [inFamily(numeric, hints, isV6)], canonical: String(host), isV6 };
  if ((flags & constants.AI_NUMERICHOST) !== 0) throw new LookupFailed('EAI_NONAME');
  const { AF_INET, AF_INET6 } = constants;
  const mayMap = family === AF_INET6 && (flags & (constants.AI_V4MAPPED | constants.AI_V4MAPPED_CFG)) !== 0;
  const wantsV4 = family !== AF_INET6 || mayMap;
  const wantsV6 = family !== AF_INET;
  const found = await lookUp(String(host), wantsV4, wantsV6, context, onFound);
  let addresses = found.addresses;
  // Mapped ones stand in where there are no others, or beside them with AI_ALL.
  const hasV6 = addresses.some(({ isV4 }) => !isV4);
  if (mayMap && hasV6 && (flags & constants.AI_ALL) === 0) addresses = addresses.filter(({ isV4 }) => !isV4);
  if (addresses.length === 0) throw new LookupFailed('EAI_NODATA');
  return { addresses: context.order(addresses), canonical: found.canonical };
}

/** 32 bits in host order. */
function numbered(host: number): Address {
  if (!Number.isInteger(host) || host < 0 || host > 0xffffffff) throw new RangeError(`${host} is not an IPv4 address`);
  return ipv4(host);
}

/** An address that was given as one, in the family that is asked for. */
function inFamily(address: Address, { family, flags }: Hints, isV6: boolean): Address {
  const { AF_INET, AF_INET6 } = constants;
  if (family === AF_INET && !address.isV4) throw new LookupFailed('EAI_ADDRFAMILY');
  const mayMap = (flags & (constants.AI_V4MAPPED | constants.AI_V4MAPPED_CFG)) !== 0;
  if (family === AF_INET6 && address.isV4 && !mayMap && !isV6) throw new LookupFailed('EAI_ADDRFAMILY');
  return address;
}

/** The hosts table first, then whoever can be asked. */
async function lookUp(
  host: string,
  v4: boolean,
  v6: boolean,
  context: NameContext,
  onFound: OnFound | undefined,
): Promise<FoundAddresses> {
  const { hosts, lookup } = context;
  const listed = hosts.get(host.toLowerCase().replace(/\.$/, ''));
  if (listed !== undefined) {
    const all = listed
      .map((text) => numericAddress(text, context))
      .filter((address): address is Address => address !== null);
    const addresses = all.filter(({ isV4 }) => (isV4 ? v4 : v6));
    if (addresses.length > 0) return { addresses, canonical: host };
  }
  if (isLocalhost(host)) {
    const addresses = [loopbackV6, loopbackV4].filter(({ isV4 }) => (isV4 ? v4 : v6));
    return { addresses, canonical: host };
  }
  if (lookup === null) throw new LookupFailed('EAI_NONAME');
  const wanted = [...(v6 ? (['AAAA'] as const) : []), ...(v4 ? (['A'] as const) : [])]; // RFC 8305 section 3: AAAA first
  if (wanted.length === 0) throw new LookupFailed('EAI_NONAME');
  const answer = await lookup(host, wanted, onFound);
  if (typeof answer === 'string') throw new LookupFailed(failures[answer]);
  return answer;
}

/** RFC 6761 section 6.3: nobody is asked about these names. */
const isLocalhost = (host: string): boolean => /(^|\.)localhost\.?$/i.test(host);

const failures = { nobody: 'EAI_NONAME', none: 'EAI_NODATA', again: 'EAI_AGAIN', failed: 'EAI_FAIL' } as const;

function infoOf(address: Address, { socktype, protocol }: Kind, port: number, family: number): AddressInfo {
  const isV4 = address.isV4 && family !== constants.AF_INET6;
  const addr = isV4 ? formatAddress(address.isUnspecified ? anyV4 : address) : formatHost(address);
  return {
    family: isV4 ? constants.AF_INET : constants.AF_INET6,
    socktype,
    protocol,
    canonname: '',
    addr,
    port,
    sockaddr: isV4 ? [addr, port] : [addr, port, 0, address.zone],
  };
}
