/** Devices that somebody else opened: an object in the manner of the package tuntap2, or an inherited descriptor. */
import type { Device } from '../stack/device.ts';
import { TunDevice } from './device.ts';
import { TunError, unfitDescriptor } from './errors.ts';
import { attachmentOf, IFF_NO_PI, IFF_TUN, IFF_VNET_HDR } from './ifreq.ts';
import { F_GETFL, F_SETFL, loadLibc, O_NONBLOCK } from './libc.ts';
import { askForOffload } from './vnet-header.ts';
import { sharedWaiter } from './waiter.ts';

/** What is needed of a `Tun` of tuntap2 and its forks: a stream whose every chunk is one IP packet, both ways. */
export interface TunLike {
  /** Takes a packet, now or later. */
  write(packet: Uint8Array): unknown;
  on(event: 'data', listener: (packet: Uint8Array) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'close', listener: () => void): unknown;
  /** Gives the interface back. */
  release(): unknown;
  readonly name?: string;
  /** Octets. */
  readonly mtu?: number;
  /** Octets that `write` has taken and not passed on yet, as a stream tells them. */
  readonly writableLength?: number;
}

/** What the user knows and the adopted device may not tell. */
export interface AdoptOptions {
  readonly name?: string;
  /** Octets. */
  readonly mtu?: number;
}

/**
 * Makes a device of a tuntap2-like object, which is the device's from here on: `close` releases it.
 *
 * Its packets are kept until they are read, up to 1,024 of them and 2 MiB; what comes beyond is dropped and counted. An
 * 'error' or 'close' event means that the device is lost. Whether the process can exit is in the hands of `tun`.
 *
 * @param options override what `tun` tells of itself; without either, the name is 'tun' and the MTU 1,500 octets
 */
export function adoptTun(tun: TunLike, options: AdoptOptions = {}): AdoptedTun {
  return new AdoptedTun(tun, options.name ?? tun.name ?? 'tun', options.mtu ?? tun.mtu ?? DEFAULT_MTU);
}

/** See `adoptTun`. */
export class AdoptedTun implements Device {
  readonly name: string;
  readonly mtu: number;
  /** Packets that arrived while the queue was full. */
  readDrops = 0;
  /** Packets that `tun` had no room for, or refused. */
  writeErrors = 0;

  readonly #tun: TunLike;
  /** A ring: `#queuedPackets` packets from `#head` on are waiting. */
  readonly #queue: (Uint8Array | undefined)[] = new Array(QUEUE_PACKETS).fill(undefined);
  #head = 0;
  #queuedPackets = 0;
  #queuedOctets = 0;
  #state: 'open' | 'lost' | 'closed' = 'open';
  #ready: (() => void) | undefined;
  #lost: ((reason: Error) => void) | undefined;
  #reason: Error | undefined;

