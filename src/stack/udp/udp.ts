import {
  type Address,
  bindingCovers,
  bindingsOverlap,
  copyAddress,
  isMulticast,
  sameAddress,
} from '../base/address.ts';
import { copyBytes } from '../base/bytes.ts';
import type { Counters, DropReason } from '../base/counters.ts';
import { DatagramEndpoint, type ReceivedDatagram } from '../base/datagram-endpoint.ts';
import { type ErrorCode, StackError } from '../base/errors.ts';
import { hashTuple, TableKey } from '../base/hash.ts';
import type { StackOptions } from '../base/options.ts';
import { anyInterface, type FindPath, findPathBy, headerRoom } from '../base/path.ts';
import { type Random, randomBelow } from '../base/random.ts';
import type { ChangedList } from '../base/ready.ts';
import { type Datagram, Outgoing, protocolUdp } from '../wire/datagram.ts';
import { readUdp, UdpHeader, udpHeaderLength, writeUdp } from '../wire/udp.ts';

/** What UDP needs of the stack around it. */
export interface UdpServices {
  readonly options: StackOptions;
  readonly counters: Counters;
  readonly random: Random;
  readonly changed: ChangedList;
  readonly findPath: FindPath;
  isLocal(address: Address): boolean;
  isBroadcast(address: Address): boolean;
  /** Queues a finished payload. Returns false when there is no room. */
  send(out: Outgoing, payload: Uint8Array, interfaceIndex: number, mtu: number, sender: DatagramEndpoint): boolean;
}

/** The User Datagram Protocol (RFC 768, RFC 1122 section 4.1): the table of endpoints, and datagrams in and out. */
export class Udp {
  readonly #services: UdpServices;
  readonly #key: TableKey;
  /** Endpoints by local port. The keys are ports of ours, bound by our own user: no peer can choose them. */
  readonly #byPort: Map<number, DatagramEndpoint[]> = new Map();
  readonly #header: UdpHeader = new UdpHeader();
  readonly #out: Outgoing = new Outgoing();

  constructor(services: UdpServices) {
    this.#services = services;
    this.#key = new TableKey(services.random);
  }

