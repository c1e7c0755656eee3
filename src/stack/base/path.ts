import type { Address } from './address.ts';
import type { Offload } from './offload.ts';

/** How packets get to a destination: what a transport has to know of the layer below. */
export interface Path {
  readonly interfaceIndex: number;
  /** The largest packet the way takes, in octets. */
  readonly mtu: number;
  /** The address to send from. */
  readonly source: Address;
  /** What the device there does for the packets. */
  readonly offload: Offload;
  /** The destination is a broadcast or multicast address. */
  readonly toMany: boolean;
}

/**
 * Finds the way to a destination, from `source` if that is specified, by an interface if that is not 0.
 * Null: no route, or `source` is not ours.
 */
export type FindPath = (destination: Address, source: Address, interfaceIndex?: number) => Path | null;

/** A socket that is bound to no interface (Linux: SO_BINDTODEVICE). Loopback has index 0. */
export const anyInterface = -1;

/** The way for a socket that may be bound to an interface. On loopback there is only this host. */
export function findPathBy(findPath: FindPath, device: number, destination: Address, source: Address): Path | null {
  const path = findPath(destination, source, Math.max(0, device));
  return path !== null && device !== anyInterface && path.interfaceIndex !== device ? null : path;
}

/** Octets that the IP header takes in front of a payload for this destination. */
export const headerRoom = (destination: Address): number => (destination.isV4 ? 20 : 40);
