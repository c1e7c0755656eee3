/**
 * ICMP for IPv6 (RFC 4443): the format of ICMPv4 with other numbers, and a checksum over the pseudo-header.
 */
export const destinationUnreachable6 = 1;
export const packetTooBig = 2;
export const timeExceeded6 = 3;
export const parameterProblem6 = 4;
export const echoRequest6 = 128;
export const echoReply6 = 129;
/** Multicast listener query (RFC 3810). */
export const groupQuery = 130;

/** Codes of destination unreachable. */
export const noRoute = 0;
export const portUnreachable6 = 4;

/** Codes of parameter problem. */
export const erroneousField = 0;
export const unknownNextHeader = 1;
export const unknownOption = 2;
export const incompleteChain = 3;

/** Errors have the numbers below 128 (section 2.1). */
export const isIcmpv6Error = (type: number): boolean => type < 128;
/** A redirect is as bad as an error to answer (section 2.4 (e.2)). */
export const redirect6 = 137;
