import { type Micros, never } from '../stack/base/time.ts';
import { type State, type Tcb, timerNames } from '../stack/index.ts';
import { flags, type PacketView } from './packet-view.ts';
import { InvariantViolation, nameOf, type Promised } from './violation.ts';

/**
 * The invariants of one connection: what was true of it after the last event, and what must therefore be true now.
 * Numbers 1, 2, 3, 4 and 8 of violation.ts; the others are about packets and hosts.
 */
export class ConnectionWatch {
  readonly tcb: Tcb;
  /** The state as `enter` has told it last. */
  state: State = 'CLOSED';
  readonly #host: string;
  readonly #findPeer: (tcb: Tcb) => Tcb | null;
  /** RCV.NXT and the right edge as they were; null before the peer's SYN. */
  #received: number | null = null;
  #edge = 0;
  #acknowledged: number;
  #sent: number;
  /** The furthest right edges: offered by the peer, and by us. */
  #offered: number | null = null;
  #told: number | null = null;
  /** Segments in flight when nothing was known to be lost. */
  #openFlight = 0;
  /** The largest buffers that the connection has ever been allowed. */
  #sendLimit = 0;
  #receiveLimit = 0;

  constructor(tcb: Tcb, host: string, findPeer: (tcb: Tcb) => Tcb | null) {
    this.tcb = tcb;
    this.#host = host;
    this.#findPeer = findPeer;
    this.#acknowledged = tcb.snd.una;
    this.#sent = tcb.snd.nxt;
    // A connection that a SYN has made: what that SYN has offered.
    if (tcb.wasPassive) this.#offered = (tcb.iss + 1 + tcb.snd.wnd) >>> 0;
  }

