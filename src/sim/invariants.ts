import type { Micros } from '../stack/base/time.ts';
import {
  arcs,
  type ConnectionName,
  type Observer,
  type PacketMeta,
  plainPacket,
  type Stack,
  type State,
  sameAddress,
  segmentCount,
  Tcb,
  writeSegments,
} from '../stack/index.ts';
import { ConnectionWatch } from './connection-watch.ts';
import { faultOf, faultOfIcmpError, replyKind } from './packet-rules.ts';
import { flags, PacketView } from './packet-view.ts';
import { InvariantViolation, type Promised } from './violation.ts';

/**
 * Checks, after every event of every host of a network, what a stack promises at any time; violation.ts lists it. A broken
 * promise is thrown out of `run`, with the connection's name and the virtual time.
 *
 * What needs a whole run is not here: that it makes progress (5) is for `runUntil` to tell, and that the same seed gives
 * the same packets (11) for two runs with the same `fingerprint`.
 */
export class Invariants {
  /** A hash of what all hosts have sent, and when. */
  fingerprint = 0x811c9dc5;
  readonly #watches: Map<string, ConnectionWatch> = new Map();

  /** Watches a host. Its stack has to be made with the `observer` of the result, which passes all on to `observer`. */
  watch(name: string, observer: Observer | null): HostWatch {
    return new HostWatch(name, observer, this);
  }

  add(watch: ConnectionWatch): void {
    this.#watches.set(keyOf(watch.tcb.local, watch.tcb.localPort, watch.tcb.remote, watch.tcb.remotePort), watch);
  }

  remove({ tcb }: ConnectionWatch): void {
    const key = keyOf(tcb.local, tcb.localPort, tcb.remote, tcb.remotePort);
    if (this.#watches.get(key)?.tcb === tcb) this.#watches.delete(key);
  }

  /** The other end, if it is a connection of this network that has not ended. */
  readonly findPeer = (tcb: Tcb): Tcb | null => {
    const peer = this.#watches.get(keyOf(tcb.remote, tcb.remotePort, tcb.local, tcb.localPort))?.tcb;
    return peer !== undefined && peer.iss === tcb.irs && peer.state !== 'CLOSED' ? peer : null;
  };

  mix(value: number): void {
    this.fingerprint = Math.imul(this.fingerprint ^ value, 0x01000193) >>> 0;
  }
}

const keyOf = (a: Tcb['local'], portA: number, b: Tcb['local'], portB: number): string =>
  `${a.w0}.${a.w1}.${a.w2}.${a.w3}:${portA} ${b.w0}.${b.w1}.${b.w2}.${b.w3}:${portB}`;

/** Connections that are looked at after each event: all of them, or so many in turn besides the one it was about. */
const mostAtOnce = 16;

/** Watches one host. */
export class HostWatch {
  readonly observer: Observer;
  readonly #name: string;
  readonly #network: Invariants;
  #stack: Stack | null = null;
  readonly #connections: ConnectionWatch[] = [];
  /** By local and remote port: few share both. */
  readonly #byPorts: Map<number, ConnectionWatch[]> = new Map();
  #turn = 0;
  /** Ended since the last turn. */
  readonly #ended: ConnectionWatch[] = [];
  readonly #packet: PacketView = new PacketView();
  readonly #sent: PacketView = new PacketView();
  readonly #part: Uint8Array = new Uint8Array(65_536);
  /** What arrives, while the stack takes it in. */
  #about: ConnectionWatch | null = null;
  #stateBefore: State = 'CLOSED';
  #nextBefore = 0;
  /** Behind the farthest text that waited: a reset there is believed too, as on Linux; -1 for none. */
  #farthestBefore = -1;
  #digestsBefore: readonly string[] | null = null;
  #dropsBefore = 0;
  /** Answers that the host may give before the end of its turn, and those that it has given. */
  #credit = 0;
  #replies = 0;

  constructor(name: string, observer: Observer | null, network: Invariants) {
    this.#name = name;
    this.#network = network;
    this.observer = {
      packet: (direction, interfaceIndex, bytes, length, now, meta) => {
        if (direction === 'out') this.#leavingAll(bytes, length, interfaceIndex, now, meta);
        else if (interfaceIndex === 0) this.#looped(bytes, length);
        observer?.packet?.(direction, interfaceIndex, bytes, length, now, meta);
      },
      state: (connection, from, to, now) => {
        this.#entered(connection, from as State, to as State, now);
        observer?.state?.(connection, from, to, now);
      },
      drop: (reason, now) => {
        if (reason === 'reassembly timeout') this.#credit++;
        observer?.drop?.(reason, now);
      },
    };
  }

