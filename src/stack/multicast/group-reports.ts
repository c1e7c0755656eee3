import { Address, anyV6, copyAddress, ipv4, isLinkLocal, sameAddress } from '../base/address.ts';
import { getUint8, getUint16, getUint32, setUint8, setUint16, setUint32 } from '../base/bytes.ts';
import { checksum, finishChecksum, pseudoHeaderSum, sumBytes } from '../base/checksum.ts';
import type { DropReason } from '../base/counters.ts';
import { type Random, randomBelow } from '../base/random.ts';
import { type Micros, ms, never, seconds } from '../base/time.ts';
import { type Datagram, Outgoing, protocolIcmpv6, protocolIgmp } from '../wire/datagram.ts';
import { writeIpv4 } from '../wire/ipv4.ts';
import { hopByHopHeader, ipv6HeaderLength, writeIpv6 } from '../wire/ipv6.ts';

/**
 * Telling routers which groups this host listens to: IGMPv3 (RFC 3376) and MLDv2 (RFC 3810), and their predecessors
 * (RFC 2236, RFC 2710) where a router speaks those. Sockets join without naming sources, so every record says "all
 * sources" (EXCLUDE of nothing) or "none" (INCLUDE of nothing).
 *
 * It does not report solicited-node groups: there is no neighbour discovery on the links of this stack.
 */

/** An interface, as far as reports need it. */
export interface GroupInterface {
  readonly index: number;
  readonly groups: readonly Address[];
  readonly addresses: readonly { readonly address: Address }[];
}

export interface GroupReportServices {
  readonly random: Random;
  /** Queues a packet with its IP header. */
  sendPacket(packet: Uint8Array, interfaceIndex: number): void;
}

/** Record types (RFC 3376 section 4.2.12, RFC 3810 section 5.2.12). */
const modeIsExclude = 2;
const changeToInclude = 3;
const changeToExclude = 4;

/** Changes are told twice, the second time within a second (RFC 3376 sections 8.1 and 8.11). */
const repeatWithin: Micros = seconds(1);
/** How long a router of an older version is remembered: robustness x query interval + response (RFC 3376 section 8.12). */
const oldRouterFor: Micros = seconds(260);

const queryV4 = 0x11;
const reportV4v2 = 0x16;
const leaveV4v2 = 0x17;
const reportV4v3 = 0x22;
const reportV6v1 = 131;
const doneV6v1 = 132;
const reportV6v2 = 143;

const allRoutersV4 = ipv4(0xe0000002);
const reportersV4 = ipv4(0xe0000016);
const allRoutersV6 = new Address(0xff020000, 0, 0, 2);
const reportersV6 = new Address(0xff020000, 0, 0, 0x16);

interface Pending {
  readonly on: GroupInterface;
  /** Null: all groups of a family. */
  readonly group: Address | null;
  readonly isV4: boolean;
  readonly record: number;
  readonly at: Micros;
}

export class GroupReports {
  readonly #services: GroupReportServices;
  #pending: Pending[] = [];
  /** Until when a router of the older version counts as present, by interface and family. */
  readonly #oldRouterUntil: Map<string, Micros> = new Map();

  constructor(services: GroupReportServices) {
    this.#services = services;
  }

  /** The first socket has joined, or the last one has left: routers hear of it now, and once more. */
  changed(group: Address, on: GroupInterface, isMember: boolean, now: Micros): void {
    this.#pending = this.#pending.filter(
      (each) => each.on !== on || each.group === null || !sameAddress(each.group, group),
    );
    const record = isMember ? changeToExclude : changeToInclude;
    this.#send(on, [group], record, now);
    const at = now + randomBelow(this.#services.random, repeatWithin);
    this.#pending.push({ on, group: copyAddress(group), isV4: group.isV4, record, at });
  }

  /** An IGMP message has arrived (RFC 3376 section 4.1); queries matter, the reports of others do not. */
  receiveIgmp(
    { bytes, payloadStart: start, payloadEnd: end }: Datagram,
    on: GroupInterface,
    now: Micros,
  ): DropReason | null {
    if (end - start < 8) return 'malformed group message';
    if (checksum(bytes, start, end) !== 0) return 'malformed group message';
    if (getUint8(bytes, start) !== queryV4) return null;
    const code = getUint8(bytes, start + 1);
    const isOld = end - start < 12;
    const within = isOld ? ms(100) * (code === 0 ? 100 : code) : ms(100) * floating(code, 8);
    const group = getUint32(bytes, start + 4);
    this.#queried(on, group === 0 ? null : ipv4(group), true, isOld, within, now);
    return null;
  }

  /** A query of MLD (RFC 3810 section 5.1); the checksum is right already. */
  receiveMldQuery(
    { bytes, payloadStart: start, payloadEnd: end }: Datagram,
    on: GroupInterface,
    now: Micros,
  ): DropReason | null {
    if (end - start < 24) return 'malformed group message';
    const isOld = end - start < 28;
    const code = getUint16(bytes, start + 4);
    const group = new Address(
      getUint32(bytes, start + 8),
      getUint32(bytes, start + 12),
      getUint32(bytes, start + 16),
      getUint32(bytes, start + 20),
    );
    if (isLinkLocal(group)) group.zone = on.index;
    this.#queried(on, group.isUnspecified ? null : group, false, isOld, ms(isOld ? code : floating(code, 16)), now);
    return null;
  }

