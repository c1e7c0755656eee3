/**
 * What a device takes off the stack's hands: many segments may cross between the two as one packet, and a checksum need
 * not be looked at twice. A TUN offers it as Linux's drivers do (virtio 1.2 section 5.1.6); without it nothing changes but
 * the number of packets.
 */
export interface Offload {
  /** The checksums of TCP segments may be left to the device, and the device tells of those that need no look. */
  readonly checksums: boolean;
  /** A packet of up to 65,535 octets may stand for several TCP segments. */
  readonly segmentation: boolean;
}

export const noOffload: Offload = { checksums: false, segmentation: false };

/** What travels with a packet between a device and the stack besides its octets. Refilled for every packet. */
export class PacketMeta {
  /** Octets of text in each of the packets that this one stands for (the last may have less); 0: it is one packet. Its checksum is partial. */
  segmentSize = 0;
  /**
   * The transport's checksum: as on the wire; only the sum over the pseudo-header, the rest is left to whoever puts it on a
   * wire ('partial'); or not to be looked at, because somebody has ('verified').
   */
  checksum: 'whole' | 'partial' | 'verified' = 'whole';
  /** Of a partial checksum: where the octets begin that it is about, and how far behind that its field stands. */
  transportAt = 0;
  checksumOffset = 0;

  clear(): void {
    this.segmentSize = 0;
    this.checksum = 'whole';
    this.transportAt = 0;
    this.checksumOffset = 0;
  }

  copy(from: PacketMeta): void {
    this.segmentSize = from.segmentSize;
    this.checksum = from.checksum;
    this.transportAt = from.transportAt;
    this.checksumOffset = from.checksumOffset;
  }
}

/** Of a packet that stands for itself, with nothing left to do. */
export const plainPacket: Readonly<PacketMeta> = Object.freeze(new PacketMeta());
