/** Packets that a host rarely meets, of a kind that both families have. */
import { echo, icmp, octets, ours, packet, pattern, theirs, u32, udp } from '../../helpers/packets.ts';
import { CLOSED, changed, type Family, type KernelQuestion, tcp, toClosed, withoutChecksum } from './question-parts.ts';

const sources = {
  4: ['0.0.0.0', '0.0.0.5', '127.0.0.1', '224.0.0.1', '255.255.255.255', '240.0.0.1', '10.0.0.255', '10.0.0.1'],
  6: ['::', '::1', 'ff02::1', 'fd00::1', '::ffff:10.0.0.2'],
};
const destinations = {
  4: ['224.0.0.1', '224.0.0.99', '255.255.255.255', '10.0.0.255', '10.0.0.9', '192.0.2.1', '127.0.0.1', '0.0.0.0'],
  6: [
    'ff02::1',
    'ff02::1:ff00:1',
    'ff02::2',
    'ff01::1',
    'ff02::99',
    'ff05::1',
    'ff00::1',
    'fd00::9',
    '2001:db8::1',
    '::1',
    '::',
    'fd00::',
  ],
};

export function questionsOfBoth(family: Family): KernelQuestion[] {
  const whole = packet(family, 17, toClosed(family));
  const header = family === 4 ? 20 : 40;
  const icmpProtocol = family === 4 ? 1 : 58;
  const request = family === 4 ? 8 : 128;
  const errorTypes = family === 4 ? [3, 11, 12] : [1, 2, 3, 4];
  const ends = { source: ours[family], destination: theirs[family] };
  const [quotedUdp, quotedPing] = [
    packet(family, 17, toClosed(family), ends),
    packet(family, icmpProtocol, echo(family), ends),
  ];
  const loopbackOf = family === 4 ? '127.0.0.1' : '::1';
  const one = (title: string, bytes: Uint8Array): KernelQuestion => ({
    title: `IPv${family}: ${title}`,
    packets: [bytes],
  });
  const oneIcmp = (title: string, message: Uint8Array): KernelQuestion =>
    one(title, packet(family, icmpProtocol, message));
  const oneUdp = (title: string, message: Uint8Array): KernelQuestion => one(title, packet(family, 17, message));
  return [
    oneIcmp('an echo request', echo(family)),
    oneIcmp('an echo request without data', echo(family, octets())),
    oneIcmp('an echo request with an odd number of octets', echo(family, pattern(33))),
    oneIcmp('an echo request with another code than 0', icmp(family, request, 7, octets(u32(1), pattern(4)))),
    oneIcmp('an echo request cut behind the checksum', icmp(family, request, 0, octets())),
    oneIcmp(
      'an echo request with a wrong checksum',
      changed(echo(family), 3, (octet) => octet ^ 1),
    ),
    oneIcmp('an echo reply that nobody waits for', icmp(family, family === 4 ? 0 : 129, 0, octets(u32(1)))),
    oneIcmp('an unknown informational ICMP type', icmp(family, family === 4 ? 77 : 200, 0, octets(u32(1)))),
    oneIcmp('an unknown ICMP error type', icmp(family, family === 4 ? 78 : 100, 0, octets(u32(0), quotedUdp))),
    oneIcmp('an ICMP message of one octet', octets(8)),
    oneIcmp('no ICMP message at all', octets()),
    one('an unknown protocol', packet(family, 253, pattern(20))),
    one('an unknown protocol without payload', packet(family, 253, octets())),
    one('an unknown protocol with a long payload', packet(family, 253, pattern(1400))),
    one('ICMP of the other family', packet(family, family === 4 ? 58 : 1, echo(family === 4 ? 6 : 4))),
    one('UDP to a closed port', whole),
    oneUdp('UDP to a closed port with a long text', toClosed(family, 1440)),
    oneUdp('UDP to port 0', udp(family, [5555, 0], pattern(4))),
    oneUdp('UDP from port 0', udp(family, [0, CLOSED], pattern(4))),
    one(
      'UDP with a wrong checksum',
      changed(whole, header + 6, (octet) => octet ^ 0x40),
    ),
    one('UDP without checksum', withoutChecksum(whole, header + 6)),
    oneUdp(
      'UDP longer than the packet',
      changed(toClosed(family), 5, (octet) => octet + 1),
    ),
    oneUdp(
      'UDP with a length below 8',
      changed(toClosed(family), 5, () => 7),
    ),
    oneUdp(
      'UDP with a length of 0',
      changed(toClosed(family), 5, () => 0),
    ),
    oneUdp('UDP with octets behind its end', octets(toClosed(family), 1, 2, 3)),
    oneUdp('a UDP header of 7 octets', toClosed(family).subarray(0, 7)),
    ...[0, 2, 0x10, 0x12, 1, 0x11, 4, 0x14, 3, 6, 0x29, 0x3f, 0xc2].flatMap((flags) => [
      one(`TCP to a closed port, flags 0x${flags.toString(16)}`, tcp(family, flags)),
      one(`TCP to a closed port, flags 0x${flags.toString(16)}, with text`, tcp(family, flags, { text: 10 })),
    ]),
    one('TCP with a wrong checksum', tcp(family, 2, { isSpoilt: true })),
    one('TCP with a data offset of 4', tcp(family, 2, { dataOffset: 4 })),
    one('TCP with a data offset beyond its end', tcp(family, 2, { dataOffset: 6 })),
    one('TCP with options that are no options', tcp(family, 2, { dataOffset: 7, text: 8 })),
    one('a TCP header of 19 octets', packet(family, 6, tcp(family, 2).slice(header, header + 19))),
    ...errorTypes.flatMap((type) => [
      oneIcmp(
        `an ICMP error of type ${type} about an echo reply`,
        icmp(family, type, 0, octets(u32(1500), quotedPing)),
      ),
      oneIcmp(`an ICMP error of type ${type} that quotes nothing`, icmp(family, type, 0, octets(u32(0)))),
      oneIcmp(`an ICMP error of type ${type} about UDP`, icmp(family, type, 3, octets(u32(0), quotedUdp))),
    ]),
    one('a packet with fewer octets than it says', whole.subarray(0, whole.length - 1)),
    one('a packet with more octets than it says', octets(whole, pattern(9))),
    one('a packet cut inside its header', whole.subarray(0, header - 1)),
    ...sources[family].flatMap((source) => [
      one(
        `an echo request from ${source}`,
        packet(family, icmpProtocol, echo(family, undefined, { source }), { source }),
      ),
      one(
        `UDP to a closed port from ${source}`,
        packet(family, 17, udp(family, [5555, CLOSED], pattern(9), { source }), { source }),
      ),
    ]),
    ...destinations[family].flatMap((destination) => [
      one(
        `an echo request to ${destination}`,
        packet(family, icmpProtocol, echo(family, undefined, { destination }), { destination }),
      ),
      one(
        `UDP to a closed port at ${destination}`,
        packet(family, 17, udp(family, [5555, CLOSED], pattern(9), { destination }), { destination }),
      ),
      one(`an unknown protocol to ${destination}`, packet(family, 253, pattern(8), { destination })),
      one(
        `protocol 0 with an option to be told to ${destination}`,
        packet(family, 0, octets(59, 0, 0x9e, 4, u32(0)), { destination }),
      ),
    ]),
    one(
      'from loopback to loopback',
      packet(family, 17, toClosed(family), { source: loopbackOf, destination: loopbackOf }),
    ),
  ];
}
