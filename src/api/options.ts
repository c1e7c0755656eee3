import {
  type Address,
  type ErrorCode,
  isMulticast,
  type Listener,
  parseAddress,
  type Stack,
  StackError,
  type Tcb,
} from '../stack/index.ts';
import type { Datagrams } from './datagrams.ts';
import { errnos } from './errors.ts';
import type { SocketFamily } from './names.ts';

/** The options of sockets: level, name, what they mean. Numbers and meanings are Linux's (socket(7), ip(7), ipv6(7)). */

/** A group to join or to leave, by the interface with this name or index; without one, as the routes say. */
export interface Membership {
  readonly group: string;
  readonly iface?: string | number;
}

export type OptionValue = boolean | number | Uint8Array | Membership;

/** What stream sockets remember until there is a connection or a listener to tell. */
export class StreamSettings {
  reuse = true;
  v6Only = false;
  noDelay = false;
  /** 0: the stack's default. */
  ttl = 0;
  trafficClass = 0;

  applyTo(end: Tcb | Listener): void {
    end.noDelay = this.noDelay;
    end.trafficClass = this.trafficClass;
    if (this.ttl > 0) end.ttl = this.ttl;
  }
}

/** What the options of a socket are about. */
export interface OptionTarget {
  readonly stack: Stack;
  readonly family: SocketFamily;
  readonly type: 'stream' | 'dgram' | 'raw';
  readonly datagrams: Datagrams | null;
  readonly stream: StreamSettings;
  readonly tcb: Tcb | null;
  readonly listener: Listener | null;
  readonly isBound: boolean;
  /** Groups that this socket has joined, each with its interface. */
  readonly memberships: { readonly group: Address; readonly interfaceIndex: number }[];
}

interface Option {
  get?(target: OptionTarget): OptionValue;
  /** @throws StackError EINVAL a value that cannot be */
  set?(target: OptionTarget, value: OptionValue): void;
}

const SOL_SOCKET = 1;
const IPPROTO_IP = 0;
const IPPROTO_TCP = 6;
const IPPROTO_IPV6 = 41;
const IPPROTO_ICMPV6 = 58;
const SOL_RAW = 255;

/** @throws StackError ENOPROTOOPT there is no such option for this kind of socket */
export function findOption(target: OptionTarget, level: number, name: number): Option {
  const option = table.get(level)?.get(name);
  if (option === undefined || (level === IPPROTO_IPV6 && target.family === 4)) throw new StackError('ENOPROTOOPT');
  return option;
}

// Values -----------------------------------------------------------------------------------------------------------------

function toNumber(value: OptionValue, least = -0x80000000, most = 0x7fffffff): number {
  const number = typeof value === 'boolean' ? Number(value) : value;
  if (typeof number !== 'number') throw new StackError('EINVAL');
  if (!Number.isInteger(number) || number < least || number > most) throw new StackError('EINVAL');
  return number;
}

const toFlag = (value: OptionValue): boolean => toNumber(value) !== 0;

/** Options that only one kind of socket has. @throws StackError ENOPROTOOPT */
function datagramsOf({ datagrams }: OptionTarget): Datagrams {
  if (datagrams === null) throw new StackError('ENOPROTOOPT');
  return datagrams;
}

const endpointOf = (target: OptionTarget) => datagramsOf(target).endpoint;

function rawOf(target: OptionTarget) {
  const { raw } = datagramsOf(target);
  if (raw === null) throw new StackError('ENOPROTOOPT');
  return raw;
}

/** Sets something of a stream socket, now and for the connection or listener that it has. */
function setStream(target: OptionTarget, change: (settings: StreamSettings) => void): void {
  change(target.stream);
  if (target.tcb !== null) target.stream.applyTo(target.tcb);
  if (target.listener !== null) target.stream.applyTo(target.listener);
}

/** Linux doubles what is asked for, to make room for its own bookkeeping, and tells the doubled value. */
const bufferSize = (value: OptionValue, least: number): number =>
  Math.max(least, Math.min(toNumber(value, 0), 0x3fffffff) * 2);

// The table --------------------------------------------------------------------------------------------------------------

const reuse: Option = {
  get: (target) => target.datagrams?.endpoint.reuse ?? target.stream.reuse,
  set: (target, value) => {
    if (target.datagrams !== null) target.datagrams.endpoint.reuse = toFlag(value);
    else target.stream.reuse = toFlag(value);
  },
};

const ttl: Option = {
  get: (target) => target.datagrams?.endpoint.ttl ?? (target.stream.ttl || target.stack.options.ttl),
  set: (target, value) => {
    const wanted = toNumber(value, -1, 255);
    if (wanted === 0) throw new StackError('EINVAL');
    const chosen = wanted === -1 ? target.stack.options.ttl : wanted;
    if (target.datagrams !== null) target.datagrams.endpoint.ttl = chosen;
    else
      setStream(target, (settings) => {
        settings.ttl = chosen;
      });
  },
};

