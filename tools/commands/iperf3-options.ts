import type { Option } from './options.ts';

/** What `iperf3` takes besides, with the letters of iperf3(1). */
export const iperf3Options = {
  server: { parameter: '', help: 'serve clients', config: { type: 'boolean', short: 's' } },
  client: { parameter: 'HOST', help: 'be a client of that server', config: { type: 'string', short: 'c' } },
  'one-off': { parameter: '', help: 'server: one client, then the end', config: { type: 'boolean', short: '1' } },
  port: { parameter: 'N', help: 'of the server (5201)', config: { type: 'string', short: 'p' } },
  time: { parameter: 'S', help: 'seconds to send (10)', config: { type: 'string', short: 't' } },
  bytes: { parameter: 'N[KMG]', help: 'octets to send, in place of a time', config: { type: 'string', short: 'n' } },
  blockcount: {
    parameter: 'N[KMG]',
    help: 'blocks to send, in place of a time',
    config: { type: 'string', short: 'k' },
  },
  bitrate: {
    parameter: 'N[KMG][/B]',
    help: 'bits per second of each stream, 0 without bound (UDP: 1M); B blocks may leave at once',
    config: { type: 'string', short: 'b' },
  },
  length: {
    parameter: 'N[KMG]',
    help: 'octets of a write, or of a datagram (128K)',
    config: { type: 'string', short: 'l' },
  },
  udp: { parameter: '', help: 'UDP in place of TCP', config: { type: 'boolean', short: 'u' } },
  parallel: { parameter: 'N', help: 'streams (1)', config: { type: 'string', short: 'P' } },
  reverse: { parameter: '', help: 'the server sends', config: { type: 'boolean', short: 'R' } },
  bidir: { parameter: '', help: 'both send', config: { type: 'boolean' } },
  interval: { parameter: 'S', help: 'seconds between reports, 0 for none (1)', config: { type: 'string', short: 'i' } },
  omit: { parameter: 'S', help: 'seconds at the beginning that do not count', config: { type: 'string', short: 'O' } },
  window: { parameter: 'N[KMG]', help: 'sizes of the socket buffers', config: { type: 'string', short: 'w' } },
  'set-mss': { parameter: 'N', help: 'the longest segment', config: { type: 'string', short: 'M' } },
  'no-delay': { parameter: '', help: 'without the Nagle algorithm', config: { type: 'boolean', short: 'N' } },
  congestion: {
    parameter: 'NAME',
    help: 'congestion control: cubic, reno, bbr',
    config: { type: 'string', short: 'C' },
  },
  tos: { parameter: 'N', help: 'the traffic class', config: { type: 'string', short: 'S' } },
  format: { parameter: 'kmgtKMGT', help: 'how rates are printed', config: { type: 'string', short: 'f' } },
  version4: { parameter: '', help: 'IPv4 only', config: { type: 'boolean', short: '4' } },
  version6: { parameter: '', help: 'IPv6 only', config: { type: 'boolean', short: '6' } },
  'udp-counters-64bit': { parameter: '', help: 'datagrams are counted with 64 bits', config: { type: 'boolean' } },
  'get-server-output': { parameter: '', help: "print the server's report too", config: { type: 'boolean' } },
  json: { parameter: '', help: 'one JSON object, as iperf3 -J', config: { type: 'boolean', short: 'J' } },
} as const satisfies Record<string, Option>;
