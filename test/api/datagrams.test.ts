/** Options, raw sockets, groups and IPv6's own ways, over simulated hosts in virtual time. */
import test from 'ava';
import { createSocketModule, type OptionValue, type Socket, type SocketModule } from '../../src/api/index.ts';
import { type LinkSettings, Network, pair } from '../../src/sim/index.ts';
import { ms, seconds } from '../../src/stack/index.ts';

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

function unwrap<T>([value, error]: readonly [T | null, string | null, ...unknown[]]): T {
  if (error !== null) throw new Error(error);
  return value as T;
}

function stage(link: LinkSettings = { delay: ms(10) }) {
  const { network, client, server, link: wires } = pair({ link });
  const here = createSocketModule(client, { raw: true });
  const there = createSocketModule(server, { raw: true });
  return { network, client, server, link: wires, here, there };
}

const open = (module: SocketModule, family: number, type: number, protocol = 0): Socket =>
  unwrap(module.socket(family, type, protocol));

// Options ------------------------------------------------------------------------------------------------------------------

test('1.13: options have the type of what they are: booleans for flags, numbers for the rest', (t) => {
  const { here } = stage();
  const { SOL_SOCKET, IPPROTO_IP, IPPROTO_IPV6, IPPROTO_TCP } = here;
  const udp = unwrap(here.udp());
  const tcp = unwrap(here.tcp());
  const udp6 = open(here, here.AF_INET6, here.SOCK_DGRAM);
  const values: readonly (readonly [Socket, number, number, OptionValue])[] = [
    [udp, SOL_SOCKET, here.SO_TYPE, 2],
    [tcp, SOL_SOCKET, here.SO_TYPE, 1],
    [udp, SOL_SOCKET, here.SO_DOMAIN, 2],
    [udp6, SOL_SOCKET, here.SO_DOMAIN, 10],
    [udp, SOL_SOCKET, here.SO_PROTOCOL, 17],
    [tcp, SOL_SOCKET, here.SO_PROTOCOL, 6],
    [tcp, SOL_SOCKET, here.SO_ERROR, 0],
    [udp, SOL_SOCKET, here.SO_BROADCAST, false],
    [tcp, SOL_SOCKET, here.SO_ACCEPTCONN, false],
    [tcp, IPPROTO_TCP, here.TCP_NODELAY, false],
    [udp, IPPROTO_IP, here.IP_TTL, 64],
    [tcp, IPPROTO_IP, here.IP_TTL, 64],
    [udp, IPPROTO_IP, here.IP_TOS, 0],
    [udp, IPPROTO_IP, here.IP_MULTICAST_TTL, 1],
    [udp, IPPROTO_IP, here.IP_MULTICAST_LOOP, true],
    [udp6, IPPROTO_IPV6, here.IPV6_V6ONLY, false],
    [udp6, IPPROTO_IPV6, here.IPV6_UNICAST_HOPS, 64],
    [udp6, IPPROTO_IPV6, here.IPV6_TCLASS, 0],
  ];

  for (const [socket, level, name, value] of values) t.deepEqual(socket.getoption(level, name), [value, null]);
});

test('1.13: what is set is told again; buffer sizes are doubled as Linux doubles them', (t) => {
  const { here } = stage();
  const { SOL_SOCKET, IPPROTO_IP, IPPROTO_TCP } = here;
  const udp = unwrap(here.udp());
  const tcp = unwrap(here.tcp());
  const changes: readonly (readonly [Socket, number, number, OptionValue, OptionValue])[] = [
    [udp, SOL_SOCKET, here.SO_BROADCAST, 1, true],
    [udp, SOL_SOCKET, here.SO_RCVBUF, 10_000, 20_000],
    [udp, SOL_SOCKET, here.SO_SNDBUF, 10_000, 20_000],
    [udp, IPPROTO_IP, here.IP_TTL, 3, 3],
    [udp, IPPROTO_IP, here.IP_TTL, -1, 64],
    [udp, IPPROTO_IP, here.IP_TOS, 0xb8, 0xb8],
    [udp, IPPROTO_IP, here.IP_MULTICAST_TTL, 7, 7],
    [udp, IPPROTO_IP, here.IP_MULTICAST_LOOP, 0, false],
    [udp, IPPROTO_IP, here.IP_MTU_DISCOVER, here.IP_PMTUDISC_DO, here.IP_PMTUDISC_DO],
    [tcp, IPPROTO_TCP, here.TCP_NODELAY, true, true],
    [tcp, IPPROTO_IP, here.IP_TTL, 9, 9],
  ];

  for (const [socket, level, name, value, told] of changes) {
    t.deepEqual(socket.setoption(level, name, value), [true, null]);
    t.deepEqual(socket.getoption(level, name), [told, null]);
  }
});