  /** The stack that reports to `observer`. */
  attach(stack: Stack): void {
    this.#stack = stack;
  }

  /** A packet is about to be handed to the stack. */
  arriving(bytes: Uint8Array, length: number, meta: Readonly<PacketMeta> = plainPacket): void {
    const packet = this.#packet.read(bytes, length);
    if (meta.checksum !== 'whole') packet.sums = 'good';
    const isBad = packet.sums === 'bad' && this.#isPlain(packet);
    if (!isBad) this.#credit += segmentCount(bytes, length, meta);
    this.#about = packet.isTcp ? this.#find(packet, false) : null;
    this.#digestsBefore = isBad ? this.#digests() : null;
    if (isBad) this.#dropsBefore = this.#drops();
    if (this.#about === null) return;
    const { tcb } = this.#about;
    this.#stateBefore = tcb.state;
    this.#nextBefore = tcb.rcv.nxt >>> 0;
    this.#farthestBefore = tcb.sackEnabled && !tcb.reassembly.isEmpty ? tcb.reassembly.end >>> 0 : -1;
    if (packet.sums === 'good') this.#about.arriving(packet);
  }

  /** The stack has taken it in. */
  arrived(now: Micros): void {
    const about = this.#about;
    if (this.#digestsBefore !== null) this.#checkUnchanged(this.#digestsBefore, now);
    if (about !== null && about.state === 'CLOSED') this.#checkEnd(about, now);
    this.#checkConnections(about, now);
  }

  /** The host has sent all that it could send. */
  turned(now: Micros): void {
    if (this.#replies > this.#credit) {
      this.#fail(7, `${this.#replies} resets and ICMP messages answer ${this.#credit} packets`, now);
    }
    this.#replies = 0;
    this.#credit = 0;
    for (const watch of this.#ended) watch.checkRemains(now);
    this.#ended.length = 0;
    this.#checkConnections(null, now);
    const connections = this.#connections;
    const count = Math.min(connections.length, mostAtOnce);
    for (let index = 0; index < count; index++) {
      connections[(this.#turn + index) % connections.length]!.checkLiveness(now);
    }
  }

  /** The connections that are watched at present. */
  get connections(): readonly ConnectionWatch[] {
    return this.#connections;
  }

  #fail(invariant: Promised, what: string, now: Micros): never {
    throw new InvariantViolation(invariant, this.#name, what, now);
  }

  #checkConnections(about: ConnectionWatch | null, now: Micros): void {
    const connections = this.#connections;
    if (connections.length <= mostAtOnce) {
      for (const watch of connections) watch.check(now);
      return;
    }
    if (about !== null && about.tcb.state !== 'CLOSED') about.check(now);
    for (let index = 0; index < mostAtOnce; index++) {
      this.#turn = (this.#turn + 1) % connections.length;
      connections[this.#turn]!.check(now);
    }
  }

  #entered(connection: ConnectionName, from: State, to: State, now: Micros): void {
    if (!(connection instanceof Tcb)) return this.#ceased(connection, from, to, now);
    const known = this.#watchOf(connection);
    if (!arcs[from].includes(to)) this.#fail(10, `${connection.localPort}: ${from} to ${to}`, now);
    if (known === undefined) {
      const watch = new ConnectionWatch(connection, this.#name, this.#network.findPeer);
      watch.state = to;
      this.#add(watch);
      return this.#checkListener(connection, now);
    }
    if (known.state !== from) known.fail(10, `leaves ${from} and was ${known.state}`, now);
    known.state = to;
    if (to !== 'CLOSED') return;
    this.#credit++; // for the reset that may tell the peer
    this.#remove(known);
    this.#ended.push(known);
  }

  /** What was kept of a connection in TIME-WAIT is given up: it may have been made whole and come to rest again in between. */
  #ceased(kept: ConnectionName, from: State, to: State, now: Micros): void {
    const known = this.#connections.find(({ tcb }) => isSame(tcb, kept));
    if (known === undefined || known.state !== from || to !== 'CLOSED') {
      return this.#fail(10, `${kept.localPort}: ${from} to ${to}, and was ${known?.state}`, now);
    }
    known.state = to;
    this.#remove(known);
  }

  #checkListener({ listener }: Tcb, now: Micros): void {
    if (listener === null || this.#stack === null) return;
    const { somaxconn } = this.#stack.options.tcp;
    if (listener.halfOpen.size > somaxconn + 1) this.#fail(8, `${listener.halfOpen.size} half-open`, now);
    if (listener.acceptQueue.length > somaxconn + 1) this.#fail(8, `${listener.acceptQueue.length} to accept`, now);
  }

  /** What is left to the device is done here: looked at are the packets that a wire would see. */
  #leavingAll(
    bytes: Uint8Array,
    length: number,
    interfaceIndex: number,
    now: Micros,
    meta: Readonly<PacketMeta>,
  ): void {
    if (meta.checksum === 'whole') return this.#leaving(bytes, length, interfaceIndex, now);
    const count = segmentCount(bytes, length, meta);
    for (let index = 0; index < count; index++) {
      const part = writeSegments(bytes, length, meta, index, 1, this.#part);
      this.#leaving(this.#part, part, interfaceIndex, now);
    }
  }

  #leaving(bytes: Uint8Array, length: number, interfaceIndex: number, now: Micros): void {
    const packet = this.#sent.read(bytes, length);
    this.#mix(packet, interfaceIndex, length, now);
    if (this.#isOwn(packet)) {
      const fault = faultOf(packet, length);
      if (fault !== null) this.#fail(9, `a packet that ${fault}`, now);
    }
    const reply = replyKind(packet);
    if (reply !== null) this.#replies++;
    if (reply === 'ICMP error') {
      const fault = faultOfIcmpError(packet);
      if (fault !== null) this.#fail(7, `an ICMP error that ${fault}`, now);
    }
    if (packet.isTcp) this.#find(packet, true)?.leaving(packet, now);
  }

  /** What this host sends to itself arrives inside of the stack, where nobody can look before and after. */
  #looped(bytes: Uint8Array, length: number): void {
    const packet = this.#packet.read(bytes, length);
    this.#credit++;
    if (packet.isTcp && packet.sums === 'good') this.#find(packet, false)?.arriving(packet);
  }

  /** A connection has ended when a packet arrived: was that the packet's right? */
  #checkEnd(watch: ConnectionWatch, now: Micros): void {
    const { tcb } = watch;
    const packet = this.#packet;
    const before = this.#stateBefore;
    const isReset = packet.has(flags.RST) && packet.sums === 'good';
    if (before === 'SYN-SENT') {
      const isAnswer = packet.has(flags.ACK) && packet.ack === tcb.snd.nxt >>> 0;
      if (!isReset || !isAnswer) watch.fail(6, 'ended in SYN-SENT by a segment that does not answer its SYN', now);
    } else if (isReset) {
      if (before === 'TIME-WAIT') watch.fail(6, 'a reset has ended TIME-WAIT', now); // RFC 1337
      if (
        packet.seq !== this.#nextBefore &&
        packet.seq !== this.#farthestBefore &&
        !isBeforeFin(tcb, packet.seq, this.#nextBefore)
      )
        watch.fail(6, `reset at RCV.NXT + ${(packet.seq - this.#nextBefore) | 0}`, now);
    } else if (before === 'TIME-WAIT') {
      if (!packet.has(flags.SYN)) watch.fail(6, 'a segment has ended TIME-WAIT', now);
    } else if (before !== 'LAST-ACK' && before !== 'SYN-RECEIVED' && !isUnread(tcb) && !this.#isWithoutRoom()) {
      watch.fail(6, `a segment without RST has ended ${before}`, now);
    }
  }

  /** There was no room in TIME-WAIT for one more: it was forgotten at once, and counted. */
  #isWithoutRoom(): boolean {
    const { tcpTimeWaitOverflows } = this.#stack?.counters ?? { tcpTimeWaitOverflows: 0 };
    const isMore = tcpTimeWaitOverflows > this.#overflows;
    this.#overflows = tcpTimeWaitOverflows;
    return isMore;
  }
  #overflows = 0;

  /** Would a host that gets it with a bad checksum do nothing but count? Not what it passes on or has to parse before. */
  #isPlain(packet: PacketView): boolean {
    return this.#stack?.options.forwarding !== true && packet.transportAt === (packet.isV4 ? 20 : 40);
  }

