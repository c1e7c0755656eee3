/** Routers between the hosts: what they pass on, what they tell, and what the hosts learn from it. In virtual time. */
import test from 'ava';
import { type Host, type Link, ms, Network } from '../../src/sim/index.ts';
import {
  type Address,
  anyV4,
  anyV6,
  parsePrefix,
  StackError,
  seconds,
  type Tcb,
  tcpCalls,
} from '../../src/stack/index.ts';
import {
  addressOf,
  icmp,
  octets,
  packet,
  pattern,
  readIcmp,
  readSent,
  type Sent,
  u32,
  udp,
  v4,
} from '../helpers/packets.ts';

type Family = 4 | 6;

const clientText = { 4: '10.1.0.1', 6: 'fd01::1' } as const;
const serverText = { 4: '10.3.0.2', 6: 'fd03::2' } as const;
const nearText = { 4: '10.1.0.2', 6: 'fd01::2' } as const;
const farText = { 4: '10.2.0.2', 6: 'fd02::2' } as const;

/** client - near - far - server: three links, of which the one in the middle is the narrow one. */
class Way {
  readonly network: Network = new Network({ seed: 11 });
  readonly client: Host = this.network.host('client');
  readonly near: Host;
  readonly far: Host = this.network.host('far', { forwarding: true });
  readonly server: Host = this.network.host('server');
  readonly first: Link;
  readonly middle: Link;
  readonly last: Link;
  readonly any: Address;
  readonly family: Family;

  constructor(family: Family, mtu: number, forwarding = true) {
    this.family = family;
    const { network, client, far, server } = this;
    this.any = family === 4 ? anyV4 : anyV6;
    this.near = network.host('near', { forwarding });
    const link = (a: Host, b: Host, net: number, width: number): Link =>
      network.link(a, [`10.${net}.0.1/24`, `fd0${net}::1/64`], b, [`10.${net}.0.2/24`, `fd0${net}::2/64`], {
        delay: ms(1),
        mtu: width,
      });
    this.first = link(client, this.near, 1, 1500);
    this.middle = link(this.near, far, 2, mtu);
    this.last = link(far, server, 3, 1500);
    client.stack.addRoute(null, 1);
    this.near.stack.addRoute(parsePrefix('10.3.0.0/24'), 2);
    this.near.stack.addRoute(parsePrefix('fd03::/64'), 2);
    far.stack.addRoute(parsePrefix('10.1.0.0/24'), 1);
    far.stack.addRoute(parsePrefix('fd01::/64'), 1);
    server.stack.addRoute(null, 1);
  }

  get serverAddress(): Address {
    return addressOf(serverText[this.family]);
  }

  /** The MTU that the client believes the way to the server has. */
  get believed(): number {
    return this.client.stack.findPath(this.serverAddress, this.any)!.mtu;
  }

  run(duration = seconds(1)): void {
    for (const host of [this.client, this.near, this.far, this.server]) host.kick();
    this.network.run(duration);
  }
}

/** Every packet that enters a direction of a link from now on. */
function record(wire: Link['forward']): Sent[] {
  const seen: Sent[] = [];
  wire.taps.push((bytes, length) => seen.push(readSent(bytes.slice(0, length))));
  return seen;
}

function unlessEagain(action: () => void): void {
  try {
    action();
  } catch (error) {
    if (!(error instanceof StackError) || error.code !== 'EAGAIN') throw error;
  }
}

/** Sends octets from the client to the server until all of them have arrived and both sides have closed. */
function transfer(way: Way, size: number, port: number): { readonly received: Uint8Array; readonly tcb: Tcb } {
  const { client, server, network } = way;
  const data = pattern(size);
  const listener = server.stack.tcp.listen(server.stack.tcp.bind(way.any, port), 1);
  const tcb = client.stack.tcp.connect(way.serverAddress, port, null, way.any, network.now);
  const received = new Uint8Array(size);
  let [sent, arrived] = [0, 0];
  let peer: Tcb | null = null;
  client.onChanged(() => {
    unlessEagain(() => {
      while (sent < size) sent += tcpCalls.send(tcb, data.subarray(sent));
      tcpCalls.shutdownSend(tcb, network.now);
    });
    client.kick();
  });
  server.onChanged(() => {
    peer ??= server.stack.tcp.accept(listener);
    const from = peer;
    if (from === null) return;
    unlessEagain(() => {
      for (let n = -1; n !== 0; arrived += n) n = tcpCalls.receive(from, received.subarray(arrived), server.now());
    });
    server.kick();
  });
  client.kick();
  network.runUntil(() => arrived === size, seconds(60));
  client.onChanged(() => {});
  server.onChanged(() => {});
  return { received, tcb };
}

