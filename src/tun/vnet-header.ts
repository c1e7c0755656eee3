import type { Offload, PacketMeta } from '../stack/device.ts';
import type { Libc } from './libc.ts';

/**
 * The header that a TUN puts in front of each packet when asked to (IFF_VNET_HDR): what one packet stands for, and what is
 * left to do for it. See virtio 1.2 section 5.1.6; the numbers are in the byte order of the processor.
 *
 *     offset  0       1          2                4              6            8               10
 *             | flags | gso type | headers' length | segment size | checksum's start | offset | buffers |
 *
 * With the two octets of `buffers`, which is always zero here, the IP header behind it is aligned to four octets.
 */
export const vnetHeaderLength = 12;

const NEEDS_CSUM = 1;
const DATA_VALID = 2;
const GSO_TCPV4 = 1;
const GSO_TCPV6 = 4;
const GSO_UDP_L4 = 5;
const GSO_ECN = 0x80;

const TUNSETOFFLOAD = 0x400454d0;
const TUNSETVNETHDRSZ = 0x400454d8;
const TUN_F_CSUM = 0x01;
const TUN_F_TSO4 = 0x02;
const TUN_F_TSO6 = 0x04;
const TUN_F_TSO_ECN = 0x08;
const TUN_F_USO4 = 0x20;
const TUN_F_USO6 = 0x40;

/**
 * Asks the kernel for what it may hand us: segments and datagrams that stand for many, and partial checksums. Kernels before
 * 6.2 know nothing of datagrams; one that refuses everything is a device without offloads.
 * @returns what it offers from now on, or null when it cannot be had
 */
export function askForOffload(libc: Libc, fd: number): Offload | null {
  const size = new Uint8Array(new Int32Array([vnetHeaderLength]).buffer);
  if (libc.ioctl(fd, TUNSETVNETHDRSZ, size) < 0) return null;
  const tcp = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
  if (libc.ioctlNumber(fd, TUNSETOFFLOAD, tcp | TUN_F_USO4 | TUN_F_USO6) >= 0) return full;
  if (libc.ioctlNumber(fd, TUNSETOFFLOAD, tcp) >= 0) return full;
  return null;
}
const full: Offload = { checksums: true, segmentation: true };

/** Reads the header at the beginning of `header`, a packet that the kernel has written, into `meta`. */
export function readVnetHeader(header: VnetHeader, meta: PacketMeta): void {
  const { octets, words } = header;
  const flags = octets[0]!;
  if ((flags & NEEDS_CSUM) !== 0) {
    meta.checksum = 'partial';
    meta.transportAt = words[3]!;
    meta.checksumOffset = words[4]!;
    const type = octets[1]! & ~GSO_ECN;
    if (type === GSO_TCPV4 || type === GSO_TCPV6 || type === GSO_UDP_L4) meta.segmentSize = words[2]!;
  } else if ((flags & DATA_VALID) !== 0 || octets[1] !== 0) meta.checksum = 'verified';
}

/** Writes the header for the packet that begins behind it. */
export function writeVnetHeader(header: VnetHeader, meta: Readonly<PacketMeta> | undefined, isV6: boolean): void {
  const { octets, words } = header;
  if (meta === undefined || meta.checksum === 'whole') return void octets.fill(0);
  octets[0] = NEEDS_CSUM;
  octets[1] = meta.segmentSize === 0 ? 0 : isV6 ? GSO_TCPV6 : GSO_TCPV4;
  words[1] = 0;
  words[2] = meta.segmentSize;
  words[3] = meta.transportAt;
  words[4] = meta.checksumOffset;
  words[5] = 0;
}

/** Views of the octets in front of a packet. */
export class VnetHeader {
  readonly octets: Uint8Array;
  readonly words: Uint16Array;
  /** The header and the packet behind it. */
  readonly whole: Uint8Array;

  /** @throws RangeError there is no room in front of `packet`, or it does not begin at an even octet */
  constructor(packet: Uint8Array) {
    const start = packet.byteOffset - vnetHeaderLength;
    this.octets = new Uint8Array(packet.buffer, start, vnetHeaderLength);
    this.words = new Uint16Array(packet.buffer, start, vnetHeaderLength / 2);
    this.whole = new Uint8Array(packet.buffer, start, vnetHeaderLength + packet.length);
  }
}
