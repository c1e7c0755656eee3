import { anyInterface, type ErrorCode, StackError, tcpCalls } from '../../stack/index.ts';
import { errnos } from '../errors.ts';
import { bufferSize, type Level, type Option, type OptionTarget, ownTcp, setTcp, toFlag, toNumber } from './target.ts';

/** The options of every socket (socket(7)). */

const IPPROTO_TCP = 6;
const SO_DEBUG = 1;
const SO_DONTROUTE = 5;
const SO_BROADCAST = 6;
const types = { stream: 1, dgram: 2, raw: 3, seqpacket: 5 } as const;
const domains = { 4: 2, 6: 10, unix: 1 } as const;
/** Linux: the least that buffers can be set to. */
const leastReceiveBuffer = 2304;
const leastSendBuffer = 4608;

const reuseAddress: Option = {
  get: (target) => target.datagrams?.endpoint.reuse ?? target.stream.tcp.reuseAddress,
  set: (target, value) => {
    if (target.datagrams !== null) target.datagrams.endpoint.reuse = toFlag(value);
    else ownTcp(target).reuseAddress = toFlag(value);
  },
};

const reusePort: Option = {
  get: (target) => target.datagrams?.endpoint.reuse ?? target.stream.tcp.reusePort,
  set: (target, value) => {
    if (target.datagrams !== null) target.datagrams.endpoint.reuse = toFlag(value);
    else ownTcp(target).reusePort = toFlag(value);
  },
};

/** Accepted and told again, without an effect. */
const remembered = (flag: number): Option => ({
  get: ({ settings }) => (settings.remembered & (1 << flag)) !== 0,
  set: (target, value) => {
    const isSet = toFlag(value);
    const settings = target.ownSettings();
    if (isSet) settings.remembered |= 1 << flag;
    else settings.remembered &= ~(1 << flag);
  },
});

/** Streams and AF_UNIX have no use for it. */
const broadcast: Option = {
  get: (target) => target.datagrams?.endpoint.mayBroadcast ?? remembered(SO_BROADCAST).get!(target),
  set: (target, value) => {
    if (target.datagrams !== null) target.datagrams.endpoint.mayBroadcast = toFlag(value);
    else remembered(SO_BROADCAST).set!(target, value);
  },
};

/**
 * Streams hold as much text as half of what has been set and is told, the other half being Linux's bookkeeping. One that finds
 * itself (tcp_wmem) is told as it is.
 */
const sendBuffer: Option = {
  get({ datagrams, unix, tcb, stream, stack }) {
    const limit = unix?.sendLimit ?? datagrams?.endpoint.sendLimit;
    if (limit !== undefined) return limit;
    const chosen = stream.tcp.sendBuffer;
    const size = tcb?.sendLimit ?? (chosen || stack.options.tcp.sendBuffer);
    return chosen > 0 ? size * 2 : size;
  },
  set: (target, value) => {
    const size = bufferSize(value, leastSendBuffer);
    if (target.unix !== null) target.unix.sendLimit = size;
    else if (target.datagrams !== null) target.datagrams.endpoint.sendLimit = size;
    else
      setTcp(target, (settings) => {
        settings.sendBuffer = size / 2;
      });
  },
};

const receiveBuffer: Option = {
  get: ({ datagrams, unix, tcb, stream, stack }) =>
    unix?.receiveLimit ??
    datagrams?.endpoint.receiveLimit ??
    (tcb === null ? stream.tcp.receiveBuffer || stack.options.tcp.receiveBuffer : tcb.receiveLimit) * 2,
  set: (target, value) => {
    const size = bufferSize(value, leastReceiveBuffer);
    if (target.unix !== null) target.unix.receiveLimit = size;
    else if (target.datagrams !== null) target.datagrams.endpoint.receiveLimit = size;
    else
      setTcp(target, (settings) => {
        settings.receiveBuffer = size / 2;
      });
  },
};

const keepAlive: Option = {
  get: ({ stream }) => stream.tcp.keepAlive,
  set: (target, value) => {
    setTcp(target, (settings) => {
      settings.keepAlive = toFlag(value);
    });
  },
};

const urgentInline: Option = {
  get: ({ stream }) => stream.tcp.urgentInline,
  set: (target, value) => {
    setTcp(target, (settings) => {
      settings.urgentInline = toFlag(value);
    });
  },
};

const linger: Option = {
  get: ({ stream }) => {
    const wait = stream.tcp.linger;
    return { onoff: wait >= 0, linger: wait < 0 ? 0 : wait / 1_000_000 };
  },
  set: (target, value) => {
    if (typeof value !== 'object' || !('onoff' in value)) throw new StackError('EINVAL');
    const wait = Number(value.linger);
    if (!(wait >= 0)) throw new StackError('EINVAL');
    setTcp(target, (settings) => {
      settings.linger = value.onoff ? Math.round(wait * 1_000_000) : -1;
    });
  },
};

const receiveLowWater: Option = {
  get: ({ stream }) => stream.tcp.receiveLowWater,
  set: (target, value) => {
    const wanted = toNumber(value);
    setTcp(target, (settings) => {
      settings.receiveLowWater = wanted < 0 ? 0x7fffffff : Math.max(1, wanted);
    });
  },
};

