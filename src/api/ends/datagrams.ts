import {
  type Address,
  anyV4,
  anyV6,
  type DatagramEndpoint,
  type ReceivedDatagram,
  type Stack,
  StackError,
  TcpSettings,
} from '../../stack/index.ts';
import { constants } from '../constants.ts';
import { type SocketName, socketAddress } from '../names.ts';
import type { Datagrams, StreamHolder } from '../options/index.ts';
import {
  type End,
  type EndContext,
  type EndTarget,
  type Incoming,
  type Linger,
  notReady,
  type Place,
  type Readiness,
} from './end.ts';
import { numbered, reached } from './tcp.ts';

/** Datagrams of UDP, or of a raw socket. */
export class DatagramEnd implements End {
  readonly type: 'dgram' | 'raw';
  readonly #context: EndContext;
  readonly #datagrams: Datagrams;
  /** Options of streams that a socket of this kind remembers. */
  readonly #stream: StreamHolder = { tcp: new TcpSettings() };

  /** @param protocol of a raw socket; null for UDP */
  constructor(context: EndContext, protocol: number | null) {
    const any = context.family === 4 ? anyV4 : anyV6;
    this.type = protocol === null ? 'dgram' : 'raw';
    this.#context = context;
    this.#datagrams = protocol === null ? udpDatagrams(context.stack, any) : rawDatagrams(context.stack, any, protocol);
    context.watch(this.#datagrams.endpoint);
  }

  get #endpoint(): DatagramEndpoint {
    return this.#datagrams.endpoint;
  }

  bind(place: Place): void {
    const { address, port } = numbered(place);
    if (this.#endpoint.v6Only && address.isV4) throw new StackError('EINVAL');
    this.#datagrams.bind(address, port);
  }

  connect(place: Place | null): 'done' {
    if (place === null) {
      this.#endpoint.remote = null;
      this.#endpoint.remotePort = 0;
      return 'done';
    }
    const { address, port } = this.#reachable(place);
    this.#datagrams.connect(address, port);
    return 'done';
  }

  readonly hasConnected = true;
  finishConnect(): void {}

  listen(): never {
    throw new StackError('EOPNOTSUPP');
  }

  accept(): never {
    throw new StackError('EOPNOTSUPP');
  }

  readonly mayAccept = true;

  send(data: Uint8Array, _flags: number, to: Place | null): number {
    const place = to === null ? null : this.#reachable(to);
    return this.#datagrams.send(data, place?.address ?? null, place?.port ?? 0);
  }

  maySend(octets: number): boolean {
    return this.#datagrams.hasRoom(octets) || this.#endpoint.error !== null;
  }

  receive(most: number, flags: number): Incoming | null {
    this.#endpoint.throwPending();
    const peek = (flags & constants.MSG_PEEK) !== 0;
    const datagram = peek ? this.#endpoint.peek() : this.#datagrams.receive();
    if (datagram !== null) return this.#incoming(datagram, most);
    // As Linux: who would wait sees the end, who would not is told to come again.
    if (!this.#endpoint.readShut || (flags & constants.MSG_DONTWAIT) !== 0) throw new StackError('EAGAIN');
    return null;
  }

  #incoming(datagram: ReceivedDatagram, _most: number): Incoming {
    const { data, source, sourcePort, destination, interfaceIndex, ttl, trafficClass } = datagram;
    const { family } = this.#context;
    const from = socketAddress(source, sourcePort, family);
    return { data, from, destination: socketAddress(destination, 0, family)[0], interfaceIndex, ttl, trafficClass };
  }

  mayReceive(): boolean {
    return this.#endpoint.readable;
  }

  readiness(): Readiness {
    const { error, readShut } = this.#endpoint;
    const readable = this.#endpoint.peek() !== null || readShut;
    return { ...notReady, readable, writable: true, error: error !== null };
  }

  shutdown(read: boolean, write: boolean): void {
    if (this.#endpoint.remote === null) throw new StackError('ENOTCONN');
    if (read) this.#endpoint.readShut = true;
    if (write) this.#endpoint.writeShut = true;
  }

  close(): Linger | null {
    this.#datagrams.close();
    return null;
  }

  localName(): SocketName {
    return socketAddress(this.#endpoint.local, this.#endpoint.localPort, this.#context.family);
  }

  peerName(): SocketName {
    const { remote, remotePort } = this.#endpoint;
    if (remote === null) throw new StackError('ENOTCONN');
    return socketAddress(remote, remotePort, this.#context.family);
  }

  target(): EndTarget {
    return {
      datagrams: this.#datagrams,
      unix: null,
      stream: this.#stream,
      tcb: null,
      listener: null,
      isBound: this.#endpoint.localPort !== 0,
      lateError: () => null,
    };
  }

  readableOctets(): number {
    return this.#endpoint.peek()?.data.length ?? 0;
  }

  unacknowledgedOctets(): number {
    return this.#endpoint.waitingToLeave;
  }

  unsentOctets(): number {
    return 0;
  }

  isAtMark(): boolean {
    return false;
  }

  /** @throws StackError ENETUNREACH an IPv4 address from a socket for IPv6 alone */
  #reachable(place: Place): { address: Address; port: number } {
    const found = reached(place);
    if (this.#endpoint.v6Only && found.address.isV4) throw new StackError('ENETUNREACH');
    return found;
  }
}

function udpDatagrams({ udp }: Stack, any: Address): Datagrams {
  const endpoint = udp.open(any);
  return {
    endpoint,
    protocol: 17,
    raw: null,
    bind: (address, port) => udp.bind(endpoint, address, port),
    connect: (remote, port) => udp.connect(endpoint, remote, port),
    send: (data, remote, port) => udp.send(endpoint, data, remote, port),
    hasRoom: (octets) => udp.hasRoom(endpoint, octets),
    receive: () => udp.receiveFrom(endpoint),
    close: () => udp.close(endpoint),
  };
}

function rawDatagrams({ raw }: Stack, any: Address, protocol: number): Datagrams {
  const endpoint = raw.open(any, protocol);
  return {
    endpoint,
    protocol,
    raw: endpoint,
    bind: (address) => raw.bind(endpoint, address),
    connect: (remote) => raw.connect(endpoint, remote),
    send: (data, remote) => raw.send(endpoint, data, remote),
    hasRoom: (octets) => raw.hasRoom(endpoint, octets),
    receive: () => raw.receiveFrom(endpoint),
    close: () => raw.close(endpoint),
  };
}
