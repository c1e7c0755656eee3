/** Where AF_UNIX of ours is known not to answer as the kernel does, and why. */

export interface UnixDifference {
  readonly why: string;
  /** Of lines as `cell` writes them. Each has to fit a cell whose answers differ. */
  readonly where: RegExp;
}

/** 'dgram | fresh | send 212961 | EMSGSIZE | ENOTCONN': the kernel's answer, then ours. */
export const cell = (kind: string, state: string, call: string, linux: string, ours: string): string =>
  [kind, state, call, linux, ours].join(' | ');

export const unixDifferences: readonly UnixDifference[] = [
  {
    why: 'the target of connect is looked at before the socket',
    where: /\| connect to [^|]*\| E\w+ \| (EISCONN|EINVAL)$/,
  },
  { why: 'binding what has a name, to none, is no error', where: /\| bind nothing \| ok \|/ },
  { why: 'a path is taken before the socket is looked at', where: /\| bind what is there \| EADDRINUSE \|/ },
  {
    why: 'sequences of messages ignore names',
    where: /^seqpacket \|[^|]*\| sendto [^|]*\| (3|EPIPE|ENOTCONN|ECONNRESET)\b/,
  },
  { why: 'EMSGSIZE comes first', where: /\| send 212961 \| EMSGSIZE \|/ },
  {
    why: 'a stream that sends is not told of a reset',
    where: /^stream \|.*\| [^|]*(EPIPE|EISCONN)[^|]*\| [^|]*ECONNRESET/,
  },
  { why: 'poll tells of HUP when both directions are shut', where: /\| .*rw?e?hd.*\| .*rw?e?d/ },
  { why: 'of a peer that has closed the name is known', where: /\| [^|]*'(own|mine)'[^|]*\| [^|]*''/ },
  { why: 'SIOCINQ of a listener is EINVAL', where: /\| [^|]*inq \| [^|]*EINVAL.* \| .*0( \[[\w-]+\])?$/ },
  { why: 'SIOCINQ of sequences is the sum', where: /^seqpacket \|[^|]*\| inq \| 8 \| 3$/ },
  { why: 'a reset comes before messages', where: /^seqpacket \|[^|]*\| [^|]*\| [^|]*ECONNRESET/ },
  {
    why: 'listeners that are shut give what they have',
    where: /^\w+ \| listening.*shut RD \|[^|]*\|[^|]*(EAGAIN|ok|'own')[^|]*\| [^|]*EINVAL/,
  },
  { why: 'no error when the peer of datagrams closes', where: /^dgram \|.*ECONNREFUSED/ },
  { why: 'datagrams that wait are lost with the peer', where: /^dgram \|/ },
  { why: 'what is shut', where: /shut/ },
];
