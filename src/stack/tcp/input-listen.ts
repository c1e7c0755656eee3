import { copyAddress } from '../base/address.ts';
import { seqAdd } from '../base/seq.ts';
import type { Micros } from '../base/time.ts';
import type { Datagram } from '../wire/datagram.ts';
import { ACK, FIN, RST, type Segment, SYN } from '../wire/tcp.ts';
import { openFirstWindow } from './buffers.ts';
import { answerTo } from './ecn.ts';
import type { InitialSequence } from './iss.ts';
import type { Listener } from './listener.ts';
import { settle } from './negotiate.ts';
import { enter } from './state.ts';
import { Tcb, type TcpContext } from './tcb.ts';

/**
 * SEGMENT ARRIVES in LISTEN (RFC 9293 section 3.10.7.2). Returns 'reset' when the segment asks for one.
 */
export function arrivesInListen(
  listener: Listener,
  seg: Segment,
  datagram: Datagram,
  context: TcpContext,
  initial: InitialSequence,
  now: Micros,
): 'reset' | null {
  if ((seg.flags & RST) !== 0) {
    context.drop('reset ignored', now); // first
    return null;
  }
  if ((seg.flags & ACK) !== 0) return 'reset'; // second: nothing has been sent that could be acknowledged
  if ((seg.flags & (SYN | FIN)) !== SYN) {
    context.drop('no connection', now); // third: no SYN, or one that closes what it opens
    return null;
  }
  if (listener.acceptQueueIsFull || listener.halfOpenIsFull) {
    context.drop(listener.acceptQueueIsFull ? 'accept queue full' : 'listen queue full', now);
    return null; // the peer will ask again
  }
  const local = copyAddress(datagram.destination);
  const remote = copyAddress(datagram.source);
  const path = context.findPath(remote, local);
  if (path === null || path.toMany) {
    context.drop('no route', now);
    return null;
  }
  const { sourcePort: remotePort, destinationPort: localPort } = seg;
  const iss = initial.iss(local, localPort, remote, remotePort, now);
  const tcb = new Tcb(context, local, localPort, remote, remotePort, path, iss, listener.settings.inherit());
  tcb.listener = listener;
  tcb.wasPassive = true;
  tcb.ts.offset = initial.timestampOffset(local, localPort, remote, remotePort);
  receiveSyn(tcb, seg, now);
  answerTo(tcb, seg);
  listener.halfOpen.add(tcb);
  context.demux.add(tcb);
  enter(tcb, 'SYN-RECEIVED', now);
  context.output.add(tcb); // its SYN-ACK
  return null;
}

/** Takes in the peer's SYN: IRS, RCV.NXT, the window that our SYN tells, and what the options settle. */
export function receiveSyn(tcb: Tcb, seg: Segment, now: Micros): void {
  tcb.irs = seg.seq;
  tcb.rcv.nxt = seqAdd(seg.seq, 1);
  openFirstWindow(tcb);
  tcb.ack.lastSent = tcb.rcv.nxt;
  settle(tcb, seg, now);
}
