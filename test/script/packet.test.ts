import test from 'ava';
import { buildPacket, type Ends } from '../../src/script/build.ts';
import { Connection } from '../../src/script/connection.ts';
import { parseScript } from '../../src/script/index.ts';
import { decodePacket } from '../../src/script/packet.ts';
import { printPacket } from '../../src/script/print.ts';
import type { Family, PacketSpec } from '../../src/script/syntax.ts';
import { addressOctets } from '../../src/script/target.ts';
import { describePacket } from '../../src/stack/index.ts';

const families: readonly Family[] = [4, 6];

/** From the peer, who is at 40001, to port 8080 of the host. */
const endsOf = (family: Family): Ends => ({
  family,
  host: addressOctets.host[family],
  peer: addressOctets.peer[family],
  cookie: Uint8Array.of(9, 8, 7, 6),
});

function connection(): Connection {
  const made = new Connection(1);
  made.hostPort = 8080;
  made.peerPort = 40_001;
  return made;
}

function specOf(text: string): PacketSpec {
  const [event] = parseScript('x.pkt', `0 < ${text}`).events;
  if (event?.action.kind !== 'inject') throw new Error('impossible: not a packet');
  return event.action.packet;
}

const build = (text: string, family: Family = 4, on = connection()): Uint8Array =>
  buildPacket(specOf(text), on, endsOf(family));

const described = (bytes: Uint8Array): string => describePacket(bytes, bytes.length, { checksums: true });

test('segments are built as the stack itself reads them, with good checksums', (t) => {
  t.is(
    described(build('P. 1:4(3) ack 7 win 9 <mss 1000,sackOK,TS val 5 ecr 6,nop,wscale 7> "abc"')),
    'IP 192.0.2.1.40001 > 192.168.0.1.8080: Flags [P.], seq 1:4, ack 7, win 9, ' +
      'options [mss 1000,sackOK,TS val 5 ecr 6,nop,wscale 7], length 3',
  );
  t.is(
    described(build('. 1:301(300) ack 7 win 9 <nop,nop,sack 10:20 30:40>', 6)),
    'IP6 2001:db8::1.40001 > fd3d:a0b:17d6::1.8080: Flags [.], seq 1:301, ack 7, win 9, ' +
      'options [nop,nop,sack 2 {10:20}{30:40}], length 300',
  );
  t.is(
    described(build('FSRU 1:1(0) win 9 urg 5')),
    'IP 192.0.2.1.40001 > 192.168.0.1.8080: Flags [FSRU], seq 1, win 9, urg 5, length 0',
  );
});

test('what is built prints as it was written', (t) => {
  const texts = [
    'S 0:0(0) win 32792 <mss 1460,sackOK,nop,nop,nop,wscale 7>',
    'S. 5:5(0) ack 4294967295 win 1 <mss 536,sackOK,TS val 1 ecr 4294967295>',
    'P. 1:1001(1000) ack 1 win 257 <nop,nop,TS val 700 ecr 100>',
    '. 4294967000:704(1000) ack 1 win 257 <nop,nop,sack 1:2 3:4>',
    'SEW 0:0(0) win 10 <FO,nop,nop>',
    'SEWA 0:0(0) win 10 <FO 0102030405060708,nop,nop>',
    '. 1:1(0) ack 1 win 0 <kind 77 len 4 beef>',
    '. 1:1(0) ack 1 win 0 <FOEXP 01020304>',
    'R 1:1(0) win 0',
    '- 1:1(0) win 0',
    'PU. 1:6(5) ack 1 win 5 urg 3',
    '[ect1] . 1:1(0) ack 1 win 5',
    '[tos 0x48] . 1:1(0) ack 1 win 5',
    'udp (30)',
  ];

  for (const family of families) {
    for (const text of texts) {
      const seen = decodePacket(build(text, family))!;
      t.is(printPacket(seen, connection()), `> ${text}`, `IPv${family}`);
    }
  }
});

test('every single wrong bit of a segment over IPv4 is noticed', (t) => {
  const bytes = build('P. 1:11(10) ack 7 win 9 <nop,nop,TS val 5 ecr 6>');

  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = bytes.slice();
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    const seen = decodePacket(flipped);
    t.true(seen === null || seen.fault !== null, `bit ${bit}`);
  }
  t.is(decodePacket(bytes)!.fault, null);
});

test('checksums and header lengths can be made wrong', (t) => {
  t.is(decodePacket(build('[badsum] . 1:1(0) ack 1'))!.fault, 'wrong TCP checksum');
  t.is(decodePacket(build('[badsum] udp (5)', 6))!.fault, 'wrong UDP checksum');
  t.is(decodePacket(build('[hdrlen 16] . 1:1(0) ack 1'))!.fault, 'wrong TCP header length');
});

test('a cookie may be the one that the host has given', (t) => {
  const seen = decodePacket(build('S 0:0(0) <FO given>'))!;

  t.like(seen, { options: [{ number: 34, data: Uint8Array.of(9, 8, 7, 6) }] });
});

test('the IP header has what the script says', (t) => {
  const seen = decodePacket(build('[ce,ttl 3,df] . 1:1(0) ack 1'))!;

  t.like(seen, { trafficClass: 3, ttl: 3, df: true });
  t.like(decodePacket(build('. 1:1(0) ack 1', 6)), { trafficClass: 0, ttl: 255 });
});

test('streams carry octet n modulo 251, whichever segment it is in', (t) => {
  const on = connection();
  on.noteInjected(specOf('S 1000:1000(0)') as never);
  const payloadOf = (text: string): number[] => {
    const seen = decodePacket(build(text, 4, on))!;
    return seen.kind === 'icmp' ? [] : [...seen.payload];
  };

  t.deepEqual(payloadOf('. 1001:1004(3) ack 1'), [0, 1, 2]);
  t.deepEqual(payloadOf('. 1250:1254(4) ack 1'), [249, 250, 0, 1]);
  t.deepEqual(payloadOf('S 1000:1003(3)'), [0, 1, 2]);
});

test('numbers of the tested host become the real ones: acknowledgments, SACK, echoed timestamps, quotations', (t) => {
  const on = connection();
  const real = decodePacket(build('S. 4000000000:4000000000(0) ack 1 <TS val 9000 ecr 0>'))!;
  const expected = parseScript('x.pkt', '0 > S. 0:0(0) ack 1 <TS val 100 ecr 0>').events[0]!.action;
  on.noteSeen(real as never, (expected as { packet: PacketSpec }).packet, 0);

  t.regex(
    described(build('. 1:1(0) ack 1 <nop,nop,TS val 1 ecr 100,nop,nop,sack 11:21>', 4, on)),
    /ack 4000000001, .*TS val 1 ecr 9000,nop,nop,sack 1 \{4000000011:4000000021\}/,
  );
  t.regex(
    described(build('icmp unreachable frag_needed mtu 1200 [1:1461(1460)]', 4, on)),
    /unreachable - need to frag \(mtu 1200\)/,
  );
  const message = decodePacket(build('icmp time_exceeded ttl [1:1461(1460)]', 6, on))!;
  t.like(message, { kind: 'icmp', type: 3, code: 0 });
  const { quoted } = message as Extract<typeof message, { kind: 'icmp' }>;
  t.regex(describePacket(quoted, quoted.length), /fd3d:a0b:17d6::1\.8080 > 2001:db8::1\.40001: .*seq 4000000001/);
});