const trafficClass: Option = {
  get: (target) => target.datagrams?.endpoint.trafficClass ?? target.stream.trafficClass,
  set: (target, value) => {
    const wanted = Math.max(0, toNumber(value, -1, 255));
    if (target.datagrams !== null) target.datagrams.endpoint.trafficClass = wanted;
    // The two bits of RFC 3168 are TCP's own.
    else
      setStream(target, (settings) => {
        settings.trafficClass = wanted & ~3;
      });
  },
};

const multicastTtl: Option = {
  get: (target) => endpointOf(target).multicastTtl,
  set: (target, value) => {
    const wanted = toNumber(value, -1, 255);
    endpointOf(target).multicastTtl = wanted === -1 ? 1 : wanted;
  },
};

const multicastLoop: Option = {
  get: (target) => endpointOf(target).multicastLoop,
  set: (target, value) => {
    endpointOf(target).multicastLoop = toFlag(value);
  },
};

const multicastInterface: Option = {
  get: (target) => endpointOf(target).multicastInterface,
  set: (target, value) => {
    const index = toNumber(value, 0);
    if (index >= target.stack.interfaces.length) throw new StackError('EADDRNOTAVAIL');
    endpointOf(target).multicastInterface = index;
  },
};

/** IP_PMTUDISC_DONT 0, WANT 1, DO 2. */
const pmtuWays = ['dont', 'want', 'do'] as const;

const mtuDiscover: Option = {
  get: (target) => (target.datagrams === null ? 1 : pmtuWays.indexOf(target.datagrams.endpoint.pmtuDiscovery)),
  set: (target, value) => {
    endpointOf(target).pmtuDiscovery = pmtuWays[toNumber(value, 0, 2)]!;
  },
};

/** The MTU of the way to the peer. */
const pathMtu: Option = {
  get: (target) => {
    const remote = target.tcb?.remote ?? target.datagrams?.endpoint.remote ?? null;
    if (remote === null) throw new StackError('ENOTCONN');
    const local = target.tcb?.local ?? target.datagrams!.endpoint.local;
    const path = target.tcb?.path ?? target.stack.findPath(remote, local);
    if (path === null) throw new StackError('ENETUNREACH');
    return path.mtu;
  },
};

const join: Option = { set: (target, value) => changeMembership(target, value, true) };
const leave: Option = { set: (target, value) => changeMembership(target, value, false) };

function changeMembership(target: OptionTarget, value: OptionValue, isJoining: boolean): void {
  endpointOf(target);
  if (typeof value !== 'object' || !('group' in value)) throw new StackError('EINVAL');
  const group = parseAddress(value.group);
  if (group === null || !isMulticast(group) || group.isV4 !== (target.family === 4)) throw new StackError('EINVAL');
  const interfaceIndex = interfaceFor(target, group, value.iface);
  const index = target.memberships.findIndex(
    (each) => each.interfaceIndex === interfaceIndex && String(each.group) === String(group),
  );
  if (isJoining) {
    if (index >= 0) throw new StackError('EADDRINUSE');
    target.stack.joinGroup(group, interfaceIndex);
    target.memberships.push({ group, interfaceIndex });
  } else {
    if (index < 0) throw new StackError('EADDRNOTAVAIL');
    target.memberships.splice(index, 1);
    target.stack.leaveGroup(group, interfaceIndex);
  }
}

function interfaceFor(target: OptionTarget, group: Address, wanted: string | number | undefined): number {
  const { interfaces } = target.stack;
  if (wanted !== undefined && wanted !== 0) {
    const found = interfaces.find(({ name, index }) => name === wanted || index === wanted);
    if (found === undefined) throw new StackError('ENODEV');
    return found.index;
  }
  const path = target.stack.findPath(group, endpointOf(target).local);
  if (path === null) throw new StackError('ENODEV');
  return path.interfaceIndex;
}

const v6Only: Option = {
  get: (target) => target.datagrams?.endpoint.v6Only ?? target.stream.v6Only,
  set: (target, value) => {
    if (target.family !== 6) throw new StackError('ENOPROTOOPT');
    if (target.isBound) throw new StackError('EINVAL');
    if (target.datagrams !== null) target.datagrams.endpoint.v6Only = toFlag(value);
    else target.stream.v6Only = toFlag(value);
  },
};

/** 256 bits, 32 a word: a set bit keeps that type out (RFC 3542 section 3.2). IPv4 has one word of them (raw(7)). */
const icmpFilter = (words: number): Option => ({
  get: (target) => new Uint8Array(rawOf(target).blocked.slice(0, words).buffer),
  set: (target, value) => {
    const { blocked } = rawOf(target);
    if (typeof value === 'number' && words === 1) blocked[0] = value;
    else if (value instanceof Uint8Array && value.length === words * 4) {
      for (let word = 0; word < words; word++) {
        const [a = 0, b = 0, c = 0, d = 0] = value.subarray(word * 4);
        blocked[word] = a | (b << 8) | (c << 16) | (d << 24);
      }
    } else throw new StackError('EINVAL');
  },
});