/** Seconds, fractions too; 0 for no limit. */
const waiting = (which: 'receiveWait' | 'sendWait'): Option => ({
  get: ({ settings }) => settings[which],
  set: (target, value) => {
    if (typeof value !== 'number' || Number.isNaN(value)) throw new StackError('EINVAL');
    target.ownSettings()[which] = Math.max(0, value);
  },
});

const maxPacingRate: Option = {
  get: ({ stream }) => stream.tcp.maxPacingRate,
  set: (target, value) => {
    if (typeof value !== 'number' || Number.isNaN(value)) throw new StackError('EINVAL');
    setTcp(target, (settings) => {
      settings.maxPacingRate = value < 0 || value >= 0xffffffff ? Number.POSITIVE_INFINITY : value;
    });
  },
};

/** Which interface the socket is bound to; naming none frees it. */
const bindToDevice: Option = {
  get: ({ stack, datagrams, stream }) => {
    const { device } = datagrams?.endpoint ?? stream.tcp;
    return stack.interfaces.find(({ index }) => index === device)?.name ?? '';
  },
  set: (target, value) => {
    if (typeof value !== 'string') throw new StackError('EINVAL');
    const found = target.stack.interfaces.find(({ name }) => name === value);
    if (value !== '' && found === undefined) throw new StackError('ENODEV');
    const device = found?.index ?? anyInterface;
    if (target.datagrams !== null) target.datagrams.endpoint.device = device;
    else ownTcp(target).device = device;
  },
};

/** SOL_SOCKET. */
export const socketLevel: Level = [
  ['SO_DEBUG', SO_DEBUG, remembered(SO_DEBUG), 'flag', 'remembered, without an effect: there is nothing to print'],
  [
    'SO_REUSEADDR',
    2,
    reuseAddress,
    'flag',
    'the port may be shared with sockets that say the same, unless one of them listens',
  ],
  [
    'SO_TYPE',
    3,
    { get: ({ type }) => types[type] },
    'number, told',
    'SOCK_STREAM, SOCK_DGRAM, SOCK_RAW or SOCK_SEQPACKET',
  ],
  [
    'SO_ERROR',
    4,
    { get: (target) => errnos[takeError(target) ?? 'OK'] },
    'number, told',
    'what has happened, which is forgotten by asking',
  ],
  [
    'SO_DONTROUTE',
    SO_DONTROUTE,
    remembered(SO_DONTROUTE),
    'flag',
    'remembered, without an effect: there are no other routes',
  ],
  ['SO_BROADCAST', SO_BROADCAST, broadcast, 'flag', 'datagrams may be sent to broadcast addresses'],
  ['SO_SNDBUF', 7, sendBuffer, 'octets', 'of what waits to be sent; twice what was set is told, as on Linux'],
  [
    'SO_RCVBUF',
    8,
    receiveBuffer,
    'octets',
    "of what waits to be read; twice what was set is told, and half of that is a stream's window",
  ],
  ['SO_KEEPALIVE', 9, keepAlive, 'flag', 'ask an idle peer whether it is still there'],
  ['SO_OOBINLINE', 10, urgentInline, 'flag', 'the urgent octet stays in the stream'],
  [
    'SO_LINGER',
    13,
    linger,
    '{ onoff, linger }',
    '`close` waits so many seconds for what was written; 0 seconds: it resets',
  ],
  ['SO_REUSEPORT', 15, reusePort, 'flag', 'several sockets share a port, and connections are spread over them'],
  ['SO_RCVLOWAT', 18, receiveLowWater, 'octets', 'that make a stream readable'],
  ['SO_SNDLOWAT', 19, { get: () => 1 }, 'number, told', 'always 1'],
  [
    'SO_RCVTIMEO',
    20,
    waiting('receiveWait'),
    'seconds',
    'after which reading and accepting fail with EAGAIN; 0: never',
  ],
  [
    'SO_SNDTIMEO',
    21,
    waiting('sendWait'),
    'seconds',
    'after which writing fails with EAGAIN, and connecting with EINPROGRESS (AF_UNIX: EAGAIN); 0: never',
  ],
  [
    'SO_BINDTODEVICE',
    25,
    bindToDevice,
    'text',
    'the name of the only interface for what is sent and received; empty: any',
  ],
  [
    'SO_ACCEPTCONN',
    30,
    { get: ({ listener, unix }) => listener !== null || (unix?.backlog ?? -1) >= 0 },
    'flag, told',
    'it listens',
  ],
  [
    'SO_PROTOCOL',
    38,
    { get: ({ datagrams, unix }) => (unix === null ? (datagrams?.protocol ?? IPPROTO_TCP) : 0) },
    'number, told',
    'IPPROTO_TCP, IPPROTO_UDP, that of a raw socket; 0 for AF_UNIX',
  ],
  ['SO_DOMAIN', 39, { get: ({ family }) => domains[family] }, 'number, told', 'AF_INET, AF_INET6 or AF_UNIX'],
  [
    'SO_MAX_PACING_RATE',
    47,
    maxPacingRate,
    'octets per second',
    'that a stream sends at most; Infinity when nothing bounds it',
  ],
];

/** SO_ERROR: what has happened, which is forgotten by asking. */
function takeError({ tcb, datagrams, lateError }: OptionTarget): ErrorCode | null {
  const late = lateError();
  if (late !== null) return late;
  if (tcb !== null) return tcpCalls.takeError(tcb);
  const endpoint = datagrams?.endpoint ?? null;
  if (endpoint === null) return null;
  const { error } = endpoint;
  endpoint.error = null;
  return error;
}
