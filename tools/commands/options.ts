import { inPrefix, parsePrefix, SeededRandom, Stack } from '../../src/stack/index.ts';

/** The command line asks for something that cannot be. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export interface Option {
  readonly parameter: string;
  readonly help: string;
  readonly config: { readonly type: 'string' | 'boolean'; readonly multiple?: boolean; readonly short?: string };
}

/** The options of every command. */
export const commonOptions = {
  tun: { parameter: 'NAME', help: 'the TUN interface to create or attach to (tundra0)', config: { type: 'string' } },
  address: {
    parameter: 'CIDR',
    help: 'our address with its prefix length, repeatable (10.85.0.2/24 and fd85::2/64)',
    config: { type: 'string', multiple: true },
  },
  peer: {
    parameter: 'CIDR',
    help: "the kernel's address on the interface, repeatable (10.85.0.1/24 and fd85::1/64)",
    config: { type: 'string', multiple: true },
  },
  mtu: { parameter: 'N', help: 'octets per packet (1500); IPv6 needs 1280', config: { type: 'string' } },
  'no-offload': {
    parameter: '',
    help: 'exchange packets with the kernel as they are on a wire: no super-packets, all checksums by ourselves',
    config: { type: 'boolean' },
  },
  memory: { parameter: '', help: 'run in memory and in virtual time, without a TUN', config: { type: 'boolean' } },
  pcap: { parameter: 'FILE', help: 'capture every packet into FILE as pcapng', config: { type: 'string' } },
  seed: {
    parameter: 'N',
    help: 'of the random numbers: in memory the same seed gives the same packets (1); on a TUN, for experiments only',
    config: { type: 'string' },
  },
  sysctl: {
    parameter: 'NAME=VALUE',
    help: "an option of our host by Linux's name, repeatable: net.ipv4.tcp_sack=0 (docs/sysctls.md)",
    config: { type: 'string', multiple: true },
  },
  nameserver: {
    parameter: 'ADDRESS',
    help: 'a name server to ask, repeatable; a port follows # (those of /etc/resolv.conf)',
    config: { type: 'string', multiple: true },
  },
  json: { parameter: '', help: 'print JSON, one object a line', config: { type: 'boolean' } },
  help: { parameter: '', help: 'print this', config: { type: 'boolean', short: 'h' } },
} as const satisfies Record<string, Option>;

/** What `host` takes besides. */
export const hostOptions = {
  queues: {
    parameter: 'N',
    help: 'that many threads, each with a stack of its own and a queue of the interface: they share the address (1)',
    config: { type: 'string' },
  },
} as const satisfies Record<string, Option>;

/** What `ping` takes besides, with the letters of ping(8). */
export const pingOptions = {
  count: { parameter: 'N', help: 'stop after N requests', config: { type: 'string', short: 'c' } },
  interval: { parameter: 'S', help: 'seconds between requests (1)', config: { type: 'string', short: 'i' } },
  size: { parameter: 'N', help: 'octets of data in a request (56)', config: { type: 'string', short: 's' } },
  wait: { parameter: 'S', help: 'seconds to wait for the last answer (10)', config: { type: 'string', short: 'W' } },
  ttl: { parameter: 'N', help: 'hops that a request may go (64)', config: { type: 'string', short: 't' } },
  pmtu: {
    parameter: 'HOW',
    help: "'do': nobody may cut a request; 'dont': everybody may (dont)",
    config: { type: 'string', short: 'M' },
  },
  quiet: { parameter: '', help: 'print the summary only', config: { type: 'boolean', short: 'q' } },
} as const satisfies Record<string, Option>;

/** What `traceroute` takes besides, with the letters of traceroute(8). */
export const tracerouteOptions = {
  hops: { parameter: 'N', help: 'the most hops (30)', config: { type: 'string', short: 'm' } },
  queries: { parameter: 'N', help: 'probes per hop (3)', config: { type: 'string', short: 'q' } },
  wait: { parameter: 'S', help: 'seconds to wait for an answer (5)', config: { type: 'string', short: 'w' } },
  port: { parameter: 'N', help: 'the port of the first probe (33434)', config: { type: 'string', short: 'p' } },
  size: { parameter: 'N', help: 'octets of data in a probe (32)', config: { type: 'string', short: 's' } },
} as const satisfies Record<string, Option>;

