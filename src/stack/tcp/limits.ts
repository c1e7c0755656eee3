import type { Micros } from '../base/time.ts';
import { hasRoom } from './buffers.ts';
import { type Limit, limits } from './counts.ts';
import { isCwndLimited } from './pipe.ts';
import type { Tcb } from './tcb.ts';

/**
 * For how long a connection had something to deliver, and what held it back meanwhile besides the way: the peer's window, or
 * a send buffer too small for the way. TCP_INFO tells it (Linux's "chronographs"); nothing depends on it.
 */

/** There is something to send. Is it for want of room in the peer's window that it does not leave? */
export function noteSending(tcb: Tcb, isHeldByWindow: boolean, now: Micros): void {
  const { limit } = tcb.counts;
  if (isHeldByWindow) {
    if (limit < limits.window) change(tcb, limits.window, now);
  } else if (limit === limits.window || limit === limits.nothing) change(tcb, limits.network, now);
}

/** All that the user has given is on its way: would there be more, had the buffer room for it? */
export function noteDrained(tcb: Tcb, now: Micros): void {
  const isInUse = tcb.state === 'ESTABLISHED' || tcb.state === 'CLOSE-WAIT';
  if (tcb.wantsRoom && isInUse && !isCwndLimited(tcb)) change(tcb, limits.buffer, now);
}

/** Something has been acknowledged. */
export function noteAcknowledged(tcb: Tcb, now: Micros): void {
  if (tcb.wantsRoom && hasRoom(tcb)) {
    tcb.wantsRoom = false;
    if (tcb.counts.limit === limits.buffer) change(tcb, limits.network, now);
  }
  const isDone = tcb.sentLog.length === 0 && tcb.unsent === 0 && tcb.finQueued === tcb.finSent;
  if (isDone) change(tcb, limits.nothing, now);
}

function change(tcb: Tcb, limit: Limit, now: Micros): void {
  const { counts } = tcb;
  if (limit === counts.limit) return;
  const times = limitedTimes(tcb, now);
  counts.onNetwork = times.network;
  counts.onWindow = times.window;
  counts.onBuffer = times.buffer;
  counts.limit = limit;
  counts.limitSince = toMillis(now);
}

/** Milliseconds that the connection has waited for each. */
export function limitedTimes({ counts }: Tcb, now: Micros): Readonly<Record<'network' | 'window' | 'buffer', number>> {
  const passed = toMillis(now) - counts.limitSince;
  const { limit } = counts;
  return {
    network: counts.onNetwork + (limit === limits.network ? passed : 0),
    window: counts.onWindow + (limit === limits.window ? passed : 0),
    buffer: counts.onBuffer + (limit === limits.buffer ? passed : 0),
  };
}

const toMillis = (time: Micros): number => Math.floor(time / 1000);
