import type { Address } from '../base/address.ts';
import type { Counters, DropReason } from '../base/counters.ts';
import type { Deadlines, Timed } from '../base/deadlines.ts';
import type { ErrorCode } from '../base/errors.ts';
import type { Fifo } from '../base/fifo.ts';
import type { Observer } from '../base/observe.ts';
import type { StackOptions } from '../base/options.ts';
import type { FindPath, Path } from '../base/path.ts';
import type { Random } from '../base/random.ts';
import type { ChangedList, Endpoint } from '../base/ready.ts';
import { Ring } from '../base/ring.ts';
import { type Seq, seqAdd, seqSub, seqZero } from '../base/seq.ts';
import { type Micros, never, seconds } from '../base/time.ts';
import type { AckEvent, CongestionController, RateSample, RecoveryPhase } from './congestion/controller.ts';
import type { CongestionControls } from './congestion/controls.ts';
import { ConnectionCounts, Troubles } from './counts.ts';
import type { Delivery } from './delivery.ts';
import type { FastOpenCookies } from './fast-open-cookies.ts';
import type { InitialSequence } from './iss.ts';
import { RateState } from './rate-state.ts';
import { Reassembly } from './reassembly.ts';
import { Rtt } from './rtt.ts';
import { SentLog } from './sent-log.ts';
import type { TcpSettings } from './settings.ts';
import type { State } from './state.ts';
import type { SynCookies } from './syn-cookies.ts';

/** What every connection of a stack shares. */
export interface TcpContext {
  readonly options: StackOptions;
  readonly initial: InitialSequence;
  readonly cookies: SynCookies;
  readonly fastOpenCookies: FastOpenCookies;
  readonly congestionControls: CongestionControls;
  readonly counters: Counters;
  readonly random: Random;
  readonly leftovers: Leftovers;
  /** What the acknowledgment that is taken in says: refilled for each. */
  readonly ackEvent: AckEvent;
  readonly rateSample: RateSample;
  readonly delivery: Delivery;
  readonly burst: Burst;
  readonly changed: ChangedList;
  readonly observer: Observer | null;
  readonly findPath: FindPath;
  readonly deadlines: Deadlines<Tcb>;
  /** Connections that may have something to send. */
  readonly output: { add(tcb: Tcb): void };
  readonly demux: { add(tcb: Tcb): void; remove(tcb: Tcb): void };
  drop(reason: DropReason, now: Micros): void;
  /** Sends a segment that belongs to no connection's stream: a reset. `bytes` is TCP header and all. */
  sendAlone(local: Address, remote: Address, interfaceIndex: number, bytes: Uint8Array): void;
}

/** Connections that are kept although no user needs them any more, and so have to be bounded. */
export class Leftovers {
  /** In TIME-WAIT. */
  timeWaits = 0;
  /** Closed by their users, and not done yet. */
  orphans = 0;
}

/** Where a passively opened connection came from, as far as the connection has to know it. */
export interface Origin extends Endpoint {
  readonly halfOpen: Set<Tcb>;
  readonly acceptQueue: Fifo<Tcb>;
  readonly acceptQueueIsFull: boolean;
  readonly settings: Readonly<TcpSettings>;
}

/**
 * The send sequence space (RFC 9293 section 3.3.1):
 *
 *          1         2          3          4
 *     ----------|----------|----------|----------
 *            SND.UNA    SND.NXT    SND.UNA
 *                                 +SND.WND
 *
 * 1: acknowledged. 2: sent, not acknowledged. 3: may be sent. 4: not yet.
 */
export class SendSpace {
  /** Oldest unacknowledged sequence number. */
  una: Seq = seqZero;
  /** Next sequence number to send. Never goes back: what is sent again is marked in the sent log. */
  nxt: Seq = seqZero;
  /** The peer's window in octets, scaled. */
  wnd = 0;
  /** The largest window that the peer has ever offered. */
  maxWnd = 0;
  /** SEG.SEQ of the segment that last updated the window. */
  wl1: Seq = seqZero;
  /** Shift of the windows that we receive (RFC 7323 section 2.3: Snd.Wind.Shift). */
  wndShift = 0;
  /** Octets of text per segment, options already taken off. */
  mss = 536;
  /** Behind the last segment sent that was smaller than `mss` (Minshall's rule for Nagle). */
  small: Seq = seqZero;
  /** SND.UP: behind the last octet sent as urgent. Urgent mode lasts while it is beyond SND.UNA. */
  up: Seq = seqZero;
}

