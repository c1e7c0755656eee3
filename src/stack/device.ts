import type { Offload, PacketMeta } from './base/offload.ts';

export type { Offload, PacketMeta };

/**
 * What a stack's packets come from and go to: a TUN descriptor, one end of a simulated link, an object that a user brings.
 *
 * A device never blocks. Whoever drives the stack reads until nothing waits, lets the stack answer, writes the answers,
 * and then asks to be told when there is more.
 */
export interface Device {
  readonly name: string;
  /** The largest packet that may be written, in octets. Larger ones may arrive. */
  readonly mtu: number;
  /** What it does for packets besides carrying them. Default: nothing. */
  readonly offload?: Offload;
  /** Octets in front of a packet that it needs for itself: the buffers handed in have so many before their beginning. Default 0. */
  readonly headroom?: number;
  /**
   * Reads the next waiting IP packet into `into`, which has room for 65,535 octets and more.
   * @param meta is filled in by a device that offers something; it is clear when handed in
   * @returns its length in octets, or 0 when none waits
   */
  read(into: Uint8Array, meta: PacketMeta): number;
  /**
   * Writes the packet bytes[0, length). The device copies what it keeps.
   * @param meta says what the packet asks of the device: never more than it offers
   * @returns false when the device had to drop it (interface down, queue full): IP promises no more than that
   */
  write(bytes: Uint8Array, length: number, meta: PacketMeta): boolean;
  /** Calls `ready` once, never from inside this call, when `read` may have something. Asking again replaces the callback. */
  onReady(ready: () => void): void;
  /** Called once if the device is lost for good (the interface was deleted); `read` then returns 0 and `write` false. */
  onLost(lost: (reason: Error) => void): void;
  /** Gives the device back. Afterwards nothing of it keeps the process alive. Calling it twice is harmless. */
  close(): void;
}
