import { type Address, isMulticast, parseAddress, StackError } from '../../stack/index.ts';
import {
  datagramsOf,
  endpointOf,
  type Level,
  type Option,
  type OptionTarget,
  type OptionValue,
  ownTcp,
  rawOf,
  setTcp,
  toFlag,
  toNumber,
} from './target.ts';

/** The options of IPv4 and IPv6 (ip(7), ipv6(7)), and the filters of raw sockets (raw(7), RFC 3542). */

const IPPROTO_ICMPV6 = 58;

const ttl: Option = {
  get: (target) => target.datagrams?.endpoint.ttl ?? (target.stream.tcp.ttl || target.stack.options.ttl),
  set: (target, value) => {
    const wanted = toNumber(value, -1, 255);
    if (wanted === 0) throw new StackError('EINVAL');
    const chosen = wanted === -1 ? target.stack.options.ttl : wanted;
    if (target.datagrams !== null) target.datagrams.endpoint.ttl = chosen;
    else
      setTcp(target, (settings) => {
        settings.ttl = chosen;
      });
  },
};

const trafficClass: Option = {
  get: (target) => target.datagrams?.endpoint.trafficClass ?? target.stream.tcp.trafficClass,
  set: (target, value) => {
    const number = toNumber(value);
    const wanted = number === -1 ? 0 : number & 0xff;
    if (target.datagrams !== null) target.datagrams.endpoint.trafficClass = wanted;
    // The two bits of RFC 3168 are TCP's own.
    else
      setTcp(target, (settings) => {
        settings.trafficClass = wanted & ~3;
      });
  },
};

/** Over IPv6, other bits than eight are refused. */
const trafficClassV6: Option = {
  ...trafficClass,
  set: (target, value) => trafficClass.set!(target, toNumber(value, -1, 255)),
};

/** Over IPv6, 0 is a limit like another. */
const hopLimit: Option = {
  ...ttl,
  set: (target, value) => {
    if (toNumber(value, -1, 255) !== 0) return ttl.set!(target, value);
    if (target.datagrams !== null) target.datagrams.endpoint.ttl = 0;
    else throw new StackError('EINVAL'); // a connection that reaches nobody
  },
};

