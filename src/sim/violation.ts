import type { Micros } from '../stack/base/time.ts';
import type { Tcb } from '../stack/index.ts';

/** What the stack promises at any time, whatever a network does to it. Checked after every simulated event. */
export const promises = {
  1: 'what is received is what was sent, and ends where it ended',
  2: 'RCV.NXT and the right edge never go back, and nothing is acknowledged that has not come',
  3: 'SND.UNA <= SND.NXT <= what the peer has offered, and new text only within cwnd',
  4: 'what is outstanding has a timer',
  6: 'a reset acts only at RCV.NXT, and nothing else that arrives ends a connection',
  7: 'not more than one answer to a packet that nobody asked for, and none to errors or to many',
  8: 'memory is bounded, and nothing is left of what has ended',
  9: 'every packet sent is well formed',
  10: 'states change along the legal arcs only',
  12: 'a packet with a bad checksum changes a counter and nothing else',
} as const;

export type Promised = keyof typeof promises;

/** A promise was broken. Tells which one, by whom, and when in virtual time. */
export class InvariantViolation extends Error {
  readonly invariant: Promised;
  readonly at: Micros;

  constructor(invariant: Promised, who: string, what: string, at: Micros) {
    super(`invariant ${invariant} (${promises[invariant]}) at ${at / 1e6} s: ${who}: ${what}`);
    this.name = 'InvariantViolation';
    this.invariant = invariant;
    this.at = at;
  }
}

/** 'client 10.0.0.1:40000 > 10.0.0.2:80 ESTABLISHED' */
export const nameOf = (host: string, { local, localPort, remote, remotePort, state }: Tcb): string =>
  `${host} ${local}:${localPort} > ${remote}:${remotePort} ${state}`;
