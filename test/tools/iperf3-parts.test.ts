/** The parts of `iperf3` that need no network: numbers, what a receiver counts, the command line, the parameters. */
import test from 'ava';
import { ParameterError, planOfIperf3 } from '../../tools/commands/iperf3-plan.ts';
import { Arrivals } from '../../tools/iperf3/arrivals.ts';
import { ProtocolError } from '../../tools/iperf3/protocol.ts';
import { fromParameters, toParameters } from '../../tools/iperf3/settings.ts';
import { formatOctets, formatRate, parseRate, parseSize, twoDigits } from '../../tools/iperf3/units.ts';

test('sizes have letters that are powers of 1024, rates powers of 1000', (t) => {
  t.deepEqual(['300', '300K', '1.5m', '2G', '1T'].map(parseSize), [300, 307_200, 1_572_864, 2 ** 31, 2 ** 40]);
  t.deepEqual(['300', '300K', '1.5m', '2G'].map(parseRate), [300, 300_000, 1_500_000, 2_000_000_000]);
  for (const text of ['', 'K', '-1', '1KB', '0x10', '1e3', ' 1']) t.is(parseSize(text), null, text);
});

test('numbers have four places, and the unit that suits them', (t) => {
  const octets = [0, 999, 1023, 1024, 128 * 1024, 1023 * 1024, 1.25 * 2 ** 20, 1.5 * 2 ** 30, 2 ** 50].map(
    formatOctets,
  );
  t.deepEqual(octets, [
    ...['0.00 Bytes', ' 999 Bytes', '1023 Bytes', '1.00 KBytes', ' 128 KBytes', '1023 KBytes', '1.25 MBytes'],
    ...['1.50 GBytes', '1024 TBytes'],
  ]);
  const rates = [0, 131_072, 1_250_000, 12_500_000, 125_000_000].map((rate) => formatRate(rate, null));
  t.deepEqual(rates, ['0.00 bits/sec', '1.05 Mbits/sec', '10.0 Mbits/sec', ' 100 Mbits/sec', '1.00 Gbits/sec']);
  t.is(formatRate(2 ** 20, 'M'), '1.00 MBytes/sec');
  t.is(formatRate(2 ** 20, 'k'), '8389 Kbits/sec');
});

test('a percentage has two significant digits', (t) => {
  const written = [0, 0.126, 1.26, 12.6, 99.4, 99.6, 100, 0.000126, 0.0000126].map(twoDigits);
  t.deepEqual(written, ['0', '0.13', '1.3', '13', '99', '1e+02', '1e+02', '0.00013', '1.3e-05']);
});

test('datagrams that are missing are lost, until they come late', (t) => {
  const arrivals = new Arrivals();

  for (const number of [1, 2, 5]) arrivals.take(number, 0);
  t.deepEqual([arrivals.packets, arrivals.lost, arrivals.outOfOrder], [5, 2, 0]);
  arrivals.take(3, 0);
  t.deepEqual([arrivals.packets, arrivals.lost, arrivals.outOfOrder], [5, 1, 1]);
});

test('the jitter moves by a sixteenth of the difference of two transit times (RFC 3550 section 6.4.1)', (t) => {
  const arrivals = new Arrivals();

  arrivals.take(1, 100);
  t.is(arrivals.jitter, 0);
  arrivals.take(2, 100.016);
  t.true(Math.abs(arrivals.jitter - 0.001) < 1e-9);
  arrivals.take(3, 100);
  t.true(Math.abs(arrivals.jitter - (0.001 + 0.015 / 16)) < 1e-9);
});

test('a command line that says nothing else is a test of TCP for ten seconds', (t) => {
  const { settings, port, interval, host } = planOfIperf3({ client: '10.0.0.1' });

  t.deepEqual([host, port, interval], ['10.0.0.1', 5201, 1]);
  t.like(settings, { protocol: 'tcp', seconds: 10, octets: 0, blocks: 0, direction: 'forward', parallel: 1, rate: 0 });
});

test('with -u the rate is a megabit of 1024 times 1024, and -b may name a burst', (t) => {
  t.is(planOfIperf3({ client: 'a', udp: true }).settings.rate, 1_048_576);
  t.like(planOfIperf3({ client: 'a', udp: true, bitrate: '10M/4' }).settings, { rate: 10_000_000, burst: 4 });
});

for (const [options, complaint] of [
  [{}, 'must either be a client (-c) or server (-s)'],
  [{ server: true, client: 'a' }, 'cannot be both server and client'],
  [{ server: true, udp: true }, 'some option you are trying to set is client only'],
  [{ client: 'a', port: '0' }, 'port number must be between 1 and 65535 inclusive'],
  [{ client: 'a', time: '86401' }, 'test duration too long (maximum = 86400 seconds)'],
  [{ client: 'a', time: '1', bytes: '1' }, 'only one test end condition (-t, -n, -k) may be specified'],
  [{ client: 'a', length: '2M' }, 'block size too large (maximum = 1048576 bytes)'],
  [{ client: 'a', udp: true, length: '10' }, 'block size invalid (minimum = 16 bytes, maximum = 65507 bytes)'],
  [{ client: 'a', parallel: '200' }, 'number of parallel streams too large (maximum = 128)'],
  [{ client: 'a', reverse: true, bidir: true }, 'cannot be both reverse and bidirectional'],
  [{ client: 'a', interval: '100' }, 'invalid report interval (min = 0.1, max = 60 seconds)'],
  [{ client: 'a', omit: '100' }, 'bogus value for --omit'],
  [{ client: 'a', 'set-mss': '20000' }, 'TCP MSS too large (maximum = 9216 bytes)'],
] as const) {
  test(`iperf3's complaint about ${JSON.stringify(options)} is '${complaint}'`, (t) => {
    t.throws(() => planOfIperf3(options), { instanceOf: ParameterError, message: complaint });
  });
}

test('the server understands what the client asks for', (t) => {
  const options = { client: 'a', udp: true, parallel: '3', bidir: true, blockcount: '7', length: '1000', omit: '2' };
  const { settings } = planOfIperf3({ ...options, window: '64K', tos: '16', 'udp-counters-64bit': true });

  t.deepEqual(fromParameters(JSON.parse(JSON.stringify(toParameters(settings)))), settings);
});

for (const message of [
  null,
  [],
  'tcp',
  {},
  { tcp: 1 },
  { tcp: true, parallel: 129 },
  { tcp: true, parallel: -1 },
  { tcp: true, len: 1_048_577 },
  { tcp: true, len: '128K' },
  { tcp: true, time: Number.MAX_VALUE },
  { udp: true, len: 15 },
  { tcp: true, congestion: 7 },
]) {
  test(`a server refuses the parameters ${JSON.stringify(message)}`, (t) => {
    t.throws(() => fromParameters(message), { instanceOf: ProtocolError });
  });
}