/**
 * The receive sequence space:
 *
 *          1          2          3
 *     ----------|----------|----------
 *            RCV.NXT    RCV.NXT
 *                      +RCV.WND
 *
 * 1: received in order. 2: the window. 3: not yet allowed.
 */
export class ReceiveSpace {
  nxt: Seq = seqZero;
  /** RCV.NXT + RCV.WND as the peer knows it: the right edge, which never moves left (SHLD-14). */
  edge: Seq = seqZero;
  /** Shift of the windows that we send. */
  wndShift = 0;
  /** What the peer's segments look like: its largest text so far. Decides what "every second full segment" means. */
  mss = 536;
  /** What the last segment had, if it was smaller and may have been a full one all the same. */
  lastSize = 0;
  /** The most that is offered now. Grows with every full segment that arrives, as on Linux, up to the buffer. */
  ssthresh = 0xffff;
  /** RCV.UP: where the urgent octet stands, when there is one. */
  up: Seq = seqZero;
  urgent: UrgentState = 'none';
  urgentOctet = 0;
}

/** What is known of the urgent octet: none; told of, not here yet; here; here and read. */
export type UrgentState = 'none' | 'awaited' | 'valid' | 'read';

/** RFC 7323 state. */
export class TimestampState {
  enabled = false;
  /** TS.Recent: the value to echo. */
  recent = 0;
  /** When TS.Recent was last set: after 24 days it says nothing (RFC 7323 section 5.5). */
  recentAt: Micros = 0;
  /** Added to our clock, so that it tells nobody how long we have been up. */
  offset = 0;
}

/** When the next acknowledgment is due (RFC 9293 section 3.8.6.3). */
export class AckState {
  /** One has to leave with the next packet. */
  now = false;
  /** Duplicates that have to leave: one for each segment beyond a gap, for a peer that counts them (no SACK). */
  duplicates = 0;
  /** Octets that arrived twice, which the next acknowledgment tells (RFC 2883); none where both are the same. */
  dsackStart: Seq = seqZero;
  dsackEnd: Seq = seqZero;
  /** Last.ACK.sent: RCV.NXT as the peer knows it. */
  lastSent: Seq = seqZero;
  /** Immediate acknowledgments still to be given at the start of a connection, while the peer's cwnd is small. */
  quick = 16;
  /** How long an acknowledgment waits (Linux: ATO); 0 before the first text. */
  wait: Micros = 0;
  /** Answers follow what is received: acknowledgments ride on them. */
  isInteractive = false;
  /** When text last arrived: what is sent soon after makes the connection an interactive one. */
  textAt: Micros = -1;

  get hasDsack(): boolean {
    return this.dsackStart !== this.dsackEnd;
  }
}

/** What RACK knows (RFC 8985 section 5.2). */
export class RackState {
  /** The segment that has arrived and was sent last: when, its end, and how long it took. */
  sentAt: Micros = -1;
  end: Seq = seqZero;
  rtt: Micros = 0;
}

/** What a connection has seen of reordering (RFC 8985 section 6.2 step 4). */
export class ReorderingState {
  seen = false;
  /** The reordering window, in quarters of the least round trip. */
  windowSteps = 1;
  recoveriesLeft = 0;
  /** Segments that it may span before a loss is certain; grows as it is seen. */
  segments = 3;
  /** Until SND.UNA reaches it, another duplicate widens nothing. */
  roundEnd: Seq | null = null;
}

