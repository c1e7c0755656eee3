import type { Address } from '../base/address.ts';
import type { Counters, DropReason } from '../base/counters.ts';
import { Deadlines } from '../base/deadlines.ts';
import type { ErrorCode } from '../base/errors.ts';
import { StackError } from '../base/errors.ts';
import type { Observer } from '../base/observe.ts';
import type { StackOptions } from '../base/options.ts';
import { type FindPath, findPathBy, headerRoom } from '../base/path.ts';
import type { Random } from '../base/random.ts';
import type { ChangedList } from '../base/ready.ts';
import { type Seq, seqGe, seqGt } from '../base/seq.ts';
import type { Micros } from '../base/time.ts';
import { type Datagram, type Outgoing, protocolTcp } from '../wire/datagram.ts';
import { readSegment, Segment } from '../wire/tcp.ts';
import { abort } from './calls.ts';
import { AckEvent, RateSample } from './congestion/controller.ts';
import { CongestionControls } from './congestion/controls.ts';
import { Delivery } from './delivery.ts';
import { Demux } from './demux.ts';
import { abandon, fail } from './ending.ts';
import { prepare } from './fast-open.ts';
import { FastOpenCookies } from './fast-open-cookies.ts';
import { mayReopen, segmentArrives } from './input.ts';
import { arrivesInListen } from './input-listen.ts';
import { InitialSequence } from './iss.ts';
import { Listener } from './listener.ts';
import { lowerPathMtu, pathMss } from './negotiate.ts';
import { writeNextSegment } from './output.ts';
import { OutputQueues } from './output-queue.ts';
import { type PortClaim, Ports } from './ports.ts';
import { resendWhatIsTooLong } from './recovery.ts';
import { resetFor } from './reset.ts';
import { TcpSettings } from './settings.ts';
import { enter } from './state.ts';
import { SynCookies } from './syn-cookies.ts';
import { Burst, Leftovers, Tcb, type TcpContext } from './tcb.ts';
import { type TimeWait, TimeWaits } from './time-wait.ts';
import { onTimeout, takeBackDoubling } from './timeouts.ts';

/** What TCP needs of the stack around it. */
export interface TcpServices {
  readonly options: StackOptions;
  readonly counters: Counters;
  readonly random: Random;
  readonly changed: ChangedList;
  readonly observer: Observer | null;
  readonly findPath: FindPath;
  isLocal(address: Address): boolean;
  drop(reason: DropReason, now: Micros): void;
  sendAlone(local: Address, remote: Address, interfaceIndex: number, bytes: Uint8Array): void;
}

/** The least MTU that a router may make us believe in; below it somebody lies (Linux: 552). */
const leastPathMtu = 552;

/** The Transmission Control Protocol (RFC 9293): opens connections, and finds the connection that a segment is for. */
export class Tcp {
  /** The congestion controls that connections may choose. */
  readonly congestionControls: CongestionControls = new CongestionControls();
  readonly #context: TcpContext;
  readonly #services: TcpServices;
  readonly #demux: Demux;
  readonly #ports: Ports;
  readonly #timeWaits: TimeWaits;
  readonly #output: OutputQueues = new OutputQueues();
  readonly #deadlines: Deadlines<Tcb> = new Deadlines();
  readonly #segment: Segment = new Segment();