  /** Answers within the time that the router gives, each host after a time of its own (RFC 3376 section 5.2). */
  #queried(
    on: GroupInterface,
    group: Address | null,
    isV4: boolean,
    isOld: boolean,
    within: Micros,
    now: Micros,
  ): void {
    if (isOld) this.#oldRouterUntil.set(familyKey(on, isV4), now + oldRouterFor);
    const isSame = (each: Pending): boolean =>
      each.on === on && each.isV4 === isV4 && each.record === modeIsExclude && String(each.group) === String(group);
    if (group !== null && !on.groups.some((each) => sameAddress(each, group))) return;
    if (this.#pending.some(isSame)) return;
    const at = now + randomBelow(this.#services.random, Math.max(1, within));
    this.#pending.push({ on, group, isV4, record: modeIsExclude, at });
  }

  nextDeadline(): Micros {
    let next = never;
    for (const { at } of this.#pending) next = Math.min(next, at);
    return next;
  }

  advance(now: Micros): void {
    if (this.nextDeadline() > now) return;
    const due = this.#pending.filter(({ at }) => at <= now);
    this.#pending = this.#pending.filter(({ at }) => at > now);
    for (const { on, group, isV4, record } of due) {
      const groups = group === null ? on.groups.filter((each) => each.isV4 === isV4) : [group];
      if (groups.length > 0) this.#send(on, groups, record, now);
    }
  }

  #send(on: GroupInterface, groups: readonly Address[], record: number, now: Micros): void {
    const isV4 = groups[0]!.isV4;
    const isOld = (this.#oldRouterUntil.get(familyKey(on, isV4)) ?? -1) > now;
    if (!isOld) {
      // As many records as fit a packet of the least MTU.
      const most = isV4 ? 64 : 60;
      for (let at = 0; at < groups.length; at += most) this.#sendRecords(on, groups.slice(at, at + most), record);
      return;
    }
    for (const group of groups) {
      const isLeaving = record === changeToInclude;
      const type = isV4 ? (isLeaving ? leaveV4v2 : reportV4v2) : isLeaving ? doneV6v1 : reportV6v1;
      const message = new Uint8Array(isV4 ? 8 : 24);
      setUint8(message, 0, type);
      writeGroup(message, isV4 ? 4 : 8, group);
      this.#sendMessage(on, isLeaving ? (isV4 ? allRoutersV4 : allRoutersV6) : group, message);
    }
  }

  #sendRecords(on: GroupInterface, groups: readonly Address[], record: number): void {
    const isV4 = groups[0]!.isV4;
    const size = isV4 ? 8 : 20;
    const message = new Uint8Array(8 + groups.length * size);
    setUint8(message, 0, isV4 ? reportV4v3 : reportV6v2);
    setUint16(message, 6, groups.length);
    groups.forEach((group, index) => {
      setUint8(message, 8 + index * size, record);
      writeGroup(message, 12 + index * size, group);
    });
    this.#sendMessage(on, isV4 ? reportersV4 : reportersV6, message);
  }

  /** With a time to live of 1, and an option that makes routers look (RFC 3376 section 4, RFC 3810 section 5). */
  #sendMessage(on: GroupInterface, destination: Address, message: Uint8Array): void {
    const out = new Outgoing();
    out.destination = destination;
    out.ttl = 1;
    if (destination.isV4) {
      const source = on.addresses.find(({ address }) => address.isV4)?.address;
      if (source === undefined) return;
      out.source = source;
      setUint16(message, 2, checksum(message, 0, message.length));
      this.#services.sendPacket(withRouterAlert(out, message), on.index);
      return;
    }
    out.source = on.addresses.find(({ address }) => !address.isV4 && isLinkLocal(address))?.address ?? anyV6;
    const sum = pseudoHeaderSum(out.source, destination, protocolIcmpv6, message.length);
    setUint16(message, 2, finishChecksum(sumBytes(message, 0, message.length, sum)));
    this.#services.sendPacket(withHopByHop(out, message), on.index);
  }
}

const familyKey = (on: GroupInterface, isV4: boolean): string => `${on.index} ${isV4}`;

/** Times above the half of the field are a mantissa and an exponent (RFC 3376 section 4.1.1, RFC 3810 section 5.1.3). */
function floating(code: number, bits: 8 | 16): number {
  const mantissaBits = bits === 8 ? 4 : 12;
  if (code < 1 << (bits - 1)) return code;
  const mantissa = code & ((1 << mantissaBits) - 1);
  const exponent = (code >> mantissaBits) & 7;
  return (mantissa | (1 << mantissaBits)) << (exponent + 3);
}

function writeGroup(into: Uint8Array, at: number, group: Address): void {
  const words = group.isV4 ? [group.w3] : [group.w0, group.w1, group.w2, group.w3];
  for (const [index, word] of words.entries()) setUint32(into, at + index * 4, word);
}

/** An IPv4 packet with the router alert option (RFC 2113). */
function withRouterAlert(out: Outgoing, message: Uint8Array): Uint8Array {
  out.protocol = protocolIgmp;
  out.trafficClass = 0xc0;
  out.length = message.length + 4;
  const packet = new Uint8Array(24 + message.length);
  writeIpv4(packet, out);
  setUint8(packet, 0, 0x46);
  setUint32(packet, 20, 0x94040000);
  setUint16(packet, 10, 0);
  setUint16(packet, 10, checksum(packet, 0, 24));
  packet.set(message, 24);
  return packet;
}

/** An IPv6 packet with the router alert option (RFC 2711) in a hop-by-hop header. */
function withHopByHop(out: Outgoing, message: Uint8Array): Uint8Array {
  out.protocol = hopByHopHeader;
  out.length = message.length + 8;
  const packet = new Uint8Array(ipv6HeaderLength + out.length);
  writeIpv6(packet, out);
  setUint8(packet, ipv6HeaderLength, protocolIcmpv6);
  setUint32(packet, ipv6HeaderLength + 2, 0x05020000); // router alert: MLD; then PadN of nothing
  setUint16(packet, ipv6HeaderLength + 6, 0x0100);
  packet.set(message, ipv6HeaderLength + 8);
  return packet;
}