export class RecoveryState {
  phase: RecoveryPhase = 'open';
  /** SND.NXT when recovery began: it ends when all that has been acknowledged (RFC 6582 section 3.2: recover). */
  recover: Seq = seqZero;
  duplicateAcks = 0;
  /** The next segment goes out whatever cwnd says: the fast retransmission, or the one that a timeout sends. */
  forced = false;
  /** Proportional rate reduction (RFC 9937): segments in flight at the beginning, arrived and sent since, and how many may be. */
  flightAtStart = 1;
  delivered = 0;
  sent = 0;
  window = 0;
  /** The reduction may still turn out to have been a mistake (undo.ts). */
  mayUndo = false;
  /** SND.UNA at that moment: duplicates of what was before are about something else. */
  undoFrom: Seq = seqZero;
  /** Segments sent again since then that no duplicate has told of. */
  resentToUndo = 0;
  sawDuplicate = false;
  /** TSval of the first segment sent again; -1 for none. */
  resentTs = -1;
  /** F-RTO (RFC 5682): not tried; the timeout's segment is out; new segments are out. */
  frto: 'off' | 'armed' | 'trying' = 'off';
  /** The next segment is a tail loss probe. */
  tailProbeDue = false;
  /** One is on its way; acknowledgments from `tailProbeEnd` on are about it. */
  hasTailProbe = false;
  tailProbeEnd: Seq = seqZero;
  tailProbeWasSentAgain = false;
}

/** Explicit congestion notification (RFC 3168); what it means is in ecn.ts. */
export class EcnState {
  /** Both sides can. */
  enabled = false;
  /** A packet of the peer's has carried a codepoint. */
  seen = false;
  /** Packets have been marked: acknowledgments say ECE until the peer says CWR. */
  mustEcho = false;
  /** The next text says CWR. */
  cwrDue = false;
}

/** Fast Open (RFC 7413); what it means is in fast-open.ts. */
export class FastOpenState {
  /** Our SYN asks for it, with a cookie, for one, or without. */
  isAsking = false;
  cookie: Uint8Array | null = null;
  /** Our SYN waits for text, of which it has room for so much; some has gone with it. */
  isWaiting = false;
  room = 0;
  sentText = false;
  /** The user has the connection already although the handshake is not done. */
  isEarly = false;
  /** Makes room among the listener's early connections. */
  release: (() => void) | null = null;
  /** Text that came, or went, with the SYN was taken. */
  textTaken = false;
  /** Why a client's attempt did nothing, as Linux numbers it: 0 nothing known, 1 no cookie, 2 text not acknowledged, 3 SYN sent again. */
  failure = 0;
}

/** The search for the path MTU (mtu-search.ts), in octets of a packet. */
export class MtuSearch {
  isOn = false;
  /** Packets as long as `low` get through; longer ones than `high` do not, as far as is known. */
  low = 0;
  high = 0;
  /** The probe under way: its length, 0 for none; and its text. */
  probe = 0;
  probeStart: Seq = seqZero;
  probeEnd: Seq = seqZero;
  /** When the search last began. */
  searchedAt: Micros = 0;
}

/** What has just been written, when the device takes several segments at once: how many, with how much text in each. One per stack. */
export class Burst {
  segments = 1;
  size = 0;
  /** The codepoint of ECN that they carry: 2 for ECT(0), 0 for none. */
  codepoint = 0;
}

/** What the sizes of the buffers are found by (buffers.ts). */
export class BufferSizing {
  /** The receiver's own measure of a round trip; 0 before the first. */
  roundTrip: Micros = 0;
  /** Octets that the user has read since `since`, and in the round trip before. */
  copied = 0;
  lastCopied = 0;
  since: Micros = -1;
  /** Without timestamps: a window beginning at `windowSince` is full when RCV.NXT reaches `windowEnd`. */
  windowEnd: Seq = seqZero;
  windowSince: Micros = -1;
}

/**
 * Deadlines, `never` when off. Their minimum is the connection's key among the stack's deadlines. Those that few connections need
 * have a place when one of them is set for the first time (`npm run bench -- memory`).
 */
