import type { Micros } from '../stack/index.ts';
import type { OptionValueSpec, TargetName } from './syntax.ts';

/**
 * What scripts are played against: a host whose sockets can be called and whose packets pass through the player's hands.
 * `src/script` has the one over our stack; the one over the kernel is among the tools.
 */
export interface Target {
  readonly name: TargetName;
  /** How much later than expected its timers may fire, as a share of how long they run. */
  readonly lateness: number;
  /** How much longer to look, so that what comes too late is told as that. */
  readonly grace: Micros;
  /** How long another thread may need to return from a call that has nothing to wait for any more. */
  readonly hesitation: Micros;
  /** Since the script began. */
  now(): Micros;
  /** Does a call, and tells of its answer at once or later. */
  start(call: Call, answered: (answer: Answer) => void): void;
  /** Hands the host a packet from the network. */
  inject(packet: Uint8Array): void;
  /** The next packet that the host has sent, or null. */
  takePacket(): SentPacket | null;
  /** Resolves at `until`, or before when a packet waits or a call has been answered; time does not pass otherwise. */
  wait(until: Micros): Promise<void>;
  /** Resets what is left and gives everything back. */
  close(): Promise<void>;
}

export interface SentPacket {
  readonly bytes: Uint8Array;
  readonly at: Micros;
}

/** A socket call. Descriptors are the target's own. */
export type Call =
  | { readonly name: 'socket'; readonly family: number; readonly type: number; readonly protocol: number }
  | { readonly name: 'bind' | 'connect'; readonly fd: number; readonly host: string; readonly port: number }
  | { readonly name: 'listen'; readonly fd: number; readonly backlog: number }
  | { readonly name: 'accept'; readonly fd: number; readonly flags: number }
  | {
      readonly name: 'send';
      readonly fd: number;
      readonly data: Uint8Array;
      readonly flags: number;
      readonly to: { readonly host: string; readonly port: number } | null;
    }
  | { readonly name: 'recv'; readonly fd: number; readonly length: number; readonly flags: number }
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
      /** What kind of value it is. */
      readonly like: OptionValueSpec;
    }
  | { readonly name: 'fcntl'; readonly fd: number; readonly command: number; readonly argument: number }
  | { readonly name: 'ioctl'; readonly fd: number; readonly request: number }
  | {
      readonly name: 'poll';
      readonly polled: readonly { readonly fd: number; readonly events: number }[];
      readonly timeoutMs: number;
    }
  /** TCP_INFO. */
  | { readonly name: 'info'; readonly fd: number };

/** What a call has returned, and what it has filled in. */
export interface Answer {
  readonly value: number;
  /** Such as 'EAGAIN', with the value -1. */
  readonly error: string | null;
  /** Why there is no answer: the target cannot do this. */
  readonly unsupported?: string;
  readonly data?: Uint8Array;
  readonly option?: OptionValueSpec;
  readonly revents?: readonly number[];
  readonly info?: ReadonlyMap<string, number>;
}

/** The tested host and the script's peer. */
export const addresses = {
  host: { 4: '192.168.0.1', 6: 'fd3d:a0b:17d6::1' },
  peer: { 4: '192.0.2.1', 6: '2001:db8::1' },
} as const;

/** The same as octets. */
export const addressOctets = {
  host: {
    4: Uint8Array.of(192, 168, 0, 1),
    6: Uint8Array.of(0xfd, 0x3d, 0x0a, 0x0b, 0x17, 0xd6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1),
  },
  peer: {
    4: Uint8Array.of(192, 0, 2, 1),
    6: Uint8Array.of(0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1),
  },
} as const;

/** The port that `...` stands for in `bind` and `connect`. */
export const usualPort = 8080;