test('1.13: options that there are not are ENOPROTOOPT, values that cannot be EINVAL', (t) => {
  const { here } = stage();
  const udp = unwrap(here.udp());
  const tcp = unwrap(here.tcp());

  t.is(udp.getoption(here.SOL_SOCKET, 9999)[1], 'Protocol not available');
  t.is(udp.setoption(77, 1, 1)[1], 'Protocol not available');
  t.is(udp.setoption(here.SOL_SOCKET, here.SO_TYPE, 1)[1], 'Protocol not available');
  t.is(udp.setoption(here.IPPROTO_TCP, here.TCP_NODELAY, 1)[1], 'Protocol not available');
  t.is(udp.getoption(here.IPPROTO_IPV6, here.IPV6_V6ONLY)[1], 'Protocol not available');
  t.is(udp.setoption(here.IPPROTO_IP, here.IP_HDRINCL, 1)[1], 'Protocol not available');
  t.is(tcp.setoption(here.IPPROTO_IP, here.IP_MULTICAST_TTL, 1)[1], 'Invalid argument');
  t.is(udp.setoption(here.IPPROTO_IP, here.IP_TTL, 256)[1], 'Invalid argument');
  t.is(udp.setoption(here.IPPROTO_IP, here.IP_TTL, 0)[1], 'Invalid argument');
  t.is(udp.setoption(here.IPPROTO_IP, here.IP_ADD_MEMBERSHIP, 1)[1], 'Invalid argument');
});

test('IP_TTL and IP_TOS are on every packet, of TCP and of what a listener accepts too', async (t) => {
  const { network, link, here, there } = stage();
  const seen = new Set<string>();
  const look = (bytes: Uint8Array): void => void seen.add(`${bytes[1]} ${bytes[8]} ${bytes[9]}`);
  link.backward.taps.push(look);
  const listener = unwrap(there.tcp());
  const client = unwrap(here.tcp());
  unwrap(listener.setoption(there.IPPROTO_IP, there.IP_TTL, 33));
  unwrap(listener.setoption(there.IPPROTO_IP, there.IP_TOS, 0x20));
  unwrap(await listener.bind('', 80));
  unwrap(listener.listen(1));
  unwrap(await network.until(client.connect('10.0.0.2', 80)));
  const server = unwrap(await network.until(listener.accept()));
  unwrap(await network.until(server.write('x')));
  await network.until(client.read(1));

  t.deepEqual([...seen], [`${0x20} 33 6`]);
});

test('SO_RCVBUF bounds what waits to be read: the rest is dropped and counted', async (t) => {
  const { network, server, here, there } = stage();
  const receiver = unwrap(there.udp());
  unwrap(await receiver.bind('', 9));
  unwrap(receiver.setoption(there.SOL_SOCKET, there.SO_RCVBUF, 5000));
  const sender = unwrap(here.udp());
  for (let round = 0; round < 50; round++) unwrap(await sender.sendto(new Uint8Array(1000), '10.0.0.2', 9));
  network.run(seconds(1));

  const dropped = server.stack.counters.drops['UDP buffer full'];
  t.is(dropped, 50 - Math.floor(10_000 / 1256));
  receiver.settimeout(0);
  let read = 0;
  while ((await receiver.recvfrom(2000))[1] === null) read++;
  t.is(read, 50 - dropped);
});

