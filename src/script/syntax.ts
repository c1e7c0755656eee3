import type { Micros } from '../stack/index.ts';

/** What a script consists of, once it has been read. Sequence numbers and times are as written; nothing is resolved yet. */

export type Family = 4 | 6;

export interface Script {
  readonly file: string;
  readonly headers: Headers;
  readonly events: readonly ScriptEvent[];
}

/** What stands before the first event. */
export interface Headers {
  /** Which families it is for. */
  readonly families: readonly Family[];
  readonly mtu: number;
  readonly tolerance: Micros | null;
  /** Only for one of the two, and why. */
  readonly only: { readonly target: TargetName; readonly reason: string } | null;
  readonly sysctls: readonly (readonly [name: string, value: string])[];
}

/** Whom a script is played against. */
export type TargetName = 'stack' | 'kernel';

export interface ScriptEvent {
  readonly line: number;
  /** As it stands in the script, for messages. */
  readonly text: string;
  readonly when: When;
  readonly action: Action;
}

/** When an event happens, in microseconds since the start, or since the event before. */
export type When =
  | { readonly kind: 'any' }
  | {
      readonly kind: 'absolute' | 'relative';
      readonly time: Micros;
      /** The end of `a~b`: at some time between them. */
      readonly latest: Micros | null;
      /** The end of `a...b`: a call that starts at one and returns at the other. */
      readonly returns: Micros | null;
    };

export type Action =
  | { readonly kind: 'call'; readonly call: CallSpec; readonly result: ResultSpec }
  | { readonly kind: 'inject'; readonly packet: PacketSpec }
  | { readonly kind: 'expect'; readonly packet: PacketSpec }
  | { readonly kind: 'assert'; readonly fd: number | null; readonly claims: readonly Claim[] }
  | { readonly kind: 'quiet' };

// Packets --------------------------------------------------------------------------------------------------------------

export type PacketSpec = TcpSpec | UdpSpec | IcmpSpec;

interface CommonSpec {
  /** Which connection: #1 unless it says so. */
  readonly label: number;
  /** The tested host's port, if it is told. */
  readonly hostPort: number | null;
  readonly ip: IpSpec;
}

export interface IpSpec {
  /** Of the traffic class: the lower two bits, or all of it. */
  readonly ecn: number | null;
  readonly tos: number | null;
  readonly ttl: number | null;
  readonly df: boolean | null;
  readonly badChecksum: boolean;
  /** The header length that TCP claims, in octets, if it is not to be the right one. */
  readonly headerLength: number | null;
}

export interface TcpSpec extends CommonSpec {
  readonly kind: 'tcp';
  readonly flags: number;
  /** It may have PSH, or not. */
  readonly mayPush: boolean;
  readonly seq: number;
  readonly length: number;
  readonly ack: number | null;
  readonly win: number | null;
  readonly urg: number | null;
  /** 'any': not looked at. Null: none, or only negotiated timestamps. */
  readonly options: readonly OptionSpec[] | 'any' | null;
  /** Null: the running pattern. */
  readonly payload: Uint8Array | null;
}

export interface UdpSpec extends CommonSpec {
  readonly kind: 'udp';
  readonly length: number;
  readonly payload: Uint8Array | null;
}

export interface IcmpSpec extends CommonSpec {
  readonly kind: 'icmp';
  readonly type: string;
  readonly code: string | null;
  readonly mtu: number | null;
  /** The segment that it is about, or the datagram. */
  readonly quote: { readonly protocol: 'tcp' | 'udp'; readonly seq: number; readonly length: number } | null;
}

/** Null where anything will do. A cookie is 'given' that is the one that the tested host gave last. */
export type OptionSpec =
  | { readonly kind: 'nop' | 'eol' | 'sackOK' }
  | { readonly kind: 'mss' | 'wscale'; readonly value: number | null }
  | { readonly kind: 'sack'; readonly blocks: readonly (readonly [start: number, end: number])[] }
  | { readonly kind: 'TS'; readonly val: number | null; readonly ecr: number | null }
  | { readonly kind: 'FO' | 'FOEXP'; readonly cookie: Uint8Array | 'given' | null }
  | { readonly kind: 'other'; readonly number: number; readonly data: Uint8Array };

// Calls ----------------------------------------------------------------------------------------------------------------

export interface AddressSpec {
  /** Null: the usual one. */
  readonly host: string | null;
  readonly port: number | null;
}

export type OptionValueSpec =
  | number
  | string
  | { readonly onoff: number; readonly linger: number }
  | { readonly sec: number; readonly usec: number };

/** Descriptors are the script's own numbers. */
export type CallSpec =
  | { readonly name: 'socket'; readonly family: number | null; readonly type: number; readonly protocol: number }
  | { readonly name: 'bind' | 'connect'; readonly fd: number; readonly address: AddressSpec }
  | { readonly name: 'listen'; readonly fd: number; readonly backlog: number }
  | { readonly name: 'accept'; readonly fd: number; readonly flags: number }
  | {
      readonly name: 'send';
      readonly fd: number;
      readonly data: Uint8Array | null;
      readonly length: number;
      readonly flags: number;
      /** Of `sendto`. */
      readonly address: AddressSpec | null;
    }
  | {
      readonly name: 'recv';
      readonly fd: number;
      readonly data: Uint8Array | null;
      readonly length: number;
      readonly flags: number;
    }
  | { readonly name: 'shutdown'; readonly fd: number; readonly how: number }
  | { readonly name: 'close'; readonly fd: number }
  | {
      readonly name: 'setsockopt';
      readonly fd: number;
      readonly level: number;
      readonly option: number;
      readonly value: OptionValueSpec;
    }
  | {
      readonly name: 'getsockopt';
      readonly fd: number;
      readonly level: number;
      readonly option: number;
      readonly value: OptionValueSpec | null;
    }
  | { readonly name: 'fcntl'; readonly fd: number; readonly command: number; readonly argument: number }
  | { readonly name: 'ioctl'; readonly fd: number; readonly request: number; readonly value: number | null }
  | { readonly name: 'poll'; readonly polled: readonly PolledSpec[]; readonly timeoutMs: number };

export interface PolledSpec {
  readonly fd: number;
  readonly events: number;
  readonly revents: number;
}

/** What a call returns. */
export interface ResultSpec {
  /** Null: not looked at. */
  readonly value: number | null;
  /** Such as 'EAGAIN'. */
  readonly error: string | null;
}

// Claims ---------------------------------------------------------------------------------------------------------------

/** Something that is to be true, with its text. */
export interface Claim {
  readonly text: string;
  readonly expression: Expression;
}

export type Expression =
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'field'; readonly name: string }
  | { readonly kind: 'unary'; readonly operator: string; readonly operand: Expression }
  | {
      readonly kind: 'binary';
      readonly operator: string;
      readonly left: Expression;
      readonly right: Expression;
    };
