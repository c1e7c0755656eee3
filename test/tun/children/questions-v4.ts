/** Packets that a host rarely meets: headers, options, pieces and ICMP messages of IPv4. */
import { echo, icmp, octets, ours, packet, pattern, theirs, u32, v4 } from '../../helpers/packets.ts';
import { changed, type KernelQuestion, type Piece, tcp, toClosed, withOctet } from './question-parts.ts';

let identifications = 100;

/** Pieces of one IPv4 datagram. The place is as in the header: 0x4000 is DF, 0x2000 MF, the rest counts in 8 octets. */
function piecesV4(title: string, protocol: number, ...pieces: readonly Piece[]): KernelQuestion {
  const identification = ++identifications;
  return {
    title: `IPv4: ${title}`,
    packets: pieces.map(([place, payload]) => v4(payload, { protocol, place, identification })),
  };
}

export function questionsOfV4(): KernelQuestion[] {
  const whole = packet(4, 17, toClosed(4));
  const ping = packet(4, 1, echo(4));
  const ICMP = 1;
  const start = echo(4).subarray(0, 16);
  const end = echo(4).subarray(16);
  const quoted = v4(toClosed(4), { source: ours[4], destination: theirs[4] });
  const one = (title: string, bytes: Uint8Array): KernelQuestion => ({ title: `IPv4: ${title}`, packets: [bytes] });
  const withOptions = (title: string, ...options: number[]): KernelQuestion[] => [
    one(`an echo request with ${title}`, v4(echo(4), { protocol: ICMP, options })),
    one(`UDP to a closed port with ${title}`, v4(toClosed(4), { options })),
  ];
  return [
    one(
      'a wrong header checksum',
      changed(whole, 10, (octet) => octet ^ 1),
    ),
    one('a header length of 16', withOctet(whole, 0, 0x44)),
    one('a header length beyond the packet', withOctet(whole, 0, 0x4f)),
    one('a total length below the header length', withOctet(withOctet(whole, 2, 0), 3, 19)),
    one('a total length that leaves 4 octets of UDP', withOctet(withOctet(whole, 2, 0), 3, 24)),
    one('a version of 5', withOctet(whole, 0, 0x55)),
    ...[0, 1].flatMap((ttl) => [
      one(`a TTL of ${ttl}`, withOctet(whole, 8, ttl)),
      one(`an echo request with a TTL of ${ttl}`, withOctet(ping, 8, ttl)),
    ]),
    one('an echo request with a TOS of its own', withOctet(ping, 1, 0xb9)),
    one('UDP to a closed port with a TOS of its own', withOctet(whole, 1, 0x28)),
    one('TCP to a closed port with a TOS of its own', withOctet(tcp(4, 2), 1, 0x2b)),
    one('an echo request with DF', withOctet(ping, 6, 0x40)),
    one('an echo request with the reserved flag', withOctet(ping, 6, 0x80)),
    one('a timestamp request', packet(4, ICMP, icmp(4, 13, 0, octets(u32(1), u32(0), u32(0))))),
    one('an address mask request', packet(4, ICMP, icmp(4, 17, 0, octets(u32(1), u32(0))))),
    one('an information request', packet(4, ICMP, icmp(4, 15, 0, octets(u32(1))))),
    one('a router solicitation', packet(4, ICMP, icmp(4, 10, 0, octets(u32(0))))),
    one('a source quench', packet(4, ICMP, icmp(4, 4, 0, octets(u32(0), quoted)))),
    one('a redirect', packet(4, ICMP, icmp(4, 5, 1, octets(10, 0, 0, 9, quoted)))),
    one('an error that quotes half a header', packet(4, ICMP, icmp(4, 3, 3, octets(u32(0), quoted.subarray(0, 10))))),
    ...withOptions('no operations and an end', 1, 1, 1, 0),
    ...withOptions('octets behind the end of the options', 0, 7, 0, 1),
    ...withOptions('an option of length 0', 0x99, 0, 0, 0),
    ...withOptions('an option of length 1', 0x99, 1, 0, 0),
    ...withOptions('an option beyond the header', 0x99, 9, 0, 0),
    ...withOptions('an option without its length', 1, 1, 1, 0x99),
    ...withOptions('an unknown option', 0x99, 4, 1, 2),
    ...withOptions('a record route of two', 7, 11, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0),
    ...withOptions('a record route that is full', 7, 7, 8, 1, 2, 3, 4, 0),
    ...withOptions('a record route with pointer 0', 7, 7, 0, 0, 0, 0, 0, 0),
    ...withOptions('a record route too short', 7, 2, 1, 0),
    ...withOptions('two record routes', 7, 7, 4, 0, 0, 0, 0, 7, 7, 4, 0, 0, 0, 0),
    ...withOptions('a timestamp that is full', 0x44, 8, 9, 0xf0, 0, 0, 0, 0),
    ...withOptions('a timestamp too short', 0x44, 3, 5, 0),
    ...withOptions('a loose source route with a hop to go', 131, 7, 4, 10, 0, 0, 9),
    ...withOptions('a loose source route that is done', 131, 7, 8, 10, 0, 0, 9),
    ...withOptions('a strict source route with a hop to go', 137, 7, 4, 10, 0, 0, 9),
    ...withOptions('a loose source route too short', 131, 2, 4, 0),
    ...withOptions('a strict source route too short', 137, 2, 4, 0),
    ...withOptions('a source route of no hops', 131, 3, 4, 0),
    ...withOptions('a source route with pointer 3', 131, 7, 3, 10, 0, 0, 9),
    ...withOptions('two source routes', 131, 7, 8, 10, 0, 0, 9, 137, 7, 8, 10, 0, 0, 9),
    ...withOptions('a source route before an option of length 1', 131, 7, 8, 10, 0, 0, 9, 0x99, 1),
    ...withOptions('a router alert', 148, 4, 0, 0),
    piecesV4('an echo request in two pieces', ICMP, [0x2000, start], [2, end]),
    piecesV4('an echo request in two pieces, the last one first', ICMP, [2, end], [0x2000, start]),
    piecesV4(
      'UDP to a closed port in two pieces',
      17,
      [0x2000, toClosed(4).subarray(0, 16)],
      [2, toClosed(4).subarray(16)],
    ),
    piecesV4('an unknown protocol in two pieces', 253, [0x2000, pattern(16)], [2, pattern(5)]),
    piecesV4('the same piece twice', ICMP, [0x2000, start], [0x2000, start], [2, end]),
    piecesV4('pieces that overlap', ICMP, [0x2000, start], [1, echo(4).subarray(8)]),
    piecesV4('a piece that is not the last and no multiple of 8', ICMP, [0x2000, echo(4).subarray(0, 17)], [2, end]),
    piecesV4('a later piece that is not the last and no multiple of 8', ICMP, [2, end], [0x2001, pattern(9)]),
    piecesV4('a piece of 7 octets that is not the last', ICMP, [0x2000, pattern(7)], [0, echo(4)]),
    piecesV4(
      'two ends in different places',
      ICMP,
      [1, echo(4).subarray(8, 16)],
      [0x2002, end],
      [0x2000, echo(4).subarray(0, 8)],
    ),
    piecesV4('a piece beyond 65,535 octets', ICMP, [0x1fff, pattern(100)]),
    piecesV4('a later piece of an unknown protocol', 253, [1, pattern(8)]),
    piecesV4('pieces with DF', ICMP, [0x6000, start], [0x4002, end]),
    piecesV4('a piece without payload', ICMP, [0x2000, octets()]),
  ];
}
