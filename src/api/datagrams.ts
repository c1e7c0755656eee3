import type { Address, DatagramEndpoint, ReceivedDatagram, Stack } from '../stack/index.ts';

/** What a socket does with datagrams, whether they are UDP's or of a raw socket. Errors are thrown as the stack throws them. */
export interface Datagrams {
  readonly endpoint: DatagramEndpoint;
  /** The protocol number of a raw socket; 17 for UDP. */
  readonly protocol: number;
  /** Of a raw socket. */
  readonly raw: RawSettings | null;
  bind(address: Address, port: number): void;
  connect(remote: Address, port: number): void;
  send(data: Uint8Array, remote: Address | null, port: number): number;
  hasRoom(octets: number): boolean;
  /** The next datagram, or null. */
  receive(): ReceivedDatagram | null;
  close(): void;
}

/** What only raw sockets have. */
export interface RawSettings {
  headerIncluded: boolean;
  readonly blocked: Uint32Array;
  checksumOffset: number;
}

export function udpDatagrams({ udp }: Stack, any: Address): Datagrams {
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

export function rawDatagrams({ raw }: Stack, any: Address, protocol: number): Datagrams {
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