  constructor(services: TcpServices) {
    this.#services = services;
    this.#demux = new Demux(services.random);
    const { congestionControls } = this;
    this.#context = {
      ...services,
      congestionControls,
      initial: new InitialSequence(services.random),
      cookies: new SynCookies(services.random),
      fastOpenCookies: new FastOpenCookies(services.random),
      leftovers: new Leftovers(),
      ackEvent: new AckEvent(),
      rateSample: new RateSample(),
      delivery: new Delivery(),
      burst: new Burst(),
      deadlines: this.#deadlines,
      output: this.#output,
      demux: this.#demux,
    };
    this.#timeWaits = new TimeWaits(this.#context);
    this.#ports = new Ports(services.options, services.random, {
      isConnected: (local, localPort, remote, remotePort) => this.#isConnected(local, localPort, remote, remotePort),
      connections: () => this.#all(),
    });
  }

  // What users ask for -------------------------------------------------------------------------------------------------

  /**
   * Reserves a local port; port 0 takes a random free one. `settings` say whether it may be shared, and whether IPv6 is IPv4 too.
   * @throws StackError EADDRNOTAVAIL not an address of this host; EADDRINUSE taken
   */
  bind(address: Address, port: number, settings: Readonly<TcpSettings> = new TcpSettings()): PortClaim {
    if (!address.isUnspecified && !this.#services.isLocal(address)) {
      throw new StackError('EADDRNOTAVAIL', `${address} is not an address of this host`);
    }
    const claim = this.#ports.claim({ address, v6Only: settings.v6Only }, port, settings);
    if (claim === null) throw new StackError('EADDRINUSE', `port ${port} is taken`);
    return claim;
  }

  /** Gives back a port that neither listens nor belongs to a connection. */
  release(claim: PortClaim): void {
    this.#ports.release(claim);
  }

  /**
   * Passive OPEN on a port that `bind` has reserved (RFC 9293 section 3.10.1).
   * @throws StackError EADDRINUSE another socket listens there
   */
  listen(claim: PortClaim, backlog: number, settings: TcpSettings = new TcpSettings()): Listener {
    if (!this.#ports.mayListen(claim)) throw new StackError('EADDRINUSE', `somebody listens on port ${claim.port}`);
    claim.listening = true;
    const listener = new Listener(claim, Math.min(backlog, this.#services.options.tcp.somaxconn), settings);
    this.#demux.addListener(listener);
    return listener;
  }

  /** Takes the next finished connection, or returns null. */
  accept(listener: Listener): Tcb | null {
    const tcb = listener.acceptQueue.shift();
    if (tcb === undefined) return null;
    tcb.listener = null;
    return tcb;
  }

  /** Ends a listener. Connections that nobody has accepted are aborted; the port is given back, unless it is to be kept. */
  unlisten(listener: Listener, now: Micros, keepPort = false): void {
    if (listener.isClosed) return;
    listener.isClosed = true;
    this.#demux.removeListener(listener);
    for (const tcb of [...listener.halfOpen]) abandon(tcb, now);
    for (let tcb = this.accept(listener); tcb !== null; tcb = this.accept(listener)) abort(tcb, now);
    listener.claim.listening = false;
    if (!keepPort) this.#ports.release(listener.claim);
    this.#context.changed.add(listener);
  }

  /**
   * Active OPEN (section 3.10.1). The SYN leaves with the next packets.
   * @param claim the local port, when it was bound; the connection gives it back when it ends
   * @throws StackError ENETUNREACH no route, or no unicast address; EADDRNOTAVAIL no port left, or this very four-tuple
   *   is in use
   */
  connect(
    remote: Address,
    remotePort: number,
    claim: PortClaim | null,
    any: Address,
    now: Micros,
    settings: TcpSettings = new TcpSettings(),
  ): Tcb {
    const path = findPathBy(this.#services.findPath, settings.device, remote, claim?.address ?? any);
    if (path === null || path.toMany) throw new StackError('ENETUNREACH', `no route to ${remote}`); // MUST-46
    const local = path.source; // MUST-44, MUST-45
    const localPort = claim?.port ?? this.#ports.forConnection(local, remote, remotePort);
    if (localPort === 0 || this.#isConnected(local, localPort, remote, remotePort)) {
      throw new StackError('EADDRNOTAVAIL', 'no local port is free for this peer');
    }
    const { initial } = this.#context;
    const iss = initial.iss(local, localPort, remote, remotePort, now);
    const tcb = new Tcb(this.#context, local, localPort, remote, remotePort, path, iss, settings);
    tcb.ts.offset = initial.timestampOffset(local, localPort, remote, remotePort);
    if (claim !== null) tcb.releasePort = () => this.#ports.release(claim);
    this.#demux.add(tcb);
    this.#services.counters.tcpActiveOpens++;
    enter(tcb, 'SYN-SENT', now);
    prepare(tcb, pathMss(tcb));
    this.#output.add(tcb);
    return tcb;
  }

  /**
   * Another congestion control for a connection, from its present window on.
   * @throws StackError ENOENT there is none of that name
   */
  setCongestionControl(tcb: Tcb, name: string, now: Micros): void {
    if (!this.congestionControls.has(name)) throw new StackError('ENOENT');
    const { cwnd, ssthresh, name: before } = tcb.congestion;
    if (before === name) return;
    // One that ignores losses has left ssthresh alone: the loss that is being recovered from has to take its part.
    const isLate = tcb.recovery.phase !== 'open' && !Number.isFinite(ssthresh);
    const start = { cwnd, ssthresh: isLate ? Math.max(2, cwnd >> 1) : ssthresh };
    tcb.congestion = this.congestionControls.make(name, start, this.#services.random);
    tcb.congestion.onOpen?.(tcb.rtt.srtt, tcb.rtt.min, now);
  }

  /** Every connection there is, but those that rest in TIME-WAIT. */
  connections(): Generator<Tcb> {
    return this.#demux.connections();
  }

  /** What is kept of connections in TIME-WAIT that nobody holds. */
  resting(): Iterable<TimeWait> {
    return this.#timeWaits;
  }

  *#all(): Generator<Tcb | TimeWait> {
    yield* this.#demux.connections();
    yield* this.#timeWaits;
  }

  #isConnected(local: Address, localPort: number, remote: Address, remotePort: number): boolean {
    if (this.#demux.find(local, localPort, remote, remotePort) !== null) return true;
    return this.#timeWaits.has(local, localPort, remote, remotePort);
  }

  listeners(): Generator<Listener> {
    return this.#demux.listeners();
  }

  /** Timers that are set: zero when nothing is left of any connection. */
  get pendingTimers(): number {
    return this.#deadlines.size + this.#timeWaits.size;
  }

  // What the stack asks for --------------------------------------------------------------------------------------------

  /** SEGMENT ARRIVES (section 3.10.7). */
  receive(datagram: Datagram, now: Micros): void {
    const { counters } = this.#services;
    const seg = this.#segment;
    counters.tcpInSegs++;
    if (datagram.toMany) return this.#services.drop('not unicast', now); // MUST-57
    const malformed = readSegment(datagram, seg);
    if (malformed !== null) return this.#services.drop(malformed, now);
    const { source, destination } = datagram;
    let tcb =
      this.#demux.find(destination, seg.destinationPort, source, seg.sourcePort) ??
      this.#timeWaits.wake(destination, seg.destinationPort, source, seg.sourcePort);
    if (tcb !== null && tcb.state === 'TIME-WAIT' && mayReopen(tcb, seg)) {
      const listener = this.#demux.findListener(datagram, seg);
      if (listener !== null) {
        abandon(tcb, now);
        tcb = null;
      }
    }
    if (tcb !== null) return segmentArrives(tcb, seg, now);
    const listener = this.#demux.findListener(datagram, seg);
    const outcome = listener === null ? 'reset' : arrivesInListen(listener, seg, datagram, this.#context, now);
    if (outcome === 'reset') this.#refuse(seg, datagram, now);
    else if (outcome !== null) segmentArrives(outcome, seg, now);
  }

  /** Section 3.10.7.1: no connection, or a listener that cannot make sense of it. */
  #refuse(seg: Segment, datagram: Datagram, now: Micros): void {
    this.#services.drop('no connection', now);
    const reset = resetFor(seg, datagram.destination, datagram.source);
    if (reset === null) return;
    this.#services.counters.tcpOutRsts++;
    this.#services.sendAlone(datagram.destination, datagram.source, datagram.interfaceIndex, reset);
  }

  /**
   * Writes the next segment that leaves by an interface behind the room for its IP header, and fills in what IP has to
   * know. Returns false when no connection has anything to send.
   */
  transmit(interfaceIndex: number, into: Uint8Array, out: Outgoing, now: Micros): boolean {
    const queue = this.#output.of(interfaceIndex);
    for (let tcb = queue.head(); tcb !== null; tcb = queue.head()) {
      const length = writeNextSegment(tcb, into, headerRoom(tcb.remote), now);
      if (length === 0) {
        queue.drop();
        if (tcb.state === 'TIME-WAIT' && tcb.isOrphan) this.#timeWaits.rest(tcb);
        continue;
      }
      queue.sent();
      const { path } = tcb;
      const { burst } = this.#context;
      out.hasPartialChecksum = path.offload.checksums;
      out.segmentSize = burst.segments > 1 ? burst.size : 0;
      out.source = tcb.local;
      out.destination = tcb.remote;
      out.protocol = protocolTcp;
      out.length = length;
      out.ttl = tcb.settings.ttl || this.#services.options.ttl;
      out.trafficClass = (tcb.settings.trafficClass & ~3) | burst.codepoint;
      out.flowLabel = tcb.flowLabel;
      return true;
    }
    return false;
  }

  /** Does what has fallen due. */
  advance(now: Micros): void {
    for (let tcb = this.#deadlines.popDue(now); tcb !== null; tcb = this.#deadlines.popDue(now)) onTimeout(tcb, now);
    this.#timeWaits.advance(now);
  }

  /** A connection may have something to send by this interface. */
  hasOutput(interfaceIndex: number): boolean {
    return !this.#output.of(interfaceIndex).isEmpty;
  }

  nextDeadline(): Micros {
    return Math.min(this.#deadlines.earliest(), this.#timeWaits.nextDeadline());
  }

  /**
   * An ICMP error quotes a segment of ours (RFC 9293 section 3.9.2.2). It is believed only when the quoted sequence number
   * is outstanding (RFC 5927 section 4.1); hard errors end only a connection that is still being opened (section 5.2).
   * @param mtu of the next hop, for "fragmentation needed"; -1 for other errors
   */
  reportError(
    local: Address,
    localPort: number,
    remote: Address,
    remotePort: number,
    seq: Seq,
    error: ErrorCode,
    mtu: number,
    now: Micros,
  ): boolean {
    const tcb = this.#demux.find(local, localPort, remote, remotePort);
    if (tcb === null || !seqGe(seq, tcb.snd.una) || !seqGt(tcb.snd.nxt, seq)) return false;
    if (mtu >= 0) {
      const lower = Math.max(mtu, remote.isV4 ? leastPathMtu : 0);
      if (lower >= tcb.path.mtu) return false;
      lowerPathMtu(tcb, lower);
      resendWhatIsTooLong(tcb);
    } else if (tcb.state === 'SYN-SENT') fail(tcb, error, now);
    else {
      // MUST-56, SHLD-25: told when asked for, or if the connection fails later; at once, if the user wants it so.
      tcb.softError = error;
      takeBackDoubling(tcb, error, seq, now);
      if (tcb.settings.reportSoftErrors) tcb.error ??= error;
      else tcb.reportedSoftError = error;
      this.#services.changed.add(tcb);
    }
    return true;
  }
}
