/**
 * ICMP for IPv4 (RFC 792).
 *
 *    |     type      |     code      |           checksum            |   0
 *    |      unused, or identifier and sequence number of an echo     |   4
 *    |  echo data, or the header and first octets of the packet at fault   8
 */
export const icmpHeaderLength = 8;

export const echoReply = 0;
export const destinationUnreachable = 3;
export const sourceQuench = 4;
export const redirect = 5;
export const echoRequest = 8;
export const timeExceeded = 11;
export const parameterProblem = 12;

/** Codes of destination unreachable. */
export const networkUnreachable = 0;
export const hostUnreachable = 1;
export const protocolUnreachable = 2;
export const portUnreachable = 3;
export const fragmentationNeeded = 4;

/** True for the messages that report an error: none may be answered with another error (RFC 1122 section 3.2.2). */
export const isIcmpError = (type: number): boolean =>
  type === destinationUnreachable ||
  type === sourceQuench ||
  type === redirect ||
  type === timeExceeded ||
  type === parameterProblem;
