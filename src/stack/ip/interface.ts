import { type Address, isDirectedBroadcast, type Prefix, sameAddress } from '../base/address.ts';

/** A place where packets enter and leave: its addresses and the largest packet it takes. */
export class Interface {
  readonly index: number;
  readonly name: string;
  readonly mtu: number;
  readonly addresses: readonly Prefix[];

  constructor(index: number, name: string, mtu: number, addresses: readonly Prefix[]) {
    this.index = index;
    this.name = name;
    this.mtu = mtu;
    this.addresses = addresses;
  }

  has(address: Address): boolean {
    for (const own of this.addresses) if (sameAddress(own.address, address)) return true;
    return false;
  }

  isBroadcast(address: Address): boolean {
    for (const own of this.addresses) if (isDirectedBroadcast(address, own)) return true;
    return false;
  }
}