export class Timers {
  retransmit: Micros = never;
  delayedAck: Micros = never;
  /** The tail loss probe (RFC 8985 section 7.2). */
  probe: Micros = never;
  #others: OtherTimers | null = null;

  get persist(): Micros {
    return this.#others?.persist ?? never;
  }

  set persist(deadline: Micros) {
    this.#set('persist', deadline);
  }

  get keepAlive(): Micros {
    return this.#others?.keepAlive ?? never;
  }

  set keepAlive(deadline: Micros) {
    this.#set('keepAlive', deadline);
  }

  /** What may have been overtaken counts as lost from then on (RFC 8985 section 6.2). */
  get reorder(): Micros {
    return this.#others?.reorder ?? never;
  }

  set reorder(deadline: Micros) {
    this.#set('reorder', deadline);
  }

  /** The next segment may leave (pacing.ts). */
  get pace(): Micros {
    return this.#others?.pace ?? never;
  }

  set pace(deadline: Micros) {
    this.#set('pace', deadline);
  }

  /** 2 MSL, or the end of an abandoned FIN-WAIT-2. */
  get timeWait(): Micros {
    return this.#others?.timeWait ?? never;
  }

  set timeWait(deadline: Micros) {
    this.#set('timeWait', deadline);
  }

  #set(timer: keyof OtherTimers, deadline: Micros): void {
    if (this.#others === null && deadline === never) return;
    this.#others ??= new OtherTimers();
    this.#others[timer] = deadline;
  }

  /** The earliest. */
  get next(): Micros {
    const own = Math.min(this.retransmit, this.delayedAck, this.probe);
    const others = this.#others;
    if (others === null) return own;
    return Math.min(own, others.persist, others.keepAlive, others.reorder, others.pace, others.timeWait);
  }

  /** Switches all of them off. */
  clear(): void {
    this.retransmit = never;
    this.delayedAck = never;
    this.probe = never;
    this.#others = null;
  }
}

class OtherTimers {
  persist: Micros = never;
  keepAlive: Micros = never;
  reorder: Micros = never;
  pace: Micros = never;
  timeWait: Micros = never;
}

export const timerNames = [
  'retransmit',
  'delayedAck',
  'probe',
  'persist',
  'keepAlive',
  'reorder',
  'pace',
  'timeWait',
] as const;
export type Timer = (typeof timerNames)[number];

/** A small integer, which needs no place of its own on the heap. */
export const longAgo: Micros = -seconds(1000);

const noGap: Reassembly = new Reassembly();
const inOrder: Readonly<ReorderingState> = Object.freeze(new ReorderingState());
const noTroubles: Readonly<Troubles> = Object.freeze(new Troubles());
const calm: Readonly<RecoveryState> = Object.freeze(new RecoveryState());
const noEcn: Readonly<EcnState> = Object.freeze(new EcnState());
const noFastOpen: Readonly<FastOpenState> = Object.freeze(new FastOpenState());
const noMtuSearch: Readonly<MtuSearch> = Object.freeze(new MtuSearch());

/** The transmission control block: all that is known of one connection (RFC 9293 section 3.3.1). */
export class Tcb implements Endpoint, Timed {
  isChanged = false;
  nextChanged: Endpoint | null = null;
  owner: object | null = null;
  heapKey: Micros = never;
  heapIndex = -1;
  /** The chain of a demux bucket. */
  hash = 0;
  nextInBucket: Tcb | null = null;
  /** The chain of an output queue. */
  isQueued = false;
  nextQueued: Tcb | null = null;

  readonly context: TcpContext;
  state: State = 'CLOSED';
  readonly local: Address;
  readonly localPort: number;
  readonly remote: Address;
  readonly remotePort: number;
  path: Path;
  /** The listener that this connection came from and that has not handed it out yet (MUST-11: opened passively). */
  listener: Origin | null = null;
  wasPassive = false;

  readonly snd: SendSpace = new SendSpace();
  readonly rcv: ReceiveSpace = new ReceiveSpace();
  readonly iss: Seq;
  irs: Seq = seqZero;