export interface HostCommandOptions {
  readonly tun?: string;
  readonly address?: readonly string[];
  readonly peer?: readonly string[];
  readonly mtu?: string;
  readonly 'no-offload'?: boolean;
  readonly memory?: boolean;
  readonly pcap?: string;
  readonly seed?: string;
  readonly sysctl?: readonly string[];
  readonly nameserver?: readonly string[];
  readonly queues?: string;
  readonly count?: string;
  readonly interval?: string;
  readonly size?: string;
  readonly wait?: string;
  readonly ttl?: string;
  readonly pmtu?: string;
  readonly quiet?: boolean;
  readonly hops?: string;
  readonly queries?: string;
  readonly port?: string;
  readonly against?: string;
  readonly family?: string;
  readonly tolerance?: string;
  readonly jobs?: string;
  readonly retries?: string;
  readonly verbose?: boolean;
  readonly json?: boolean;
  readonly help?: boolean;
}

/** Options, checked and with their defaults. */
export interface HostPlan {
  readonly tun: string;
  /** Our addresses with prefix lengths, at least one. */
  readonly addresses: readonly string[];
  /** The kernel's addresses, or in memory the client's, at least one. */
  readonly peers: readonly string[];
  readonly mtu: number;
  /** Super-packets and checksums are left to the kernel. */
  readonly offload: boolean;
  /** Threads that share the interface. */
  readonly queues: number;
  readonly pcap: string | null;
  readonly seed: number | null;
  /** Options of our host by Linux's names. */
  readonly sysctls: readonly (readonly [name: string, value: string])[];
  /** Name servers to ask; null for those of /etc/resolv.conf. */
  readonly nameservers: readonly string[] | null;
  readonly json: boolean;
}

/** @throws UsageError an option's value cannot be */
export function planOf(options: HostCommandOptions): HostPlan {
  const addresses = options.address ?? defaultAddresses;
  const peers = options.peer ?? defaultPeers;
  for (const cidr of [...addresses, ...peers]) {
    if (!cidr.includes('/') || parsePrefix(cidr) === null) {
      throw new UsageError(`not an address with a prefix length, such as 10.85.0.2/24: '${cidr}'`);
    }
  }
  return {
    tun: options.tun ?? 'tundra0',
    addresses,
    peers,
    mtu: wholeNumber('mtu', options.mtu ?? '1500', 68, 65_535),
    offload: options['no-offload'] !== true,
    queues: wholeNumber('queues', options.queues ?? '1', 1, mostQueues),
    pcap: options.pcap ?? null,
    seed: options.seed === undefined ? null : wholeNumber('seed', options.seed, 0, Number.MAX_SAFE_INTEGER),
    sysctls: (options.sysctl ?? []).map(sysctlOf),
    nameservers: options.nameserver ?? null,
    json: options.json ?? false,
  };
}

/** 'net.ipv4.tcp_sack=0'. @throws UsageError there is no such option, or it cannot have that value */
export function sysctlOf(text: string): readonly [name: string, value: string] {
  const at = text.indexOf('=');
  if (at < 1) throw new UsageError(`--sysctl takes NAME=VALUE, not '${text}'`);
  const [name, value] = [text.slice(0, at), text.slice(at + 1)];
  try {
    new Stack(new SeededRandom(1)).setSysctl(name, value);
  } catch (error) {
    throw new UsageError(`--sysctl ${text}: ${(error as Error).message}`);
  }
  return [name, value];
}

/**
 * In memory the peer is our client, which has nothing but its own network.
 * @throws UsageError it cannot reach our first address
 */
export function checkNeighbours({ addresses, peers }: HostPlan): void {
  const [first = '', ...more] = addresses;
  const own = parsePrefix(first)!;
  const areNeighbours = (cidr: string): boolean => {
    const other = parsePrefix(cidr)!;
    return inPrefix(own.address, other) && inPrefix(other.address, own);
  };
  const all = new Set([first, ...more, ...peers].map((cidr) => String(parsePrefix(cidr)?.address)));
  if (!peers.some(areNeighbours) || all.size < addresses.length + peers.length) {
    throw new UsageError(`${first} and ${peers.join(', ')} are not two addresses of one network`);
  }
}

function wholeNumber(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least || value > most) {
    throw new UsageError(`--${name} is a whole number from ${least} to ${most}, not '${text}'`);
  }
  return value;
}

/** The address of '10.85.0.2/24'. */
export const addressOf = (cidr: string): string => cidr.slice(0, cidr.indexOf('/'));

/** Linux: MAX_TAP_QUEUES. */
const mostQueues = 256;
const defaultAddresses: readonly string[] = ['10.85.0.2/24', 'fd85::2/64'];
const defaultPeers: readonly string[] = ['10.85.0.1/24', 'fd85::1/64'];
