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
    why: 'our poll tells what select would: an error is something to read',
    where: /\| [^|]*\[we\][^|]*\| [^|]*\[rwe\]/,
  },
  {
    why: 'Linux takes an unread empty message for an urgent octet that was read, and does not reset the connection',
    where: /^seqpacket \| peer closed before reading nothing \|/,
  },
  { why: 'a reset of datagrams comes before what waits to be read', where: /^dgram \| reset, data to read \|/ },
  { why: 'the urgent octet of streams', where: /^stream \| [^|]* \| (send|recv) urgent/ },
  { why: 'urgent messages are not refused', where: /^(seqpacket|dgram) \| [^|]* \| (send|recv) urgent/ },
  { why: 'a full peer counts as writable once shut', where: /^dgram \| [^|]* \| connect to one without room, send \|/ },
];
