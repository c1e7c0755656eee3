import {
  infoWithoutConnection,
  StackError,
  seconds,
  type Tcb,
  type TcpSettings,
  tcpCalls,
  tcpInfo,
} from '../../stack/index.ts';
import {
  type Level,
  type Option,
  type OptionTarget,
  type OptionValue,
  ownTcp,
  setTcp,
  toFlag,
  toNumber,
} from './target.ts';

/** The options of TCP (tcp(7)), with Linux's bounds. */

/** The least and the largest MSS that can be asked for. */
const leastSegment = 88;
const mostSegment = 32_767;
const mostKeepIdle = 32_767;
const mostProbes = 127;
/** Half of the least receive buffer. */
const leastClamp = 1152;

/** An option that is a member of the settings. */
const setting = (
  get: (settings: TcpSettings, target: OptionTarget) => OptionValue,
  set: (settings: TcpSettings, value: OptionValue, target: OptionTarget) => void,
  after: (tcb: Tcb, now: number) => void = () => {},
): Option => ({
  get: (target) => get(target.stream.tcp, target),
  set: (target, value) => {
    const probe = target.stream.tcp.copy();
    set(probe, value, target); // refuses what cannot be before anything has changed
    setTcp(target, (settings) => Object.assign(settings, probe));
    if (target.tcb !== null) after(target.tcb, target.now());
  },
});

const maxSegment: Option = {
  get: ({ tcb, stream }) => (tcb === null || tcb.state === 'CLOSED' ? stream.tcp.maxSegment || 536 : tcb.snd.mss),
  set: (target, value) => {
    const wanted = toNumber(value);
    if (wanted !== 0 && (wanted < leastSegment || wanted > mostSegment)) throw new StackError('EINVAL');
    setTcp(target, (settings) => {
      settings.maxSegment = wanted;
    });
  },
};

const windowClamp: Option = {
  get: ({ stream }) => stream.tcp.windowClamp,
  set: (target, value) => {
    const wanted = toNumber(value);
    if (wanted <= 0 && target.tcb !== null) throw new StackError('EINVAL');
    setTcp(target, (settings) => {
      settings.windowClamp = wanted <= 0 ? 0 : Math.max(leastClamp, wanted);
    });
  },
};

const quickAck: Option = {
  get: ({ tcb, stream }) => (tcb === null ? stream.tcp.quickAck : !tcb.ack.isInteractive),
  set: (target, value) => {
    const quick = toFlag(value);
    if (target.tcb === null) ownTcp(target).quickAck = quick;
    else tcpCalls.setQuickAck(target.tcb, quick);
  },
};

const congestion: Option = {
  get: ({ tcb, stream, stack }) =>
    tcb?.congestion.name ?? stream.tcp.congestionControl ?? stack.options.tcp.congestionControl,
  set: (target, value) => {
    if (typeof value !== 'string') throw new StackError('EINVAL');
    const { tcb, stack } = target;
    if (!stack.tcp.congestionControls.has(value)) throw new StackError('ENOENT');
    ownTcp(target).congestionControl = value;
    if (tcb !== null) stack.tcp.setCongestionControl(tcb, value, target.now());
  },
};

const info: Option = {
  get: (target) => {
    const { tcb, listener, stack, stream } = target;
    return tcb === null ? infoWithoutConnection(stack.options, stream.tcp, listener) : tcpInfo(tcb, target.now());
  },
};

/** TCP_FASTOPEN: how many connections may be half-open with text taken; 0 takes none. */
const fastOpen: Option = setting(
  (settings) => settings.fastOpenQueue,
  (settings, value, { listener, tcb }) => {
    if (tcb !== null && listener === null) throw new StackError('EINVAL');
    settings.fastOpenQueue = toNumber(value, 0);
  },
);

const keepIdle: Option = setting(
  (settings, { stack }) => (settings.keepAliveIdle || stack.options.tcp.keepAliveTime) / seconds(1),
  (settings, value) => {
    settings.keepAliveIdle = seconds(toNumber(value, 1, mostKeepIdle));
  },
  tcpCalls.keepAliveTimeChanged,
);

const timestamp: Option = {
  get: ({ tcb, now }) => (tcb === null ? Math.floor(now() / 1000) >>> 0 : tcpCalls.timestamp(tcb, now())),
};

