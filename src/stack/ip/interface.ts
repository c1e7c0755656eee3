import {
  type Address,
  inPrefix,
  inZone,
  isDirectedBroadcast,
  isMulticast,
  type Prefix,
  sameAddress,
} from '../base/address.ts';
import { noOffload, type Offload } from '../base/offload.ts';

/** A place where packets enter and leave: its addresses, the groups it listens to, and the largest packet it takes. */
export class Interface {
  readonly index: number;
  readonly name: string;
  readonly mtu: number;
  readonly offload: Offload;
  readonly addresses: readonly Prefix[];
  /** Multicast groups besides those that every host is in, with the number of sockets that have joined each. */
  readonly #groups: { readonly group: Address; members: number }[] = [];

  constructor(index: number, name: string, mtu: number, addresses: readonly Prefix[], offload: Offload = noOffload) {
    this.index = index;
    this.name = name;
    this.mtu = mtu;
    this.offload = offload;
    this.addresses = addresses.map(({ address, bits }) => ({ address: inZone(address, index), bits }));
  }

  has(address: Address): boolean {
    for (const own of this.addresses) if (sameAddress(own.address, address)) return true;
    return false;
  }

  isBroadcast(address: Address): boolean {
    for (const own of this.addresses) if (isDirectedBroadcast(address, own)) return true;
    return false;
  }

  /** Is a packet to this broadcast or multicast address for us? */
  hears(address: Address): boolean {
    if (!isMulticast(address)) return true;
    if (address.isV4) {
      if (address.w3 === 0xe0000001) return true; // all hosts (RFC 1112 section 4)
    } else if (this.#isOwnGroup(address)) return true;
    return this.#groups.some(({ group }) => sameAddress(group, address));
  }

  /** All nodes, and the solicited-node address of each address (RFC 4291 sections 2.7.1 and 2.8). */
  #isOwnGroup(address: Address): boolean {
    if (address.w1 !== 0 || (address.w0 !== 0xff020000 && address.w0 !== 0xff010000)) return false;
    if (address.w2 === 0 && address.w3 === 1) return true;
    if (address.w0 !== 0xff020000 || address.w2 !== 1 || address.w3 >>> 24 !== 0xff) return false;
    return this.addresses.some(({ address: own }) => !own.isV4 && (own.w3 & 0xffffff) === (address.w3 & 0xffffff));
  }

  /** A socket joins a group. Returns true for the first one. */
  join(group: Address): boolean {
    const known = this.#groups.find((each) => sameAddress(each.group, group));
    if (known !== undefined) known.members++;
    else this.#groups.push({ group, members: 1 });
    return known === undefined;
  }

  /** A socket leaves a group. Returns true for the last one. */
  leave(group: Address): boolean {
    const index = this.#groups.findIndex((each) => sameAddress(each.group, group));
    if (index < 0 || --this.#groups[index]!.members > 0) return false;
    this.#groups.splice(index, 1);
    return true;
  }

  get groups(): readonly Address[] {
    return this.#groups.map(({ group }) => group);
  }

  /** An address of ours in the network of `address`, if there is one. */
  neighbour(address: Address): Address | null {
    for (const own of this.addresses) if (inPrefix(address, own)) return own.address;
    return null;
  }
}
