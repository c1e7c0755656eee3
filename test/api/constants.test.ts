/** 1.14: the whole page of constants, in Linux's numbers and in Darwin's. */
import test from 'ava';
import { constants, createSocketModule } from '../../src/api/index.ts';
import { pair } from '../../src/sim/index.ts';

const { darwin } = constants;

test('1.14: families, kinds and protocols', (t) => {
  t.like(constants, { AF_UNSPEC: 0, AF_UNIX: 1, AF_INET: 2, AF_INET6: 10, AF_PACKET: 17, SOL_SOCKET: 1 });
  t.like(constants, { SOCK_NONBLOCK: 0o4000, SOCK_CLOEXEC: 0o2000000 });
  t.like(constants, { IPPROTO_IP: 0, IPPROTO_ICMP: 1, IPPROTO_TCP: 6, IPPROTO_UDP: 17, IPPROTO_IPV6: 41 });
  t.like(constants, { IPPROTO_ICMPV6: 58, IPPROTO_RAW: 255 });
});

test('1.14: options of sockets', (t) => {
  t.like(constants, { SO_DEBUG: 1, SO_REUSEADDR: 2, SO_TYPE: 3, SO_ERROR: 4, SO_DONTROUTE: 5, SO_BROADCAST: 6 });
  t.like(constants, { SO_SNDBUF: 7, SO_RCVBUF: 8, SO_KEEPALIVE: 9, SO_OOBINLINE: 10, SO_LINGER: 13, SO_REUSEPORT: 15 });
  t.like(constants, { SO_RCVLOWAT: 18, SO_SNDLOWAT: 19, SO_RCVTIMEO: 20, SO_SNDTIMEO: 21, SO_BINDTODEVICE: 25 });
  t.like(constants, { SO_ACCEPTCONN: 30, SO_PROTOCOL: 38, SO_DOMAIN: 39 });
});

test('1.14: options of TCP', (t) => {
  t.like(constants, { TCP_MAXSEG: 2, TCP_CORK: 3, TCP_KEEPIDLE: 4, TCP_KEEPINTVL: 5, TCP_KEEPCNT: 6, TCP_SYNCNT: 7 });
  t.like(constants, { TCP_LINGER2: 8, TCP_DEFER_ACCEPT: 9, TCP_WINDOW_CLAMP: 10, TCP_INFO: 11, TCP_QUICKACK: 12 });
  t.like(constants, { TCP_CONGESTION: 13, TCP_MD5SIG: 14, TCP_USER_TIMEOUT: 18, TCP_FASTOPEN: 23, TCP_TIMESTAMP: 24 });
  t.like(constants, { TCP_NOTSENT_LOWAT: 25 });
});

test('1.14: options of IP, and flags of messages', (t) => {
  t.like(constants, { IP_TOS: 1, IP_TTL: 2, IP_HDRINCL: 3, IP_MULTICAST_IF: 32, IP_MULTICAST_TTL: 33 });
  t.like(constants, { IP_MULTICAST_LOOP: 34, IP_ADD_MEMBERSHIP: 35, IP_DROP_MEMBERSHIP: 36 });
  t.like(constants, { IPV6_UNICAST_HOPS: 16, IPV6_MULTICAST_HOPS: 18, IPV6_JOIN_GROUP: 20, IPV6_V6ONLY: 26 });
  t.like(constants, { MSG_OOB: 1, MSG_PEEK: 2, MSG_TRUNC: 0x20, MSG_DONTWAIT: 0x40, MSG_WAITALL: 0x100 });
});

test('1.14: Darwin has other numbers, by the same names', (t) => {
  t.like(darwin, { AF_UNIX: 1, AF_INET: 2, AF_INET6: 30, SOMAXCONN: 128, TCP_NODELAY: 1, TCP_KEEPALIVE: 0x10 });
  t.like(darwin, { AI_PASSIVE: 1, AI_CANONNAME: 2, AI_NUMERICHOST: 4, AI_V4MAPPED: 0x800, AI_ALL: 0x100 });
  t.like(darwin, { AI_ADDRCONFIG: 0x400, AI_NUMERICSERV: 0x1000, AI_V4MAPPED_CFG: 0x200 });
  t.like(darwin, { AI_DEFAULT: 0x600, AI_MASK: 0x1407, SOL_SOCKET: 0xffff, SO_REUSEADDR: 4, SO_ERROR: 0x1007 });
  t.is(darwin.AI_DEFAULT as number, darwin.AI_V4MAPPED_CFG | darwin.AI_ADDRCONFIG);
  t.deepEqual(
    Object.keys(darwin).filter((name) => !(name in constants)),
    [],
  );
});

test('1.14: what there is a number for and nothing behind it is refused', (t) => {
  const module = createSocketModule(pair().client);
  const [socket] = module.tcp();

  t.deepEqual(module.socket(module.AF_PACKET, module.SOCK_RAW), [null, 'Address family not supported by protocol']);
  t.deepEqual(socket!.setoption(module.IPPROTO_TCP, module.TCP_MD5SIG, new Uint8Array(216)), [
    null,
    'Protocol not available',
  ]);
  t.is(module.darwin, darwin);
});
