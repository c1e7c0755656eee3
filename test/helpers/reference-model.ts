/**
 * SEGMENT ARRIVES, slow and literal: the steps of RFC 9293 section 3.10.7 in their order, with RFC 5961 (and the lower
 * bound for acknowledgments that it lacks), RFC 1337, and what Linux drops. It knows one segment and where a connection
 * stands before it; it shares no code with the stack. Options, timers, urgent text and congestion are none of its business.
 */

export type ModelState =
  | 'CLOSED'
  | 'LISTEN'
  | 'SYN-SENT'
  | 'SYN-RECEIVED'
  | 'ESTABLISHED'
  | 'FIN-WAIT-1'
  | 'FIN-WAIT-2'
  | 'CLOSE-WAIT'
  | 'CLOSING'
  | 'LAST-ACK'
  | 'TIME-WAIT';

export const flag = { FIN: 1, SYN: 2, RST: 4, PSH: 8, ACK: 16 } as const;

/** Where a connection stands. Whoever is in CLOSED or LISTEN has no numbers: they are 0. */
export interface Standing {
  readonly state: ModelState;
  /** It came from LISTEN. */
  readonly wasPassive: boolean;
  /** A listener still waits for connections to this port. */
  readonly hasListener: boolean;
  readonly iss: number;
  readonly una: number;
  readonly nxt: number;
  /** MAX.SND.WND of RFC 5961. */
  readonly maxWnd: number;
  readonly rcvNxt: number;
  readonly rcvWnd: number;
}

export interface Arrival {
  readonly flags: number;
  readonly seq: number;
  readonly ack: number;
  /** Octets of text. */
  readonly text: number;
}

/** What comes of it. */
export interface Outcome {
  /** Null: the TCB is deleted, or there never was one. */
  readonly state: ModelState | null;
  /** How far RCV.NXT has moved, text and FIN. */
  readonly taken: number;
  /** The segment that answers, in words. */
  readonly reply: string | null;
  /** The RFC asks for no answer; an acknowledgment would do no harm. */
  readonly mayAcknowledge: boolean;
}

const word = 2 ** 32;
const add = (a: number, b: number): number => (((a + b) % word) + word) % word;
/** How far b lies behind a: from -2^31 up to 2^31 - 1. */
const distance = (a: number, b: number): number => {
  const forward = add(b, -a);
  return forward < word / 2 ? forward : forward - word;
};
const isBefore = (a: number, b: number): boolean => distance(a, b) > 0;
const isAtMost = (a: number, b: number): boolean => distance(a, b) >= 0;

export const resetAt = (seq: number): string => `<SEQ=${seq}><CTL=RST>`;
export const resetOf = (ack: number): string => `<SEQ=0><ACK=${ack}><CTL=RST,ACK>`;
export const acknowledgment = (seq: number, ack: number): string => `<SEQ=${seq}><ACK=${ack}><CTL=ACK>`;
export const synAck = (ack: number): string => `<ACK=${ack}><CTL=SYN,ACK>`;

export function segmentArrives(before: Standing, segment: Arrival): Outcome {
  switch (before.state) {
    case 'CLOSED':
      return inClosed(segment);
    case 'LISTEN':
      return inListen(segment);
    case 'SYN-SENT':
      return inSynSent(before, segment);
    default:
      return inOtherStates(before, segment);
  }
}

const has = ({ flags }: Arrival, bit: number): boolean => (flags & bit) !== 0;
const lengthOf = (segment: Arrival): number =>
  segment.text + (has(segment, flag.SYN) ? 1 : 0) + (has(segment, flag.FIN) ? 1 : 0);
const outcome = (
  state: ModelState | null,
  reply: string | null = null,
  taken = 0,
  mayAcknowledge = false,
): Outcome => ({ state, reply, taken, mayAcknowledge });

/** Section 3.10.7.1. */
function inClosed(segment: Arrival): Outcome {
  if (has(segment, flag.RST)) return outcome(null);
  if (has(segment, flag.ACK)) return outcome(null, resetAt(segment.ack));
  return outcome(null, resetOf(add(segment.seq, lengthOf(segment))));
}

/** Section 3.10.7.2. */
function inListen(segment: Arrival): Outcome {
  if (has(segment, flag.RST)) return outcome(null);
  if (has(segment, flag.ACK)) return outcome(null, resetAt(segment.ack));
  if (!has(segment, flag.SYN)) return outcome(null);
  if (has(segment, flag.FIN)) return outcome(null); // Linux: nobody closes what he opens
  return outcome('SYN-RECEIVED', synAck(add(segment.seq, 1))); // text and the like wait, or come again
}

/** Section 3.10.7.3. */
function inSynSent(before: Standing, segment: Arrival): Outcome {
  const { iss, nxt } = before;
  if (has(segment, flag.ACK) && !(isBefore(iss, segment.ack) && isAtMost(segment.ack, nxt))) {
    return outcome('SYN-SENT', has(segment, flag.RST) ? null : resetAt(segment.ack));
  }
  if (has(segment, flag.RST)) return outcome(has(segment, flag.ACK) ? null : 'SYN-SENT');
  if (!has(segment, flag.SYN)) return outcome('SYN-SENT');
  const rcvNxt = add(segment.seq, 1);
  if (!has(segment, flag.ACK)) return outcome('SYN-RECEIVED', synAck(rcvNxt));
  const established = { ...before, una: segment.ack, rcvNxt, rcvWnd: 0xffff };
  return textAndFin(established, 'ESTABLISHED', { ...segment, seq: rcvNxt }, true);
}

