import { headerRoom } from '../base/path.ts';
import { seqAdd, seqGe, seqGt, seqSub } from '../base/seq.ts';
import type { Micros } from '../base/time.ts';
import { tcpHeaderLength } from '../wire/tcp.ts';
import { timestampsLength } from '../wire/tcp-options.ts';
import { mostMss, syncMss } from './negotiate.ts';
import { inFlight } from './pipe.ts';
import type { Tcb } from './tcb.ts';

/**
 * How long may a packet be, when no router says so? (RFC 4821, RFC 8899) A segment longer than usual is sent now and then: if it
 * arrives, all may be as long; if it alone is lost, none. Text that is wanted anyway is the probe, so nothing is wasted.
 *
 * `tcp_mtu_probing`: 2 begins with segments that pass everywhere and searches upwards; 1 does so once segments have been
 * lost again and again, which looks like a link that drops what is too long (a black hole, RFC 2923 section 2.1).
 */

/** Octets of a packet besides the text of its segment. */
const headers = (tcb: Tcb): number =>
  headerRoom(tcb.remote) + tcpHeaderLength + (tcb.ts.enabled ? timestampsLength : 0);

/** Less than cwnd of so many segments is no time for probes (as Linux). */
const leastWindow = 11;

/** Begins between what passes everywhere and what the path is said to take (RFC 4821 section 7.2). */
export function beginMtuSearch(tcb: Tcb, now: Micros): void {
  const { ownMtuSearch: mtuSearch, context } = tcb;
  mtuSearch.isOn = true;
  mtuSearch.high = mostMss(tcb) + headerRoom(tcb.remote) + tcpHeaderLength;
  mtuSearch.low = Math.min(mtuSearch.high, context.options.tcp.baseMss + headers(tcb));
  mtuSearch.searchedAt = now;
  syncMss(tcb);
}

/**
 * Segments have been lost again and again, and nobody has said why: smaller ones may pass (RFC 4821 section 7.7). First what
 * almost every way takes, then half of it.
 */
export function suspectBlackHole(tcb: Tcb, now: Micros): void {
  const { baseMss, mtuProbeFloor, leastMss } = tcb.context.options.tcp;
  if (!tcb.mtuSearch.isOn) return beginMtuSearch(tcb, now);
  const { ownMtuSearch: mtuSearch } = tcb;
  const present = mtuSearch.low - headers(tcb);
  const mss = Math.max(Math.min(baseMss, present >> 1), mtuProbeFloor, leastMss);
  mtuSearch.low = Math.min(mtuSearch.low, mss + headers(tcb));
  syncMss(tcb);
}

/** Octets of text for a probe that may leave now, of which `waiting` are there and `usable` in the window; 0: no probe. */
export function probeText(tcb: Tcb, waiting: number, usable: number, now: Micros): number {
  const { mtuSearch, recovery, congestion, snd, reordering, context } = tcb;
  if (!mtuSearch.isOn || mtuSearch.probe > 0) return 0;
  if (recovery.phase !== 'open' || congestion.cwnd < leastWindow || !tcb.reassembly.isEmpty) return 0;
  if (mtuSearch.high - mtuSearch.low < context.options.tcp.mtuProbeThreshold) {
    searchAgain(tcb, now);
    return 0;
  }
  const text = ((mtuSearch.high + mtuSearch.low) >> 1) - headers(tcb);
  // What follows has to be enough to tell soon that the probe alone is lost.
  const needed = text + (reordering.segments + 1) * snd.mss;
  return waiting >= needed && usable >= needed && inFlight(tcb) + 2 <= congestion.cwnd ? text : 0;
}

/** Section 7.3: ways change. After a while the search goes on from where it has come to. */
function searchAgain(tcb: Tcb, now: Micros): void {
  const { ownMtuSearch: mtuSearch, context, snd } = tcb;
  if (now - mtuSearch.searchedAt < context.options.tcp.mtuProbeInterval) return;
  mtuSearch.searchedAt = now;
  mtuSearch.high = mostMss(tcb) + headerRoom(tcb.remote) + tcpHeaderLength;
  mtuSearch.low = snd.mss + headers(tcb);
}

/** A probe with so much text has just left; it ends at SND.NXT. */
export function noteMtuProbe(tcb: Tcb, text: number): void {
  const { ownMtuSearch: mtuSearch, snd } = tcb;
  mtuSearch.probe = text + headers(tcb);
  mtuSearch.probeStart = seqAdd(snd.nxt, -text);
  mtuSearch.probeEnd = snd.nxt;
}

/** SND.UNA has moved: if the probe has arrived, all segments may be as long. cwnd, in octets, stays what it was. */
export function onAckOfMtuProbe(tcb: Tcb): void {
  if (tcb.mtuSearch.probe === 0 || !seqGe(tcb.snd.una, tcb.mtuSearch.probeEnd)) return;
  const { ownMtuSearch: mtuSearch, snd, congestion } = tcb;
  const before = snd.mss;
  mtuSearch.low = mtuSearch.probe;
  mtuSearch.probe = 0;
  syncMss(tcb);
  congestion.rescale?.(before / snd.mss);
}

/** Is the loss just found that of the probe alone? Then it was too long, and says nothing about congestion (section 7.5). */
export function wasOnlyMtuProbe(tcb: Tcb): boolean {
  if (tcb.mtuSearch.probe === 0 || tcb.snd.una !== tcb.mtuSearch.probeStart || tcb.sentLog.lost !== 1) return false;
  const { ownMtuSearch: mtuSearch } = tcb;
  mtuSearch.high = mtuSearch.probe - 1;
  mtuSearch.probe = 0;
  return true;
}

/** Text from `seq` on is sent again: was the probe's among it, nobody knows why it was lost. */
export function giveUpMtuProbe(tcb: Tcb, seq: Tcb['snd']['una'], end: Tcb['snd']['una']): void {
  const { probe, probeStart, probeEnd } = tcb.mtuSearch;
  if (probe > 0 && seqGt(end, probeStart) && seqSub(probeEnd, seq) > 0) tcb.ownMtuSearch.probe = 0;
}
