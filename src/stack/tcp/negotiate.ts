import { headerRoom, type Path } from '../base/path.ts';
import type { Micros } from '../base/time.ts';
import type { Segment } from '../wire/tcp.ts';
import { tcpHeaderLength } from '../wire/tcp.ts';
import { type SynOptions, type TcpOptionsRead, timestampsLength } from '../wire/tcp-options.ts';
import { cookieToSend } from './fast-open.ts';
import { type RememberedOptions, rememberInTimestamp } from './syn-cookies.ts';
import type { Tcb } from './tcb.ts';
import { tsValue } from './timestamps.ts';

/**
 * What a SYN and a SYN-ACK offer and settle: MSS (RFC 9293 section 3.7.1), window scale and timestamps (RFC 7323),
 * selective acknowledgment (RFC 2018).
 */

/** Without an MSS option the peer takes 536 octets over IPv4, 1220 over IPv6 (MUST-15). */
const defaultMss = (tcb: Tcb): number => (tcb.remote.isV4 ? 536 : 1220);

/** The largest text that fits a packet of this path, without options: what we advertise. */
export const pathMss = (tcb: Tcb): number => mssOf(tcb.path, headerRoom(tcb.remote));
const mssOf = (path: Path, ipHeader: number): number => Math.min(path.mtu, 65_535) - ipHeader - tcpHeaderLength;

/** What our SYN asks for: what fits the path, or less if the user says so (TCP_MAXSEG). */
export function advertiseMss(tcb: Tcb): number {
  const { maxSegment } = tcb.settings;
  const most = pathMss(tcb);
  tcb.advertisedMss = maxSegment > 0 ? Math.min(maxSegment, most) : most;
  return tcb.advertisedMss;
}

/** The shift that lets 16 bits tell the largest receive buffer, as Linux chooses it. */
export function windowShiftFor(tcb: Tcb): number {
  const { settings, context } = tcb;
  // A buffer that finds its size by itself may take twice its text, as Linux counts; one that was set is exact.
  const most = settings.receiveBuffer || 2 * context.options.tcp.receiveBufferMax;
  const bits = Math.floor(
    Math.log2(Math.max(1, settings.windowClamp > 0 ? Math.min(most, settings.windowClamp) : most)),
  );
  return Math.max(0, Math.min(14, bits - 15));
}

/** The options of our SYN: all that we can. */
export function offer(tcb: Tcb, now: Micros): SynOptions {
  const { tcp } = tcb.context.options;
  return {
    mss: advertiseMss(tcb),
    windowScale: tcp.windowScaling ? windowShiftFor(tcb) : -1,
    sackPermitted: tcp.sack,
    timestamps: tcp.timestamps,
    tsVal: tsValue(tcb, now),
    tsEcr: 0,
    cookie: cookieToSend(tcb),
  };
}

/** The options of our SYN-ACK: of what the SYN offered, what we can. */
export function answer(tcb: Tcb, now: Micros): SynOptions {
  return {
    mss: advertiseMss(tcb),
    windowScale: tcb.windowScalingEnabled ? tcb.rcv.wndShift : -1,
    sackPermitted: tcb.sackEnabled,
    timestamps: tcb.ts.enabled,
    tsVal: tcb.isCookie ? rememberInTimestamp(tsValue(tcb, now), remembered(tcb)) : tsValue(tcb, now),
    tsEcr: tcb.ts.recent,
    cookie: cookieToSend(tcb),
  };
}

/** What a SYN cookie keeps in its timestamp: the peer's shift, and what else was agreed upon. */
const remembered = (tcb: Tcb): RememberedOptions => ({
  windowScale: tcb.windowScalingEnabled ? tcb.snd.wndShift : -1,
  sackPermitted: tcb.sackEnabled,
  ecn: tcb.ecn.enabled,
});

/** Takes in the options of the peer's SYN or SYN-ACK; what it does not offer is off. */
export function settle(tcb: Tcb, seg: Segment, now: Micros): void {
  const { tcp } = tcb.context.options;
  const { options } = seg;
  tcb.sackEnabled = tcp.sack && options.sackPermitted;
  tcb.windowScalingEnabled = tcp.windowScaling && options.windowScale >= 0;
  if (tcb.windowScalingEnabled) {
    tcb.snd.wndShift = options.windowScale;
    tcb.rcv.wndShift = windowShiftFor(tcb);
  }
  tcb.ts.enabled = tcp.timestamps && options.hasTimestamps;
  if (tcb.ts.enabled) {
    tcb.ts.recent = options.tsVal;
    tcb.ts.recentAt = now;
  }
  settleMss(tcb, options);
  // RFC 7323 section 2.2: the window of a segment with SYN is never scaled.
  tcb.snd.wnd = seg.wnd;
  tcb.snd.maxWnd = seg.wnd;
  tcb.snd.wl1 = seg.seq;
}

/** MUST-16: what the peer takes and what the path takes, less the options of every segment. */
function settleMss(tcb: Tcb, options: TcpOptionsRead): void {
  const { leastMss } = tcb.context.options.tcp;
  const offered = options.mss === 0 ? defaultMss(tcb) : Math.max(options.mss, leastMss);
  tcb.peerMss = offered;
  advertiseMss(tcb);
  syncMss(tcb);
  tcb.rcv.mss = Math.min(tcb.snd.mss, 536);
}

/** The largest text, without options, that the peer, the path and the user allow. */
export const mostMss = (tcb: Tcb): number =>
  Math.min(tcb.peerMss, pathMss(tcb), tcb.settings.maxSegment || Number.POSITIVE_INFINITY);

/** SND.MSS from all that bounds it. Segments already sent are cut when they are sent again. */
export function syncMss(tcb: Tcb): void {
  const { mtuSearch } = tcb;
  const found = mtuSearch.isOn ? mtuSearch.low - headerRoom(tcb.remote) - tcpHeaderLength : Number.POSITIVE_INFINITY;
  tcb.snd.mss = Math.min(mostMss(tcb), found) - (tcb.ts.enabled ? timestampsLength : 0);
}

/** The path has become narrower (RFC 1191 section 6.4). */
export function lowerPathMtu(tcb: Tcb, mtu: number): void {
  tcb.path = { ...tcb.path, mtu };
  if (tcb.mtuSearch.isOn) {
    const { ownMtuSearch: mtuSearch } = tcb;
    mtuSearch.high = Math.min(mtuSearch.high, mtu);
    mtuSearch.low = Math.min(mtuSearch.low, mtu);
  }
  syncMss(tcb);
}