  /** All endpoints that hold a port. */
  *endpoints(): Generator<DatagramEndpoint> {
    for (const list of this.#byPort.values()) yield* list;
  }

  /** A new endpoint of the family of `any` (the unspecified address). It holds no port until it is bound or sends. */
  open(any: Address): DatagramEndpoint {
    const { options, changed, random } = this.#services;
    const endpoint = new DatagramEndpoint(any, options.udpReceiveBuffer, options.udpSendBuffer, changed);
    endpoint.ttl = options.ttl;
    endpoint.flowLabel = random.uint32() & 0xfffff; // RFC 6437 section 3: as good as random, the same for all its packets
    return endpoint;
  }

  /**
   * Gives the endpoint a local address and port; port 0 takes a random free one (RFC 6056).
   * @throws StackError EINVAL it has a port already; EADDRNOTAVAIL not an address of this host; EADDRINUSE taken
   */
  bind(endpoint: DatagramEndpoint, address: Address, port: number): void {
    if (endpoint.localPort !== 0) throw new StackError('EINVAL', 'the socket is bound already');
    if (
      !address.isUnspecified &&
      !this.#services.isLocal(address) &&
      !isMulticast(address) &&
      !this.#services.isBroadcast(address)
    ) {
      throw new StackError('EADDRNOTAVAIL', `${address} is not an address of this host`);
    }
    const chosen = port === 0 ? this.#ephemeralPort(endpoint, address) : port;
    if (chosen === 0 || !this.#isFree(endpoint, address, chosen))
      throw new StackError('EADDRINUSE', `port ${port} is taken`);
    endpoint.local = address;
    endpoint.localPort = chosen;
    const list = this.#byPort.get(chosen);
    if (list === undefined) this.#byPort.set(chosen, [endpoint]);
    else list.push(endpoint);
  }

  /**
   * Fixes the peer: only its datagrams are received, and errors about it are reported.
   * @throws StackError ENETUNREACH no route
   */
  connect(endpoint: DatagramEndpoint, remote: Address, remotePort: number): void {
    const path = findPathBy(this.#services.findPath, endpoint.device, remote, endpoint.local);
    if (path === null) throw new StackError('ENETUNREACH', `no route to ${remote}`);
    if (path.toMany && !isMulticast(remote) && !endpoint.mayBroadcast) throw new StackError('EACCES', 'broadcast');
    if (endpoint.localPort === 0) this.bind(endpoint, path.source, 0);
    else if (endpoint.local.isUnspecified) endpoint.local = path.source;
    endpoint.remote = remote;
    endpoint.remotePort = remotePort;
    endpoint.error = null;
  }

  /** Lets go of the peer. */
  disconnect(endpoint: DatagramEndpoint): void {
    endpoint.remote = null;
    endpoint.remotePort = 0;
  }

  /**
   * Sends one datagram; the octets are copied.
   * @throws StackError EDESTADDRREQ nowhere to send to; EINVAL port 0; EMSGSIZE longer than a datagram or than the way
   *   takes; EACCES a broadcast that is not allowed; EPIPE shut down; ENETUNREACH no route; EAGAIN no room now; or the
   *   error that an earlier datagram has drawn
   */
  send(endpoint: DatagramEndpoint, data: Uint8Array, to: Address | null, toPort: number): number {
    const remote = to ?? endpoint.remote;
    const remotePort = to === null ? endpoint.remotePort : toPort;
    if (data.length > mostOctets(remote)) throw new StackError('EMSGSIZE', 'longer than a datagram can be');
    if (remote === null) throw new StackError('EDESTADDRREQ', 'no destination');
    if (remotePort === 0) throw new StackError('EINVAL', 'port 0');
    const by = (isMulticast(remote) && endpoint.multicastInterface) || endpoint.device;
    const path = findPathBy(this.#services.findPath, by, remote, endpoint.local);
    if (path === null) throw new StackError('ENETUNREACH', `no route to ${remote}`);
    if (path.toMany && !isMulticast(remote) && !endpoint.mayBroadcast) throw new StackError('EACCES', 'broadcast');
    endpoint.throwPending();
    if (endpoint.writeShut) throw new StackError('EPIPE');
    const length = udpHeaderLength + data.length;
    if (endpoint.pmtuDiscovery === 'do' && headerRoom(remote) + length > path.mtu) {
      throw new StackError('EMSGSIZE', `longer than the MTU of ${path.mtu}`);
    }
    if (endpoint.localPort === 0) this.bind(endpoint, endpoint.local, 0);
    if (!this.hasRoom(endpoint, data.length)) throw new StackError('EAGAIN');
    const payload = new Uint8Array(length);
    copyBytes(data, 0, data.length, payload, udpHeaderLength);
    const out = this.#out;
    out.source = path.source;
    out.destination = remote;
    out.protocol = protocolUdp;
    out.length = length;
    out.ttl = isMulticast(remote) ? endpoint.multicastTtl : endpoint.ttl;
    out.trafficClass = endpoint.trafficClass;
    out.flowLabel = endpoint.flowLabel;
    out.dontFragment = endpoint.pmtuDiscovery !== 'dont';
    writeUdp(payload, 0, endpoint.localPort, remotePort, out);
    if (!this.#services.send(out, payload, path.interfaceIndex, path.mtu, endpoint)) throw new StackError('ENOBUFS');
    endpoint.queued(length);
    this.#services.counters.udpOutDatagrams++;
    return data.length;
  }

  /** Would `send` take a datagram of so many octets now? */
  hasRoom(endpoint: DatagramEndpoint, octets: number): boolean {
    return endpoint.hasRoom(udpHeaderLength + octets);
  }

  /** Takes the next datagram, or returns null when none waits. @throws StackError the error that an ICMP message brought */
  receiveFrom(endpoint: DatagramEndpoint): ReceivedDatagram | null {
    endpoint.throwPending();
    return endpoint.take();
  }

  close(endpoint: DatagramEndpoint): void {
    endpoint.isClosed = true;
    endpoint.clear();
    const list = this.#byPort.get(endpoint.localPort);
    if (list === undefined) return;
    const index = list.indexOf(endpoint);
    if (index >= 0) list.splice(index, 1);
    if (list.length === 0) this.#byPort.delete(endpoint.localPort);
  }

  /** Takes in a datagram. Returns why it went no further ('no UDP socket' asks for a port unreachable), or null. */
  receive(datagram: Datagram): DropReason | null {
    const header = this.#header;
    const malformed = readUdp(datagram, header);
    if (malformed !== null) return malformed;
    return datagram.toMany ? this.#deliverToMany(datagram, header) : this.#deliver(datagram, header);
  }

  #deliver(datagram: Datagram, header: UdpHeader): DropReason | null {
    const { destination, source } = datagram;
    const endpoint = this.#find(
      destination,
      header.destinationPort,
      source,
      header.sourcePort,
      datagram.interfaceIndex,
    );
    if (endpoint === null) {
      datagram.payloadEnd = header.textEnd; // the error quotes no padding, as on Linux
      return 'no UDP socket';
    }
    if (endpoint.readShut || !endpoint.accept(received(datagram, header))) return 'UDP buffer full';
    this.#services.counters.udpInDatagrams++;
    return null;
  }

  /** Everybody who could be meant gets a copy (RFC 1122 section 4.1.3.3); where nobody is, nobody answers. */
  #deliverToMany(datagram: Datagram, header: UdpHeader): DropReason | null {
    const { destination, source } = datagram;
    let accepted = 0;
    for (const endpoint of this.#byPort.get(header.destinationPort) ?? []) {
      const score = scoreOf(endpoint, destination, source, header.sourcePort, datagram.interfaceIndex);
      if (score < 0 || endpoint.readShut || !endpoint.accept(received(datagram, header))) continue;
      accepted++;
    }
    if (accepted === 0) return 'no UDP socket';
    this.#services.counters.udpInDatagrams++;
    return null;
  }

  /**
   * An ICMP error about a datagram of ours: a connected socket hears of it once (RFC 1122 section 4.1.3.3).
   * @param error null when it need not be told
   * @returns whether a socket could have sent what the error quotes
   */
  reportError(
    local: Address,
    localPort: number,
    remote: Address,
    remotePort: number,
    error: ErrorCode | null,
  ): boolean {
    const endpoint = this.#find(local, localPort, remote, remotePort);
    if (endpoint === null) return false;
    if (endpoint.remote === null || error === null) return true;
    if (error === 'EMSGSIZE' && endpoint.pmtuDiscovery === 'dont') return true;
    endpoint.fail(error);
    return true;
  }

  /**
   * The endpoint whose binding says most about this datagram: peer and local address before local address before none.
   * Among several that share a port (SO_REUSEPORT) the source decides, so that a flow stays with one of them.
   */
  #find(
    local: Address,
    localPort: number,
    remote: Address,
    remotePort: number,
    interfaceIndex: number = anyInterface,
  ): DatagramEndpoint | null {
    const list = this.#byPort.get(localPort);
    if (list === undefined) return null;
    let best: DatagramEndpoint | null = null;
    let bestScore = -1;
    let equals = 0;
    for (const endpoint of list) {
      const score = scoreOf(endpoint, local, remote, remotePort, interfaceIndex);
      if (score < 0 || score < bestScore) continue;
      equals = score > bestScore ? 1 : equals + 1;
      if (score > bestScore) best = endpoint;
      bestScore = score;
    }
    if (equals < 2) return best;
    let chosen = (hashTuple(this.#key, local, localPort, remote, remotePort) >>> 0) % equals;
    for (const endpoint of list) {
      if (scoreOf(endpoint, local, remote, remotePort, interfaceIndex) === bestScore && chosen-- === 0) return endpoint;
    }
    return best;
  }

  #isFree(endpoint: DatagramEndpoint, address: Address, port: number): boolean {
    const binding = { address, v6Only: endpoint.v6Only };
    const overlapping = (this.#byPort.get(port) ?? []).filter((other) => bindingsOverlap(binding, other.binding));
    return overlapping.every((other) => endpoint.reuse && other.reuse);
  }

  /** A free port, tried from a random place on (RFC 6056 section 3.3.1). 0 when all are taken. */
  #ephemeralPort(endpoint: DatagramEndpoint, address: Address): number {
    const [first, last] = this.#services.options.ephemeralPorts;
    const count = last - first + 1;
    const start = randomBelow(this.#services.random, count);
    for (let step = 0; step < count; step++) {
      const port = first + ((start + step) % count);
      if (this.#isFree(endpoint, address, port)) return port;
    }
    return 0;
  }
}

/** How much a binding says about a datagram; negative: it is not for this endpoint. */
function scoreOf(
  endpoint: DatagramEndpoint,
  local: Address,
  remote: Address,
  remotePort: number,
  interfaceIndex: number,
): number {
  const { device } = endpoint;
  const isElsewhere = device !== anyInterface && interfaceIndex !== anyInterface && device !== interfaceIndex;
  if (isElsewhere || !bindingCovers(endpoint.binding, local)) return -1;
  let score = (endpoint.local.isUnspecified ? 0 : 1) + (device === anyInterface ? 0 : 4);
  if (endpoint.remote !== null) {
    if (endpoint.remotePort !== remotePort || !sameAddress(endpoint.remote, remote)) return -1;
    score += 2;
  }
  return score;
}

const received = (datagram: Datagram, header: UdpHeader): ReceivedDatagram => ({
  data: datagram.bytes.slice(header.textStart, header.textEnd),
  source: copyAddress(datagram.source),
  sourcePort: header.sourcePort,
  destination: copyAddress(datagram.destination),
  interfaceIndex: datagram.interfaceIndex,
  ttl: datagram.ttl,
  trafficClass: datagram.trafficClass,
});

/** Octets of text that the length fields of UDP and IP can tell. */
const mostOctets = (remote: Address | null): number => (remote === null || remote.isV4 ? 65_507 : 65_527);
