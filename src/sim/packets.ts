import { packetBuffer } from '../wasm/packet-memory.ts';

/**
 * Memory for packets on their way, used again and again: a fresh array for each costs as much as the stack does for it, and checksums
 * are added up faster in memory of their own (`npm run bench -- sim`). All networks of a process share it.
 */

/** What any packet of an ordinary link fits into; longer ones get arrays of their own. */
const room = 2048;
/** Apart by no power of two, which would put all of them into the same lines of the processor's cache. */
const distance = room + 64;
/** Of that memory, at most. */
const mostBuffers = 48;

const free: Uint8Array[] = [];
let buffers = 0;

/** What a host writes a packet into; it has left again, as a copy, before anybody else needs it. */
let scratch: Uint8Array | null = null;
export function scratchPacket(): Uint8Array {
  scratch ??= packetBuffer(0);
  return scratch;
}

/** A copy of bytes[0, length): at least as long, and its taker's until it is given back. */
export function copyPacket(bytes: Uint8Array, length: number): Uint8Array {
  if (length > room) return bytes.slice(0, length);
  if (free.length === 0) provide();
  const packet = free.pop()!;
  packet.set(bytes.subarray(0, length));
  return packet;
}

/** Nobody looks at it any more. */
export function giveBack(packet: Uint8Array): void {
  if (packet.length === room) free.push(packet);
}

function provide(): void {
  if (buffers === mostBuffers) return void free.push(new Uint8Array(room));
  buffers++;
  const buffer = packetBuffer(0);
  for (let at = 0; at + room <= buffer.length; at += distance) free.push(buffer.subarray(at, at + room));
}