test('IP_MTU_DISCOVER: what is too long for the way is cut, or with DO refused', async (t) => {
  const { network, here, there } = stage();
  const receiver = unwrap(there.udp());
  unwrap(await receiver.bind('', 9));
  const sender = unwrap(here.udp());
  unwrap(await sender.connect('10.0.0.2', 9));

  t.deepEqual(sender.getoption(here.IPPROTO_IP, here.IP_MTU), [1500, null]);
  t.is((await sender.write(new Uint8Array(5000)))[1], null);
  t.is(unwrap(await network.until(receiver.recvfrom(9000))).length, 5000);
  unwrap(sender.setoption(here.IPPROTO_IP, here.IP_MTU_DISCOVER, here.IP_PMTUDISC_DO));
  t.is((await sender.write(new Uint8Array(1473)))[1], 'Message too long');
  t.is((await sender.write(new Uint8Array(1472)))[1], null);
});

test('MSG_PEEK leaves a datagram where it is, and length tells what was cut', async (t) => {
  const { network, here, there } = stage();
  const receiver = unwrap(there.udp());
  unwrap(await receiver.bind('', 9));
  unwrap(await unwrap(here.udp()).sendto('twelve chars', '10.0.0.2', 9));
  const peeked = unwrap(await network.until(receiver.recvfrom(3, there.MSG_PEEK)));
  const taken = unwrap(await network.until(receiver.recvfrom(100)));

  t.is(text(peeked.data), 'twe');
  t.is(peeked.length, 12);
  t.is(text(taken.data), 'twelve chars');
  t.like(taken, { destination: '10.0.0.2', interfaceIndex: 1, ttl: 64, trafficClass: 0 });
  t.is((await receiver.recvfrom(1, there.MSG_DONTWAIT))[1], 'Resource temporarily unavailable');
});

test('SO_REUSEPORT: several sockets share a port, and each flow stays with one of them', async (t) => {
  const { network, here, there } = stage();
  const alone = unwrap(there.udp());
  t.is((await alone.bind('', 9))[1], null);
  t.is((await unwrap(there.udp()).bind('', 9))[1], 'Address already in use');
  alone.close();
  const receivers = [unwrap(there.udp()), unwrap(there.udp()), unwrap(there.udp())];
  for (const receiver of receivers) {
    unwrap(receiver.setoption(there.SOL_SOCKET, there.SO_REUSEPORT, 1));
    unwrap(await receiver.bind('', 9));
    receiver.settimeout(0);
  }
  for (let flow = 0; flow < 30; flow++) {
    const sender = unwrap(here.udp());
    for (let round = 0; round < 3; round++) unwrap(await sender.sendto('x', '10.0.0.2', 9));
  }
  network.run(seconds(1));
  const counts: number[] = [];
  for (const receiver of receivers) {
    const flows = new Map<number, number>();
    for (;;) {
      const [message] = await receiver.recvfrom(1);
      if (message === null) break;
      flows.set(message.address[1], (flows.get(message.address[1]) ?? 0) + 1);
    }
    t.true([...flows.values()].every((count) => count === 3));
    counts.push(flows.size);
  }

  t.is(
    counts.reduce((sum, count) => sum + count),
    30,
  );
  t.true(
    counts.every((count) => count > 0),
    counts.join(' '),
  );
});

// Both families in one socket ------------------------------------------------------------------------------------------------

test('RFC 3493 section 3.7: an IPv6 listener takes IPv4 as well, unless IPV6_V6ONLY', async (t) => {
  for (const v6Only of [false, true]) {
    const { network, here, there } = stage();
    const listener = open(there, there.AF_INET6, there.SOCK_STREAM);
    unwrap(listener.setoption(there.IPPROTO_IPV6, there.IPV6_V6ONLY, v6Only));
    unwrap(await listener.bind('', 80));
    unwrap(listener.listen(5));
    t.is(listener.setoption(there.IPPROTO_IPV6, there.IPV6_V6ONLY, !v6Only)[1], 'Invalid argument');
    t.is((await unwrap(there.tcp()).bind('', 80))[1], v6Only ? null : 'Address already in use');
    const client = unwrap(here.tcp());
    const [, refused] = await network.until(client.connect('10.0.0.2', 80));
    t.is(refused, v6Only ? 'Connection refused' : null);
    if (v6Only) continue;
    const server = unwrap(await network.until(listener.accept()));
    t.deepEqual(server.getpeername()[0], [`::ffff:10.0.0.1`, unwrap(client.getsockname())[1], 0, 0]);
    const client6 = open(here, here.AF_INET6, here.SOCK_STREAM);
    t.is((await network.until(client6.connect('::ffff:10.0.0.2', 80)))[1], null);
    t.is((await network.until(open(here, here.AF_INET6, here.SOCK_STREAM).connect('fd00::2', 80)))[1], null);
  }
});

