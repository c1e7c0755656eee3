import {
  type Address,
  anyV4,
  anyV6,
  copyAddress,
  inZone,
  ipv4,
  isLinkLocal,
  isLoopback,
  isMulticast,
  loopbackV6,
  type Prefix,
  sameAddress,
} from './base/address.ts';
import { Counters, type DropReason } from './base/counters.ts';
import type { DatagramEndpoint } from './base/datagram-endpoint.ts';
import { StackError } from './base/errors.ts';
import type { Observer } from './base/observe.ts';
import { noOffload, type Offload, PacketMeta, plainPacket } from './base/offload.ts';
import { type StackOptions, type StackSettings, withDefaults } from './base/options.ts';
import type { Path } from './base/path.ts';
import type { Random } from './base/random.ts';
import { ChangedList } from './base/ready.ts';
import { readSysctl, type SysctlValue, writeSysctl } from './base/sysctl.ts';
import type { Micros } from './base/time.ts';
import { fillChecksum, makeError, mayReportError, RateLimit } from './icmp/errors.ts';
import { acceptIcmp, acceptIcmpv6 } from './icmp/input.ts';
import { IcmpReport } from './icmp/report.ts';
import { Departures } from './ip/departures.ts';
import { orderDestinations } from './ip/destinations.ts';
import { forwarded, mayForward } from './ip/forward.ts';
import { Identifications } from './ip/identification.ts';
import { acceptDatagram } from './ip/input.ts';
import { Interface } from './ip/interface.ts';
import { writeHeader } from './ip/output.ts';
import { PathMtus } from './ip/path-mtu.ts';
import { Reassembly } from './ip/reassembly.ts';
import { defaultPrefix, RouteTable } from './ip/route.ts';
import { completeChecksum, segmentCount, writeSegments } from './ip/segmentation.ts';
import { chooseSource } from './ip/source.ts';
import { GroupReports } from './multicast/group-reports.ts';
import { Raw } from './raw/raw.ts';
import { Tcp } from './tcp/tcp.ts';
import { Udp, type UdpServices } from './udp/udp.ts';
import { Unix } from './unix/unix.ts';
import {
  Datagram,
  Outgoing,
  outgoingHeaderLength,
  protocolIcmp,
  protocolIcmpv6,
  protocolIgmp,
  protocolTcp,
  protocolUdp,
} from './wire/datagram.ts';
import * as icmpv4 from './wire/icmpv4.ts';
import * as icmpv6 from './wire/icmpv6.ts';
import { checkIpv4Options } from './wire/ipv4.ts';
import { ipv6LeastMtu } from './wire/ipv6.ts';
import { checksumOffset } from './wire/tcp.ts';

/** The loopback interface has index 0; packets on it never reach a device. */
const loopback = 0;
const loopbackMtu = 65_535;
/** Packets that loopback passes on between two packets of a device: a connection to ourselves cannot hold up the others. */
const loopbackTurn = 64;
/** Octets of a transport's header, at most. */
const mostHeader = 60;
/** Octets that may wait to leave by one interface besides TCP's segments. */
const departuresLimit = 1 << 20;

/** An interface of a host, as its user describes it. */
export interface InterfaceSettings {
  readonly name: string;
  readonly mtu: number;
  /** What the device does for packets. Default: nothing. */
  readonly offload?: Offload;
  /** Our addresses there, each with the prefix that can be reached directly. */
  readonly addresses: readonly Prefix[];
}

/**
 * A host's network stack. It never waits, never looks at a clock and never calls out: packets are handed in, and taken
 * out when there is room for them. The only file that sees IP and the transports together.
 *
 * @example
 *     const stack = new Stack(new SeededRandom(1));
 *     const eth0 = stack.addInterface({ name: 'eth0', mtu: 1500, addresses: [parsePrefix('10.0.0.1/24')!] });
 *     stack.receive(packet, packet.length, now, eth0);
 *     for (let n = stack.transmit(buffer, now, eth0); n > 0; n = stack.transmit(buffer, now, eth0)) send(buffer, n);
 */
export class Stack {
  readonly options: StackOptions;
  readonly counters: Counters = new Counters();
  readonly tcp: Tcp;
  readonly udp: Udp;
  readonly raw: Raw;
  /** Connections, listeners and UDP endpoints whose readiness has changed: whoever drives the stack empties it. */
  readonly changed: ChangedList = new ChangedList();
  /** Communication between sockets of this host, by paths. */
  readonly unix: Unix = new Unix(this.changed);