  fail(invariant: Promised, what: string, now: Micros): never {
    throw new InvariantViolation(invariant, nameOf(this.#host, this.tcb), what, now);
  }

  /** A segment of the peer, with a good checksum, is about to be taken in. */
  arriving(packet: PacketView): void {
    const { tcb } = this;
    const isSyn = packet.has(flags.SYN);
    if (packet.has(flags.RST) || (!packet.has(flags.ACK) && !isSyn)) return;
    const from = packet.has(flags.ACK) ? packet.ack : tcb.iss + 1;
    const window = packet.window * (isSyn ? 1 : 2 ** tcb.snd.wndShift);
    this.#offered = furthest(this.#offered, (from + window) >>> 0);
  }

  /** A segment of this connection leaves. */
  leaving(packet: PacketView, now: Micros): void {
    if (packet.has(flags.RST)) return;
    const { tcb } = this;
    if (packet.has(flags.ACK)) {
      const ahead = distance(packet.ack, tcb.rcv.nxt);
      if (ahead > 0) this.fail(2, `acknowledges ${ahead} octets that have not come`, now);
      if (!packet.has(flags.SYN)) this.#tells((packet.ack + packet.window * 2 ** tcb.rcv.wndShift) >>> 0, now);
    }
    const end = (packet.seq + packet.segmentLength) >>> 0;
    if (distance(end, this.#sent) > 0) this.#leavingAnew(packet, end, now);
  }

  /** A right edge is told. Those of SYNs do not count: one that is sent again may tell of another window than before. */
  #tells(edge: number, now: Micros): void {
    const back = this.#told === null ? 0 : distance(this.#told, edge);
    if (back > 0) this.fail(2, `takes back ${back} octets of its window`, now);
    this.#told = furthest(this.#told, edge);
  }

  #leavingAnew(packet: PacketView, end: number, now: Micros): void {
    const { tcb } = this;
    const { recovery, congestion } = tcb;
    this.#sent = end;
    if (packet.has(flags.SYN)) return;
    const beyond = this.#offered === null ? 0 : distance(end, this.#offered);
    if (beyond > 0) this.fail(3, `sends ${beyond} octets more than the peer has offered`, now);
    // A tail loss probe asks nobody (RFC 8985 section 7.3).
    if (recovery.hasTailProbe && recovery.tailProbeEnd >>> 0 === end) return;
    const flight = inFlight(tcb);
    const isOpen = recovery.phase === 'open' || recovery.phase === 'loss';
    // While it recovers, the flight may still be as large as it was, and shrinks with what arrives.
    const most = Math.ceil(isOpen ? congestion.cwnd : Math.max(congestion.cwnd, this.#openFlight) + 1);
    if (flight > most) this.fail(3, `${flight} segments in flight with cwnd ${congestion.cwnd}`, now);
  }

  /** Something has happened: is what has changed allowed to change so? */
  check(now: Micros): void {
    const { tcb } = this;
    if (tcb.state !== this.state) this.fail(10, `was ${this.state} and nobody was told of the change`, now);
    if (tcb.state === 'CLOSED' || tcb.isResting) return;
    const { snd } = tcb;
    // The acknowledgment that brings a cookie back is what the connection is made from: nobody saw it arrive there.
    if (tcb.isCookie) this.#offered = furthest(this.#offered, (snd.una + snd.wnd) >>> 0);
    if (distance(snd.una, this.#acknowledged) < 0) this.fail(3, 'SND.UNA goes back', now);
    if (distance(snd.nxt, snd.una) < 0) this.fail(3, 'SND.UNA is beyond SND.NXT', now);
    if (distance(snd.nxt, this.#sent) > 0) this.fail(3, 'SND.NXT is beyond what has been sent', now);
    this.#acknowledged = snd.una;
    if (tcb.recovery.phase === 'open') this.#openFlight = inFlight(tcb);
    if (tcb.state !== 'SYN-SENT') this.#checkReceived(now);
    this.#checkMemory(now);
  }

  #checkReceived(now: Micros): void {
    const { tcb } = this;
    const { nxt, edge } = tcb.rcv;
    const before = this.#received;
    if (before !== null) {
      if (distance(nxt, before) < 0) this.fail(2, 'RCV.NXT goes back', now);
      if (distance(edge, this.#edge) < 0) this.fail(2, 'the right edge goes back', now);
    }
    if (distance(edge, nxt) < 0) this.fail(2, 'RCV.NXT is beyond the right edge', now);
    this.#received = nxt;
    this.#edge = edge;
    if (before !== nxt) this.#compareWithPeer(before ?? (tcb.irs + 1) >>> 0, now);
  }

  /** What has come, octet for octet, against what the peer's user has written: the peer still holds it. */
  #compareWithPeer(from: number, now: Micros): void {
    const { tcb } = this;
    const peer = this.#findPeer(tcb);
    if (peer === null) return;
    const end = tcb.rcv.nxt - (tcb.finReceived ? 1 : 0);
    const beyond = distance(end, peer.textEnd);
    if (beyond > 0) this.fail(1, `has received ${beyond} octets that nobody has written`, now);
    if (tcb.finReceived && (!peer.finQueued || beyond !== 0)) this.fail(1, 'ends before the peer has ended', now);
    if (tcb.octetsIn > peer.octetsOut) this.fail(1, 'more has been read than written', now);
    const start = later(later(from, peer.queueStart), readTo(tcb));
    const count = distance(end, start);
    if (count <= 0) return;
    const here = scratch(0, count);
    const there = scratch(1, count);
    tcb.receiveQueue.copyOut(distance(start, readTo(tcb)), count, here, 0);
    peer.sendQueue.copyOut(distance(start, peer.queueStart), count, there, 0);
    for (let at = 0; at < count; at++) {
      if (here[at] !== there[at]) this.fail(1, `octet ${distance(start, tcb.irs) - 1 + at} is another one`, now);
    }
  }

  #checkMemory(now: Micros): void {
    const { tcb } = this;
    const { sendQueue, receiveQueue, reassembly, rcv } = tcb;
    this.#sendLimit = Math.max(this.#sendLimit, tcb.sendLimit);
    this.#receiveLimit = Math.max(this.#receiveLimit, tcb.receiveLimit);
    // Windows are told in steps of the scale, rounded up.
    const most = this.#receiveLimit + 2 ** rcv.wndShift;
    if (sendQueue.length > this.#sendLimit) this.fail(8, `queues ${sendQueue.length} octets to send`, now);
    const offered = distance(rcv.edge, rcv.nxt);
    if (receiveQueue.length > most) this.fail(8, `holds ${receiveQueue.length} octets of ${most}`, now);
    if (offered > most) this.fail(8, `offers ${offered} octets of ${most}`, now);
    if (sendQueue.capacity > ringOf(this.#sendLimit)) this.fail(8, `a send ring of ${sendQueue.capacity}`, now);
    if (receiveQueue.capacity > ringOf(most)) this.fail(8, `a receive ring of ${receiveQueue.capacity}`, now);
    if (reassembly.ranges > mostRanges) this.fail(8, `${reassembly.ranges} pieces beyond gaps`, now);
    if (tcb.sentLog.length > distance(tcb.snd.nxt, tcb.snd.una)) this.fail(8, 'a sent log longer than the flight', now);
  }

  /** All that could leave has left: whatever is still to come must have a timer. */
  checkLiveness(now: Micros): void {
    const { tcb } = this;
    if (tcb.state === 'CLOSED' || tcb.isQueued || tcb.isResting) return;
    if (tcb.fastOpen.isWaiting) return; // for its user's first text
    const { timers, ack, state } = tcb;
    const { retransmit, probe, persist, reorder, pace, next: earliest } = timers;
    const forSending = Math.min(retransmit, probe, persist, reorder, pace);
    if (earliest !== never && (tcb.heapIndex < 0 || tcb.heapKey > earliest))
      this.fail(4, 'a timer that nobody sees', now);
    const isOutstanding = tcb.sentLog.length > 0 || tcb.unsent > 0 || (tcb.finQueued && !tcb.finSent);
    if (isOutstanding && state !== 'TIME-WAIT' && forSending === never)
      this.fail(4, 'nothing will send what is left', now);
    if (state === 'SYN-SENT') return;
    if (tcb.rcv.nxt !== ack.lastSent && timers.delayedAck === never) this.fail(4, 'no acknowledgment will leave', now);
    const isEnding = state === 'TIME-WAIT' || (state === 'FIN-WAIT-2' && tcb.isOrphan);
    if (isEnding && timers.timeWait === never) this.fail(4, 'nothing will end it', now);
  }

  /** The connection has ended: nothing may be left of it. */
  checkRemains(now: Micros): void {
    const { tcb } = this;
    for (const name of timerNames) {
      if (tcb.timers[name] !== never) this.fail(8, `still has its ${name} timer`, now);
    }
    if (tcb.heapIndex >= 0) this.fail(8, 'still has a deadline', now);
    if (tcb.sendQueue.capacity > 0 || tcb.sentLog.length > 0) this.fail(8, 'still holds what was to be sent', now);
    if (!tcb.reassembly.isEmpty) this.fail(8, 'still holds pieces', now);
    if (tcb.isOrphan && tcb.receiveQueue.capacity > 0) this.fail(8, 'still holds what nobody will read', now);
  }

  /** All that a segment could change, to be compared before and after one that must change nothing. */
  digest(): string {
    const { tcb } = this;
    const { snd, rcv, timers, congestion, rtt, ack, recovery } = tcb;
    const numbers = [snd.una, snd.nxt, snd.wnd, snd.wl1, rcv.nxt, rcv.edge, congestion.cwnd];
    const lengths = [tcb.sendQueue.length, tcb.receiveQueue.length, tcb.sentLog.length, tcb.reassembly.ranges];
    const more = [
      rtt.rto,
      tcb.retries,
      tcb.probes,
      ack.lastSent,
      Number(ack.now),
      recovery.duplicateAcks,
      tcb.ts.recent,
    ];
    return [tcb.state, tcb.error, ...numbers, ...lengths, ...more, ...timerNames.map((name) => timers[name])].join();
  }
}

/** The SYN-ACK that text may follow at once takes nothing of cwnd. */
const inFlight = ({ sentLog, sackEnabled, recovery, fastOpen }: Tcb): number =>
  sentLog.inFlight(sackEnabled ? 0 : recovery.duplicateAcks) - (fastOpen.isEarly ? 1 : 0);

/** How far `a` lies ahead of `b` on the circle of sequence numbers. */
const distance = (a: number, b: number): number => (a - b) | 0;
/** The number of the next octet that the user will read. */
const readTo = ({ rcv, receiveQueue, finReceived }: Tcb): number =>
  (rcv.nxt - receiveQueue.length - (finReceived ? 1 : 0)) >>> 0;
const later = (a: number, b: number): number => (distance(a, b) > 0 ? a : b);
const furthest = (before: number | null, edge: number): number => (before === null ? edge : later(before, edge));

/** Rings double: they are less than twice as large as what they have held. */
const ringOf = (octets: number): number => Math.max(4096, 2 * octets);
const mostRanges = 4096;

const scratchBuffers = [new Uint8Array(0), new Uint8Array(0)];

function scratch(index: 0 | 1, octets: number): Uint8Array {
  if (scratchBuffers[index]!.length < octets) scratchBuffers[index] = new Uint8Array(2 * octets);
  return scratchBuffers[index]!;
}