test('RFC 4007: link-local addresses need an interface, by name, number or scope id', async (t) => {
  const network = new Network();
  const [a, b] = [network.host('a'), network.host('b')];
  network.link(a, 'fe80::1/64', b, 'fe80::2/64', { delay: ms(1) });
  network.link(a, 'fd00::1/64', network.host('c'), 'fd00::2/64', { delay: ms(1) });
  const here = createSocketModule(a);
  const there = createSocketModule(b);
  const receiver = open(there, there.AF_INET6, there.SOCK_DGRAM);
  unwrap(await receiver.bind('', 9));
  const send = async (host: string, scope = 0): Promise<string | null> =>
    (await open(here, here.AF_INET6, here.SOCK_DGRAM).sendto(host, host, 9, 0, scope))[1];

  t.is(await send('fe80::2'), 'Invalid argument');
  t.is(await send('fe80::2%to-b'), null);
  t.is(await send('fe80::2%1'), null);
  t.is(await send('fe80::2', 1), null);
  t.is(await send('fe80::2%nowhere'), 'Name or service not known');
  const message = unwrap(await network.until(receiver.recvfrom(100)));
  t.is(text(message.data), 'fe80::2%to-b');
  t.deepEqual([message.address[0], message.address[3]], ['fe80::1', 1]);
});

// Groups and broadcasts --------------------------------------------------------------------------------------------------------

for (const { family, group, level, join, leave } of [
  {
    family: 'AF_INET',
    group: '239.1.2.3',
    level: 'IPPROTO_IP',
    join: 'IP_ADD_MEMBERSHIP',
    leave: 'IP_DROP_MEMBERSHIP',
  },
  { family: 'AF_INET6', group: 'ff15::123', level: 'IPPROTO_IPV6', join: 'IPV6_JOIN_GROUP', leave: 'IPV6_LEAVE_GROUP' },
] as const) {
  test(`members of a group hear what is sent to it, others do not (${family})`, async (t) => {
    const { network, here, there } = stage();
    const member = open(there, there[family], there.SOCK_DGRAM);
    unwrap(await member.bind('', 9));
    member.settimeout(1);
    const sender = open(here, here[family], here.SOCK_DGRAM);
    const hears = async (word: string): Promise<string> => {
      unwrap(await sender.sendto(word, group, 9));
      const [message, error] = await network.until(member.recvfrom(100));
      return error ?? `${text(message.data)} to ${message.destination}, ttl ${message.ttl}`;
    };

    t.is(await hears('nobody'), there.ERROR_TIMEOUT);
    t.is(member.setoption(there[level], there[join], { group })[1], null);
    t.is(member.setoption(there[level], there[join], { group })[1], 'Address already in use');
    t.is(await hears('member'), `member to ${group}, ttl 1`);
    t.is(member.setoption(there[level], there[leave], { group })[1], null);
    t.is(member.setoption(there[level], there[leave], { group })[1], 'Cannot assign requested address');
    t.is(await hears('gone'), there.ERROR_TIMEOUT);
    t.is(member.setoption(there[level], there[join], { group, iface: 'nowhere' })[1], 'No such device');
  });

  test(`a member hears what its own host sends, unless the sender does not want that (${family})`, async (t) => {
    const { network, here } = stage();
    const member = open(here, here[family], here.SOCK_DGRAM);
    unwrap(await member.bind('', 9));
    unwrap(member.setoption(here[level], here[join], { group, iface: 1 }));
    member.settimeout(1);
    const loop = family === 'AF_INET' ? here.IP_MULTICAST_LOOP : here.IPV6_MULTICAST_LOOP;
    const sender = open(here, here[family], here.SOCK_DGRAM);
    unwrap(await sender.sendto('to all', group, 9));

    t.is(text(unwrap(await network.until(member.recvfrom(100))).data), 'to all');
    unwrap(sender.setoption(here[level], loop, false));
    unwrap(await sender.sendto('to others', group, 9));
    t.is((await network.until(member.recvfrom(100)))[1], here.ERROR_TIMEOUT);
  });

  test(`routers are told of joining and leaving, twice each, and answered when they ask (${family})`, async (t) => {
    const { network, link, there } = stage();
    const told: string[] = [];
    link.backward.taps.push((bytes) => {
      const isV4 = bytes[0]! >> 4 === 4;
      if (bytes[isV4 ? 9 : 6] !== (isV4 ? 2 : 0)) return;
      const message = bytes.subarray(isV4 ? 24 : 48);
      told.push(`type ${message[0]} record ${message[8]} ttl ${bytes[isV4 ? 8 : 7]}`);
    });
    const report = family === 'AF_INET' ? 'type 34' : 'type 143';
    const member = open(there, there[family], there.SOCK_DGRAM);
    unwrap(member.setoption(there[level], there[join], { group }));
    network.run(seconds(2));
    t.deepEqual(told.splice(0), [`${report} record 4 ttl 1`, `${report} record 4 ttl 1`]);
    link.forward.send(generalQuery(family === 'AF_INET'), generalQuery(family === 'AF_INET').length);
    network.run(seconds(11));
    t.deepEqual(told.splice(0), [`${report} record 2 ttl 1`]);
    member.close();
    network.run(seconds(2));
    t.deepEqual(told.splice(0), [`${report} record 3 ttl 1`, `${report} record 3 ttl 1`]);
    link.forward.send(generalQuery(family === 'AF_INET'), generalQuery(family === 'AF_INET').length);
    network.run(seconds(11));
    t.deepEqual(told, []);
  });
}

