/** Packets that a host rarely meets: headers, extension headers, pieces and ICMP messages of IPv6. */
import { echo, icmp, octets, octetsOf, ours, packet, pattern, u16, u32, udp, v6 } from '../../helpers/packets.ts';
import { CLOSED, changed, type KernelQuestion, type Piece, tcp, toClosed } from './question-parts.ts';

let identifications = 100;

/** An extension header of options, filled up with padding. */
function optionsHeader(next: number, ...options: number[]): Uint8Array {
  const missing = (14 - (options.length % 8)) % 8;
  const padding = missing < 2 ? [0].slice(0, missing) : [1, missing - 2, ...new Array<number>(missing - 2).fill(0)];
  return octets(next, (options.length + missing + 2) / 8 - 1, options, padding);
}

const fragmentHeader = (next: number, place: number, identification: number): Uint8Array =>
  octets(next, 0, u16(place), u32(identification));

/** Pieces of one IPv6 datagram. The place is as in the header: 1 is more to come, the rest counts in octets. */
function piecesV6(title: string, next: number, ...pieces: readonly Piece[]): KernelQuestion {
  const identification = ++identifications;
  const packets = pieces.map(([place, payload]) =>
    packet(6, 44, octets(fragmentHeader(next, place, identification), payload)),
  );
  return { title: `IPv6: ${title}`, packets };
}

const HOP = 0;
const ROUTING = 43;
const FRAGMENT = 44;
const DESTINATION = 60;
const ICMP6 = 58;

const one6 = (title: string, bytes: Uint8Array): KernelQuestion => ({ title: `IPv6: ${title}`, packets: [bytes] });
/** Next headers, one behind another. */
const chain = (title: string, next: number, ...parts: readonly Uint8Array[]): KernelQuestion =>
  one6(title, packet(6, next, octets(...parts)));

function ofOptions(name: string, next: number): KernelQuestion[] {
  const many = (option: number): number[] => new Array<number[]>(9).fill([option, 0]).flat();
  return [
    ...[0x1e, 0x5e, 0x9e, 0xde, 0x3e, 0xfe].map((option) =>
      chain(`an unknown ${name} option 0x${option.toString(16)}`, next, optionsHeader(ICMP6, option, 2, 1, 2), echo(6)),
    ),
    chain(
      `an unknown ${name} option 0x9e behind padding, before UDP`,
      next,
      optionsHeader(17, 1, 1, 0, 0x9e, 0),
      toClosed(6),
    ),
    ...['ff02::1', 'ff05::99', 'fd00::9'].flatMap((destination) =>
      [0x5e, 0x9e, 0xde].map((option) => {
        const headers = octets(optionsHeader(ICMP6, option, 2, 1, 2), echo(6, undefined, { destination }));
        return one6(
          `an unknown ${name} option 0x${option.toString(16)} to ${destination}`,
          v6(headers, { next, destination }),
        );
      }),
    ),
    chain(`a ${name} header of padding`, next, optionsHeader(ICMP6), echo(6)),
    chain(`a ${name} header of six Pad1`, next, octets(ICMP6, 0, u32(0), u16(0)), echo(6)),
    chain(`a ${name} header with a PadN of 11`, next, octets(ICMP6, 1, 1, 12, u32(0), u32(0), u32(0)), echo(6)),
    chain(
      `a ${name} header with seven octets of padding`,
      next,
      octets(ICMP6, 1, 1, 5, u32(0), 0, 0x1e, 5, u32(0), 0),
      echo(6),
    ),
    chain(
      `a ${name} header with eight octets of padding`,
      next,
      octets(ICMP6, 1, 1, 4, u32(0), 0, 0, 0x1e, 4, u32(0)),
      echo(6),
    ),
    chain(
      `a ${name} header with padding twice`,
      next,
      octets(ICMP6, 1, 1, 5, u32(0), 0, 0x1e, 0, 1, 3, 0, 0, 0),
      echo(6),
    ),
    chain(`a ${name} header with octets in its padding`, next, octets(ICMP6, 0, 1, 4, 1, 2, 3, 4), echo(6)),
    chain(`a ${name} option beyond its header`, next, octets(ICMP6, 0, 0x1e, 9, u32(0)), echo(6)),
    chain(`a ${name} option without its length`, next, octets(ICMP6, 0, 1, 3, 0, 0, 0, 0x1e), echo(6)),
    chain(`a ${name} header beyond the packet`, next, octets(ICMP6, 9, 1, 4, u32(0)), echo(6)),
    chain(`a ${name} header cut short`, next, octets(ICMP6, 0, 1)),
    chain(`a ${name} header before an unknown next header`, next, optionsHeader(253), pattern(8)),
    chain(`a ${name} header before no next header`, next, optionsHeader(59), pattern(8)),
    chain(`nine unknown ${name} options`, next, optionsHeader(ICMP6, ...many(0x1e)), echo(6)),
  ];
}

