import { packetBuffer } from '../wasm/packet-memory.ts';

/**
 * Memory for packets. A fresh array for each that is on its way would cost as much as the stack does for it, so they are used again;
 * and since checksums are added up faster in memory of their own, that is where packets are written and where they arrive
 * (`npm run bench -- sim`). All networks of a process share all of it.
 */

/** What any packet of an ordinary link fits into; longer ones get arrays of their own. */
const room = 2048;
const free: Uint8Array[] = [];

/** A copy of bytes[0, length): at least as long, and its taker's until it is given back. */
export function copyPacket(bytes: Uint8Array, length: number): Uint8Array {
  if (length > room) return bytes.slice(0, length);
  const packet = free.pop() ?? new Uint8Array(room);
  packet.set(bytes.subarray(0, length));
  return packet;
}

/** Nobody looks at it any more. */
export function giveBack(packet: Uint8Array): void {
  if (packet.length === room) free.push(packet);
}

let departing: Uint8Array | null = null;
let arriving: Uint8Array | null = null;

/** What a host writes a packet into; it has left again, as a copy, before anybody else needs it. */
export function departingPacket(): Uint8Array {
  departing ??= packetBuffer(0);
  return departing;
}

/** Where packet[0, length) arrives; it has been taken in before the next one does. */
export function arrivingPacket(packet: Uint8Array, length: number): Uint8Array {
  arriving ??= packetBuffer(0);
  arriving.set(packet.subarray(0, length));
  return arriving;
}