test('RFC 3376 section 7.2, RFC 3810 section 8.2: where a router speaks the older version, so do we', async (t) => {
  for (const family of ['AF_INET', 'AF_INET6'] as const) {
    const isV4 = family === 'AF_INET';
    const group = isV4 ? '239.1.2.3' : 'ff15::123';
    const { network, link, there } = stage();
    const told: string[] = [];
    link.backward.taps.push((bytes) => {
      if (bytes[isV4 ? 9 : 6] !== (isV4 ? 2 : 0)) return;
      const to = isV4
        ? bytes.subarray(16, 20).join('.')
        : `${Buffer.from(bytes.subarray(24, 26)).toString('hex')}::${bytes[39]}`;
      told.push(`type ${bytes[isV4 ? 24 : 48]} to ${to}`);
    });
    const member = open(there, there[family], there.SOCK_DGRAM);
    const [level, join] = isV4
      ? [there.IPPROTO_IP, there.IP_ADD_MEMBERSHIP]
      : [there.IPPROTO_IPV6, there.IPV6_JOIN_GROUP];
    unwrap(member.setoption(level, join, { group }));
    network.run(seconds(2));
    told.length = 0;
    const query = generalQuery(isV4, true);
    link.forward.send(query, query.length);
    network.run(seconds(11));
    member.close();
    network.run(seconds(2));

    t.deepEqual(
      told,
      isV4
        ? ['type 22 to 239.1.2.3', 'type 23 to 224.0.0.2', 'type 23 to 224.0.0.2']
        : ['type 131 to ff15::35', 'type 132 to ff02::2', 'type 132 to ff02::2'],
    );
  }
});