/** IPPROTO_TCP. */
export const tcpLevel: Level = [
  [
    'TCP_NODELAY',
    1,
    setting(
      (settings) => settings.noDelay,
      (settings, value, { tcb }) => {
        settings.noDelay = toFlag(value);
        if (settings.noDelay && tcb !== null) tcpCalls.pushQueued(tcb);
      },
    ),
    'flag',
    'send small segments at once: no Nagle',
  ],
  ['TCP_MAXSEG', 2, maxSegment, 'octets', 'of the largest segment to send and to ask for'],
  [
    'TCP_CORK',
    3,
    setting(
      (settings) => settings.cork,
      (settings, value) => {
        settings.cork = toFlag(value);
      },
      (tcb) => {
        if (!tcb.settings.cork) tcpCalls.letGo(tcb);
      },
    ),
    'flag',
    'hold small segments back until it is taken away',
  ],
  ['TCP_KEEPIDLE', 4, keepIdle, 'seconds', 'of silence before the first keep-alive (TCP_KEEPALIVE is the same)'],
  [
    'TCP_KEEPINTVL',
    5,
    setting(
      (settings, { stack }) => (settings.keepAliveInterval || stack.options.tcp.keepAliveInterval) / seconds(1),
      (settings, value) => {
        settings.keepAliveInterval = seconds(toNumber(value, 1, mostKeepIdle));
      },
    ),
    'seconds',
    'between keep-alives',
  ],
  [
    'TCP_KEEPCNT',
    6,
    setting(
      (settings, { stack }) => settings.keepAliveProbes || stack.options.tcp.keepAliveProbes,
      (settings, value) => {
        settings.keepAliveProbes = toNumber(value, 1, mostProbes);
      },
    ),
    'number',
    'of keep-alives without an answer that end the connection',
  ],
  [
    'TCP_SYNCNT',
    7,
    setting(
      (settings, { stack }) => settings.synRetries || stack.options.tcp.synRetries,
      (settings, value) => {
        settings.synRetries = toNumber(value, 1, mostProbes);
      },
    ),
    'number',
    'of SYNs that are sent again',
  ],
  [
    'TCP_LINGER2',
    8,
    setting(
      (settings, { stack }) =>
        settings.finWait2 < 0 ? -1 : (settings.finWait2 || stack.options.tcp.finWait2) / seconds(1),
      (settings, value) => {
        const wanted = toNumber(value);
        settings.finWait2 = wanted < 0 ? -1 : seconds(Math.min(wanted, 120));
      },
    ),
    'seconds',
    'that a closed socket stays in FIN-WAIT-2; negative: not at all',
  ],
  [
    'TCP_DEFER_ACCEPT',
    9,
    setting(
      (settings) => settings.deferAccept / seconds(1),
      (settings, value) => {
        settings.deferAccept = seconds(wholeTimeouts(Math.max(0, toNumber(value))));
      },
    ),
    'seconds',
    'that a listener waits for the first text',
  ],
  ['TCP_WINDOW_CLAMP', 10, windowClamp, 'octets', 'of the largest window to offer; 0: no bound'],
  ['TCP_INFO', 11, info, 'object, told', "all that is known of the connection, with Linux's names"],
  ['TCP_QUICKACK', 12, quickAck, 'flag', 'acknowledge the next segments at once'],
  ['TCP_CONGESTION', 13, congestion, 'text', 'the congestion control: cubic, reno, bbr or one that was registered'],
  [
    'TCP_THIN_LINEAR_TIMEOUTS',
    16,
    setting(
      (settings) => settings.thinLinearTimeouts,
      (settings, value) => {
        settings.thinLinearTimeouts = toFlag(value);
      },
    ),
    'flag',
    'do not double timeouts while little is in flight',
  ],
  [
    'TCP_USER_TIMEOUT',
    18,
    setting(
      (settings) => settings.userTimeout / 1000,
      (settings, value) => {
        settings.userTimeout = toNumber(value, 0) * 1000;
      },
    ),
    'milliseconds',
    'that text may stay unacknowledged; 0: as many timeouts as the host says',
  ],
  ['TCP_FASTOPEN', 23, fastOpen, 'number', 'of early connections that a listener takes (RFC 7413)'],
  ['TCP_TIMESTAMP', 24, timestamp, 'number, told', 'the clock of the timestamps'],
  [
    'TCP_NOTSENT_LOWAT',
    25,
    setting(
      (settings) => settings.notSentLowWater,
      (settings, value) => {
        const wanted = toNumber(value, -0x80000000, 0xffffffff);
        settings.notSentLowWater = wanted < 0 ? Number.POSITIVE_INFINITY : wanted;
      },
    ),
    'octets',
    'unsent, from which on writing waits',
  ],
  [
    'TCP_FASTOPEN_CONNECT',
    30,
    setting(
      (settings) => settings.fastOpenConnect,
      (settings, value, { tcb, stack }) => {
        if (tcb !== null) throw new StackError('EINVAL');
        if ((stack.options.tcp.fastOpen & 1) === 0) throw new StackError('EOPNOTSUPP');
        settings.fastOpenConnect = toFlag(value);
      },
    ),
    'flag',
    '`connect` waits for the first text and takes it along',
  ],
  [
    'TCP_FASTOPEN_NO_COOKIE',
    34,
    setting(
      (settings) => settings.fastOpenNoCookie,
      (settings, value) => {
        settings.fastOpenNoCookie = toFlag(value);
      },
    ),
    'flag',
    'Fast Open without a cookie',
  ],
];

/** Linux counts SYN-ACKs sent again, at 1, 2, 4 ... seconds: the time of so many as last for `wanted` seconds. */
function wholeTimeouts(wanted: number): number {
  let time = 0;
  for (let step = 1; time < wanted; step = Math.min(step * 2, 120)) time += step;
  return time;
}
