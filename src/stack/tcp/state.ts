import type { ConnectionName, Observer } from '../base/observe.ts';
import type { ChangedList, Endpoint } from '../base/ready.ts';
import type { Micros } from '../base/time.ts';

/** The states of a connection (RFC 9293 section 3.3.2). LISTEN belongs to `Listener`: a connection never is in it. */
export type State =
  | 'CLOSED'
  | 'SYN-SENT'
  | 'SYN-RECEIVED'
  | 'ESTABLISHED'
  | 'FIN-WAIT-1'
  | 'FIN-WAIT-2'
  | 'CLOSE-WAIT'
  | 'CLOSING'
  | 'LAST-ACK'
  | 'TIME-WAIT';

/**
 * The legal arcs. `docs/state-machine.md` is drawn from this table, and a test fails unless the suite travels each of them.
 *
 * RFC 9293's Figure 5 is a summary. It has SYN-RECEIVED return to LISTEN; here the listener is an object of its own that
 * never left LISTEN, so a refused half-open connection simply closes. A FIN that completes the handshake passes through
 * ESTABLISHED, so SYN-RECEIVED has no arc to CLOSE-WAIT; and one that acknowledges ours passes through FIN-WAIT-2 (fifth
 * step of section 3.10.7.4), so FIN-WAIT-1 has none to TIME-WAIT. Any state may close at once: by ABORT, by a reset
 * or by a timeout.
 */
export const arcs: Readonly<Record<State, readonly State[]>> = {
  CLOSED: ['SYN-SENT', 'SYN-RECEIVED'],
  'SYN-SENT': ['SYN-RECEIVED', 'ESTABLISHED', 'CLOSED'],
  'SYN-RECEIVED': ['ESTABLISHED', 'FIN-WAIT-1', 'CLOSED'],
  ESTABLISHED: ['FIN-WAIT-1', 'CLOSE-WAIT', 'CLOSED'],
  'FIN-WAIT-1': ['FIN-WAIT-2', 'CLOSING', 'CLOSED'],
  'FIN-WAIT-2': ['TIME-WAIT', 'CLOSED'],
  'CLOSE-WAIT': ['LAST-ACK', 'CLOSED'],
  CLOSING: ['TIME-WAIT', 'CLOSED'],
  'LAST-ACK': ['CLOSED'],
  'TIME-WAIT': ['CLOSED'],
};

/** What of a connection a transition concerns. */
interface Stateful extends ConnectionName, Endpoint {
  state: State;
  readonly context: { readonly observer: Observer | null; readonly changed: ChangedList };
}

/** Moves a connection to another state. This file alone writes `state`. */
export function enter(tcb: Stateful, to: State, now: Micros): void {
  const from = tcb.state;
  if (!arcs[from].includes(to)) throw new Error(`impossible: ${from} to ${to}`);
  tcb.state = to;
  tcb.context.observer?.state?.(tcb, from, to, now);
  tcb.context.changed.add(tcb);
}

/** A connection that rested in TIME-WAIT (time-wait.ts) is in it as before: nobody hears of a change. */
export function restoreTimeWait(tcb: Stateful): void {
  tcb.state = 'TIME-WAIT';
}

/** The peer's SYN has been seen and the handshake is done: both sides agree on sequence numbers. */
export const isSynchronised = (state: State): boolean =>
  state !== 'CLOSED' && state !== 'SYN-SENT' && state !== 'SYN-RECEIVED';

/** Text may still arrive. */
export const mayReceive = (state: State): boolean =>
  state === 'ESTABLISHED' || state === 'FIN-WAIT-1' || state === 'FIN-WAIT-2';