const multicastTtl: Option = {
  get: (target) => (target.type === 'stream' ? 1 : endpointOf(target).multicastTtl),
  set: (target, value) => {
    if (target.type === 'stream') throw new StackError('EINVAL');
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
    const way = pmtuWays[toNumber(value, 0, 2)]!;
    if (target.datagrams !== null) target.datagrams.endpoint.pmtuDiscovery = way; // streams always want it
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

/** Tell a stream's user at once of ICMP errors that end nothing (SHLD-20 the other way round). Other sockets: always off. */
const receiveErrors: Option = {
  get: ({ stream }) => stream.tcp.reportSoftErrors,
  set: (target, value) => {
    setTcp(target, (settings) => {
      settings.reportSoftErrors = toFlag(value);
    });
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
  const settings = target.ownSettings();
  settings.memberships ??= [];
  const { memberships } = settings;
  const index = memberships.findIndex(
    (each) => each.interfaceIndex === interfaceIndex && String(each.group) === String(group),
  );
  if (isJoining) {
    if (index >= 0) throw new StackError('EADDRINUSE');
    target.stack.joinGroup(group, interfaceIndex);
    memberships.push({ group, interfaceIndex });
  } else {
    if (index < 0) throw new StackError('EADDRNOTAVAIL');
    memberships.splice(index, 1);
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
  get: (target) => target.datagrams?.endpoint.v6Only ?? target.stream.tcp.v6Only,
  set: (target, value) => {
    if (target.family !== 6) throw new StackError('ENOPROTOOPT');
    if (target.isBound) throw new StackError('EINVAL');
    if (target.datagrams !== null) target.datagrams.endpoint.v6Only = toFlag(value);
    else ownTcp(target).v6Only = toFlag(value);
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

const headerIncluded: Option = {
  get: (target) => rawOf(target).headerIncluded,
  set: (target, value) => {
    rawOf(target).headerIncluded = toFlag(value);
  },
};

const checksumOffset: Option = {
  get: (target) => rawOf(target).checksumOffset,
  set: (target, value) => {
    const offset = toNumber(value, -1);
    if (offset > 0 && offset % 2 === 1) throw new StackError('EINVAL');
    if (datagramsOf(target).protocol === IPPROTO_ICMPV6) throw new StackError('EINVAL'); // it is not to be chosen
    rawOf(target).checksumOffset = offset;
  },
};

/** IPPROTO_IP. */
export const ipLevel: Level = [
  ['IP_TOS', 1, trafficClass, 'number', 'the TOS octet; of a stream without the two bits of ECN'],
  ['IP_TTL', 2, ttl, 'number', "hops, 1 to 255; -1: the host's"],
  ['IP_HDRINCL', 3, headerIncluded, 'flag', 'of raw sockets: what is sent has its IP header'],
  ['IP_MTU_DISCOVER', 10, mtuDiscover, 'number', 'IP_PMTUDISC_DONT, WANT or DO'],
  ['IP_RECVERR', 11, receiveErrors, 'flag', 'of streams: tell ICMP errors that end nothing'],
  ['IP_MTU', 14, pathMtu, 'octets, told', 'of the way to the peer'],
  ['IP_MULTICAST_IF', 32, multicastInterface, 'number', 'the index of the interface for groups; 0: as the routes say'],
  ['IP_MULTICAST_TTL', 33, multicastTtl, 'number', 'hops of what is sent to groups'],
  ['IP_MULTICAST_LOOP', 34, multicastLoop, 'flag', 'groups on this host hear what is sent here'],
  ['IP_ADD_MEMBERSHIP', 35, join, '{ group, iface? }', 'joins'],
  ['IP_DROP_MEMBERSHIP', 36, leave, '{ group, iface? }', 'leaves'],
];

/** IPPROTO_IPV6. */
export const ipv6Level: Level = [
  [
    'IPV6_CHECKSUM',
    7,
    checksumOffset,
    'number',
    'of raw sockets: where the checksum stands that is to be filled in; -1: none',
  ],
  ['IPV6_UNICAST_HOPS', 16, hopLimit, 'number', "hops; -1: the host's"],
  ['IPV6_MULTICAST_IF', 17, multicastInterface, 'number', 'as IP_MULTICAST_IF'],
  ['IPV6_MULTICAST_HOPS', 18, multicastTtl, 'number', 'as IP_MULTICAST_TTL'],
  ['IPV6_MULTICAST_LOOP', 19, multicastLoop, 'flag', 'as IP_MULTICAST_LOOP'],
  ['IPV6_JOIN_GROUP', 20, join, '{ group, iface? }', 'joins'],
  ['IPV6_LEAVE_GROUP', 21, leave, '{ group, iface? }', 'leaves'],
  ['IPV6_MTU_DISCOVER', 23, mtuDiscover, 'number', 'as IP_MTU_DISCOVER'],
  ['IPV6_MTU', 24, pathMtu, 'octets, told', 'as IP_MTU'],
  ['IPV6_RECVERR', 25, receiveErrors, 'flag', 'as IP_RECVERR'],
  ['IPV6_V6ONLY', 26, v6Only, 'flag', 'no IPv4 by way of mapped addresses; before it is bound'],
  ['IPV6_TCLASS', 67, trafficClassV6, 'number', 'the traffic class, -1 to 255'],
];

/** IPPROTO_ICMPV6. */
export const icmpv6Level: Level = [
  ['ICMPV6_FILTER', 1, icmpFilter(8), '32 octets', 'of raw sockets: a bit for each type that is kept out (RFC 3542)'],
];

/** SOL_RAW. */
export const rawLevel: Level = [
  ['ICMP_FILTER', 1, icmpFilter(1), 'number', 'of raw sockets: a bit for each type that is kept out'],
];
