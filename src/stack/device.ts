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
  /**
   * Reads the next waiting IP packet into `into`, which has room for 65,535 octets and more.
   * @returns its length in octets, or 0 when none waits
   */
  read(into: Uint8Array): number;
  /**
   * Writes the packet bytes[0, length). The device copies what it keeps.
   * @returns false when the device had to drop it (interface down, queue full): IP promises no more than that
   */
  write(bytes: Uint8Array, length: number): boolean;
  /** Calls `ready` once, never from inside this call, when `read` may have something. Asking again replaces the callback. */
  onReady(ready: () => void): void;
  /** Called once if the device is lost for good (the interface was deleted); `read` then returns 0 and `write` false. */
  onLost(lost: (reason: Error) => void): void;
  /** Gives the device back. Afterwards nothing of it keeps the process alive. Calling it twice is harmless. */
  close(): void;
}