  readonly #random: Random;
  readonly #observer: Observer | null;
  readonly #interfaces: Interface[] = [];
  readonly #departures: Departures[] = [];
  readonly #routes: RouteTable = new RouteTable();
  readonly #reassembly: Reassembly;
  readonly #pathMtus: PathMtus;
  readonly #identifications: Identifications;
  readonly #errorLimit: RateLimit;
  readonly #groupReports: GroupReports;
  /** What `findPath` has found last. */
  #lastPath: Path | null = null;
  /** The latest time that anybody has told. */
  #now: Micros = 0;
  /** While TCP takes in a segment: the traffic class of what it answers at once. */
  #classOfAnswer = 0;
  // One of each, refilled per packet.
  readonly #datagram: Datagram = new Datagram();
  readonly #report: IcmpReport = new IcmpReport();
  readonly #out: Outgoing = new Outgoing();
  readonly #loopbackPacket: Uint8Array = new Uint8Array(loopbackMtu + 1);

  constructor(random: Random, settings: StackSettings = {}, observer: Observer | null = null) {
    this.options = withDefaults(settings);
    this.#random = random;
    this.#observer = observer;
    this.#reassembly = new Reassembly(this.options.reassembly, random, this.counters);
    this.#pathMtus = new PathMtus(random);
    this.#identifications = new Identifications(random);
    this.#errorLimit = new RateLimit(this.options.icmpErrorsPerSecond, this.options.icmpErrorBurst, random);
    this.#groupReports = new GroupReports({
      random,
      sendPacket: (packet, interfaceIndex) => void this.#sendPacket(packet, interfaceIndex, null),
    });
    const services = {
      options: this.options,
      counters: this.counters,
      random,
      changed: this.changed,
      observer,
      findPath: (destination: Address, source: Address, interfaceIndex = 0) =>
        this.findPath(destination, source, interfaceIndex),
      isLocal: (address: Address) => this.isLocal(address),
      isBroadcast: (address: Address) => this.#isBroadcast(address),
      drop: (reason: DropReason, now: Micros) => this.#drop(reason, now),
    };
    this.tcp = new Tcp({
      ...services,
      sendAlone: (local, remote, interfaceIndex, bytes) =>
        this.#depart(interfaceIndex, local, remote, protocolTcp, bytes, 0, this.#classOfAnswer),
    });
    const send: UdpServices['send'] = (out, payload, interfaceIndex, mtu, sender) => {
      const departure = {
        source: out.source,
        destination: out.destination,
        protocol: out.protocol,
        ttl: out.ttl,
        trafficClass: out.trafficClass,
        flowLabel: out.flowLabel,
        dontFragment: out.dontFragment,
        payload,
        hasHeader: false,
      };
      if (!this.#departures[interfaceIndex]!.add({ ...departure, mtu, sender })) return false;
      // The members of a group on this host hear it too (RFC 1112 section 6.1: what is called loopback there).
      if (
        isMulticast(out.destination) &&
        sender.multicastLoop &&
        this.#interfaces[interfaceIndex]!.hears(out.destination)
      ) {
        this.#departures[loopback]!.add({ ...departure, mtu: loopbackMtu, sender: null });
      }
      return true;
    };
    this.udp = new Udp({ ...services, send });
    this.raw = new Raw({
      ...services,
      send,
      sendPacket: (packet, interfaceIndex, sender) => this.#sendPacket(packet, interfaceIndex, sender),
    });
    const addresses = [
      { address: ipv4(0x7f000001), bits: 8 },
      { address: loopbackV6, bits: 128 },
    ];
    this.addInterface({ name: 'lo', mtu: loopbackMtu, addresses });
  }

  /** Addresses of one host in the order in which they should be tried (RFC 6724 section 6). */
  orderDestinations(destinations: readonly Address[]): Address[] {
    return orderDestinations(destinations, (each) => {
      if (this.isLocal(each)) return each;
      // A link-local address that names no interface may be meant for any of them.
      const zone = isLinkLocal(each) && each.zone === 0 ? 1 : each.zone;
      return this.findPath(inZone(each, zone), each.isV4 ? anyV4 : anyV6)?.source ?? null;
    });
  }

  /** Where its random numbers come from, for code that needs some too. */
  get random(): Random {
    return this.#random;
  }

  // Configuration ------------------------------------------------------------------------------------------------------

  /** Reads an option by Linux's name for it: 'net.ipv4.tcp_sack'. @throws StackError ENOENT there is none of that name */
  sysctl(name: string): SysctlValue {
    return readSysctl(this.options, name);
  }

  /**
   * Sets an option by Linux's name for it, from now on. Connections that there are keep what they agreed upon.
   * @throws StackError ENOENT no such option, or no such congestion control; EINVAL a value that it cannot have
   */
  setSysctl(name: string, value: SysctlValue): void {
    const isControl = name.endsWith('tcp_congestion_control');
    if (isControl && !this.tcp.congestionControls.has(String(value))) throw new StackError('ENOENT', `${value}`);
    writeSysctl(this.options, name, value);
  }

  /**
   * Adds an interface and the routes to its neighbours. Returns its index, for `receive`, `transmit` and `addRoute`.
   * IPv6 needs an MTU of 1280 (RFC 8200 section 5): below it, the interface's IPv6 addresses are not used.
   */
  addInterface(settings: InterfaceSettings): number {
    const index = this.#interfaces.length;
    const usable = settings.addresses.filter(({ address }) => address.isV4 || settings.mtu >= ipv6LeastMtu);
    const made = new Interface(index, settings.name, settings.mtu, usable, settings.offload);
    this.#interfaces.push(made);
    this.#departures.push(new Departures(departuresLimit, this.#identifications));
    for (const to of made.addresses) this.#routes.add({ to, interfaceIndex: index, metric: 0 });
    return index;
  }

  get interfaces(): readonly Interface[] {
    return this.#interfaces;
  }

  /** Sends packets for `to` by an interface; null is the default route of each family that the interface has. */
  addRoute(to: Prefix | null, interfaceIndex: number, metric = 0): void {
    if (to !== null) return this.#routes.add({ to, interfaceIndex, metric });
    const { addresses } = this.#interfaces[interfaceIndex]!;
    for (const isV4 of [true, false]) {
      if (!addresses.some(({ address }) => address.isV4 === isV4)) continue;
      this.#routes.add({ to: defaultPrefix(isV4), interfaceIndex, metric });
    }
  }

  /** A socket wants what is sent to a group on an interface, from now on. */
  joinGroup(group: Address, interfaceIndex: number): void {
    this.#changeGroup(group, this.#interfaces[interfaceIndex]!, true);
  }

  /** One socket less wants it. */
  leaveGroup(group: Address, interfaceIndex: number): void {
    this.#changeGroup(group, this.#interfaces[interfaceIndex]!, false);
  }

  #changeGroup(address: Address, on: Interface, isJoining: boolean): void {
    const group = inZone(address, on.index);
    const isChange = isJoining ? on.join(group) : on.leave(group);
    if (isChange && on.index !== loopback) this.#groupReports.changed(group, on, isJoining, this.#now);
  }

  isLocal(address: Address): boolean {
    if (isLoopback(address)) return true;
    return this.#interfaces.some((each) => each.has(address));
  }

  /**
   * How to get to `destination`; our own addresses are reached over loopback.
   * @param source unspecified, or the address that the user has bound
   * @param interfaceIndex where it has to leave; 0: as the routes say
   * @returns null without a route, or when `source` is not ours or does not fit
   */
  findPath(destination: Address, source: Address, interfaceIndex = 0): Path | null {
    const isOpen = source.isUnspecified;
    if (!isOpen && (destination.isV4 !== source.isV4 || !this.isLocal(source))) return null;
    if (destination.isUnspecified) {
      return this.findPath(destination.isV4 ? ipv4(0x7f000001) : loopbackV6, source); // "this host", as Linux takes it
    }
    if (this.isLocal(destination)) {
      const own = isOpen ? destination : source;
      return this.#shared({
        interfaceIndex: loopback,
        mtu: loopbackMtu,
        source: own,
        offload: noOffload,
        toMany: false,
      });
    }
    if (!isOpen && isLoopback(source)) return null; // 127/8 never leaves (RFC 1122 section 3.2.1.3)
    const out = interfaceIndex === 0 ? this.#interfaceTowards(destination) : (this.#interfaces[interfaceIndex] ?? null);
    if (out === null) return null;
    const from = isOpen ? chooseSource(destination, out, this.#interfaces) : (this.#ownCopy(source) ?? source);
    if (from === null) return null;
    const { index, offload } = out;
    const mtu = this.#pathMtus.find(destination, out.mtu, this.#now);
    const toMany = this.#isToMany(destination);
    return this.#shared({ interfaceIndex: index, mtu, source: from, offload, toMany });
  }

  /** Paths are never changed: most connections look at the same few, and each keeps one (`npm run bench -- memory`). */
  #shared(path: Path): Path {
    const last = this.#lastPath;
    const isSame =
      last?.interfaceIndex === path.interfaceIndex &&
      last.mtu === path.mtu &&
      last.source === path.source &&
      last.offload === path.offload &&
      last.toMany === path.toMany;
    if (isSame) return last;
    this.#lastPath = path;
    return path;
  }

  /** The interface's own record of an address of ours. */
  #ownCopy(address: Address): Address | null {
    for (const { addresses } of this.#interfaces) {
      for (const each of addresses) if (sameAddress(each.address, address)) return each.address;
    }
    return null;
  }

  #interfaceTowards(destination: Address): Interface | null {
    if (destination.zone !== 0) return this.#interfaces[destination.zone] ?? null;
    if (isLinkLocal(destination) && !isMulticast(destination)) return null; // RFC 4007: on which link?
    const route = this.#routes.find(destination);
    if (route !== null) return this.#interfaces[route.interfaceIndex]!;
    if (!this.#isToMany(destination)) return null;
    const mayCarry = (each: Interface): boolean =>
      each.index !== loopback && each.addresses.some(({ address }) => address.isV4 === destination.isV4);
    return this.#interfaces.find(mayCarry) ?? null;
  }

  #isToMany(address: Address): boolean {
    return isMulticast(address) || this.#isBroadcast(address);
  }

  #isBroadcast(address: Address): boolean {
    if (address.isV4 && address.w3 === 0xffffffff) return true;
    return this.#interfaces.some((each) => each.index !== loopback && each.isBroadcast(address));
  }

  // Packets and time ---------------------------------------------------------------------------------------------------

  /**
   * One IP packet, bytes[0, length), has arrived by an interface. The stack copies what it keeps; the buffer stays the
   * caller's. Whatever is wrong with the packet is counted and told to the observer, never thrown.
   * @param meta what the device knows of it: one that stands for several is taken in as one where that is possible
   */
  receive(
    bytes: Uint8Array,
    length: number,
    now: Micros,
    interfaceIndex = 1,
    meta: Readonly<PacketMeta> = plainPacket,
  ): void {
    const { counters } = this;
    this.#now = now;
    counters.ipInReceives++;
    counters.ipInOctets += length;
    this.#observer?.packet?.('in', interfaceIndex, bytes, length, now, meta);
    this.#accept(bytes, length, now, interfaceIndex, meta);
  }

  #accept(bytes: Uint8Array, length: number, now: Micros, interfaceIndex: number, meta: Readonly<PacketMeta>): void {
    const { counters } = this;
    const datagram = this.#datagram;
    const from = this.#interfaces[interfaceIndex]!;
    const reason = acceptDatagram(bytes, length, from, this.#interfaces, this.#reassembly, datagram, now);
    datagram.isVerified = meta.checksum !== 'whole' && datagram.bytes === bytes; // not when it was put together
    datagram.segmentSize = meta.segmentSize;
    if (meta.segmentSize > 0 && (reason !== null || datagram.protocol !== protocolTcp)) {
      return this.#acceptEach(bytes, length, now, interfaceIndex, meta);
    }
    if (reason !== null) {
      if (meta.checksum === 'partial') completeChecksum(bytes, length, meta); // it may have to go on
      return this.#notAccepted(reason, datagram, now);
    }
    counters.ipInDelivers++;
    const wasWanted = this.raw.receive(datagram);
    switch (datagram.protocol) {
      case protocolTcp:
        this.#classOfAnswer = datagram.trafficClass & 0xfc; // of a reset, as Linux does; the ECN bits are not reflected
        this.tcp.receive(datagram, now);
        this.#classOfAnswer = 0;
        return;
      case protocolUdp:
        return this.#receiveUdp(datagram, now);
      case datagram.source.isV4 ? protocolIgmp : -1: {
        const reason = this.#groupReports.receiveIgmp(datagram, from, now);
        if (reason !== null) this.#drop(reason, now);
        return;
      }
      case datagram.source.isV4 ? protocolIcmp : protocolIcmpv6:
        return this.#receiveIcmp(datagram, wasWanted, now);
      default:
        if (!wasWanted) this.#refuseProtocol(datagram, now);
    }
  }

  /** Takes in one by one what a packet stands for: datagrams, and what is for somebody else. */
  #acceptEach(bytes: Uint8Array, length: number, now: Micros, interfaceIndex: number, meta: PacketMeta): void {
    const count = segmentCount(bytes, length, meta);
    for (let index = 0; index < count; index++) {
      const part = new Uint8Array(Math.min(length, meta.transportAt + mostHeader + meta.segmentSize));
      this.#accept(part, writeSegments(bytes, length, meta, index, 1, part), now, interfaceIndex, plainPacket);
    }
  }

  #notAccepted(reason: DropReason | 'kept', datagram: Datagram, now: Micros): void {
    if (reason === 'kept') return;
    const mayPassOn = this.options.forwarding && mayForward(datagram) && !this.#isBroadcast(datagram.destination); // RFC 2644
    if (reason === 'not for this host' && mayPassOn) {
      return this.#forward(datagram, now);
    }
    this.#drop(reason, now);
    this.#complain(datagram, now);
  }

  /** What the packet that `transmit` has written last asks of its device. Refilled by every `transmit`. */
  readonly departing: PacketMeta = new PacketMeta();

  /**
   * Writes the next packet that leaves by an interface into `into`, which has room for its MTU; for 65,535 octets if the
   * device takes packets that stand for several. `departing` says what is left to do for it.
   * @returns its length in octets, or 0 when there is nothing to send now
   */
  transmit(into: Uint8Array, now: Micros, interfaceIndex = 1): number {
    this.#now = now;
    this.#passLoopback(now);
    return this.#transmit(into, now, interfaceIndex);
  }

  #transmit(into: Uint8Array, now: Micros, interfaceIndex: number): number {
    const length = this.#writePacket(into, now, interfaceIndex);
    if (length === 0) return 0;
    this.counters.ipOutTransmits++;
    this.counters.ipOutOctets += length;
    this.#observer?.packet?.('out', interfaceIndex, into, length, now, this.departing);
    return length;
  }

  #writePacket(into: Uint8Array, now: Micros, interfaceIndex: number): number {
    const out = this.#out;
    const { departing } = this;
    departing.clear();
    const departed = this.#departures[interfaceIndex]!.transmit(into, out);
    if (typeof departed === 'number') return departed;
    if (departed === 'payload') {
      if (out.isFragment) this.counters.ipOutFragCreates++;
      return writeHeader(into, out);
    }
    if (!this.tcp.transmit(interfaceIndex, into, out, now)) return 0;
    // Segments are never cut (RFC 1191 section 3), so their identification distinguishes nothing (RFC 6864 section 4.1);
    // it is random all the same: a counter would tell a stranger how many packets we send.
    out.isFragment = false;
    out.dontFragment = true;
    out.identification = this.#anyIdentification();
    if (out.hasPartialChecksum) {
      departing.checksum = 'partial';
      departing.transportAt = outgoingHeaderLength(out);
      departing.checksumOffset = checksumOffset;
      departing.segmentSize = out.segmentSize;
    }
    return writeHeader(into, out);
  }

  /** A random number of 16 bits; one of 32 is good for two (`npm run bench -- core`). */
  #anyIdentification(): number {
    const spare = this.#spareIdentification;
    if (spare >= 0) {
      this.#spareIdentification = -1;
      return spare;
    }
    const both = this.#random.uint32();
    this.#spareIdentification = both >>> 16;
    return both & 0xffff;
  }
  #spareIdentification = -1;

  /** What this host sends to itself arrives at once; it never reaches a device. */
  #passLoopback(now: Micros): void {
    for (let packets = 0; packets < loopbackTurn; packets++) {
      const length = this.#transmit(this.#loopbackPacket, now, loopback);
      if (length === 0) return;
      this.receive(this.#loopbackPacket, length, now, loopback);
    }
  }

  /** Does what has fallen due by `now`. Calling early, late or twice is harmless. */
  advance(now: Micros): void {
    this.#now = now;
    this.tcp.advance(now);
    this.#groupReports.advance(now);
    const about = this.#datagram;
    for (let given = this.#reassembly.expire(now, about); given !== null; given = this.#reassembly.expire(now, about)) {
      this.#drop('reassembly timeout', now);
      if (given === 'silent') continue;
      about.complaint.set(about.source.isV4 ? icmpv4.timeExceeded : icmpv6.timeExceeded6, 1, 0);
      this.#complain(about, now);
    }
  }

  /** When `advance` is next worth calling; `never` if nothing is pending. Valid until the next call of any method. */
  nextDeadline(): Micros {
    if (this.#departures[loopback]!.length > 0 || this.tcp.hasOutput(loopback)) return 0;
    return Math.min(this.tcp.nextDeadline(), this.#reassembly.nextDeadline(), this.#groupReports.nextDeadline());
  }

  // What arrives -------------------------------------------------------------------------------------------------------

  #receiveUdp(datagram: Datagram, now: Micros): void {
    const reason = this.udp.receive(datagram);
    if (reason === null) return;
    this.#drop(reason, now);
    if (reason !== 'no UDP socket') return;
    const { complaint } = datagram; // RFC 1122 section 4.1.3.1, RFC 4443 section 3.1
    if (datagram.source.isV4) complaint.set(icmpv4.destinationUnreachable, icmpv4.portUnreachable, 0);
    else complaint.set(icmpv6.destinationUnreachable6, icmpv6.portUnreachable6, 0);
    this.#complain(datagram, now);
  }

  #refuseProtocol(datagram: Datagram, now: Micros): void {
    this.#drop('unknown protocol', now);
    const { complaint } = datagram; // RFC 1122 section 3.2.2.1, RFC 8200 section 4
    if (datagram.source.isV4) complaint.set(icmpv4.destinationUnreachable, icmpv4.protocolUnreachable, 0);
    else complaint.set(icmpv6.parameterProblem6, icmpv6.unknownNextHeader, datagram.nextHeaderAt);
    this.#complain(datagram, now);
  }

  #receiveIcmp(datagram: Datagram, wasWanted: boolean, now: Micros): void {
    const { destination, interfaceIndex, toMany, protocol } = datagram;
    const accept = destination.isV4 ? acceptIcmp : acceptIcmpv6;
    const outcome = accept(datagram, this.#report, this.counters);
    if (outcome === 'report') return this.#dispatchReport(this.#report, interfaceIndex, now);
    if (outcome === 'group query') {
      const reason = this.#groupReports.receiveMldQuery(datagram, this.#interfaces[interfaceIndex]!, now);
      if (reason !== null) this.#drop(reason, now);
      return;
    }
    if (typeof outcome === 'string') {
      if (outcome !== 'ICMP ignored' || !wasWanted) this.#drop(outcome, now);
      return;
    }
    const to = copyAddress(datagram.source);
    const from = toMany
      ? chooseSource(to, this.#interfaces[interfaceIndex]!, this.#interfaces)
      : copyAddress(destination);
    if (from === null) return this.#drop('no route', now);
    if (toMany) fillChecksum(outcome, from, to);
    this.counters.icmpOutEchoReps++;
    this.counters.icmpOutMsgs++;
    this.#depart(interfaceIndex, from, to, protocol, outcome, now, datagram.trafficClass); // as Linux does
  }

  /** MUST-54: an ICMP error goes to the transport, and there to the socket, that sent what it quotes. */
  #dispatchReport(report: IcmpReport, interfaceIndex: number, now: Micros): void {
    const { localPort, remotePort, seq, error, mtu } = report;
    const local = inZone(report.local, interfaceIndex);
    const remote = inZone(report.remote, interfaceIndex);
    let wasOurs = false;
    if (report.protocol === protocolTcp) {
      wasOurs = this.tcp.reportError(local, localPort, remote, remotePort, seq, error, mtu, now);
    } else if (report.protocol === protocolUdp) {
      wasOurs = this.udp.reportError(local, localPort, remote, remotePort, report.isHard || mtu >= 0 ? error : null);
    }
    const told = report.isHard || mtu >= 0 ? error : null;
    if (this.raw.reportError(local, remote, report.protocol, told)) wasOurs = true;
    if (!wasOurs) return this.#drop('ICMP ignored', now);
    if (mtu >= 0) this.#pathMtus.learn(remote, usableMtu(remote, mtu), now);
  }

  /** Sends the ICMP error that a datagram's complaint asks for, if it may be sent. */
  #complain(about: Datagram, now: Micros): void {
    const { type, code, parameter, evenToMany } = about.complaint;
    if (type === 0 || !mayReportError(about, evenToMany)) return;
    const { interfaceIndex } = about;
    const to = copyAddress(about.source);
    const isOwn = !about.toMany && this.isLocal(about.destination);
    const from = isOwn
      ? copyAddress(about.destination)
      : chooseSource(to, this.#interfaces[interfaceIndex]!, this.#interfaces);
    if (from === null) return;
    if (!this.#errorLimit.take(now)) return this.#drop('ICMP rate limit', now);
    this.counters.icmpOutErrors++;
    this.counters.icmpOutMsgs++;
    const message = makeError(type, code, parameter, about, from, to);
    this.#depart(interfaceIndex, from, to, to.isV4 ? protocolIcmp : protocolIcmpv6, message, now);
  }

  /** A packet for somebody else: pass it on, or tell its sender why not (RFC 1812 section 5.2.1). */
  #forward(datagram: Datagram, now: Micros): void {
    const { destination, complaint } = datagram;
    const badOption = destination.isV4 ? checkIpv4Options(datagram) : null;
    if (badOption !== null) {
      this.#drop(badOption, now);
      return this.#complain(datagram, now);
    }
    const route = this.#routes.find(destination);
    const out = route === null ? null : this.#interfaces[route.interfaceIndex]!;
    const packets = out === null ? [] : forwarded(datagram, out.mtu);
    if (out === null) {
      if (destination.isV4) complaint.set(icmpv4.destinationUnreachable, icmpv4.networkUnreachable, 0);
      else complaint.set(icmpv6.destinationUnreachable6, icmpv6.noRoute, 0);
    }
    if (out === null || packets.length === 0) {
      this.#drop(out === null ? 'no route' : 'not forwarded', now);
      return this.#complain(datagram, now);
    }
    this.counters.ipForwDatagrams++;
    for (const packet of packets) if (!this.#sendPacket(packet, out.index, null)) this.#drop('reply queue full', now);
  }

  /** Sends a packet that has its IP header already. Returns false when there is no room for it. */
  #sendPacket(packet: Uint8Array, interfaceIndex: number, sender: DatagramEndpoint | null): boolean {
    return this.#departures[interfaceIndex]!.add({
      source: anyV4,
      destination: anyV4,
      protocol: 0,
      ttl: 0,
      trafficClass: 0,
      flowLabel: 0,
      dontFragment: true,
      mtu: packet.length,
      payload: packet,
      hasHeader: true,
      sender,
    });
  }

  #depart(
    interfaceIndex: number,
    source: Address,
    destination: Address,
    protocol: number,
    payload: Uint8Array,
    now: Micros = 0,
    trafficClass = 0,
  ): void {
    const path = interfaceIndex === loopback ? null : this.findPath(destination, source);
    const index = path?.interfaceIndex ?? interfaceIndex;
    const departure = {
      source: copyAddress(source), // a datagram's addresses are refilled
      destination: copyAddress(destination),
      protocol,
      ttl: this.options.ttl,
      trafficClass,
      flowLabel: 0,
      dontFragment: false,
      mtu: path?.mtu ?? this.#interfaces[index]!.mtu,
      payload,
      hasHeader: false,
      sender: null,
    };
    if (!this.#departures[index]!.add(departure)) this.#drop('reply queue full', now);
  }

  #drop(reason: DropReason, now: Micros): void {
    this.counters.drops[reason]++;
    this.#observer?.drop?.(reason, now);
  }
}

/** What a router may make us believe: over IPv4 not less than 552 octets, as on Linux. IPv6 has been seen to already. */
const usableMtu = (remote: Address, mtu: number): number => (remote.isV4 ? Math.max(mtu, 552) : mtu);
