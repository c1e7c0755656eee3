import type { Address } from '../base/address.ts';
import { setUint8, setUint16, setUint32 } from '../base/bytes.ts';
import { type Seq, seqAdd, seqZero } from '../base/seq.ts';
import { ACK, finishSegment, RST, type Segment, tcpHeaderLength } from '../wire/tcp.ts';
import type { Tcb } from './tcb.ts';

/** Segments that belong to no stream: resets (RFC 9293 sections 3.5.2 and 3.10.7.1) and last words. Bare headers, window zero. */
function makeSegment(
  local: Address,
  localPort: number,
  remote: Address,
  remotePort: number,
  seq: Seq,
  ack: Seq,
  flags: number,
): Uint8Array {
  const bytes = new Uint8Array(tcpHeaderLength);
  setUint16(bytes, 0, localPort);
  setUint16(bytes, 2, remotePort);
  setUint32(bytes, 4, seq);
  setUint32(bytes, 8, (flags & ACK) !== 0 ? ack : 0);
  setUint8(bytes, 12, (tcpHeaderLength / 4) << 4);
  setUint8(bytes, 13, flags);
  finishSegment(bytes, 0, tcpHeaderLength, local, remote);
  return bytes;
}

/**
 * The answer to a segment that no connection knows, or null for a reset, which is never answered.
 * With an ACK: SEQ=SEG.ACK, and no ACK bit. Without: SEQ=0, ACK=SEG.SEQ+SEG.LEN.
 */
export function resetFor(seg: Segment, local: Address, remote: Address): Uint8Array | null {
  if ((seg.flags & RST) !== 0) return null;
  const { sourcePort, destinationPort } = seg;
  return (seg.flags & ACK) !== 0
    ? makeSegment(local, destinationPort, remote, sourcePort, seg.ack, seqZero, RST)
    : makeSegment(local, destinationPort, remote, sourcePort, seqZero, seqAdd(seg.seq, seg.len), RST | ACK);
}

/** Tells the peer that this connection is aborted (RFC 9293 section 3.10.5). */
export function sendAbort(tcb: Tcb): void {
  const { context, local, localPort, remote, remotePort, snd, rcv } = tcb;
  context.counters.tcpOutRsts++;
  const bytes = makeSegment(local, localPort, remote, remotePort, snd.nxt, rcv.nxt, RST | ACK);
  context.sendAlone(local, remote, tcb.path.interfaceIndex, bytes);
}

/** The last acknowledgment of a connection that is about to be forgotten. */
export function sendLastAck(tcb: Tcb): void {
  const { context, local, localPort, remote, remotePort, snd, rcv } = tcb;
  context.counters.tcpOutSegs++;
  const bytes = makeSegment(local, localPort, remote, remotePort, snd.nxt, rcv.nxt, ACK);
  context.sendAlone(local, remote, tcb.path.interfaceIndex, bytes);
}

/** Answers a segment of a half-open connection whose acknowledgment is wrong: SEQ=SEG.ACK (section 3.10.7.4). */
export function sendResetFor(tcb: Tcb, seg: Segment): void {
  const bytes = resetFor(seg, tcb.local, tcb.remote);
  if (bytes === null) return;
  tcb.context.counters.tcpOutRsts++;
  tcb.context.sendAlone(tcb.local, tcb.remote, tcb.path.interfaceIndex, bytes);
}
