import {
  type Address,
  type DatagramEndpoint,
  type ErrorCode,
  type Listener,
  type ReceivedDatagram,
  type Stack,
  StackError,
  type Tcb,
  type TcpInfo,
  type TcpSettings,
  tcpCalls,
  type UnixEndpoint,
} from '../../stack/index.ts';
import type { SocketFamily } from '../names.ts';

/** What the options of sockets are about, and how their values are read. */

/** A group to join or to leave, by the interface with this name or index; without one, as the routes say. */
export interface Membership {
  /** The group's address. */
  readonly group: string;
  /** The name or the index of the interface; 0 is none. */
  readonly iface?: string | number;
}

/** SO_LINGER: whether `close` waits for what is unsent, and for how many seconds. */
export interface Linger {
  readonly onoff: boolean | number;
  readonly linger: number;
}

/** What an option may be: docs/options.md says of each, which. */
export type OptionValue = boolean | number | string | Uint8Array | Membership | Linger | TcpInfo;

/** @throws TypeError what no option could be */
export function checkValue(value: unknown, what: string): void {
  if (value === null || !['boolean', 'number', 'string', 'object'].includes(typeof value))
    throw new TypeError(`${what}: a boolean, a number, a string, octets or an object`);
}

/** Where the settings of a stream are: a record that may be shared, so to be changed only by `ownTcp`. */
export interface StreamHolder {
  tcp: Readonly<TcpSettings>;
}

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

/** What a socket remembers besides what its end does. */
export interface SocketSettings {
  /** Groups that it has joined, each with its interface; null before the first. */
  memberships: { readonly group: Address; readonly interfaceIndex: number }[] | null;
  /** The flags of SOL_SOCKET that are set and have no effect here: a bit for each, at the place of its number. */
  remembered: number;
  /** How long calls that wait may wait, in seconds, 0 without limit; apart from `settimeout` (socket(7): SO_RCVTIMEO). */
  receiveWait: number;
  sendWait: number;
}

/** The socket whose option it is. */
export interface OptionTarget {
  readonly stack: Stack;
  readonly family: SocketFamily | 'unix';
  readonly type: 'stream' | 'dgram' | 'raw' | 'seqpacket';
  readonly datagrams: Datagrams | null;
  readonly unix: UnixEndpoint | null;
  readonly stream: StreamHolder;
  readonly tcb: Tcb | null;
  readonly listener: Listener | null;
  readonly isBound: boolean;
  readonly settings: Readonly<SocketSettings>;
  /** The same, to be changed. */
  ownSettings(): SocketSettings;
  /** An error that no endpoint of the stack keeps any more; asked once. */
  lateError(): ErrorCode | null;
  now(): number;
}

/** What asking for an option tells, and what setting it does. One that cannot be asked for or set has no such member. */
export interface Option {
  get?(target: OptionTarget): OptionValue;
  /** @throws StackError EINVAL a value that cannot be */
  set?(target: OptionTarget, value: OptionValue): void;
}

/** The options of a level: their names, numbers, what they do, the type of their values, and what they mean (for docs/options.md). */
export type Level = readonly (readonly [name: string, number: number, option: Option, type: string, meaning: string])[];

export function toNumber(value: OptionValue, least = -0x80000000, most = 0x7fffffff): number {
  const number = typeof value === 'boolean' ? Number(value) : value;
  if (typeof number !== 'number') throw new StackError('EINVAL');
  if (!Number.isInteger(number) || number < least || number > most) throw new StackError('EINVAL');
  return number;
}

export const toFlag = (value: OptionValue): boolean => toNumber(value) !== 0;

/** Options that only one kind of socket has. @throws StackError ENOPROTOOPT */
export function datagramsOf({ datagrams }: OptionTarget): Datagrams {
  if (datagrams === null) throw new StackError('ENOPROTOOPT');
  return datagrams;
}

export const endpointOf = (target: OptionTarget): DatagramEndpoint => datagramsOf(target).endpoint;

export function rawOf(target: OptionTarget): RawSettings {
  const { raw } = datagramsOf(target);
  if (raw === null) throw new StackError('ENOPROTOOPT');
  return raw;
}

/** The settings of a stream socket, to be changed; its connection or listener looks at the same record. */
export function ownTcp({ stream, tcb }: Pick<OptionTarget, 'stream' | 'tcb'>): TcpSettings {
  const settings = stream.tcp.own();
  stream.tcp = settings;
  if (tcb !== null) tcb.settings = settings;
  return settings;
}

/** Sets something of a stream socket, and lets its connection know. */
export function setTcp(target: OptionTarget, change: (settings: TcpSettings) => void): void {
  change(ownTcp(target));
  if (target.tcb !== null) tcpCalls.settingsChanged(target.tcb, target.now());
}

/** Linux doubles what is asked for, to make room for its own bookkeeping, and tells the doubled value. */
export const bufferSize = (value: OptionValue, least: number): number =>
  Math.max(least, Math.min(toNumber(value) >>> 0, 0x3fffffff) * 2);
