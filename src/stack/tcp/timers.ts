import { type Micros, never } from '../base/time.ts';
import type { Tcb, Timer } from './tcb.ts';

/**
 * Sets one of a connection's deadlines and, if it is now the earliest, moves the connection among the stack's deadlines.
 * A deadline that is put off or switched off leaves the key where it is: it then fires early, which costs one look.
 */
export function setTimer(tcb: Tcb, timer: Timer, deadline: Micros): void {
  tcb.timers[timer] = deadline;
  if (tcb.heapIndex < 0 || deadline < tcb.heapKey) {
    if (deadline !== never) tcb.context.deadlines.set(tcb, deadline);
  }
}

/** Puts a connection back among the deadlines at its true earliest one. */
export function rearm(tcb: Tcb): void {
  tcb.context.deadlines.set(tcb, tcb.timers.next);
}

/** Switches all of a connection's deadlines off. */
export function stopTimers(tcb: Tcb): void {
  tcb.timers.clear();
  tcb.context.deadlines.set(tcb, never);
}
