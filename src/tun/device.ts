/**
 * A TUN descriptor as a device of the stack: what the kernel routes to the interface is read here, packet by packet, and
 * what is written here the kernel takes as received on that interface.
 *
 * Interface down: the kernel refuses writes (EIO) and has nothing to read, and poll(2) just waits; once it is up again
 * everything goes on. Interface deleted: poll(2) reports POLLERR, read and write EBADFD, for ever.
 */
import type { Device, Offload, PacketMeta } from '../stack/device.ts';
import { errnoName, interfaceLost, type TunError } from './errors.ts';
import { attachmentOf } from './ifreq.ts';
import { EBADF, EBADFD, EFAULT, ENODEV, type Libc, POLLERR, POLLHUP, POLLIN, POLLNVAL } from './libc.ts';
import { readVnetHeader, VnetHeader, vnetHeaderLength, writeVnetHeader } from './vnet-header.ts';
import type { Waiter } from './waiter.ts';
import { Writer } from './writer.ts';

export class TunDevice implements Device {
  readonly name: string;
  readonly mtu: number;
  readonly offload: Offload;
  readonly headroom: number;
  readonly #libc: Libc;
  readonly #waiter: Waiter;
  readonly #fd: number;
  #state: 'open' | 'lost' | 'closed' = 'open';
  #ready: (() => void) | undefined;
  #lost: ((reason: Error) => void) | undefined;
  #reason: TunError | undefined;
  readonly #onWoken = (revents: number): void => this.#woken(revents);

  #writeErrors = 0;
  /** Packets written since the last read: many in a row are worth a thread that writes them. */
  #inRow = 0;
  #writer: Writer | null = null;
  /** A packet crosses with a header of the kernel's in front of it. */
  readonly #hasHeader: boolean;
  /** Views of the buffers that were handed in last; everybody uses the same one again and again. */
  #buffer: Uint8Array | null = null;
  #header: VnetHeader | null = null;

  /**
   * Takes over `fd`, a non-blocking descriptor attached to a TUN interface. Users call `openTun` or `adoptDescriptor`.
   * @param offload what the kernel does for packets that have a header in front; null: they have none
   */
  constructor(libc: Libc, waiter: Waiter, fd: number, name: string, mtu: number, offload: Offload | null) {
    this.#hasHeader = offload !== null;
    this.offload = offload ?? { checksums: false, segmentation: false };
    this.headroom = offload === null ? 0 : vnetHeaderLength;
    this.#libc = libc;
    this.#waiter = waiter;
    this.#fd = fd;
    this.name = name;
    this.mtu = mtu;
  }

  /** Many packets in a row are written by a thread of their own: there have been such, without offload, and it is up. */
  get hasWriter(): boolean {
    return this.#writer?.isUp ?? false;
  }

  /** Packets that the kernel did not take: the interface was down, or its queue full. */
  get writeErrors(): number {
    return this.#writeErrors + (this.#writer?.errors ?? 0);
  }