  /** Text from `queueStart` on: sent and unacknowledged first, then unsent. */
  readonly sendQueue: Ring = new Ring();
  queueStart: Seq;
  sendLimit: number;
  /** The user has had more to send than there was room for. */
  wantsRoom = false;
  /** CLOSE or shutdown has been called: a FIN follows the last octet of the queue. */
  finQueued = false;
  readonly rate: RateState = new RateState();
  readonly sentLog: SentLog;

  /** Text received in order and not yet read, with out-of-order text behind it. */
  readonly receiveQueue: Ring = new Ring();
  /** To add to it, `ownReassembly`: those without a gap share one. */
  reassembly: Reassembly = noGap;
  receiveLimit: number;
  /** The peer's FIN has been received in order: end of file follows the last octet. */
  finReceived = false;
  /** Where the peer's FIN stands, when it came before text that is still missing; null otherwise. */
  finAt: Seq | null = null;
  /** No user holds this connection any more. */
  isOrphan = false;
  /** It is in TIME-WAIT, and time-wait.ts has what is needed of it: this record means nothing any more. */
  isResting = false;
  readShut = false;
  /** Why the connection failed; told to the user once. */
  error: ErrorCode | null = null;
  /** The last ICMP error that does not end the connection; given instead of ETIMEDOUT if it fails later. */
  softError: ErrorCode | null = null;
  /** One that the user has asked to hear of at once. */
  reportedSoftError: ErrorCode | null = null;

  readonly ts: TimestampState = new TimestampState();
  sackEnabled = false;
  windowScalingEnabled = false;
  readonly ack: AckState = new AckState();
  readonly rtt: Rtt;
  congestion: CongestionController;
  readonly rack: RackState = new RackState();
  // Few connections need these: all others look at records that they share, and that nobody can write to
  // (`npm run bench -- memory`). The getters with the names of `own…` give one to write to.
  recovery: Readonly<RecoveryState> = calm;
  reordering: Readonly<ReorderingState> = inOrder;
  troubles: Readonly<Troubles> = noTroubles;
  ecn: Readonly<EcnState> = noEcn;
  fastOpen: Readonly<FastOpenState> = noFastOpen;
  mtuSearch: Readonly<MtuSearch> = noMtuSearch;
  /** When the next segment may leave (pacing.ts). */
  mayLeaveAt: Micros = 0;
  readonly timers: Timers = new Timers();
  /** Retransmissions or probes since the peer was last heard acknowledging. */
  retries = 0;
  /** Probes of a shut window, or of an idle peer, that nothing has answered. */
  probes = 0;
  /** How often the interval of window probes has been doubled. */
  probeBackoff = 0;
  /** When the first of the probes that have been answered with a shut window, or not, was sent; -1 for none. */
  probingSince: Micros = -1;
  /** When its SYN or SYN-ACK first left. */
  openedAt: Micros = 0;
  /** When the first of the retransmissions under way was sent; -1 for none. */
  resendingSince: Micros = -1;
  probeDue = false;
  /** What is queued goes out whatever Nagle and the cork say: the user has just switched Nagle off. */
  pushOnce = false;
  /** The user waits for the handshake with text in hand. */
  writerWaits = false;
  /** The user has said that more text follows (MSG_MORE). */
  moreFollows = false;
  /** When the last challenge ACK left (RFC 5961 section 7). */
  challengedAt: Micros = longAgo;
  /** MSS that the peer has offered, and that we have. */
  peerMss = 536;
  advertisedMss = 536;
  /** In this window, or the last: was cwnd full? The window ends at `usageEnd`; so many segments were out in it. */
  cwndLimited = false;
  usageEnd: Seq;
  mostOut = 0;

  /** RFC 6437 section 3: of IPv6, the same for all segments, and not to be foretold. */
  readonly flowLabel: number;

