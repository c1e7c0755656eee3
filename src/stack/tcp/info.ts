import type { StackOptions } from '../base/options.ts';
import type { Micros } from '../base/time.ts';
import { unsentOctets } from './calls.ts';
import { limitedTimes } from './limits.ts';
import { boundedMss } from './output.ts';
import { pacingRate } from './pacing.ts';
import { windowInForce } from './pipe.ts';
import type { TcpSettings } from './settings.ts';
import type { State } from './state.ts';
import type { Tcb } from './tcb.ts';
import { receiveWindow } from './window.ts';

/** What a connection tells of itself: the fields, units and meanings of Linux's struct tcp_info (linux/tcp.h). */
export interface TcpInfo {
  /** 1 ESTABLISHED, 2 SYN-SENT … as Linux numbers them. */
  readonly tcpi_state: number;
  /** 0 open, 1 disorder, 2 congestion window reduced, 3 recovery, 4 loss. */
  readonly tcpi_ca_state: number;
  readonly tcpi_retransmits: number;
  readonly tcpi_probes: number;
  readonly tcpi_backoff: number;
  /** 1 timestamps, 2 SACK, 4 window scaling, 8 ECN, 16 ECN seen, 32 text with the SYN was taken. */
  readonly tcpi_options: number;
  readonly tcpi_snd_wscale: number;
  readonly tcpi_rcv_wscale: number;
  readonly tcpi_delivery_rate_app_limited: number;
  readonly tcpi_fastopen_client_fail: number;
  /** Microseconds. */
  readonly tcpi_rto: number;
  readonly tcpi_ato: number;
  readonly tcpi_snd_mss: number;
  readonly tcpi_rcv_mss: number;
  /** Segments, as the four after it. */
  readonly tcpi_unacked: number;
  readonly tcpi_sacked: number;
  readonly tcpi_lost: number;
  readonly tcpi_retrans: number;
  readonly tcpi_fackets: number;
  /** Milliseconds since. */
  readonly tcpi_last_data_sent: number;
  readonly tcpi_last_ack_sent: number;
  readonly tcpi_last_data_recv: number;
  readonly tcpi_last_ack_recv: number;
  readonly tcpi_pmtu: number;
  readonly tcpi_rcv_ssthresh: number;
  /** Microseconds. */
  readonly tcpi_rtt: number;
  readonly tcpi_rttvar: number;
  /** Segments; 2147483647 while it has no bound. */
  readonly tcpi_snd_ssthresh: number;
  readonly tcpi_snd_cwnd: number;
  readonly tcpi_advmss: number;
  readonly tcpi_reordering: number;
  readonly tcpi_rcv_rtt: number;
  readonly tcpi_rcv_space: number;
  readonly tcpi_total_retrans: number;
  /** Octets per second. */
  readonly tcpi_pacing_rate: number;
  readonly tcpi_max_pacing_rate: number;
  readonly tcpi_bytes_acked: number;
  readonly tcpi_bytes_received: number;
  readonly tcpi_segs_out: number;
  readonly tcpi_segs_in: number;
  readonly tcpi_notsent_bytes: number;
  readonly tcpi_min_rtt: number;
  readonly tcpi_data_segs_in: number;
  readonly tcpi_data_segs_out: number;
  readonly tcpi_delivery_rate: number;
  /** Microseconds with something to deliver, and of these those without room in the peer's window and in the send buffer. */
  readonly tcpi_busy_time: number;
  readonly tcpi_rwnd_limited: number;
  readonly tcpi_sndbuf_limited: number;
  readonly tcpi_delivered: number;
  readonly tcpi_delivered_ce: number;
  readonly tcpi_bytes_sent: number;
  readonly tcpi_bytes_retrans: number;
  readonly tcpi_dsack_dups: number;
  readonly tcpi_reord_seen: number;
  readonly tcpi_rcv_ooopack: number;
  readonly tcpi_snd_wnd: number;
  readonly tcpi_rcv_wnd: number;
  readonly tcpi_total_rto: number;
}

