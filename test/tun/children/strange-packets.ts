/** Packets that are odd in one way each, from 10.0.0.2 and fd00::2 to 10.0.0.1 and fd00::1, and what answers say, in a line. */
import {
  echo,
  icmp,
  octets,
  packet,
  pattern,
  readIcmp,
  readSent,
  u16,
  u32,
  udp,
  v4,
  v6,
} from '../../helpers/packets.ts';

const badSum = (bytes: Uint8Array, at: number): Uint8Array => {
  const changed = bytes.slice();
  changed[at] = changed[at]! ^ 0xff;
  return changed;
};

const tcp = (flags: number, seq: number, ack: number, offset = 5): Uint8Array =>
  octets(u16(4000), u16(4001), u32(seq), u32(ack), offset << 4, flags, u16(1000), u16(0), u16(0));

/** With a right checksum, for the usual addresses. */
function tcpPacket(family: 4 | 6, flags: number, seq: number, ack: number, offset = 5): Uint8Array {
  const segment = tcp(flags, seq, ack, offset);
  const ends = family === 4 ? [10, 0, 0, 2, 10, 0, 0, 1] : [0xfd, ...zeros(14), 2, 0xfd, ...zeros(14), 1];
  const pseudo = octets(ends, u32(6), u32(segment.length), segment);
  let sum = 0;
  for (let at = 0; at < pseudo.length; at += 2) sum += (pseudo[at]! << 8) | pseudo[at + 1]!;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  segment.set(u16(~sum & 0xffff), 16);
  return packet(family, 6, segment);
}

const zeros = (count: number): number[] => new Array<number>(count).fill(0);
const question = (family: 4 | 6): Uint8Array => udp(family, [4000, 4001], pattern(20));
/** An option of this type in a header of its own. */
const optionHeader = (next: number, type: number): Uint8Array => octets(next, 0, type, 4, zeros(4));
const routing = (next: number, type: number, left: number): Uint8Array => octets(next, 0, type, left, zeros(4));
const fragment = (next: number, place: number): Uint8Array => octets(next, 0, u16(place), u32(77));