const types = { stream: 1, dgram: 2, raw: 3 } as const;

const table: ReadonlyMap<number, ReadonlyMap<number, Option>> = new Map([
  [
    SOL_SOCKET,
    new Map<number, Option>([
      [2, reuse], // SO_REUSEADDR
      [15, reuse], // SO_REUSEPORT
      [3, { get: ({ type }) => types[type] }], // SO_TYPE
      [4, { get: (target) => errnos[takeError(target) ?? 'OK'] }], // SO_ERROR
      [
        6, // SO_BROADCAST
        {
          get: (target) => target.datagrams?.endpoint.mayBroadcast ?? false,
          set: (target, value) => {
            if (target.datagrams !== null) target.datagrams.endpoint.mayBroadcast = toFlag(value);
          },
        },
      ],
      [
        7, // SO_SNDBUF
        {
          get: (target) =>
            target.datagrams?.endpoint.sendLimit ?? target.tcb?.sendLimit ?? target.stack.options.tcp.sendBuffer,
          set: (target, value) => {
            if (target.datagrams !== null) target.datagrams.endpoint.sendLimit = bufferSize(value, 4608);
            else if (target.tcb !== null) target.tcb.sendLimit = bufferSize(value, 4608);
          },
        },
      ],
      [
        8, // SO_RCVBUF
        {
          get: (target) =>
            target.datagrams?.endpoint.receiveLimit ??
            target.tcb?.receiveLimit ??
            target.stack.options.tcp.receiveBuffer,
          set: (target, value) => {
            datagramsOf(target).endpoint.receiveLimit = bufferSize(value, 2304);
          },
        },
      ],
      [30, { get: ({ listener }) => listener !== null }], // SO_ACCEPTCONN
      [38, { get: (target) => target.datagrams?.protocol ?? IPPROTO_TCP }], // SO_PROTOCOL
      [39, { get: ({ family }) => (family === 4 ? 2 : 10) }], // SO_DOMAIN
    ]),
  ],
  [
    IPPROTO_IP,
    new Map<number, Option>([
      [1, trafficClass], // IP_TOS
      [2, ttl], // IP_TTL
      [
        3, // IP_HDRINCL
        {
          get: (target) => rawOf(target).headerIncluded,
          set: (target, value) => {
            rawOf(target).headerIncluded = toFlag(value);
          },
        },
      ],
      [10, mtuDiscover], // IP_MTU_DISCOVER
      [14, pathMtu], // IP_MTU
      [32, multicastInterface], // IP_MULTICAST_IF
      [33, multicastTtl], // IP_MULTICAST_TTL
      [34, multicastLoop], // IP_MULTICAST_LOOP
      [35, join], // IP_ADD_MEMBERSHIP
      [36, leave], // IP_DROP_MEMBERSHIP
    ]),
  ],
  [
    IPPROTO_TCP,
    new Map<number, Option>([
      [
        1, // TCP_NODELAY
        {
          get: ({ tcb, stream }) => tcb?.noDelay ?? stream.noDelay,
          set: (target, value) => {
            if (target.type !== 'stream') throw new StackError('ENOPROTOOPT');
            setStream(target, (settings) => {
              settings.noDelay = toFlag(value);
            });
          },
        },
      ],
    ]),
  ],
  [
    IPPROTO_IPV6,
    new Map<number, Option>([
      [
        7, // IPV6_CHECKSUM
        {
          get: (target) => rawOf(target).checksumOffset,
          set: (target, value) => {
            const offset = toNumber(value, -1);
            if (offset > 0 && offset % 2 === 1) throw new StackError('EINVAL');
            if (datagramsOf(target).protocol === IPPROTO_ICMPV6) throw new StackError('EINVAL'); // it is not to be chosen
            rawOf(target).checksumOffset = offset;
          },
        },
      ],
      [16, ttl], // IPV6_UNICAST_HOPS
      [17, multicastInterface], // IPV6_MULTICAST_IF
      [18, multicastTtl], // IPV6_MULTICAST_HOPS
      [19, multicastLoop], // IPV6_MULTICAST_LOOP
      [20, join], // IPV6_JOIN_GROUP
      [21, leave], // IPV6_LEAVE_GROUP
      [23, mtuDiscover], // IPV6_MTU_DISCOVER
      [24, pathMtu], // IPV6_MTU
      [26, v6Only], // IPV6_V6ONLY
      [67, trafficClass], // IPV6_TCLASS
    ]),
  ],
  [IPPROTO_ICMPV6, new Map<number, Option>([[1, icmpFilter(8)]])], // ICMPV6_FILTER
  [SOL_RAW, new Map<number, Option>([[1, icmpFilter(1)]])], // ICMP_FILTER
]);

/** SO_ERROR: what has happened, which is forgotten by asking. */
function takeError({ tcb, datagrams }: OptionTarget): ErrorCode | null {
  const holder = tcb ?? datagrams?.endpoint ?? null;
  if (holder === null) return null;
  const { error } = holder;
  holder.error = null;
  return error;
}
