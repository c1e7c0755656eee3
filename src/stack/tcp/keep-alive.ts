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

const isOff = ({ settings, state }: Tcb): boolean =>
  !settings.keepAlive || !isSynchronised(state) || state === 'TIME-WAIT';

/** The connection has come up, or the user has switched it: what is switched on waits its whole time. */
export function switchKeepAlive(tcb: Tcb, now: Micros): void {
  if (isOff(tcb)) tcb.timers.keepAlive = never;
  else if (tcb.timers.keepAlive === never) setTimer(tcb, 'keepAlive', now + idleTime(tcb));
}

/** The user has changed how long the peer may be silent: what has passed of it counts. */
export function keepAliveTimeChanged(tcb: Tcb, now: Micros): void {
  if (isOff(tcb)) return;
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