/** A query of IGMPv3 or MLDv2, or of the versions before, for all groups, to be answered within 10 s. */
function generalQuery(isV4: boolean, isOld = false): Uint8Array {
  const hex = isV4
    ? '46c0002400000000010244090a000001e000000194040000' + '1164ec1e0000000002000000'
    : '6000000000240001fe800000000000000000000000000001ff020000000000000000000000000001' +
      '3a00050200000100' +
      '8200000027100000' +
      '00000000000000000000000000000000' +
      '02000000';
  const packet = Uint8Array.from(Buffer.from(hex, 'hex')).subarray(0, isOld ? -4 : undefined); // without the newer fields
  const view = new DataView(packet.buffer, 0, packet.length);
  if (isV4) {
    view.setUint16(2, packet.length);
    view.setUint16(10, 0);
    view.setUint16(10, sum(packet.subarray(0, 24)));
    view.setUint16(26, 0);
    view.setUint16(26, sum(packet.subarray(24)));
  } else {
    view.setUint16(4, packet.length - 40);
    const message = packet.subarray(48);
    const pseudo = new Uint8Array(40 + message.length);
    pseudo.set(packet.subarray(8, 40));
    pseudo[35] = message.length;
    pseudo[39] = 58;
    pseudo.set(message, 40);
    view.setUint16(50, sum(pseudo));
  }
  return packet;
}

function sum(bytes: Uint8Array): number {
  let total = 0;
  for (let at = 0; at < bytes.length; at += 2) total += (bytes[at]! << 8) | bytes[at + 1]!;
  while (total > 0xffff) total = (total & 0xffff) + (total >>> 16);
  return ~total & 0xffff;
}

test('SO_BROADCAST: broadcasts are refused without it, and heard by all with it', async (t) => {
  const { network, here, there } = stage();
  const receivers = [unwrap(there.udp()), unwrap(there.udp())];
  for (const receiver of receivers) {
    unwrap(receiver.setoption(there.SOL_SOCKET, there.SO_REUSEADDR, true));
    unwrap(await receiver.bind('', 9));
  }
  const sender = unwrap(here.udp());

  t.is((await sender.sendto('x', '<broadcast>', 9))[1], 'Permission denied');
  t.is((await sender.sendto('x', '10.0.0.255', 9))[1], 'Permission denied');
  unwrap(sender.setoption(here.SOL_SOCKET, here.SO_BROADCAST, true));
  for (const to of ['<broadcast>', '10.0.0.255']) {
    unwrap(await sender.sendto(to, to, 9));
    for (const receiver of receivers) t.is(text(unwrap(await network.until(receiver.recvfrom(100))).data), to);
  }
  t.is((await unwrap(here.tcp()).connect('10.0.0.255', 9))[1], 'Network is unreachable');
});

// Raw sockets --------------------------------------------------------------------------------------------------------------------

test('1.2: raw sockets need a protocol, and leave', (t) => {
  const { client } = pair();
  const module = createSocketModule(client);

  t.is(module.socket(module.AF_INET, module.SOCK_RAW, module.IPPROTO_ICMP)[1], 'Operation not permitted');
  t.is(module.socket(module.AF_INET, module.SOCK_RAW)[1], 'Protocol not supported');
  t.is(stage().here.socket(2, 3, 1)[1], null);
});