export function questionsOfV6(): KernelQuestion[] {
  const ping = packet(6, ICMP6, echo(6));
  const start = echo(6).subarray(0, 16);
  const end = echo(6).subarray(16);
  const fullRoute = octetsOf('fd00::9');
  const linkLocal = { source: 'fe80::2', destination: 'fe80::1' };
  return [
    ...ofOptions('hop-by-hop', HOP),
    ...ofOptions('destination', DESTINATION),
    ...[0, 2, 3, 4, 77].flatMap((type) =>
      [0, 1].map((left) =>
        chain(
          `a routing header of type ${type} with ${left} segments left`,
          ROUTING,
          octets(ICMP6, 2, type, left, u32(0), fullRoute),
          echo(6),
        ),
      ),
    ),
    chain(
      'hop-by-hop options behind destination options',
      DESTINATION,
      optionsHeader(HOP),
      optionsHeader(ICMP6),
      echo(6),
    ),
    chain('hop-by-hop options twice', HOP, optionsHeader(HOP), optionsHeader(ICMP6), echo(6)),
    chain(
      'hop-by-hop options behind a routing header',
      ROUTING,
      octets(HOP, 0, 77, 0, u32(0)),
      optionsHeader(ICMP6),
      echo(6),
    ),
    chain('destination options twice', DESTINATION, optionsHeader(DESTINATION), optionsHeader(ICMP6), echo(6)),
    chain(
      'nine destination headers',
      DESTINATION,
      ...new Array<Uint8Array>(8).fill(optionsHeader(DESTINATION)),
      optionsHeader(ICMP6),
      echo(6),
    ),
    chain('no next header', 59),
    chain('no next header with octets behind it', 59, pattern(16)),
    one6(
      'a version of 5',
      changed(ping, 0, () => 0x50),
    ),
    one6(
      'a hop limit of 0',
      changed(ping, 7, () => 0),
    ),
    one6(
      'a hop limit of 1',
      changed(ping, 7, () => 1),
    ),
    one6('an echo request with a traffic class and a flow label', octets(0x6b, 0x91, 0x23, 0x45, ping.subarray(4))),
    one6(
      'UDP to a closed port with a traffic class and a flow label',
      octets(0x6b, 0x91, 0x23, 0x45, packet(6, 17, toClosed(6)).subarray(4)),
    ),
    one6(
      'TCP to a closed port with a traffic class and a flow label',
      octets(0x6b, 0x91, 0x23, 0x45, tcp(6, 2).subarray(4)),
    ),
    one6('a payload length of 0', v6(echo(6), { next: ICMP6, payloadLength: 0 })),
    one6('a payload length that cuts the ICMP header', v6(echo(6), { next: ICMP6, payloadLength: 6 })),
    piecesV6('an atomic fragment', ICMP6, [0, echo(6)]),
    piecesV6('an atomic fragment of UDP to a closed port', 17, [0, toClosed(6)]),
    piecesV6('an atomic fragment of an unknown next header', 253, [0, pattern(8)]),
    piecesV6('an atomic fragment with hop-by-hop options', HOP, [0, octets(optionsHeader(ICMP6), echo(6))]),
    piecesV6('an atomic fragment of nothing', ICMP6, [0, octets()]),
    piecesV6('an echo request in two pieces', ICMP6, [1, start], [16, end]),
    piecesV6('an echo request in two pieces, the last one first', ICMP6, [16, end], [1, start]),
    piecesV6(
      'UDP to a closed port in two pieces',
      17,
      [1, toClosed(6).subarray(0, 16)],
      [16, toClosed(6).subarray(16)],
    ),
    piecesV6('an unknown next header in two pieces', 253, [1, pattern(16)], [16, pattern(5)]),
    piecesV6('destination options in pieces', DESTINATION, [1, octets(optionsHeader(ICMP6), start)], [24, end]),
    piecesV6(
      'an unknown destination option in pieces',
      DESTINATION,
      [1, octets(optionsHeader(ICMP6, 0x9e, 0), start)],
      [24, end],
    ),
    piecesV6(
      'a first piece that ends behind a destination header',
      DESTINATION,
      [1, optionsHeader(ICMP6)],
      [8, echo(6)],
    ),
    piecesV6(
      'a first piece that ends inside a destination header',
      DESTINATION,
      [1, octets(ICMP6, 1, 1, 4, u32(0))],
      [8, octets(1, 6, u32(0), u16(0), echo(6))],
    ),
    piecesV6(
      'a first piece without all of the TCP header',
      6,
      [1, tcp(6, 2).subarray(40, 56)],
      [16, tcp(6, 2).subarray(56)],
    ),
    piecesV6('the same piece twice', ICMP6, [1, start], [1, start], [16, end]),
    piecesV6('pieces that overlap', ICMP6, [1, start], [8, echo(6).subarray(8)]),
    piecesV6('a piece that is not the last and no multiple of 8', ICMP6, [1, echo(6).subarray(0, 17)]),
    piecesV6('a later piece that is not the last and no multiple of 8', ICMP6, [17, pattern(9)]),
    piecesV6('a piece beyond 65,535 octets', ICMP6, [0xfff8, pattern(16)]),
    piecesV6('a last piece without payload', ICMP6, [8, octets()]),
    piecesV6('reserved bits in an atomic fragment header', ICMP6, [6, echo(6)]),
    chain('a fragment header cut short', FRAGMENT, octets(ICMP6, 0, 0, 1)),
    chain(
      'an atomic fragment inside of another',
      FRAGMENT,
      fragmentHeader(FRAGMENT, 0, 1),
      fragmentHeader(ICMP6, 0, 2),
      echo(6),
    ),
    chain(
      'a fragment header cut short behind another header',
      DESTINATION,
      optionsHeader(FRAGMENT),
      octets(ICMP6, 0, 0, 1),
    ),
    chain(
      'a piece inside of an atomic fragment',
      FRAGMENT,
      fragmentHeader(FRAGMENT, 0, 1),
      fragmentHeader(ICMP6, 1, 2),
      start,
    ),
    piecesV6(
      'an atomic fragment inside of pieces',
      FRAGMENT,
      [1, octets(fragmentHeader(ICMP6, 0, 3), start)],
      [24, end],
    ),
    piecesV6('an atomic fragment with destination options behind an atomic fragment', DESTINATION, [
      0,
      octets(optionsHeader(FRAGMENT), fragmentHeader(ICMP6, 0, 3), echo(6)),
    ]),
    chain(
      'an ICMP error behind destination options',
      DESTINATION,
      optionsHeader(ICMP6),
      icmp(6, 3, 0, octets(u32(0), ping)),
    ),
    chain(
      'an unknown destination option before an ICMP error',
      DESTINATION,
      optionsHeader(ICMP6, 0x9e, 0),
      icmp(6, 1, 4, octets(u32(0), ping)),
    ),
    chain(
      'an unknown destination option before a redirect',
      DESTINATION,
      optionsHeader(ICMP6, 0x9e, 0),
      icmp(6, 137, 0, octets(u32(0), fullRoute, fullRoute)),
    ),
    chain('a neighbour solicitation with a hop limit of 64', ICMP6, icmp(6, 135, 0, octets(u32(0), octetsOf(ours[6])))),
    chain('a node information query', ICMP6, icmp(6, 139, 0, octets(u32(0), u32(1), u32(2), octetsOf(ours[6])))),
    one6('an echo request between link-local addresses', packet(6, ICMP6, echo(6, undefined, linkLocal), linkLocal)),
    one6(
      'UDP to a closed port between link-local addresses',
      packet(6, 17, udp(6, [5555, CLOSED], pattern(9), linkLocal), linkLocal),
    ),
  ];
}
