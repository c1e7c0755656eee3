/** Who is spoken to and listened to: addresses and ports (RFC 9293 section 3.9). */
import test from 'ava';
import { anyV4, anyV6, TcpSettings, tcpCalls } from '../../src/stack/index.ts';
import { addressOf, Lone, octets, ours, theirs, v4, v6 } from '../helpers/packets.ts';
import { flags, Peer, readSegment, segment } from '../helpers/tcp-peer.ts';

test('MUST-41: listening again, elsewhere, and no longer disturbs no connection that there is', (t) => {
  const peer = new Peer({ settings: { reuseAddress: true } });
  const { tcp } = peer.host.stack;

  tcp.unlisten(peer.listener, peer.host.now);
  tcp.listen(tcp.bind(anyV4, 81), 4);
  const again = tcp.listen(tcp.bind(anyV4, 80, peer.tcb.settings), 4);
  peer.send({ text: new Uint8Array(10) });

  t.is(peer.tcb.state, 'ESTABLISHED');
  t.is(peer.tcb.receiveQueue.length, 10);
  t.is(again.acceptQueue.length, 0);
});

test('MUST-42: one socket may listen while others of its port are being opened', (t) => {
  const host = new Lone();
  const { tcp } = host.stack;
  const shared = Object.assign(new TcpSettings(), { reuseAddress: true });
  const claim = tcp.bind(anyV4, 80, shared);
  const opening = tcp.connect(addressOf('10.0.0.9'), 80, claim, anyV4, host.now);
  const listener = tcp.listen(tcp.bind(anyV4, 80, shared), 4);
  const syn = (from: number) => v4(segment(4, { flags: flags.SYN, seq: 1, ports: [from, 80] }), { protocol: 6 });
  host.take(syn(5000));

  t.is(opening.state, 'SYN-SENT');
  t.is(listener.halfOpen.size, 1);
  const [answer] = host.take(syn(5001)).map(readSegment);
  t.is(answer?.flags, flags.SYN | flags.ACK);
});

for (const family of [4, 6] as const) {
  const own = family === 4 ? ['10.0.0.1/24', '10.0.0.7/24'] : ['fd00::1/64', 'fd00::7/64'];
  const any = family === 4 ? anyV4 : anyV6;
  const packetOf = (payload: Uint8Array, ends: { source?: string; destination?: string } = {}): Uint8Array =>
    family === 4 ? v4(payload, { ...ends, protocol: 6 }) : v6(payload, { ...ends, next: 6 });

  test(`MUST-43: a connection may come from an address of its user's choice (IPv${family})`, (t) => {
    const host = new Lone({ interfaces: [own] });
    const { tcp } = host.stack;
    const chosen = own[1]!.split('/')[0]!;

    tcp.connect(addressOf(theirs[family]), 80, tcp.bind(addressOf(chosen), 0), any, host.now);

    t.is(host.sent()[0]?.source, chosen);
    t.throws(() => tcp.bind(addressOf(theirs[family]), 0), { code: 'EADDRNOTAVAIL' });
  });

  test(`MUST-44, MUST-45: without one it is found before the first SYN, and stays (IPv${family})`, (t) => {
    const host = new Lone({ interfaces: [own] });
    const tcb = host.stack.tcp.connect(addressOf(theirs[family]), 80, null, any, host.now);

    t.is(`${tcb.local}`, ours[family]);
    const [syn] = host.sent();
    t.is(syn?.source, ours[family]);
    const { seq } = readSegment(syn!);
    const ports = [80, tcb.localPort] as const;
    const answer = { ports, seq: 1, ack: seq + 1, flags: flags.SYN | flags.ACK };
    const sources = host.take(packetOf(segment(family, answer))).map(({ source }) => source);
    tcpCalls.send(tcb, new Uint8Array(5000));
    for (const { source } of host.sent()) sources.push(source);
    t.deepEqual([...new Set(sources)], [ours[family]]);
    t.true(sources.length >= 5);
  });

  test(`MUST-63: a SYN from an address that cannot be is ignored (IPv${family})`, (t) => {
    const host = new Lone();
    host.stack.tcp.listen(host.stack.tcp.bind(any, 80), 4);
    const impossible =
      family === 4
        ? ['0.0.0.0', '0.1.2.3', '127.0.0.1', '224.0.0.1', '255.255.255.255', '10.0.0.255', '240.0.0.1', ours[4]]
        : ['::', '::1', 'ff02::1', ours[6]];

    for (const source of impossible) {
      const fields = { source, flags: flags.SYN, seq: 1 };
      t.deepEqual(host.take(packetOf(segment(family, fields), fields)), [], source);
    }
    t.is([...host.stack.tcp.connections()].length, 0);
  });

  test(`MUST-57: segments to many are dropped silently, whatever they are (IPv${family})`, (t) => {
    const host = new Lone();
    host.stack.tcp.listen(host.stack.tcp.bind(any, 80), 4);
    const many = family === 4 ? ['255.255.255.255', '10.0.0.255', '224.0.0.1'] : ['ff02::1'];

    for (const destination of many) {
      for (const bits of [flags.SYN, flags.ACK, flags.RST, flags.SYN | flags.ACK, 0]) {
        const fields = { destination, flags: bits, seq: 1, ack: 1 };
        t.deepEqual(host.take(packetOf(segment(family, fields), fields)), [], `${destination} ${bits}`);
      }
    }
    t.is([...host.stack.tcp.connections()].length, 0);
  });

  test(`SHLD-21, SHLD-22: the traffic class is the user's, also later; the two bits of ECN are not (IPv${family})`, (t) => {
    const peer = new Peer({ family, settings: { trafficClass: 0xb8 } });
    const classOfText = (): number => {
      tcpCalls.send(peer.tcb, new Uint8Array(2000));
      const { bytes } = peer.said()[0]!.packet;
      return family === 4 ? bytes[1]! : ((bytes[0]! & 15) << 4) | (bytes[1]! >> 4);
    };

    t.is(classOfText(), 0xb8);
    tcpCalls.ownSettings(peer.tcb).trafficClass = 0x28;
    t.is(classOfText(), 0x28);
  });
}

test('MUST-50: a segment counts whatever unknown options its IPv4 header has', (t) => {
  const peer = new Peer();
  const text = octets(1, 2, 3);
  const fields = { seq: peer.seq, ack: peer.ack, text };

  const sent = peer.host.take(v4(segment(4, fields), { protocol: 6, options: [0x5e, 4, 1, 2] }));

  t.is(peer.tcb.receiveQueue.length, 3);
  t.is(readSegment(sent[0]!).ack, peer.seq + 3);
});