const isTcp = ({ protocol }: Sent): boolean => protocol === 6;
const longest = (seen: readonly Sent[]): number => Math.max(...seen.filter(isTcp).map(({ bytes }) => bytes.length));
const isTooBig = (family: Family, each: Sent): boolean => {
  if (each.protocol !== (family === 4 ? 1 : 58)) return false;
  const { type, code } = readIcmp(each);
  return family === 4 ? type === 3 && code === 4 : type === 2;
};

test('V08: a router drops what has a source route, and tells so', (t) => {
  const way = new Way(4, 1500);
  const crossing = record(way.middle.forward);
  const ends = { source: clientText[4], destination: serverText[4] };
  const made = v4(udp(4, [5, 7], pattern(5), ends), { ...ends, options: [131, 7, 4, 10, 2, 0, 2, 0] });
  way.near.receive(made, made.length, 1);
  way.run(ms(10));

  t.is(crossing.length, 0);
  t.is(way.near.stack.counters.drops['source route'], 1);
});

for (const [family, mtu] of [
  [4, 1300],
  [4, 900],
  [6, 1300],
] as const) {
  test(`RFC 1191, RFC 8201: 1 MiB crosses a link of ${mtu} octets, whose MTU is learnt from the router (IPv${family})`, (t) => {
    const way = new Way(family, mtu);
    const [entering, crossing, back] = [
      record(way.first.forward),
      record(way.middle.forward),
      record(way.first.backward),
    ];

    const { received } = transfer(way, 1 << 20, 80);
    const told = back.filter((each) => isTooBig(family, each));
    const lastTooLong = entering.findLastIndex(({ bytes }) => bytes.length > mtu);

    t.is(Buffer.compare(received, pattern(1 << 20)), 0);
    t.true(told.length > 0);
    t.true(told.every((each) => each.isSound && each.source === nearText[family]));
    t.true(told.every((each) => (readIcmp(each).parameter & 0xffff) === mtu));
    t.is(way.believed, mtu);
    t.is(longest(crossing), mtu);
    t.true(lastTooLong < 20, `${lastTooLong}`); // the first window, and nothing after it
    t.true(entering.filter(isTcp).every(({ isFragment, dontFragment }) => dontFragment && !isFragment)); // V19
  });

  test(`4821-1: 1 MiB crosses a link of ${mtu} octets although nobody hears of it (IPv${family})`, (t) => {
    const way = new Way(family, mtu);
    way.client.stack.setSysctl('net.ipv4.tcp_mtu_probing', 1);
    way.first.backward.filter = (bytes) => (family === 4 ? bytes[9] === 1 : bytes[6] === 58);

    const { received } = transfer(way, 1 << 20, 80);

    t.is(Buffer.compare(received, pattern(1 << 20)), 0);
    t.is(way.believed, 1500);
  });

  test(`8899: segments become as long as a silent link of ${mtu} octets lets them, and no longer (IPv${family})`, (t) => {
    const way = new Way(family, mtu);
    way.client.stack.setSysctl('net.ipv4.tcp_mtu_probing', 2);
    way.client.stack.setSysctl('net.ipv4.tcp_base_mss', 512);
    way.first.backward.filter = (bytes) => (family === 4 ? bytes[9] === 1 : bytes[6] === 58);
    const entering = record(way.first.forward);

    const { received } = transfer(way, 1 << 20, 80);

    t.is(Buffer.compare(received, pattern(1 << 20)), 0);
    const last = entering.slice(-20).map(({ bytes }) => bytes.length);
    t.true(longest(entering) > mtu); // it has tried
    t.true(Math.max(...last) <= mtu && Math.max(...last) > mtu - 16, last.join());
    t.is(way.client.stack.counters.tcpTimeouts, 0);
  });

  test(`RFC 1191 section 6.3: the next connection starts with the MTU that was learnt, until ten minutes later (MTU ${mtu}, IPv${family})`, (t) => {
    const way = new Way(family, mtu);
    transfer(way, 100_000, 80);
    const start = way.network.now;
    const entering = record(way.first.forward);

    transfer(way, 100_000, 81);
    const second = longest(entering);
    way.network.run(start + seconds(590) - way.network.now);
    const late = way.believed;
    way.network.run(seconds(11));
    way.run(ms(1));
    const aged = way.believed;
    entering.length = 0;
    const { received } = transfer(way, 100_000, 82);

    t.deepEqual([second, late, aged], [mtu, mtu, 1500]);
    t.is(longest(entering), 1500);
    t.is(Buffer.compare(received, pattern(100_000)), 0);
    t.is(way.believed, mtu);
  });
}