  #checkUnchanged(before: readonly string[], now: Micros): void {
    const after = this.#digests();
    const index = after.findIndex((digest, at) => digest !== before[at]);
    if (after.length !== before.length) this.#fail(12, 'a connection more or less', now);
    if (index >= 0) this.#fail(12, `${before[index]} has become ${after[index]}`, now);
    if (this.#drops() !== this.#dropsBefore + 1) this.#fail(12, 'it was not counted', now);
  }

  #digests(): string[] {
    if (this.#connections.length <= mostAtOnce) return this.#connections.map((watch) => watch.digest());
    return this.#about === null ? [] : [this.#about.digest()];
  }

  #drops(): number {
    return this.#stack === null ? 0 : Object.values(this.#stack.counters.drops).reduce((sum, each) => sum + each, 0);
  }

  /** Did this host make the packet, or does it only pass it on? */
  #isOwn({ bytes, sourceAt, isV4, isReadable }: PacketView): boolean {
    if (!isReadable || this.#stack?.options.forwarding !== true) return true;
    return this.#stack.interfaces.some(({ addresses }) =>
      addresses.some(({ address }) => address.isV4 === isV4 && isAt(bytes, sourceAt, address, isV4)),
    );
  }

  #mix(packet: PacketView, interfaceIndex: number, length: number, now: Micros): void {
    const network = this.#network;
    network.mix(now >>> 0);
    network.mix(length * 256 + interfaceIndex);
    const most = Math.min(length & ~3, mostHashed); // checksums stand for the rest
    for (let at = 0; at < most; at += 4) network.mix(packet.bytes.getUint32(at));
  }

  #find(packet: PacketView, isLeaving: boolean): ConnectionWatch | null {
    const { sourcePort, destinationPort, sourceAt, destinationAt, bytes, isV4 } = packet;
    const ports = isLeaving ? sourcePort * 65_536 + destinationPort : destinationPort * 65_536 + sourcePort;
    const localAt = isLeaving ? sourceAt : destinationAt;
    const remoteAt = isLeaving ? destinationAt : sourceAt;
    for (const watch of this.#byPorts.get(ports) ?? []) {
      const { local, remote } = watch.tcb;
      if (local.isV4 === isV4 && isAt(bytes, localAt, local, isV4) && isAt(bytes, remoteAt, remote, isV4)) return watch;
    }
    return null;
  }

  /** Of one that rested, the watch is that of the record before. */
  #watchOf(tcb: Tcb): ConnectionWatch | undefined {
    return this.#byPorts
      .get(portsOf(tcb))
      ?.find((watch) => watch.tcb === tcb || (watch.tcb.isResting && isSame(watch.tcb, tcb)));
  }

  #add(watch: ConnectionWatch): void {
    const ports = portsOf(watch.tcb);
    const sharing = this.#byPorts.get(ports);
    if (sharing === undefined) this.#byPorts.set(ports, [watch]);
    else sharing.push(watch);
    this.#connections.push(watch);
    this.#network.add(watch);
  }

  #remove(watch: ConnectionWatch): void {
    const ports = portsOf(watch.tcb);
    const sharing = this.#byPorts.get(ports)!;
    sharing.splice(sharing.indexOf(watch), 1);
    if (sharing.length === 0) this.#byPorts.delete(ports);
    const index = this.#connections.indexOf(watch);
    this.#connections[index] = this.#connections.at(-1)!;
    this.#connections.pop();
    this.#network.remove(watch);
  }
}