  /**
   * Reads the next waiting packet into `into`.
   * @returns its length in octets; 0 when none waits, the interface is down or lost, or the device is closed
   * @throws RangeError `into` is too small for the largest packet, which the kernel would cut without a word; or there is no
   *   headroom in front of it
   * @throws TypeError with offload, without `meta`
   */
  read(into: Uint8Array, meta?: PacketMeta): number {
    if (this.#state !== 'open') return 0;
    this.#inRow = 0;
    if (into.length < LARGEST_PACKET)
      throw new RangeError(`room for ${LARGEST_PACKET} octets is needed to read a packet`);
    if (!this.#hasHeader) {
      const length = this.#libc.read(this.#fd, into, into.length);
      if (length > 0) return length;
      if (length < 0) this.#checkLost(this.#libc.errno());
      return 0;
    }
    if (meta === undefined) throw new TypeError('with offload, what a packet stands for has to be asked for');
    const header = this.#headerOf(into);
    const length = this.#libc.read(this.#fd, header.whole, header.whole.length);
    if (length > vnetHeaderLength) {
      readVnetHeader(header, meta);
      return length - vnetHeaderLength;
    }
    if (length < 0) this.#checkLost(this.#libc.errno());
    return 0;
  }

  /**
   * Hands the packet bytes[0, length) to the kernel, which copies it. The kernel takes packets beyond the MTU too.
   * @returns false when it was dropped: interface down (EIO), no room (EAGAIN, ENOBUFS), not IP (EINVAL), lost or closed
   * @throws RangeError `length` is beyond `bytes`, or there is no headroom in front of them
   */
  write(bytes: Uint8Array, length: number, meta?: Readonly<PacketMeta>): boolean {
    if (length > bytes.length) throw new RangeError(`a packet of ${length} octets in a buffer of ${bytes.length}`);
    if (this.#state !== 'open') return false;
    if (this.#write(bytes, length, meta) >= 0) return true;
    this.#writeErrors++;
    this.#checkLost(this.#libc.errno());
    return false;
  }

  #write(bytes: Uint8Array, length: number, meta: Readonly<PacketMeta> | undefined): number {
    if (!this.#hasHeader) return this.#writePlain(bytes, length);
    const header = this.#headerOf(bytes);
    writeVnetHeader(header, meta, bytes[0]! >> 4 === 6);
    return this.#libc.write(this.#fd, header.whole, vnetHeaderLength + length);
  }

  /** Few at a time at once; of many in a row, those after the first by another thread (writer.ts), in the order of all. */
  #writePlain(bytes: Uint8Array, length: number): number {
    const isMany = ++this.#inRow > fewInRow && Writer.suits(this.mtu);
    if (isMany) this.#writer ??= new Writer(this.#fd, this.mtu);
    const writer = this.#writer;
    if (!writer?.isUp || (!isMany && writer.isIdle)) return this.#libc.write(this.#fd, bytes, length);
    if (writer.put(bytes, length)) return length;
    writer.drain();
    return this.#libc.write(this.#fd, bytes, length);
  }

  #headerOf(packet: Uint8Array): VnetHeader {
    if (packet !== this.#buffer || this.#header === null) {
      this.#header = new VnetHeader(packet);
      this.#buffer = packet;
    }
    return this.#header;
  }

  /** Calls `ready` once, later, when a packet waits. Asking again replaces the callback. Until then the process stays alive. */
  onReady(ready: () => void): void {
    if (this.#state !== 'open') return;
    this.#ready = ready;
    this.#waiter.watch(this.#fd, this.#onWoken);
  }

  /** Calls `lost` once, later, with a TunError, if the interface is deleted or has been already. */
  onLost(lost: (reason: Error) => void): void {
    this.#lost = lost;
    if (this.#state === 'lost') this.#tellLost();
  }

  /**
   * Closes the descriptor, at once or as soon as the wait for packets has been broken off. With it goes the interface,
   * unless it is persistent. No callback is called any more. Calling it twice is harmless.
   */
  close(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#ready = undefined;
    this.#lost = undefined;
    // A descriptor under a running poll stays open: its number might name another file by the time poll looks at it.
    this.#waiter.forget(this.#fd, () => {
      if (this.#writer === null) this.#libc.close(this.#fd);
      else this.#writer.stop(() => this.#libc.close(this.#fd));
    });
  }

  #woken(revents: number): void {
    if (this.#state !== 'open') return;
    if ((revents & (POLLERR | POLLHUP | POLLNVAL)) !== 0 && attachmentOf(this.#libc, this.#fd) === undefined) {
      this.#lose(this.#libc.errno());
    } else if ((revents & POLLIN) !== 0) {
      const ready = this.#ready;
      this.#ready = undefined;
      ready?.();
    } else {
      // Trouble that has no name and nothing to read: poll would report it again at once, for ever.
      setTimeout(() => this.#ready && this.onReady(this.#ready), TROUBLE_RETRY_MS).unref();
    }
  }

  #checkLost(errno: number): void {
    if (errno === EBADFD || errno === EBADF || errno === EFAULT || errno === ENODEV) this.#lose(errno);
  }

  #lose(errno: number): void {
    this.#state = 'lost';
    this.#ready = undefined;
    this.#reason = interfaceLost(errnoName(errno), this.name);
    this.#waiter.forget(this.#fd, () => {});
    this.#tellLost();
  }

  /** In a microtask: whoever reads or writes is not called back from inside that call. */
  #tellLost(): void {
    const lost = this.#lost;
    const reason = this.#reason;
    if (lost === undefined || reason === undefined) return;
    this.#lost = undefined;
    queueMicrotask(() => {
      if (this.#state === 'lost') lost(reason);
    });
  }
}

/** The most that an IP packet can be without jumbograms, and so that a TUN without offloads can deliver. */
const LARGEST_PACKET = 65_535;
const TROUBLE_RETRY_MS = 50;
/** Packets that are written at once. */
const fewInRow = 16;