for (const family of [4, 6] as const) {
  // Datagrams ----------------------------------------------------------------------------------------------------------

  for (const discovery of ['dont', 'want'] as const) {
    // Routers cut IPv4 that may be cut. Otherwise the first that is too long is lost, and the sender cuts from then on.
    const byRouter = family === 4 && discovery === 'dont';

    test(`1122-14: the ${byRouter ? 'router' : 'sender'} cuts UDP datagrams that are too long for a link (IPv${family}, ${discovery})`, (t) => {
      const way = new Way(family, 1300);
      const [sender, receiver] = [way.client.stack.udp.open(way.any), way.server.stack.udp.open(way.any)];
      sender.pmtuDiscovery = discovery;
      way.server.stack.udp.bind(receiver, way.any, 7);
      const [entering, crossing] = [record(way.first.forward), record(way.middle.forward)];
      const arrived: number[] = [];

      for (const size of [1200, 1400, 1401, 5000]) {
        way.client.stack.udp.send(sender, pattern(size), way.serverAddress, 7);
        way.run();
        const next = way.server.stack.udp.receiveFrom(receiver);
        if (next === null) continue;
        arrived.push(next.data.length);
        t.is(Buffer.compare(next.data, pattern(size)), 0);
      }

      t.deepEqual(arrived, byRouter ? [1200, 1400, 1401, 5000] : [1200, 1401, 5000]);
      t.true(crossing.every(({ bytes, isSound }) => isSound && bytes.length <= 1300));
      t.is(entering.filter(({ bytes }) => bytes.length > 1300).length, byRouter ? 5 : 1);
      t.is(way.believed, byRouter ? 1500 : 1300);
    });
  }

  test(`RFC 1191: with path MTU discovery alone the sender hears of the narrow link and then refuses (IPv${family})`, (t) => {
    const way = new Way(family, 1300);
    const { udp: client } = way.client.stack;
    const sender = client.open(way.any);
    client.connect(sender, way.serverAddress, 7);
    sender.pmtuDiscovery = 'do';

    client.send(sender, pattern(1400), null, 0);
    way.run();

    t.throws(() => client.receiveFrom(sender), { code: 'EMSGSIZE' });
    t.throws(() => client.send(sender, pattern(1400), null, 0), { code: 'EMSGSIZE' });
    t.is(client.send(sender, pattern(1300 - (family === 4 ? 28 : 48)), null, 0), 1300 - (family === 4 ? 28 : 48));
  });

  test(`RFC 1812 section 5.3.1: each router takes one off the time to live, and tells when none is left (IPv${family})`, (t) => {
    const way = new Way(family, 1500);
    const sender = way.client.stack.udp.open(way.any);
    const back = record(way.first.backward);
    const arriving = record(way.last.forward);
    const answers: string[] = [];

    for (let ttl = 1; ttl <= 4; ttl++) {
      sender.ttl = ttl;
      way.client.stack.udp.send(sender, pattern(20), way.serverAddress, 33_434);
      way.run();
      const answer = back.pop()!;
      const { type, code, quote } = readIcmp(answer);
      answers.push(`${answer.source} ${type}/${code}`);
      t.true(answer.isSound);
      t.is(readSent(quote).destination, serverText[family]);
      t.is(back.length, 0);
    }

    const [exceeded, closed] = family === 4 ? ['11/0', '3/3'] : ['3/0', '1/4'];
    const server = `${serverText[family]} ${closed}`;
    t.deepEqual(answers, [`${nearText[family]} ${exceeded}`, `${farText[family]} ${exceeded}`, server, server]);
    t.deepEqual(
      arriving.map(({ ttl, isSound }) => [ttl, isSound]),
      [
        [1, true],
        [2, true],
      ],
    );
  });

  test(`1122-7: without a route a router tells "network unreachable" (IPv${family})`, (t) => {
    const way = new Way(family, 1500);
    const back = record(way.first.backward);
    const sender = way.client.stack.udp.open(way.any);
    const nowhere = family === 4 ? '192.0.2.1' : '2001:db8::1';

    way.client.stack.udp.send(sender, pattern(20), addressOf(nowhere), 7);
    way.run();
    const { type, code, parameter } = readIcmp(back[0]!);

    t.deepEqual([type, code, parameter], family === 4 ? [3, 0, 0] : [1, 0, 0]);
    t.is(back[0]!.source, nearText[family]);
    t.is(way.near.stack.counters.drops['no route'], 1);
    t.throws(() => way.near.stack.udp.send(way.near.stack.udp.open(way.any), pattern(1), addressOf(nowhere), 7), {
      code: 'ENETUNREACH',
    });
  });

  test(`1122-3: a host that does not forward drops what is for others, silently (IPv${family})`, (t) => {
    const way = new Way(family, 1500, false);
    const [back, crossing] = [record(way.first.backward), record(way.middle.forward)];

    way.client.stack.udp.send(way.client.stack.udp.open(way.any), pattern(20), way.serverAddress, 7);
    way.run();

    t.deepEqual([...back, ...crossing], []);
    t.is(way.near.stack.counters.drops['not for this host'], 1);
  });

  test(`RFC 1812 section 5.3.7: what belongs to a link or to many is not passed on (IPv${family})`, (t) => {
    const way = new Way(family, 1500);
    const crossing = record(way.middle.forward);
    const hand = (source: string, destination: string): void => {
      const made = packet(family, 17, udp(family, [5, 7], pattern(5), { source, destination }), {
        source,
        destination,
      });
      way.near.receive(made, made.length, 1);
      way.run(ms(10));
    };

    hand(clientText[family], serverText[family]);
    t.is(crossing.length, 1);
    for (const destination of family === 4
      ? ['127.0.0.1', '224.0.0.9', '239.1.1.1', '255.255.255.255', '10.1.0.255', '10.2.0.255']
      : ['fe80::9', 'ff02::9', 'ff0e::9', '::1']) {
      hand(clientText[family], destination);
    }
    for (const source of family === 4 ? ['127.0.0.1', '224.0.0.1', '0.0.0.0'] : ['fe80::9', 'ff02::1', '::', '::1']) {
      hand(source, serverText[family]);
    }

    t.is(crossing.length, 1);
  });

  test(`RFC 1812 section 5.2.4.3: the longest prefix wins, then the smallest metric (IPv${family})`, (t) => {
    const network = new Network();
    const host = network.host('host');
    const out: Sent[][] = [];
    for (const net of [1, 2, 3, 4]) {
      const peer = network.host(`peer${net}`);
      const link = network.link(host, [`10.${net}.0.1/24`, `fd0${net}::1/64`], peer, [
        `10.${net}.0.2/24`,
        `fd0${net}::2/64`,
      ]);
      out.push(record(link.forward));
    }
    const route = (to: string | null, index: number, metric?: number): void =>
      host.stack.addRoute(to === null ? null : parsePrefix(to), index, metric);
    const sender = host.stack.udp.open(family === 4 ? anyV4 : anyV6);
    /** By which interfaces packets leave. */
    const ways = (...to: string[]): number[] =>
      to.map((text) => {
        host.stack.udp.send(sender, pattern(1), addressOf(text), 7);
        host.kick();
        network.run(ms(1));
        const index = out.findIndex((seen) => seen.pop() !== undefined) + 1;
        return index;
      });

    if (family === 4) {
      route(null, 1, 5);
      route('172.16.0.0/12', 2);
      route('172.16.9.0/24', 3);
      route('172.16.9.7/32', 4);
      t.deepEqual(
        ways('8.8.8.8', '172.31.1.1', '172.16.9.1', '172.16.9.7', '172.32.0.1', '10.2.0.9'),
        [1, 2, 3, 4, 1, 2],
      );
      route('172.16.0.0/12', 4, 1);
      t.deepEqual(ways('172.31.1.1'), [2]);
    } else {
      route(null, 1, 5);
      route('2001:db8::/32', 2);
      route('2001:db8:9::/48', 3);
      route('2001:db8:9::7/128', 4);
      t.deepEqual(
        ways('2600::1', '2001:db8:1::1', '2001:db8:9::1', '2001:db8:9::7', '2001:db9::1', 'fd02::9'),
        [1, 2, 3, 4, 1, 2],
      );
      route('2001:db8::/32', 4, 1);
      t.deepEqual(ways('2001:db8:1::1'), [2]);
    }
    route(null, 4, 1);
    t.deepEqual(ways(family === 4 ? '8.8.8.8' : '2600::1'), [4]);
  });

  // Forgeries ---------------------------------------------------------------------------------------------------------

  /** An open connection with text in flight, and how to hand the client a Packet Too Big about a segment of it. */
  const open = () => {
    const way = new Way(family, 1500);
    const { client, server, network } = way;
    const listener = server.stack.tcp.listen(server.stack.tcp.bind(way.any, 80), 1);
    const tcb = client.stack.tcp.connect(way.serverAddress, 80, null, way.any, network.now);
    way.run();
    t0(server.stack.tcp.accept(listener));
    const entering = record(way.first.forward);
    tcpCalls.send(tcb, pattern(3000));
    client.kick();
    network.run(1); // the segments are on their way
    const segment = entering[0]!.bytes;
    const forge = (mtu: number, quote: Uint8Array): void => {
      const ends = { source: farText[family], destination: clientText[family] };
      const [type, code] = family === 4 ? [3, 4] : [2, 0];
      const made = packet(
        family,
        family === 4 ? 1 : 58,
        icmp(family, type!, code!, octets(u32(mtu), quote), ends),
        ends,
      );
      client.receive(made, made.length, 1);
      network.run(1);
    };
    return { way, tcb, segment, forge, entering };
  };
  const seqAt = (family === 4 ? 20 : 40) + 4;
  const quoted = (segment: Uint8Array, by: number): Uint8Array => {
    const quote = segment.slice(0, seqAt + 4);
    const view = new DataView(quote.buffer);
    view.setUint32(seqAt, view.getUint32(seqAt) + by);
    return quote;
  };

  test(`RFC 5927 section 4.1: a Packet Too Big with a sequence number that is not outstanding changes nothing (IPv${family})`, (t) => {
    const { way, tcb, segment, forge, entering } = open();
    const before = [tcb.path.mtu, tcb.snd.mss, way.client.stack.counters.tcpRetransSegs];
    entering.length = 0;

    for (const by of [-1, -1000, 3000, 4000, 0x4000_0000, 0x8000_0000]) forge(1300, quoted(segment, by));

    t.deepEqual([tcb.path.mtu, tcb.snd.mss, way.client.stack.counters.tcpRetransSegs], before);
    t.is(way.believed, 1500);
    t.is(way.client.stack.counters.drops['ICMP ignored'], 6);
    forge(1300, quoted(segment, 2999));
    t.is(way.believed, 1300);
    t.is(tcb.path.mtu, 1300);
  });

  test(`V19: a Packet Too Big about a connection or a socket that does not exist changes nothing (IPv${family})`, (t) => {
    const { way, tcb, segment, forge } = open();
    const header = family === 4 ? 20 : 40;
    const sockets = way.client.stack.udp.open(way.any);
    way.client.stack.udp.bind(sockets, way.any, 53);

    for (const at of [header, header + 1, header + 2, header + 3, family === 4 ? 19 : 39, family === 4 ? 15 : 23]) {
      const quote = quoted(segment, 0);
      quote[at]! ^= 1;
      forge(1300, quote);
    }
    const datagram = udp(family, [54, 7], pattern(9), { source: clientText[family], destination: serverText[family] });
    forge(1300, packet(family, 17, datagram, { source: clientText[family], destination: serverText[family] }));
    forge(1300, packet(family, 132, datagram, { source: clientText[family], destination: serverText[family] }));

    t.is(way.believed, 1500);
    t.is(tcb.path.mtu, 1500);
    t.is(way.client.stack.counters.drops['ICMP ignored'], 8);
  });

  if (family === 6) {
    test('8201-1, V19: a Packet Too Big that tells less than 1280 octets is ignored', (t) => {
      const { way, tcb, segment, forge } = open();
      for (const mtu of [0, 1, 68, 1279]) forge(mtu, quoted(segment, 0));
      way.run();

      t.deepEqual([way.believed, tcb.path.mtu], [1500, 1500]);
      t.is(way.client.stack.counters.tcpRetransSegs, 0);
    });
  }

  if (family === 4) {
    test('V19: a Packet Too Big below 552 octets counts as one of so many', (t) => {
      const least = 552;
      for (const mtu of [0, 1, 68, least - 1]) {
        const { way, tcb, segment, forge, entering } = open();

        entering.length = 0;
        forge(mtu, quoted(segment, 0));
        way.run();

        t.is(way.believed, least);
        t.is(tcb.path.mtu, least);
        t.is(longest(entering), least);
        t.true(entering.every(({ isFragment }) => !isFragment));
      }
    });
  }

  test(`V19: a Packet Too Big that is not below the MTU in use changes nothing (IPv${family})`, (t) => {
    const { way, tcb, segment, forge } = open();

    for (const mtu of [1500, 1501, 9000, 65_535]) forge(mtu, quoted(segment, 0));

    t.deepEqual([way.believed, tcb.path.mtu], [1500, 1500]);
    t.is(way.client.stack.counters.tcpRetransSegs, 0);
  });
}

function t0<T>(value: T | null): T {
  if (value === null) throw new Error('the connection did not open');
  return value;
}