  constructor(tun: TunLike, name: string, mtu: number) {
    this.#tun = tun;
    this.name = name;
    this.mtu = mtu;
    tun.on('error', (error) => this.#lose(`failed: ${error.message}`, error));
    tun.on('close', () => this.#lose('was closed', undefined));
    tun.on('data', (packet) => this.#arrived(packet));
  }

  /** @returns the length of the next packet, copied into `into`; 0 when none waits */
  read(into: Uint8Array): number {
    const packet = this.#queue[this.#head];
    if (packet === undefined) return 0;
    this.#queue[this.#head] = undefined;
    this.#head = (this.#head + 1) % QUEUE_PACKETS;
    this.#queuedPackets--;
    this.#queuedOctets -= packet.length;
    into.set(packet);
    return packet.length;
  }

  /** Hands on a copy of bytes[0, length). @returns false when `tun` is behind with more than 2 MiB, refuses, or is gone */
  write(bytes: Uint8Array, length: number): boolean {
    if (length > bytes.length) throw new RangeError(`a packet of ${length} octets in a buffer of ${bytes.length}`);
    if (this.#state !== 'open') return false;
    try {
      if ((this.#tun.writableLength ?? 0) + length <= QUEUE_OCTETS) {
        this.#tun.write(Buffer.from(bytes.subarray(0, length)));
        return true;
      }
    } catch {
      // Refused: to IP that is a packet lost, like any other.
    }
    this.writeErrors++;
    return false;
  }

  /** Calls `ready` once, later, when a packet waits. Asking again replaces the callback. */
  onReady(ready: () => void): void {
    if (this.#state !== 'open') return;
    this.#ready = ready;
    if (this.#queuedPackets > 0) queueMicrotask(() => this.#tellReady());
  }

  /** Calls `lost` once, later, when `tun` reports an error or its end. */
  onLost(lost: (reason: Error) => void): void {
    this.#lost = lost;
    if (this.#state === 'lost') queueMicrotask(() => this.#tellLost());
  }

  /** Releases `tun`. Calling it twice is harmless. */
  close(): void {
    if (this.#state === 'closed') return;
    const wasOpen = this.#state === 'open';
    this.#state = 'closed';
    this.#ready = undefined;
    this.#lost = undefined;
    this.#forgetQueue();
    try {
      this.#tun.release();
    } catch (error) {
      if (wasOpen) throw error; // a lost one may have released itself
    }
  }

  #arrived(packet: Uint8Array): void {
    if (this.#state !== 'open') return;
    if (this.#queuedPackets === QUEUE_PACKETS || this.#queuedOctets + packet.length > QUEUE_OCTETS) {
      this.readDrops++;
      return;
    }
    // Copied: a slice of a 64 KiB read buffer would keep all of it in memory, and its owner may use it again.
    this.#queue[(this.#head + this.#queuedPackets) % QUEUE_PACKETS] = new Uint8Array(packet);
    this.#queuedPackets++;
    this.#queuedOctets += packet.length;
    // In a microtask, because `tun` may hand up a packet while it is being handed one.
    if (this.#ready) queueMicrotask(() => this.#tellReady());
  }

  #tellReady(): void {
    const ready = this.#ready;
    if (ready === undefined || this.#queuedPackets === 0) return;
    this.#ready = undefined;
    ready();
  }

  #lose(what: string, cause: Error | undefined): void {
    if (this.#state !== 'open') return;
    this.#state = 'lost';
    this.#ready = undefined;
    this.#forgetQueue();
    this.#reason = new TunError('EIO', `the adopted device ${this.name} ${what}: close it and adopt another`, {
      cause,
    });
    queueMicrotask(() => this.#tellLost());
  }

  #tellLost(): void {
    const lost = this.#lost;
    if (lost === undefined || this.#reason === undefined) return;
    this.#lost = undefined;
    lost(this.#reason);
  }

  #forgetQueue(): void {
    this.#queue.fill(undefined);
    this.#queuedPackets = 0;
    this.#queuedOctets = 0;
  }
}

/**
 * Makes a device of a TUN descriptor that this process inherited, for instance from a starter that has the privileges.
 * The descriptor is the device's from here on, and becomes non-blocking for everyone who shares it.
 *
 * @param fd attached to an interface with IFF_TUN and IFF_NO_PI; with IFF_VNET_HDR, segments may cross by the dozen
 * @param options the MTU is not asked of the kernel, whose interface may be in another namespace: without one, 1,500 octets
 * @throws TunError ENOTLINUX, ENOKOFFI, or EINVAL: not an attached TUN descriptor, or one with other packet formats
 */
export async function adoptDescriptor(fd: number, options: AdoptOptions = {}): Promise<TunDevice> {
  const libc = await loadLibc();
  const attachment = attachmentOf(libc, fd);
  if (attachment === undefined) throw unfitDescriptor(fd, 'is not attached to a TUN interface');
  if ((attachment.flags & (IFF_TUN | IFF_NO_PI)) !== (IFF_TUN | IFF_NO_PI)) {
    throw unfitDescriptor(fd, 'does not carry bare IP packets');
  }
  const offload = (attachment.flags & IFF_VNET_HDR) !== 0 ? askForOffload(libc, fd) : null;
  libc.fcntl(fd, F_SETFL, libc.fcntl(fd, F_GETFL, 0) | O_NONBLOCK);
  return new TunDevice(
    libc,
    sharedWaiter(libc),
    fd,
    options.name ?? attachment.name,
    options.mtu ?? DEFAULT_MTU,
    offload,
  );
}

const DEFAULT_MTU = 1500;
/** As many as Linux queues on the way to a TUN, and doubled. */
const QUEUE_PACKETS = 1024;
const QUEUE_OCTETS = 2 * 1024 * 1024;