/** Section 3.10.7.4. */
function inOtherStates(before: Standing, segment: Arrival): Outcome {
  const { state, nxt, rcvNxt } = before;
  const challenge = outcome(state, acknowledgment(nxt, rcvNxt));
  // MAY-2: a later SYN opens the connection anew.
  const isNewer = isBefore(rcvNxt, segment.seq) && !has(segment, flag.ACK) && !has(segment, flag.RST);
  if (state === 'TIME-WAIT' && has(segment, flag.SYN) && !has(segment, flag.FIN) && isNewer && before.hasListener) {
    return inListen(segment);
  }
  if (!isAcceptable(before, segment)) return has(segment, flag.RST) ? outcome(state) : challenge; // first
  if (has(segment, flag.RST)) {
    // second
    if (state === 'TIME-WAIT') return outcome(state); // RFC 1337
    if (!isInWindow(before, segment.seq)) return outcome(state);
    return segment.seq === rcvNxt ? outcome(null) : challenge;
  }
  if (has(segment, flag.SYN)) return state === 'SYN-RECEIVED' && before.wasPassive ? outcome(null) : challenge; // fourth
  return checkAck(before, segment);
}

const isInWindow = ({ rcvNxt, rcvWnd }: Standing, seq: number): boolean =>
  isAtMost(rcvNxt, seq) && isBefore(seq, add(rcvNxt, rcvWnd));

/** Table 6. */
function isAcceptable(before: Standing, segment: Arrival): boolean {
  const length = lengthOf(segment);
  if (length === 0) return before.rcvWnd === 0 ? segment.seq === before.rcvNxt : isInWindow(before, segment.seq);
  if (before.rcvWnd === 0) return false;
  return isInWindow(before, segment.seq) || isInWindow(before, add(segment.seq, length - 1));
}

/** The fifth step. */
function checkAck(before: Standing, segment: Arrival): Outcome {
  const { state, iss, una, nxt, maxWnd, rcvNxt } = before;
  if (!has(segment, flag.ACK)) return outcome(state);
  const { ack } = segment;
  if (state === 'SYN-RECEIVED') {
    if (!isBefore(una, ack) || isBefore(nxt, ack)) return outcome(state, resetAt(ack));
    return textAndFin(before, 'ESTABLISHED', segment, false);
  }
  // RFC 5961 section 5.2; and what was never sent cannot be acknowledged, however long ago.
  const oldest = add(una, -Math.min(maxWnd, distance(iss, una)));
  if (isBefore(ack, oldest) || isBefore(nxt, ack)) return outcome(state, acknowledgment(nxt, rcvNxt));
  const finIsAcknowledged = ack === nxt; // wherever a FIN has been sent, it was the last
  switch (state) {
    case 'FIN-WAIT-1':
      return textAndFin(before, finIsAcknowledged ? 'FIN-WAIT-2' : state, segment, false);
    case 'CLOSING':
      return finIsAcknowledged
        ? textAndFin(before, 'TIME-WAIT', segment, false)
        : outcome(state, null, 0, lengthOf(segment) > 0);
    case 'LAST-ACK':
      return finIsAcknowledged ? outcome(null) : textAndFin(before, state, segment, false);
    default:
      return textAndFin(before, state, segment, false);
  }
}

/** The seventh and eighth steps. What lies outside the window is trimmed off first, FIN included. */
function textAndFin(before: Standing, state: ModelState, segment: Arrival, owesAck: boolean): Outcome {
  const { nxt, rcvNxt, rcvWnd } = before;
  const isLast = has(segment, flag.FIN);
  if (!['ESTABLISHED', 'FIN-WAIT-1', 'FIN-WAIT-2'].includes(state)) {
    // The peer has sent its FIN: nothing can follow it, and a repeated one lies before the window.
    return isLast ? outcome(state, acknowledgment(nxt, rcvNxt)) : outcome(state, null, 0, segment.text > 0);
  }
  const edge = add(rcvNxt, rcvWnd);
  const finAt = add(segment.seq, segment.text);
  let taken = 0;
  let next = state;
  if (isAtMost(segment.seq, rcvNxt)) {
    const end = isBefore(edge, finAt) ? edge : finAt;
    taken = Math.max(0, distance(rcvNxt, end));
    if (isLast && finAt === add(rcvNxt, taken) && isBefore(finAt, edge)) {
      taken++;
      next = state === 'ESTABLISHED' ? 'CLOSE-WAIT' : state === 'FIN-WAIT-1' ? 'CLOSING' : 'TIME-WAIT';
    }
  }
  const takesSpace = segment.text > 0 || isLast;
  return outcome(next, owesAck || takesSpace ? acknowledgment(nxt, add(rcvNxt, taken)) : null, taken);
}