  /** Not to be changed here: others may share them (`ownSettings` in calls.ts). */
  settings: Readonly<TcpSettings>;
  readonly counts: ConnectionCounts = new ConnectionCounts();
  readonly sizing: BufferSizing = new BufferSizing();
  /** Sequence numbers that the peer has acknowledged since the beginning: bounds how old an acknowledgment can be. */
  acknowledged = 0;
  /** Octets read and written by the user. */
  octetsIn = 0;
  octetsOut = 0;
  /** Its SYN-ACK is, or was, a cookie: nothing of the connection is kept until it comes back. */
  isCookie = false;
  /** The handshake is done, but the listener waits for text (TCP_DEFER_ACCEPT). */
  isDeferred = false;
  /** Gives back the local port, if this connection holds one. */
  releasePort: (() => void) | null = null;

  constructor(
    context: TcpContext,
    local: Address,
    localPort: number,
    remote: Address,
    remotePort: number,
    path: Path,
    iss: Seq,
    settings: TcpSettings,
  ) {
    const { tcp } = context.options;
    this.settings = settings;
    this.context = context;
    this.local = local;
    this.localPort = localPort;
    this.remote = remote;
    this.remotePort = remotePort;
    this.path = path;
    this.iss = iss;
    this.flowLabel = remote.isV4 ? 0 : context.random.uint32() & 0xfffff;
    this.snd.una = iss;
    this.snd.nxt = iss;
    this.snd.small = iss;
    this.usageEnd = iss;
    this.snd.up = iss;
    this.sentLog = new SentLog(this.rate, context.delivery);
    this.sentLog.start = iss;
    this.queueStart = seqAdd(iss, 1);
    this.sendLimit = settings.sendBuffer || tcp.sendBuffer;
    if (tcp.reordering !== inOrder.segments) this.ownReordering.segments = tcp.reordering;
    this.receiveLimit = settings.receiveBuffer || tcp.receiveBuffer;
    this.rtt = new Rtt(tcp);
    const name = settings.congestionControl ?? tcp.congestionControl;
    const start = { cwnd: tcp.initialWindow, ssthresh: Number.POSITIVE_INFINITY };
    this.congestion = context.congestionControls.make(name, start, context.random);
  }

  get ownReassembly(): Reassembly {
    if (this.reassembly === noGap) this.reassembly = new Reassembly();
    return this.reassembly;
  }

  get ownReordering(): ReorderingState {
    if (this.reordering === inOrder) this.reordering = new ReorderingState();
    return this.reordering;
  }

  get ownTroubles(): Troubles {
    if (this.troubles === noTroubles) this.troubles = new Troubles();
    return this.troubles;
  }

  get ownRecovery(): RecoveryState {
    if (this.recovery === calm) this.recovery = new RecoveryState();
    return this.recovery;
  }

  get ownEcn(): EcnState {
    if (this.ecn === noEcn) this.ecn = new EcnState();
    return this.ecn;
  }

  get ownFastOpen(): FastOpenState {
    if (this.fastOpen === noFastOpen) this.fastOpen = new FastOpenState();
    return this.fastOpen;
  }

  get ownMtuSearch(): MtuSearch {
    if (this.mtuSearch === noMtuSearch) this.mtuSearch = new MtuSearch();
    return this.mtuSearch;
  }

  /** The sequence number behind the last octet that the user has given us: that of the FIN. */
  get textEnd(): Seq {
    return seqAdd(this.queueStart, this.sendQueue.length);
  }

  /** The sequence number of the next octet that the user will read. */
  get copiedSeq(): Seq {
    return seqAdd(this.rcv.nxt, -(this.receiveQueue.length + (this.finReceived ? 1 : 0)));
  }

  /** Octets that the user has given and that have not been sent yet. */
  get unsent(): number {
    return this.finSent ? 0 : Math.max(0, seqSub(this.textEnd, this.snd.nxt));
  }

  /** The FIN has been sent (and perhaps acknowledged). */
  get finSent(): boolean {
    return this.finQueued && this.snd.nxt === seqAdd(this.textEnd, 1);
  }

  /** Everything sent has been acknowledged, the FIN included. */
  get finAcknowledged(): boolean {
    return this.finSent && this.snd.una === this.snd.nxt;
  }
}
