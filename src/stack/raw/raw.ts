import { type Address, bindingCovers, copyAddress, isMulticast, sameAddress } from '../base/address.ts';
import { getUint8, getUint16, getUint32, setUint16, setUint32 } from '../base/bytes.ts';
import { checksum, finishChecksum, pseudoHeaderSum, sumBytes } from '../base/checksum.ts';
import { DatagramEndpoint, type ReceivedDatagram } from '../base/datagram-endpoint.ts';
import { type ErrorCode, StackError } from '../base/errors.ts';
import type { StackOptions } from '../base/options.ts';
import { anyInterface, type FindPath, findPathBy, headerRoom } from '../base/path.ts';
import type { Random } from '../base/random.ts';
import type { ChangedList } from '../base/ready.ts';
import { type Datagram, Outgoing, protocolIcmp, protocolIcmpv6 } from '../wire/datagram.ts';
import { ipv4HeaderLength } from '../wire/ipv4.ts';

/** What raw sockets need of the stack around them. */
export interface RawServices {
  readonly options: StackOptions;
  readonly random: Random;
  readonly changed: ChangedList;
  readonly findPath: FindPath;
  isLocal(address: Address): boolean;
  /** Queues a payload. Returns false when there is no room. */
  send(out: Outgoing, payload: Uint8Array, interfaceIndex: number, mtu: number, sender: DatagramEndpoint): boolean;
  /** Queues a packet that has its header. */
  sendPacket(packet: Uint8Array, interfaceIndex: number, sender: DatagramEndpoint): boolean;
}

/** IPPROTO_RAW: sends what it is given, header and all, and receives nothing (raw(7)). */
const protocolRaw = 255;

/** A raw socket: whatever arrives for its protocol, besides what the stack itself does with it. */
export class RawEndpoint extends DatagramEndpoint {
  readonly isV4: boolean;
  readonly protocol: number;
  /** IP_HDRINCL: what is sent has its IP header. */
  headerIncluded: boolean;
  /** ICMP types that are not wanted, a bit each (ICMP_FILTER, ICMPV6_FILTER). */
  readonly blocked: Uint32Array = new Uint32Array(8);
  /** IPV6_CHECKSUM: where in what is sent the checksum belongs; -1 for none. ICMPv6 always has one. */
  checksumOffset = -1;

  constructor(any: Address, protocol: number, receiveLimit: number, sendLimit: number, changed: ChangedList) {
    super(any, receiveLimit, sendLimit, changed);
    this.isV4 = any.isV4;
    this.protocol = protocol;
    this.headerIncluded = protocol === protocolRaw;
  }
}

/** Raw sockets (raw(7), RFC 3542 section 3): copies of datagrams in, and datagrams of any protocol out. */
export class Raw {
  readonly #services: RawServices;
  readonly #endpoints: Set<RawEndpoint> = new Set();
  readonly #out: Outgoing = new Outgoing();

  constructor(services: RawServices) {
    this.#services = services;
  }

  endpoints(): Iterable<RawEndpoint> {
    return this.#endpoints;
  }

  /** A new endpoint of the family of `any`. It receives from now on. */
  open(any: Address, protocol: number): RawEndpoint {
    const { options, changed, random } = this.#services;
    const endpoint = new RawEndpoint(any, protocol, options.udpReceiveBuffer, options.udpSendBuffer, changed);
    endpoint.ttl = options.ttl;
    endpoint.flowLabel = random.uint32() & 0xfffff;
    this.#endpoints.add(endpoint);
    return endpoint;
  }

  /** Only what is sent to `address` is received from now on. @throws StackError EADDRNOTAVAIL not an address of this host */
  bind(endpoint: RawEndpoint, address: Address): void {
    if (!address.isUnspecified && !this.#services.isLocal(address) && !isMulticast(address)) {
      throw new StackError('EADDRNOTAVAIL', `${address} is not an address of this host`);
    }
    endpoint.local = address;
  }