/** The names of all of them. */
const fields: readonly (keyof TcpInfo)[] = [
  'tcpi_state',
  'tcpi_ca_state',
  'tcpi_retransmits',
  'tcpi_probes',
  'tcpi_backoff',
  'tcpi_options',
  'tcpi_snd_wscale',
  'tcpi_rcv_wscale',
  'tcpi_delivery_rate_app_limited',
  'tcpi_fastopen_client_fail',
  'tcpi_rto',
  'tcpi_ato',
  'tcpi_snd_mss',
  'tcpi_rcv_mss',
  'tcpi_unacked',
  'tcpi_sacked',
  'tcpi_lost',
  'tcpi_retrans',
  'tcpi_fackets',
  'tcpi_last_data_sent',
  'tcpi_last_ack_sent',
  'tcpi_last_data_recv',
  'tcpi_last_ack_recv',
  'tcpi_pmtu',
  'tcpi_rcv_ssthresh',
  'tcpi_rtt',
  'tcpi_rttvar',
  'tcpi_snd_ssthresh',
  'tcpi_snd_cwnd',
  'tcpi_advmss',
  'tcpi_reordering',
  'tcpi_rcv_rtt',
  'tcpi_rcv_space',
  'tcpi_total_retrans',
  'tcpi_pacing_rate',
  'tcpi_max_pacing_rate',
  'tcpi_bytes_acked',
  'tcpi_bytes_received',
  'tcpi_segs_out',
  'tcpi_segs_in',
  'tcpi_notsent_bytes',
  'tcpi_min_rtt',
  'tcpi_data_segs_in',
  'tcpi_data_segs_out',
  'tcpi_delivery_rate',
  'tcpi_busy_time',
  'tcpi_rwnd_limited',
  'tcpi_sndbuf_limited',
  'tcpi_delivered',
  'tcpi_delivered_ce',
  'tcpi_bytes_sent',
  'tcpi_bytes_retrans',
  'tcpi_dsack_dups',
  'tcpi_reord_seen',
  'tcpi_rcv_ooopack',
  'tcpi_snd_wnd',
  'tcpi_rcv_wnd',
  'tcpi_total_rto',
];

/** Linux's numbers of the states (net/tcp_states.h). */
const stateNumbers: Readonly<Record<State | 'LISTEN', number>> = {
  ESTABLISHED: 1,
  'SYN-SENT': 2,
  'SYN-RECEIVED': 3,
  'FIN-WAIT-1': 4,
  'FIN-WAIT-2': 5,
  'TIME-WAIT': 6,
  CLOSED: 7,
  'CLOSE-WAIT': 8,
  'LAST-ACK': 9,
  LISTEN: 10,
  CLOSING: 11,
};

/** What Linux says for "no bound". */
const unbounded = 0x7fffffff;

const whole = (value: number): number => (Number.isFinite(value) ? Math.round(value) : 0);
const since = (when: Micros, now: Micros): number => (when < 0 ? 0 : Math.floor((now - when) / 1000));