/** Nobody will read what still comes: it draws a reset (SHLD-3, and Linux once both sides of a socket are shut). */
const isUnread = (tcb: Tcb): boolean => tcb.isOrphan || (tcb.readShut && tcb.finQueued);

/** As much of a packet as tells it from others: headers with options. */
const mostHashed = 80;

const isSame = (a: ConnectionName, b: ConnectionName): boolean =>
  a.localPort === b.localPort &&
  a.remotePort === b.remotePort &&
  sameAddress(a.local, b.local) &&
  sameAddress(a.remote, b.remote);

const portsOf = ({ localPort, remotePort }: Tcb): number => localPort * 65_536 + remotePort;

function isAt(bytes: DataView, at: number, address: Tcb['local'], isV4: boolean): boolean {
  if (isV4) return bytes.getUint32(at) === address.w3;
  return (
    bytes.getUint32(at + 12) === address.w3 &&
    bytes.getUint32(at + 8) === address.w2 &&
    bytes.getUint32(at + 4) === address.w1 &&
    bytes.getUint32(at) === address.w0
  );
}

/** Some stacks number a reset as if their FIN before it had not been; Linux believes it, and so do we. */
const isBeforeFin = ({ finReceived }: Tcb, seq: number, next: number): boolean =>
  finReceived && seq === (next - 1) >>> 0;
