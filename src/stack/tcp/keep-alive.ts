import { type Micros, never } from '../base/time.ts';
import { fail } from './ending.ts';
import { sendAbort } from './reset.ts';
import { isSynchronised } from './state.ts';
import type { Tcb } from './tcb.ts';
import { setTimer } from './timers.ts';

/**
 * Keep-alive (RFC 9293 section 3.8.4): an idle peer is asked whether it is still there. Off unless the user wants it
 * (MUST-24, MUST-25), never while something is outstanding (MUST-26), and it takes several silences in a row to end a
 * connection (MUST-29).
 */

const idleTime = ({ settings, context }: Tcb): Micros => settings.keepAliveIdle || context.options.tcp.keepAliveTime;
const interval = ({ settings, context }: Tcb): Micros =>
  settings.keepAliveInterval || context.options.tcp.keepAliveInterval;
const mostProbes = ({ settings, context }: Tcb): number =>
  settings.keepAliveProbes || context.options.tcp.keepAliveProbes;

const silentSince = ({ counts }: Tcb): Micros => Math.max(counts.lastDataReceivedAt, counts.lastAckReceivedAt, 0);

/** The user has switched it, or changed its times; or the connection has come up. */
export function scheduleKeepAlive(tcb: Tcb, now: Micros): void {
  if (!tcb.settings.keepAlive || !isSynchronised(tcb.state) || tcb.state === 'TIME-WAIT') {
    tcb.timers.keepAlive = never;
    return;
  }
  const silence = now - silentSince(tcb);
  setTimer(tcb, 'keepAlive', now + Math.max(0, idleTime(tcb) - silence));
}

/** Time to look: has the peer been silent for long enough? */
export function onKeepAliveTimeout(tcb: Tcb, now: Micros): void {
  const { timers, settings, sentLog } = tcb;
  timers.keepAlive = never;
  if (!settings.keepAlive || tcb.state === 'CLOSED' || tcb.state === 'TIME-WAIT') return;
  if (sentLog.length > 0 || tcb.unsent > 0) return setTimer(tcb, 'keepAlive', now + idleTime(tcb)); // MUST-26
  const silence = now - silentSince(tcb);
  if (silence < idleTime(tcb)) return setTimer(tcb, 'keepAlive', now + idleTime(tcb) - silence);
  const { userTimeout } = settings;
  const isOver = userTimeout > 0 ? silence >= userTimeout && tcb.probes > 0 : tcb.probes >= mostProbes(tcb);
  if (isOver) {
    sendAbort(tcb);
    return fail(tcb, tcb.softError ?? 'ETIMEDOUT', now);
  }
  tcb.probes++;
  tcb.probeDue = true; // SHLD-12: no text, and a number that has been acknowledged
  tcb.context.output.add(tcb);
  setTimer(tcb, 'keepAlive', now + interval(tcb));
}
