import { type Address, type Binding, bindingsOverlap } from '../base/address.ts';
import type { StackOptions } from '../base/options.ts';
import { type Random, randomBelow } from '../base/random.ts';

/** A local port that a socket holds. */
export interface PortClaim extends Binding {
  readonly port: number;
  /** SO_REUSEADDR: may be shared with others that say the same, unless one listens. */
  reuse: boolean;
  listening: boolean;
}

/** Is there a connection with this four-tuple? */
type IsConnected = (local: Address, localPort: number, remote: Address, remotePort: number) => boolean;

/** Which local TCP ports are taken, and the choice of ephemeral ones (RFC 6056). */
export class Ports {
  /** Keys are ports of ours, chosen by our own user. */
  readonly #claims: Map<number, PortClaim[]> = new Map();
  readonly #options: StackOptions;
  readonly #random: Random;
  readonly #isConnected: IsConnected;

  constructor(options: StackOptions, random: Random, isConnected: IsConnected) {
    this.#options = options;
    this.#random = random;
    this.#isConnected = isConnected;
  }

  /** Takes `port`, or a random free one for 0. Returns null when it is taken. */
  claim(binding: Binding, port: number, reuse: boolean): PortClaim | null {
    const chosen = port === 0 ? this.#ephemeral((candidate) => this.#isFree(binding, candidate, false)) : port;
    if (chosen === 0 || !this.#isFree(binding, chosen, reuse)) return null;
    const claim: PortClaim = { ...binding, port: chosen, reuse, listening: false };
    const list = this.#claims.get(chosen);
    if (list === undefined) this.#claims.set(chosen, [claim]);
    else list.push(claim);
    return claim;
  }

  release(claim: PortClaim): void {
    const list = this.#claims.get(claim.port);
    const index = list?.indexOf(claim) ?? -1;
    if (index < 0) return;
    list!.splice(index, 1);
    if (list!.length === 0) this.#claims.delete(claim.port);
  }

  /** May a claim begin to listen: does nobody else listen there? */
  mayListen(claim: PortClaim): boolean {
    return !this.#overlapping(claim, claim.port).some((other) => other !== claim && other.listening);
  }

  /** A port for a connection that was not bound: random, not held by a socket, and free for this very peer. 0: none. */
  forConnection(local: Address, remote: Address, remotePort: number): number {
    return this.#ephemeral((port) => !this.#claims.has(port) && !this.#isConnected(local, port, remote, remotePort));
  }

  #isFree(binding: Binding, port: number, reuse: boolean): boolean {
    return this.#overlapping(binding, port).every((other) => reuse && other.reuse && !other.listening);
  }

  #overlapping(binding: Binding, port: number): PortClaim[] {
    return (this.#claims.get(port) ?? []).filter((other) => bindingsOverlap(binding, other));
  }

  /** RFC 6056 section 3.3.1: from a random place on, the first that is free. */
  #ephemeral(isFree: (port: number) => boolean): number {
    const [first, last] = this.#options.ephemeralPorts;
    const count = last - first + 1;
    const start = randomBelow(this.#random, count);
    for (let step = 0; step < count; step++) {
      const port = first + ((start + step) % count);
      if (isFree(port)) return port;
    }
    return 0;
  }
}