/** TCP_INFO. The object is the caller's. */
export function tcpInfo(tcb: Tcb, now: Micros): TcpInfo {
  const { snd, rcv, sentLog, rtt, congestion, counts, troubles, recovery, context, ts } = tcb;
  const { tcp } = context.options;
  const times = limitedTimes(tcb, now);
  return {
    // Linux keeps TIME-WAIT apart from sockets: whoever still holds one sees the end at once.
    tcpi_state: stateNumbers[tcb.state === 'TIME-WAIT' ? 'CLOSED' : tcb.state],
    tcpi_ca_state: congestionState(tcb),
    tcpi_retransmits: tcb.retries,
    tcpi_probes: tcb.probes,
    tcpi_backoff: Math.max(rtt.backoffs, tcb.probeBackoff),
    tcpi_options:
      (ts.enabled ? 1 : 0) |
      (tcb.sackEnabled ? 2 : 0) |
      (tcb.windowScalingEnabled ? 4 : 0) |
      (tcb.ecn.enabled ? 8 : 0) |
      (tcb.ecn.seen ? 16 : 0) |
      (tcb.fastOpen.textTaken ? 32 : 0),
    tcpi_snd_wscale: tcb.windowScalingEnabled ? snd.wndShift : 0,
    tcpi_rcv_wscale: tcb.windowScalingEnabled ? rcv.wndShift : 0,
    tcpi_delivery_rate_app_limited: tcb.rate.isAppLimited ? 1 : 0,
    tcpi_fastopen_client_fail: tcb.fastOpen.failure,
    tcpi_rto: whole(rtt.rto),
    tcpi_ato: whole(tcb.ack.wait),
    tcpi_snd_mss: boundedMss(tcb),
    tcpi_rcv_mss: rcv.mss,
    tcpi_unacked: sentLog.segments,
    tcpi_sacked: tcb.sackEnabled ? sentLog.sacked : recovery.duplicateAcks,
    tcpi_lost: sentLog.lost,
    tcpi_retrans: sentLog.resent,
    tcpi_fackets: 0,
    tcpi_last_data_sent: since(counts.lastDataSentAt, now),
    tcpi_last_ack_sent: 0, // Linux has never filled it in
    tcpi_last_data_recv: since(counts.lastDataReceivedAt, now),
    tcpi_last_ack_recv: since(counts.lastAckReceivedAt, now),
    tcpi_pmtu: tcb.path.mtu,
    tcpi_rcv_ssthresh: rcv.ssthresh,
    tcpi_rtt: whole(rtt.srtt),
    tcpi_rttvar: whole(rtt.deviation),
    tcpi_snd_ssthresh: Number.isFinite(congestion.ssthresh) ? congestion.ssthresh : unbounded,
    tcpi_snd_cwnd: windowInForce(tcb),
    tcpi_advmss: tcb.advertisedMss - (ts.enabled ? 12 : 0),
    tcpi_reordering: tcb.reordering.segments,
    tcpi_rcv_rtt: whole(tcb.sizing.roundTrip),
    tcpi_rcv_space: tcb.sizing.lastCopied || tcp.initialWindow * tcb.advertisedMss,
    tcpi_total_retrans: troubles.retransmissions,
    tcpi_pacing_rate: whole(pacingRate(tcb)),
    tcpi_max_pacing_rate: tcb.settings.maxPacingRate,
    tcpi_bytes_acked: Math.max(0, tcb.acknowledged - (tcb.wasPassive ? 1 : 0)),
    tcpi_bytes_received: tcb.octetsIn + tcb.receiveQueue.length + (tcb.finReceived ? 1 : 0),
    tcpi_segs_out: counts.segmentsOut,
    tcpi_segs_in: counts.segmentsIn,
    tcpi_notsent_bytes: unsentOctets(tcb),
    tcpi_min_rtt: whole(rtt.min),
    tcpi_data_segs_in: counts.dataSegmentsIn,
    tcpi_data_segs_out: counts.dataSegmentsOut,
    tcpi_delivery_rate: whole(tcb.rate.perSecond),
    tcpi_busy_time: 1000 * (times.network + times.window + times.buffer),
    tcpi_rwnd_limited: 1000 * times.window,
    tcpi_sndbuf_limited: 1000 * times.buffer,
    tcpi_delivered: tcb.rate.delivered,
    tcpi_delivered_ce: troubles.deliveredMarked,
    tcpi_bytes_sent: counts.octetsSent,
    tcpi_bytes_retrans: troubles.octetsResent,
    tcpi_dsack_dups: troubles.duplicatesTold,
    tcpi_reord_seen: troubles.reorderings,
    tcpi_rcv_ooopack: troubles.outOfOrder,
    tcpi_snd_wnd: snd.wnd,
    tcpi_rcv_wnd: receiveWindow(tcb),
    tcpi_total_rto: troubles.timeouts,
  };
}

/** Linux's congestion avoidance states. */
function congestionState({ recovery, sentLog }: Tcb): number {
  if (recovery.phase === 'loss') return 4;
  if (recovery.phase === 'recovery') return 3;
  if (recovery.phase === 'reduced') return 2;
  return sentLog.sacked > 0 || recovery.duplicateAcks > 0 ? 1 : 0;
}

/** TCP_INFO of a socket that listens, with its queue and backlog where Linux has them, or does nothing yet. */
export function infoWithoutConnection(
  { tcp }: StackOptions,
  settings: TcpSettings,
  listener: { readonly acceptQueue: { readonly length: number }; readonly backlog: number } | null,
): TcpInfo {
  const zero = Object.fromEntries(fields.map((field) => [field, 0])) as unknown as TcpInfo;
  return {
    ...zero,
    tcpi_state: stateNumbers[listener === null ? 'CLOSED' : 'LISTEN'],
    tcpi_rto: tcp.rtoInitial,
    tcpi_snd_mss: settings.maxSegment || 536,
    tcpi_snd_cwnd: tcp.initialWindow,
    tcpi_snd_ssthresh: unbounded,
    tcpi_reordering: tcp.reordering,
    tcpi_unacked: listener?.acceptQueue.length ?? 0,
    tcpi_sacked: listener?.backlog ?? 0,
  };
}
