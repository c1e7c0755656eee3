import { type Address, copyAddress, ipv4, isLoopback, isMulticast, type Prefix } from './base/address.ts';
import { Counters, type DropReason } from './base/counters.ts';
import type { Observer } from './base/observe.ts';
import { type StackOptions, type StackSettings, withDefaults } from './base/options.ts';
import type { Path } from './base/path.ts';
import type { Random } from './base/random.ts';
import { ChangedList } from './base/ready.ts';
import type { Micros } from './base/time.ts';
import { makeError, mayReportError, RateLimit } from './icmp/errors.ts';
import { acceptIcmp, IcmpReport } from './icmp/input.ts';
import { Departures } from './ip/departures.ts';
import { acceptDatagram } from './ip/input.ts';
import { Interface } from './ip/interface.ts';
import { writeHeader } from './ip/output.ts';
import { defaultPrefix, RouteTable } from './ip/route.ts';
import { Tcp } from './tcp/tcp.ts';
import { Udp } from './udp/udp.ts';
import { Datagram, Outgoing, protocolIcmp, protocolTcp, protocolUdp } from './wire/datagram.ts';
import { destinationUnreachable, portUnreachable, protocolUnreachable } from './wire/icmpv4.ts';

/** The loopback interface has index 0; packets on it never reach a device. */
const loopback = 0;
const loopbackMtu = 65_535;
/** Packets that loopback passes on between two packets of a device: a connection to ourselves cannot hold up the others. */
const loopbackTurn = 64;
/** Octets that may wait to leave by one interface besides TCP's segments. */
const departuresLimit = 1 << 20;

/** An interface of a host, as its user describes it. */
export interface InterfaceSettings {
  readonly name: string;
  readonly mtu: number;
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
  /** Connections, listeners and UDP endpoints whose readiness has changed: whoever drives the stack empties it. */
  readonly changed: ChangedList = new ChangedList();

  readonly #random: Random;
  readonly #observer: Observer | null;
  readonly #interfaces: Interface[] = [];
  readonly #departures: Departures[] = [];
  readonly #routes: RouteTable = new RouteTable();
  readonly #errorLimit: RateLimit;
  // One of each, refilled per packet.
  readonly #datagram: Datagram = new Datagram();
  readonly #report: IcmpReport = new IcmpReport();
  readonly #out: Outgoing = new Outgoing();
  readonly #loopbackPacket: Uint8Array = new Uint8Array(loopbackMtu + 1);

