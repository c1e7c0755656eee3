/**
 * Which interface a TUN descriptor stands for: the two ioctl(2) calls that set and tell it, over C's struct ifreq.
 *
 *     offset  0        16      18             40
 *             | name   | flags | unused here  |        the name ends with a zero octet: 15 characters at most
 */
import type { Libc } from './libc.ts';

/** What the kernel says of a descriptor. */
export interface Attachment {
  readonly name: string;
  /** The IFF_ bits below. */
  readonly flags: number;
}

/**
 * Makes `fd` a queue of the interface `name`, the only one unless IFF_MULTI_QUEUE says otherwise, which is created unless it exists; '%d' in it becomes a free number.
 * @param more flags, besides those that every interface of ours has
 * @returns the attachment, or undefined when the kernel refused (see `libc.errno()`)
 */
export function attach(libc: Libc, fd: number, name: string, more = 0): Attachment | undefined {
  const ifreq = new Uint8Array(IFREQ_SIZE);
  new TextEncoder().encodeInto(name, ifreq.subarray(0, IFNAMSIZ - 1));
  setFlags(ifreq, IFF_TUN | IFF_NO_PI | more);
  return libc.ioctl(fd, TUNSETIFF, ifreq) < 0 ? undefined : attachmentOf(libc, fd);
}

/** @returns the interface that `fd` stands for, or undefined when there is none (any more): see `libc.errno()` */
export function attachmentOf(libc: Libc, fd: number): Attachment | undefined {
  const ifreq = new Uint8Array(IFREQ_SIZE);
  if (libc.ioctl(fd, TUNGETIFF, ifreq) < 0) return undefined;
  const end = ifreq.indexOf(0);
  return { name: new TextDecoder().decode(ifreq.subarray(0, end)), flags: getFlags(ifreq) };
}

// struct ifreq is in the processor's own byte order.
function setFlags(ifreq: Uint8Array, flags: number): void {
  new Uint16Array(ifreq.buffer, FLAGS_OFFSET, 1)[0] = flags;
}

function getFlags(ifreq: Uint8Array): number {
  return new Uint16Array(ifreq.buffer, FLAGS_OFFSET, 1)[0]!;
}

/** Layer 3: IP packets, no Ethernet header. */
export const IFF_TUN = 0x0001;
/** No four octets of "packet information" before each packet. */
export const IFF_NO_PI = 0x1000;
/** A virtio-net header before each packet. */
export const IFF_VNET_HDR = 0x4000;
/** Several descriptors may stand for the interface: the kernel keeps each flow to one of them. */
export const IFF_MULTI_QUEUE = 0x0100;
/** The interface outlives its descriptor: `ip tuntap add`. */
export const IFF_PERSIST = 0x0800;
/** Room for an interface name and the zero octet behind it. */
export const IFNAMSIZ = 16;

const IFREQ_SIZE = 40;
const FLAGS_OFFSET = 16;
const TUNSETIFF = 0x400454ca;
const TUNGETIFF = 0x800454d2;
