import type { Address } from './address.ts';
import type { DropReason } from './counters.ts';
import type { PacketMeta } from './offload.ts';
import type { Micros } from './time.ts';

/** Who a state change is about. Read at once or copied: the record lives as long as the connection. */
export interface ConnectionName {
  readonly local: Address;
  readonly localPort: number;
  readonly remote: Address;
  readonly remotePort: number;
}

/**
 * Sees what a stack does, and changes nothing. Every member is optional; a stack without an observer pays one comparison.
 * Calls come from inside the stack: an observer must not call back into it and must copy the bytes that it keeps.
 */
export interface Observer {
  /**
   * A packet has come from, or goes to, the interface with this index; bytes[0, length). Where the device takes work off the
   * stack's hands, `meta` says what: the packet may stand for several, and lack a part of its checksum.
   */
  packet?(
    direction: 'in' | 'out',
    interfaceIndex: number,
    bytes: Uint8Array,
    length: number,
    now: Micros,
    meta: Readonly<PacketMeta>,
  ): void;
  /** A connection has entered a state. */
  state?(connection: ConnectionName, from: string, to: string, now: Micros): void;
  /** A packet went no further. */
  drop?(reason: DropReason, now: Micros): void;
}