  constructor(random: Random, settings: StackSettings = {}, observer: Observer | null = null) {
    this.options = withDefaults(settings);
    this.#random = random;
    this.#observer = observer;
    this.#errorLimit = new RateLimit(this.options.icmpErrorsPerSecond, this.options.icmpErrorBurst, random);
    const services = {
      options: this.options,
      counters: this.counters,
      random,
      changed: this.changed,
      observer,
      findPath: (destination: Address, source: Address) => this.findPath(destination, source),
      isLocal: (address: Address) => this.isLocal(address),
      isBroadcast: (address: Address) => this.#isBroadcast(address),
      drop: (reason: DropReason, now: Micros) => this.#drop(reason, now),
    };
    this.tcp = new Tcp({
      ...services,
      sendAlone: (local, remote, interfaceIndex, bytes) =>
        this.#depart(interfaceIndex, local, remote, protocolTcp, bytes),
    });
    this.udp = new Udp({
      ...services,
      send: (out, payload, interfaceIndex, sender) =>
        this.#departures[interfaceIndex]!.add({
          source: out.source,
          destination: out.destination,
          protocol: out.protocol,
          ttl: out.ttl,
          trafficClass: out.trafficClass,
          payload,
          sender,
        }),
    });
    this.addInterface({ name: 'lo', mtu: loopbackMtu, addresses: [{ address: ipv4(0x7f000001), bits: 8 }] });
  }

  // Configuration ------------------------------------------------------------------------------------------------------

  /** Adds an interface and the routes to its neighbours. Returns its index, for `receive`, `transmit` and `addRoute`. */
  addInterface(settings: InterfaceSettings): number {
    const index = this.#interfaces.length;
    this.#interfaces.push(new Interface(index, settings.name, settings.mtu, settings.addresses));
    this.#departures.push(new Departures(departuresLimit));
    for (const { address, bits } of settings.addresses) {
      this.#routes.add({ to: { address, bits }, interfaceIndex: index, metric: 0, source: address });
    }
    return index;
  }

  get interfaces(): readonly Interface[] {
    return this.#interfaces;
  }

  /** Sends packets for `to` by an interface; null is the default route of the family of the interface's first address. */
  addRoute(to: Prefix | null, interfaceIndex: number, metric = 0): void {
    for (const { address } of this.#interfaces[interfaceIndex]!.addresses) {
      const prefix = to ?? defaultPrefix(address);
      if (prefix.address.isV4 !== address.isV4) continue;
      this.#routes.add({ to: prefix, interfaceIndex, metric, source: address });
      return;
    }
  }

  isLocal(address: Address): boolean {
    if (isLoopback(address)) return true;
    return this.#interfaces.some((each) => each.has(address));
  }

  /**
   * How to get to `destination`; our own addresses are reached over loopback.
   * @param source unspecified, or the address that the user has bound
   * @returns null without a route, for what is no unicast address, or when `source` is not ours
   */
  findPath(destination: Address, source: Address): Path | null {
    const isOpen = source.isUnspecified;
    if (!isOpen && !this.isLocal(source)) return null;
    if (destination.isV4 !== source.isV4 || isMulticast(destination) || this.#isBroadcast(destination)) return null;
    if (destination.isUnspecified) return this.findPath(ipv4(0x7f000001), source); // "this host", as Linux takes it
    if (this.isLocal(destination)) {
      return { interfaceIndex: loopback, mtu: loopbackMtu, source: isOpen ? destination : source };
    }
    const route = this.#routes.find(destination);
    if (route === null || (!isOpen && isLoopback(source))) return null; // 127/8 never leaves (RFC 1122 section 3.2.1.3)
    const { mtu } = this.#interfaces[route.interfaceIndex]!;
    return { interfaceIndex: route.interfaceIndex, mtu, source: isOpen ? route.source : source };
  }

  #isBroadcast(address: Address): boolean {
    if (address.isV4 && address.w3 === 0xffffffff) return true;
    return this.#interfaces.some((each) => each.index !== loopback && each.isBroadcast(address));
  }

  // Packets and time ---------------------------------------------------------------------------------------------------

  /**
   * One IP packet, bytes[0, length), has arrived by an interface. The stack copies what it keeps; the buffer stays the
   * caller's. Whatever is wrong with the packet is counted and told to the observer, never thrown.
   */
  receive(bytes: Uint8Array, length: number, now: Micros, interfaceIndex = 1): void {
    const { counters } = this;
    counters.ipInReceives++;
    counters.ipInOctets += length;
    this.#observer?.packet?.('in', interfaceIndex, bytes, length, now);
    const datagram = this.#datagram;
    const reason = acceptDatagram(bytes, length, this.#interfaces[interfaceIndex]!, this.#interfaces, datagram);
    if (reason !== null) return this.#drop(reason, now);
    counters.ipInDelivers++;
    switch (datagram.protocol) {
      case protocolTcp:
        return this.tcp.receive(datagram, now);
      case protocolUdp:
        return this.#receiveUdp(datagram, now);
      case protocolIcmp:
        return this.#receiveIcmp(datagram, now);
      default:
        this.#drop('unknown protocol', now);
        this.#sendUnreachable(protocolUnreachable, datagram, now); // RFC 1122 section 3.2.2.1
    }
  }

  /**
   * Writes the next packet that leaves by an interface into `into`, which has room for its MTU.
   * @returns its length in octets, or 0 when there is nothing to send now
   */
  transmit(into: Uint8Array, now: Micros, interfaceIndex = 1): number {
    this.#passLoopback(now);
    return this.#transmit(into, now, interfaceIndex);
  }

  #transmit(into: Uint8Array, now: Micros, interfaceIndex: number): number {
    const out = this.#out;
    if (!this.#departures[interfaceIndex]!.transmit(into, out)) {
      if (!this.tcp.transmit(interfaceIndex, into, out, now)) return 0;
    }
    const length = writeHeader(into, out, this.#random.uint32() & 0xffff);
    this.counters.ipOutTransmits++;
    this.counters.ipOutOctets += length;
    this.#observer?.packet?.('out', interfaceIndex, into, length, now);
    return length;
  }

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
    this.tcp.advance(now);
  }

  /** When `advance` is next worth calling; `never` if nothing is pending. Valid until the next call of any method. */
  nextDeadline(): Micros {
    if (this.#departures[loopback]!.length > 0 || this.tcp.hasOutput(loopback)) return 0;
    return this.tcp.nextDeadline();
  }

  // What arrives -------------------------------------------------------------------------------------------------------

  #receiveUdp(datagram: Datagram, now: Micros): void {
    const reason = this.udp.receive(datagram);
    if (reason === null) return;
    this.#drop(reason, now);
    if (reason === 'no UDP socket') this.#sendUnreachable(portUnreachable, datagram, now); // RFC 1122 section 4.1.3.1
  }

  #receiveIcmp(datagram: Datagram, now: Micros): void {
    const report = this.#report;
    const outcome = acceptIcmp(datagram, report, this.counters);
    if (outcome === null) return;
    if (outcome === 'report') return this.#dispatchReport(report, now);
    if (typeof outcome === 'string') return this.#drop(outcome, now);
    this.counters.icmpOutEchoReps++;
    this.counters.icmpOutMsgs++;
    this.#depart(datagram.interfaceIndex, datagram.destination, datagram.source, protocolIcmp, outcome, now);
  }

  /** MUST-54: an ICMP error goes to the transport, and there to the socket, that sent what it quotes. */
  #dispatchReport(report: IcmpReport, now: Micros): void {
    const { local, localPort, remote, remotePort, seq, error, mtu } = report;
    let wasOurs = false;
    if (report.protocol === protocolTcp) {
      wasOurs = this.tcp.reportError(local, localPort, remote, remotePort, seq, error, mtu, now);
    } else if (report.protocol === protocolUdp && (report.isHard || mtu >= 0)) {
      wasOurs = this.udp.reportError(local, localPort, remote, remotePort, error);
    }
    if (!wasOurs) this.#drop('ICMP ignored', now);
  }

  #sendUnreachable(code: number, about: Datagram, now: Micros): void {
    if (!mayReportError(about)) return;
    if (!this.#errorLimit.take(now)) return this.#drop('ICMP rate limit', now);
    this.counters.icmpOutDestUnreachs++;
    this.counters.icmpOutMsgs++;
    const message = makeError(destinationUnreachable, code, 0, about);
    this.#depart(about.interfaceIndex, about.destination, about.source, protocolIcmp, message, now);
  }

  #depart(
    interfaceIndex: number,
    source: Address,
    destination: Address,
    protocol: number,
    payload: Uint8Array,
    now: Micros = 0,
  ): void {
    const departure = {
      source: copyAddress(source), // the datagram's addresses are refilled
      destination: copyAddress(destination),
      protocol,
      ttl: this.options.ttl,
      trafficClass: 0,
      payload,
      sender: null,
    };
    if (!this.#departures[interfaceIndex]!.add(departure)) this.#drop('reply queue full', now);
  }

  #drop(reason: DropReason, now: Micros): void {
    this.counters.drops[reason]++;
    this.#observer?.drop?.(reason, now);
  }
}
