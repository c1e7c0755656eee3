import { type Address, anyV4, anyV6, inPrefix, type Prefix } from '../base/address.ts';

/** One line of the routing table. */
export interface Route {
  readonly to: Prefix;
  /** Packets to it leave by this interface. */
  readonly interfaceIndex: number;
  /** Among routes of the same prefix length the smallest wins. */
  readonly metric: number;
}

/** The routing table: longest prefix match, then the smallest metric (RFC 1812 section 5.2.4.3). */
export class RouteTable {
  /** Best first, so that the first match is the answer. A host has a handful. */
  readonly #routes: Route[] = [];

  add(route: Route): void {
    this.#routes.push(route);
    this.#routes.sort((a, b) => b.to.bits - a.to.bits || a.metric - b.metric);
  }

  find(destination: Address): Route | null {
    for (const route of this.#routes) if (inPrefix(destination, route.to)) return route;
    return null;
  }
}

/** The prefix that every address of a family matches. */
export const defaultPrefix = (isV4: boolean): Prefix => ({ address: isV4 ? anyV4 : anyV6, bits: 0 });