for (const { family, host, peer, protocol, request, reply, header } of [
  { family: 'AF_INET', host: '10.0.0.1', peer: '10.0.0.2', protocol: 1, request: 8, reply: 0, header: 20 },
  { family: 'AF_INET6', host: 'fd00::1', peer: 'fd00::2', protocol: 58, request: 128, reply: 129, header: 0 },
] as const) {
  const echo = (isV4: boolean): Uint8Array => {
    const message = Uint8Array.from([request, 0, 0, 0, 0x12, 0x34, 0, 1, 1, 2, 3, 4]);
    if (isV4) new DataView(message.buffer).setUint16(2, sum(message));
    return message;
  };

  test(`a raw socket pings: it gets a copy of the reply, ${header === 20 ? 'with' : 'without'} IP header (${family})`, async (t) => {
    const { network, here } = stage();
    const raw = open(here, here[family], here.SOCK_RAW, protocol);
    unwrap(await network.until(raw.sendto(echo(header === 20), peer, 0)));
    const { data, address, ttl } = unwrap(await network.until(raw.recvfrom(2000)));

    t.is(data[header], reply);
    t.deepEqual([...data.subarray(header + 4)], [0x12, 0x34, 0, 1, 1, 2, 3, 4]);
    t.deepEqual([address[0], ttl], [peer, 64]);
  });

  test(`filters keep ICMP types out, and the stack answers pings all the same (${family})`, async (t) => {
    const { network, here, there } = stage();
    const watcher = open(there, there[family], there.SOCK_RAW, protocol);
    const blind = open(there, there[family], there.SOCK_RAW, protocol);
    const filter = new Uint8Array(header === 20 ? 4 : 32);
    filter[request >> 3] = 1 << (request & 7);
    const level = header === 20 ? there.SOL_RAW : there.IPPROTO_ICMPV6;
    unwrap(blind.setoption(level, there.ICMP_FILTER, filter));
    t.deepEqual(blind.getoption(level, there.ICMP_FILTER), [filter, null]);
    const raw = open(here, here[family], here.SOCK_RAW, protocol);
    unwrap(await raw.sendto(echo(header === 20), peer, 0));
    unwrap(await network.until(raw.recvfrom(2000)));
    blind.settimeout(0);

    t.is(unwrap(await network.until(watcher.recvfrom(2000))).data[header], request);
    t.is((await blind.recvfrom(2000))[1], 'Resource temporarily unavailable');
  });

  test(`a raw socket takes the place of the error for an unknown protocol (${family})`, async (t) => {
    const { network, server, here, there } = stage();
    const sender = open(here, here[family], here.SOCK_RAW, 200);
    unwrap(await sender.sendto('first', peer, 0));
    network.run(seconds(1));
    t.is(server.stack.counters.icmpOutErrors, 1);
    const receiver = open(there, there[family], there.SOCK_RAW, 200);
    unwrap(await sender.sendto('second', peer, 0));

    t.is(text(unwrap(await network.until(receiver.recvfrom(2000))).data.subarray(header)), 'second');
    t.is(server.stack.counters.icmpOutErrors, 1);
    t.is(unwrap(await network.until(open(there, there[family], there.SOCK_RAW, 201).bind(peer, 0))), true);
    t.is((await open(there, there[family], there.SOCK_RAW, 201).bind(host, 0))[1], 'Cannot assign requested address');
  });
}

test('IP_HDRINCL: the header is the sender’s; length and checksum are filled in, source and identification when 0', async (t) => {
  const { network, here, there } = stage();
  const receiver = open(there, there.AF_INET, there.SOCK_RAW, 200);
  const sender = open(here, here.AF_INET, here.SOCK_RAW, here.IPPROTO_RAW);
  const packet = Uint8Array.from(Buffer.from('4500000000000000110800000000000000000000' + '616263', 'hex'));
  packet[9] = 200;
  packet.set([10, 0, 0, 2], 16);

  t.is((await sender.sendto('no header', '10.0.0.2', 0))[1], 'Invalid argument');
  unwrap(await sender.sendto(packet, '10.0.0.2', 0));
  const { data, address } = unwrap(await network.until(receiver.recvfrom(2000)));
  t.is(data[3], 23);
  t.is(data[8], 0x11);
  t.is(sum(data.subarray(0, 20)), 0);
  t.is(address[0], '10.0.0.1');
  t.is(text(data.subarray(20)), 'abc');
});

test('RFC 3542 section 3.1: IPV6_CHECKSUM has the stack fill the checksum in', async (t) => {
  const { network, here, there } = stage();
  const receiver = open(there, there.AF_INET6, there.SOCK_RAW, 200);
  const sender = open(here, here.AF_INET6, here.SOCK_RAW, 200);
  unwrap(sender.setoption(here.IPPROTO_IPV6, here.IPV6_CHECKSUM, 2));
  t.is(sender.setoption(here.IPPROTO_IPV6, here.IPV6_CHECKSUM, 3)[1], 'Invalid argument');
  unwrap(await sender.sendto(Uint8Array.from([1, 2, 0, 0, 3, 4]), 'fd00::2', 0));
  const { data } = unwrap(await network.until(receiver.recvfrom(2000)));

  const pseudo = new Uint8Array(40 + data.length);
  pseudo.set([0xfd, 0], 0);
  pseudo[15] = 1;
  pseudo.set([0xfd, 0], 16);
  pseudo[31] = 2;
  pseudo[35] = data.length;
  pseudo[39] = 200;
  pseudo.set(data, 40);
  t.is(sum(pseudo), 0);
});
