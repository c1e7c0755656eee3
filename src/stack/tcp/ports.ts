import { type Address, type Binding, bindingCovers, bindingsOverlap } from '../base/address.ts';
import type { StackOptions } from '../base/options.ts';
import { type Random, randomBelow } from '../base/random.ts';
import { TcpSettings } from './settings.ts';

/** A port that is given out is nobody else's. */
const exclusive: TcpSettings = new TcpSettings();

/** A local port that a socket holds. */
export interface PortClaim extends Binding {
  readonly port: number;
  /** Of its socket: may the port be shared? */
  readonly settings: Readonly<TcpSettings>;
  listening: boolean;
}

/** What of the connections matters here. */
interface Connections {
  isConnected(local: Address, localPort: number, remote: Address, remotePort: number): boolean;
  connections(): Iterable<{
    readonly local: Address;
    readonly localPort: number;
    readonly wasPassive: boolean;
    readonly settings: Readonly<TcpSettings>;
  }>;
}

/** Which local TCP ports are taken, and the choice of ephemeral ones (RFC 6056). */
export class Ports {
  /** Keys are ports of ours, chosen by our own user. */
  readonly #claims: Map<number, PortClaim[]> = new Map();
  readonly #options: StackOptions;
  readonly #random: Random;
  readonly #connections: Connections;

  constructor(options: StackOptions, random: Random, connections: Connections) {
    this.#options = options;
    this.#random = random;
    this.#connections = connections;
  }

  /** Takes `port`, or a random free one for 0. Returns null when it is taken. */
  claim(binding: Binding, port: number, settings: Readonly<TcpSettings>): PortClaim | null {
    const chosen = port === 0 ? this.#ephemeral((candidate) => this.#isFree(binding, candidate, exclusive)) : port;
    if (chosen === 0 || !this.#isFree(binding, chosen, settings)) return null;
    const claim: PortClaim = { ...binding, port: chosen, settings, listening: false };
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

  /** May a claim begin to listen: does nobody else listen there, outside of its group? */
  mayListen(claim: PortClaim): boolean {
    const others = this.#overlapping(claim, claim.port).filter((other) => other !== claim && other.listening);
    return others.every((other) => claim.settings.reusePort && other.settings.reusePort);
  }

  /** A port for a connection that was not bound: random, not held by a socket, and free for this very peer. 0: none. */
  forConnection(local: Address, remote: Address, remotePort: number): number {
    return this.#ephemeral(
      (port) => !this.#claims.has(port) && !this.#connections.isConnected(local, port, remote, remotePort),
    );
  }

  /** Linux's rule: a socket with the same port and address is in the way unless both say that it is not. */
  #isFree(binding: Binding, port: number, settings: Readonly<TcpSettings>): boolean {
    const mayShare = (other: Readonly<TcpSettings>, listening: boolean) =>
      (settings.reuseAddress && other.reuseAddress && !listening) || (settings.reusePort && other.reusePort);
    if (!this.#overlapping(binding, port).every((other) => mayShare(other.settings, other.listening))) return false;
    for (const tcb of this.#connections.connections()) {
      const isThere = tcb.localPort === port && tcb.wasPassive && bindingCovers(binding, tcb.local);
      if (isThere && !mayShare(tcb.settings, false)) return false;
    }
    return true;
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