  /** Fixes the peer. @throws StackError ENETUNREACH no route; EACCES a broadcast that is not allowed */
  connect(endpoint: RawEndpoint, remote: Address): void {
    const path = findPathBy(this.#services.findPath, endpoint.device, remote, endpoint.local);
    if (path === null) throw new StackError('ENETUNREACH', `no route to ${remote}`);
    if (path.toMany && !isMulticast(remote) && !endpoint.mayBroadcast) throw new StackError('EACCES', 'broadcast');
    if (endpoint.local.isUnspecified) endpoint.local = path.source;
    endpoint.remote = remote;
    endpoint.error = null;
  }

  /**
   * Sends one datagram, with an IP header of ours in front, or with its own (`headerIncluded`); the octets are copied.
   * @throws StackError EDESTADDRREQ, EINVAL a header that is none, EMSGSIZE, EACCES, EPIPE, ENETUNREACH, EAGAIN, ENOBUFS
   */
  send(endpoint: RawEndpoint, data: Uint8Array, to: Address | null): number {
    const remote = to ?? endpoint.remote;
    if (remote === null) throw new StackError('EDESTADDRREQ', 'no destination');
    endpoint.throwPending();
    if (endpoint.writeShut) throw new StackError('EPIPE');
    const by = (isMulticast(remote) && endpoint.multicastInterface) || endpoint.device;
    const path = findPathBy(this.#services.findPath, by, remote, endpoint.local);
    if (path === null) throw new StackError('ENETUNREACH', `no route to ${remote}`);
    if (path.toMany && !isMulticast(remote) && !endpoint.mayBroadcast) throw new StackError('EACCES', 'broadcast');
    const room = endpoint.headerIncluded ? 0 : headerRoom(remote);
    if (data.length + room > 0xffff + (remote.isV4 ? 0 : 40)) throw new StackError('EMSGSIZE');
    if ((endpoint.pmtuDiscovery === 'do' || endpoint.headerIncluded) && data.length + room > path.mtu)
      throw new StackError('EMSGSIZE');
    if (!endpoint.hasRoom(data.length)) throw new StackError('EAGAIN');
    const payload = data.slice();
    if (endpoint.headerIncluded) {
      completeHeader(payload, path.source, this.#services.random);
      if (!this.#services.sendPacket(payload, path.interfaceIndex, endpoint)) throw new StackError('ENOBUFS');
    } else {
      fillChecksum(endpoint, payload, path.source, remote);
      const out = this.#out;
      out.source = path.source;
      out.destination = remote;
      out.protocol = endpoint.protocol;
      out.ttl = isMulticast(remote) ? endpoint.multicastTtl : endpoint.ttl;
      out.trafficClass = endpoint.trafficClass;
      out.flowLabel = endpoint.flowLabel;
      out.dontFragment = endpoint.pmtuDiscovery !== 'dont';
      const { interfaceIndex, mtu } = path;
      if (!this.#services.send(out, payload, interfaceIndex, mtu, endpoint)) throw new StackError('ENOBUFS');
    }
    endpoint.queued(payload.length);
    return data.length;
  }

  hasRoom(endpoint: RawEndpoint, octets: number): boolean {
    return endpoint.hasRoom(octets);
  }

  /** Takes the next datagram: over IPv4 with its IP header, over IPv6 without (RFC 3542 section 3). */
  receiveFrom(endpoint: RawEndpoint): ReceivedDatagram | null {
    endpoint.throwPending();
    return endpoint.take();
  }

  close(endpoint: RawEndpoint): void {
    endpoint.isClosed = true;
    endpoint.clear();
    this.#endpoints.delete(endpoint);
  }

  /** A whole datagram has arrived: everybody who wants it gets a copy. Returns whether anybody did. */
  receive(datagram: Datagram): boolean {
    let wasWanted = false;
    for (const endpoint of this.#endpoints) {
      if (!isWanted(endpoint, datagram)) continue;
      wasWanted = true;
      if (endpoint.readShut) continue;
      endpoint.accept({
        data: datagram.bytes.slice(endpoint.isV4 ? 0 : datagram.payloadStart, datagram.payloadEnd),
        source: copyAddress(datagram.source),
        sourcePort: 0,
        destination: copyAddress(datagram.destination),
        interfaceIndex: datagram.interfaceIndex,
        ttl: datagram.ttl,
        trafficClass: datagram.trafficClass,
      });
    }
    return wasWanted;
  }

  /** An ICMP error about a datagram that a raw socket could have sent; a connected one hears of it, once. */
  reportError(local: Address, remote: Address, protocol: number, error: ErrorCode | null): boolean {
    let wasOurs = false;
    for (const endpoint of this.#endpoints) {
      if (endpoint.protocol !== protocol || !bindingCovers(endpoint.binding, local)) continue;
      if (endpoint.remote !== null && !sameAddress(endpoint.remote, remote)) continue;
      wasOurs = true;
      if (endpoint.remote !== null && error !== null) endpoint.fail(error);
    }
    return wasOurs;
  }
}

function isWanted(endpoint: RawEndpoint, datagram: Datagram): boolean {
  if (endpoint.protocol !== datagram.protocol || endpoint.isV4 !== datagram.source.isV4) return false;
  if (!bindingCovers({ address: endpoint.local, v6Only: true }, datagram.destination)) return false;
  if (endpoint.remote !== null && !sameAddress(endpoint.remote, datagram.source)) return false;
  if (endpoint.device !== anyInterface && endpoint.device !== datagram.interfaceIndex) return false;
  const isIcmp = datagram.protocol === (endpoint.isV4 ? protocolIcmp : protocolIcmpv6);
  if (!isIcmp || datagram.payloadStart >= datagram.payloadEnd) return true;
  const type = getUint8(datagram.bytes, datagram.payloadStart);
  return ((endpoint.blocked[type >> 5]! >>> (type & 31)) & 1) === 0;
}

/** What the sender of a packet with a header may leave to us (raw(7)): length and checksum always, source and id when 0. */
function completeHeader(packet: Uint8Array, source: Address, random: Random): void {
  const version = packet.length === 0 ? 0 : getUint8(packet, 0) >> 4;
  if (!source.isV4) {
    if (version !== 6 || packet.length < 40) throw new StackError('EINVAL', 'no IPv6 header');
    setUint16(packet, 4, packet.length - 40);
    return;
  }
  const headerLength = version === 4 ? (getUint8(packet, 0) & 15) * 4 : 0;
  if (headerLength < ipv4HeaderLength || headerLength > packet.length) throw new StackError('EINVAL', 'no IPv4 header');
  setUint16(packet, 2, packet.length);
  if (getUint16(packet, 4) === 0) setUint16(packet, 4, random.uint32() & 0xffff);
  if (getUint32(packet, 12) === 0) setUint32(packet, 12, source.w3);
  setUint16(packet, 10, 0);
  setUint16(packet, 10, checksum(packet, 0, headerLength));
}

/** Over IPv6 the stack fills checksums in, since only it knows the source address (RFC 3542 section 3.1). */
function fillChecksum(endpoint: RawEndpoint, payload: Uint8Array, source: Address, remote: Address): void {
  if (endpoint.isV4) return;
  const at = endpoint.protocol === protocolIcmpv6 ? 2 : endpoint.checksumOffset;
  if (at < 0) return;
  if (at + 2 > payload.length) throw new StackError('EINVAL', 'no room for the checksum');
  setUint16(payload, at, 0);
  const sum = pseudoHeaderSum(source, remote, endpoint.protocol, payload.length);
  setUint16(payload, at, finishChecksum(sumBytes(payload, 0, payload.length, sum)));
}
