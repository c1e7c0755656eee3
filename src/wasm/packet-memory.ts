import { installChecksumKernel } from '../stack/index.ts';
import { checksumCode } from './checksum-code.ts';

/**
 * Buffers for packets in a memory where vector instructions can add up checksums (`npm run bench -- core`: a sixth of the
 * time). Where WebAssembly or its vectors are missing, ordinary buffers, and the sums of the stack's own.
 */

/** As much of WebAssembly as is used here; neither Node's types nor the browser's are there. */
interface WebAssemblyLike {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: Exports };
}
interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly sum: (start: number, length: number) => number;
}

/** Octets for one buffer: the largest packet and what devices put in front of it. */
const slot = 1 << 17;

let memory: ArrayBuffer | null | undefined;
let taken = 0;

/** A buffer for packets of up to 65,535 octets, with `headroom` octets in front of it that are the device's. */
export function packetBuffer(headroom: number): Uint8Array {
  memory ??= instantiate();
  const room = headroom + 65_536;
  if (memory === null || taken + slot > memory.byteLength || room > slot) {
    return new Uint8Array(room).subarray(headroom);
  }
  taken += slot;
  return new Uint8Array(memory, taken - slot + headroom, 65_536);
}

/** Null: this engine cannot. */
function instantiate(): ArrayBuffer | null {
  try {
    const { WebAssembly, atob } = globalThis as unknown as { WebAssembly: WebAssemblyLike; atob(text: string): string };
    const code = Uint8Array.from(atob(checksumCode), (letter) => letter.charCodeAt(0));
    const { memory, sum } = new WebAssembly.Instance(new WebAssembly.Module(code)).exports;
    installChecksumKernel({ memory: memory.buffer, sum });
    return memory.buffer;
  } catch {
    return null;
  }
}