export const strangePackets: readonly (readonly [name: string, bytes: Uint8Array])[] = [
  ['v4 echo of odd length', packet(4, 1, echo(4, pattern(17)))],
  ['v6 echo of odd length', packet(6, 58, echo(6, pattern(17)))],
  ['v4 echo without data', packet(4, 1, echo(4, pattern(0)))],
  ['v4 echo with a bad checksum', badSum(packet(4, 1, echo(4)), 30)],
  ['v6 echo with a bad checksum', badSum(packet(6, 58, echo(6)), 50)],
  ['v4 with a bad header checksum', badSum(packet(4, 1, echo(4)), 10)],
  ['v4 with a total length beyond the packet', v4(echo(4), { protocol: 1, totalLength: 200 })],
  ['v4 protocol that nobody speaks', packet(4, 200, pattern(30))],
  ['v6 next header that nobody speaks', packet(6, 200, pattern(30))],
  ['v4 UDP to a closed port', packet(4, 17, question(4))],
  ['v6 UDP to a closed port', packet(6, 17, question(6))],
  ['v4 UDP cut short', packet(4, 17, question(4).subarray(0, 7))],
  ['v6 UDP cut short', packet(6, 17, question(6).subarray(0, 7))],
  ['v4 UDP with a bad checksum', badSum(packet(4, 17, question(4)), 40)],
  ['v6 UDP with a bad checksum', badSum(packet(6, 17, question(6)), 60)],
  ['v4 ICMP error about nothing of ours', packet(4, 1, icmp(4, 3, 3, octets(zeros(4), packet(4, 17, question(4)))))],
  ['v6 ICMP error about nothing of ours', packet(6, 58, icmp(6, 1, 4, octets(zeros(4), packet(6, 17, question(6)))))],
  ['v4 ICMP of unknown type', packet(4, 1, icmp(4, 200, 0, octets(zeros(8))))],
  ['v6 ICMP of unknown type', packet(6, 58, icmp(6, 200, 0, octets(zeros(8))))],
  ['v4 option with length 1', v4(echo(4), { protocol: 1, options: [7, 1, 0, 0] })],
  ['v4 option that nobody knows', v4(echo(4), { protocol: 1, options: [30, 4, 0, 0] })],
  ['v4 source route', v4(echo(4), { protocol: 1, options: [131, 7, 8, 10, 0, 0, 9, 0] })],
  ['v4 TTL 1', v4(echo(4), { protocol: 1, ttl: 1 })],
  ['v6 destination option to be skipped', packet(6, 60, octets(optionHeader(58, 0x1e), echo(6)))],
  ['v6 destination option to be dropped', packet(6, 60, octets(optionHeader(58, 0x5e), echo(6)))],
  ['v6 destination option to be told', packet(6, 60, octets(optionHeader(58, 0x9e), echo(6)))],
  ['v6 destination option to be told to one', packet(6, 60, octets(optionHeader(58, 0xde), echo(6)))],
  ['v6 hop-by-hop option to be skipped', packet(6, 0, octets(optionHeader(58, 0x1e), echo(6)))],
  ['v6 hop-by-hop option to be told', packet(6, 0, octets(optionHeader(58, 0x9e), echo(6)))],
  ['v6 hop-by-hop behind another', packet(6, 60, octets(optionHeader(0, 1), optionHeader(58, 1), echo(6)))],
  ['v6 routing header 0 that is done', packet(6, 43, octets(routing(58, 0, 0), echo(6)))],
  ['v6 routing header 0 with more to do', packet(6, 43, octets(routing(58, 0, 1), echo(6)))],
  ['v6 routing header 77 with more to do', packet(6, 43, octets(routing(58, 77, 1), echo(6)))],
  ['v6 nothing next', packet(6, 59, pattern(20))],
  ['v6 fragment that is none', packet(6, 44, octets(fragment(58, 0), echo(6)))],
  ['v6 first fragment without its header', packet(6, 44, octets(fragment(60, 1), optionHeader(58, 1)))],
  ['v6 fragment of no whole blocks', packet(6, 44, octets(fragment(17, 1), pattern(21)))],
  ['v6 fragment beyond the end', packet(6, 44, octets(fragment(17, 0xfff8), pattern(24)))],
  ['v6 payload length beyond the packet', v6(echo(6), { next: 58 }).subarray(0, 50)],
  ['v4 SYN to a closed port', tcpPacket(4, 2, 1000, 0)],
  ['v6 SYN to a closed port', tcpPacket(6, 2, 1000, 0)],
  ['v4 ACK to a closed port', tcpPacket(4, 16, 1000, 5000)],
  ['v4 SYN-ACK to a closed port', tcpPacket(4, 18, 1000, 5000)],
  ['v4 FIN to a closed port', tcpPacket(4, 1, 1000, 0)],
  ['v4 RST to a closed port', tcpPacket(4, 4, 1000, 0)],
  ['v4 segment without flags', tcpPacket(4, 0, 1000, 0)],
  ['v4 segment with a data offset of 4', tcpPacket(4, 2, 1000, 0, 4)],
  ['v4 segment with a data offset beyond the end', tcpPacket(4, 2, 1000, 0, 15)],
];

/** What a packet says, without what is the sender's own affair (identification, time to live). */
export function summary(bytes: Uint8Array): string | null {
  const sent = readSent(bytes);
  const ends = `${sent.source} > ${sent.destination}`;
  if (sent.protocol === 1 || sent.protocol === 58) {
    const { type, code, parameter, quote } = readIcmp(sent);
    if (sent.protocol === 58 && (type === 133 || type === 143)) return null; // the kernel's own business
    const isEcho = type === 0 || type === 129;
    return `${ends} ICMP ${type}/${code} ${parameter} ${isEcho ? 'data' : 'quote'} ${quote.length}`;
  }
  if (sent.protocol === 6) {
    const view = new DataView(sent.payload.buffer, sent.payload.byteOffset);
    return `${ends} TCP flags ${sent.payload[13]} seq ${view.getUint32(4)} ack ${view.getUint32(8)} win ${view.getUint16(14)}`;
  }
  return sent.protocol === 0 ? null : `${ends} protocol ${sent.protocol}`; // hop-by-hop: MLD
}
