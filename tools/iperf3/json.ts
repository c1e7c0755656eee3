import type { Half, Interval, TestStream } from './counts.ts';
import { byDirection, sumHalves, sumOf } from './report.ts';
import type { Beginning, Ending, Reporter } from './reporter.ts';
import type { Whole } from './results.ts';
import type { Row } from './run.ts';

/** The report of a test as one JSON object (`-J`): the keys of iperf3, in its order. */

export interface JsonOptions {
  readonly print: (text: string) => void;
  /** What a program prints of the machine it runs on. */
  readonly systemInfo: string;
}

type Fields = Readonly<Record<string, unknown>>;

export class JsonReporter implements Reporter {
  readonly #options: JsonOptions;
  #start: Fields;
  /** Who is at the other end, by the name that this has on either side. */
  #other: Fields = {};
  #intervals: Fields[] = [];
  #end: Fields = {};
  #more: Fields = {};

  constructor(options: JsonOptions) {
    this.#options = options;
    this.#start = this.#emptyStart();
  }

  #emptyStart(): Fields {
    return { connected: [], version: 'iperf 3.12 (tundra)', system_info: this.#options.systemInfo };
  }

  listening(): void {}

  connecting(host: string, port: number): void {
    this.#other = { connecting_to: { host, port } };
  }

  accepted(host: string, port: number): void {
    this.#other = { accepted_connection: { host, port } };
  }

  begun({ run, settings, isServer, cookie, wallClock, mssDefault, bufferSizes }: Beginning): void {
    const isTcp = settings.protocol === 'tcp';
    const rate = { target_bitrate: settings.rate };
    const buffers = {
      sock_bufsize: settings.window,
      sndbuf_actual: bufferSizes[0],
      rcvbuf_actual: bufferSizes[1],
    };
    const about = {
      timestamp: { time: wallClock.toUTCString(), timesecs: Math.floor(wallClock.getTime() / 1000) },
      ...this.#other,
      cookie,
      ...(isTcp && (settings.mss > 0 ? { tcp_mss: settings.mss } : { tcp_mss_default: mssDefault })),
    };
    this.#start = {
      ...this.#emptyStart(),
      connected: run.streams.map(({ fd, local, remote }) => ({
        socket: fd,
        local_host: local[0],
        local_port: local[1],
        remote_host: remote[0],
        remote_port: remote[1],
      })),
      // The order in which either side of iperf3 comes to know it.
      ...(isServer ? (isTcp ? { ...rate, ...buffers, ...about } : { ...rate, ...about, ...buffers }) : about),
      ...(!isServer && { ...rate, ...buffers }),
      test_start: {
        protocol: isTcp ? 'TCP' : 'UDP',
        num_streams: settings.parallel,
        blksize: settings.length,
        omit: settings.omit,
        duration: settings.seconds,
        bytes: settings.octets,
        blocks: settings.blocks,
        reverse: settings.direction === 'reverse' ? 1 : 0,
        tos: settings.trafficClass,
        ...rate,
      },
    };
  }

  interval(row: Row): void {
    const [first, second] = byDirection(row);
    this.#intervals.push({
      streams: row.map(([stream, interval]) => ({
        socket: stream.fd,
        ...intervalFields(interval, stream, interval.tcp === null ? {} : tcpFields(interval)),
      })),
      sum: sumFields(first!),
      ...(second !== undefined && { sum_bidir_reverse: sumFields(second) }),
    });
  }

  ended({ run, isServer, wholes, others, congestion }: Ending): void {
    const both = run.streams.map((stream) => [stream, wholes.get(stream.id)!] as const);
    const directions = [...new Set(run.streams.map(({ sends }) => sends))];
    const isUdp = run.settings.protocol === 'udp';
    const sums = directions.map((sends, index) => {
      const wholesThere = both.filter(([stream]) => stream.sends === sends).map(([, whole]) => whole);
      const whole = {
        sent: sumHalves(wholesThere.map(({ sent }) => sent)),
        received: sumHalves(wholesThere.map(({ received }) => received)),
      };
      const suffix = index === 0 ? '' : '_bidir_reverse';
      const fields = isUdp ? udpSums(whole, sends, run.duration) : tcpSums(whole, sends, run.duration);
      return Object.fromEntries(Object.entries(fields).map(([name, value]) => [`${name}${suffix}`, value]));
    });
    const cpu = run.cpuUse();
    const sends = run.streams.some((stream) => stream.sends);
    const receives = run.streams.some((stream) => !stream.sends);
    this.#end = {
      streams: both.map(([stream, whole]) =>
        isUdp ? { udp: udpStream(stream, whole, run.duration) } : tcpStream(stream, whole, run.duration),
      ),
      ...Object.assign({}, ...sums),
      cpu_utilization_percent: {
        host_total: cpu.total,
        host_user: cpu.user,
        host_system: cpu.system,
        remote_total: others?.cpu.total ?? 0,
        remote_user: others?.cpu.user ?? 0,
        remote_system: others?.cpu.system ?? 0,
      },
      ...congestionFields(sends, receives, congestion, others?.congestion ?? '', isServer),
    };
    const output = others?.serverOutput ?? null;
    if (output !== null)
      this.#more = { [typeof output === 'string' ? 'server_output_text' : 'server_output_json']: output };
  }

  failed(message: string): void {
    this.#more = { ...this.#more, error: message };
  }

  finish(): void {
    this.#options.print(JSON.stringify({ ...this.output(), ...this.#more }, null, '\t'));
    this.#start = this.#emptyStart();
    this.#intervals = [];
    this.#end = {};
    this.#more = {};
    this.#other = {};
  }

  output(): object {
    return { start: this.#start, intervals: this.#intervals, end: this.#end };
  }
}

/** Times, octets and what belongs to the protocol. */
function intervalFields({ start, end, octets, udp, omitted }: Interval, stream: TestStream, tcp: Fields): Fields {
  const { sends } = stream;
  return {
    ...flow(start, end, octets),
    ...tcp,
    ...(udp !== null && (sends ? { packets: udp.packets } : lossFields(udp))),
    omitted,
    sender: sends,
  };
}

function tcpFields({ tcp }: Interval): Fields {
  const { retransmits, cwnd, window, rtt, rttvar, pmtu } = tcp!;
  return { retransmits, snd_cwnd: cwnd, snd_wnd: window, rtt, rttvar, pmtu };
}

function sumFields(row: Row): Fields {
  const sum = sumOf(row);
  return intervalFields(sum, row[0]![0], sum.tcp === null ? {} : { retransmits: sum.tcp.retransmits });
}

const flow = (start: number, end: number, octets: number): Fields => ({
  start,
  end,
  seconds: end - start,
  bytes: octets,
  bits_per_second: end > start ? (octets * 8) / (end - start) : 0,
});

const lossFields = ({ jitter, lost, packets }: Pick<Half, 'jitter' | 'lost' | 'packets'>): Fields => ({
  jitter_ms: jitter * 1000,
  lost_packets: lost,
  packets,
  lost_percent: packets > 0 ? (lost / packets) * 100 : 0,
});

/** One direction of TCP. What nobody has told counts as nothing in all the time. */
const sentFields = (sent: Half | null, duration: number): Fields => ({
  ...flow(0, sent?.seconds ?? duration, sent?.octets ?? 0),
  ...(sent !== null && sent.retransmits >= 0 && { retransmits: sent.retransmits }),
});

const receivedFields = (received: Half | null, duration: number): Fields =>
  flow(0, received?.seconds ?? duration, received?.octets ?? 0);

function tcpStream({ fd, sends, seen }: TestStream, { sent, received }: Whole, duration: number): Fields {
  const knows = sent !== null && sent.retransmits >= 0;
  return {
    sender: {
      socket: fd,
      ...sentFields(sent, duration),
      ...(knows && {
        max_snd_cwnd: seen.cwnd,
        max_snd_wnd: seen.window,
        max_rtt: seen.maxRtt,
        min_rtt: seen.minRtt,
        mean_rtt: seen.count > 0 ? Math.round(seen.rttSum / seen.count) : 0,
      }),
      sender: sends,
    },
    receiver: { socket: fd, ...receivedFields(received, duration), sender: sends },
  };
}

const tcpSums = ({ sent, received }: Whole, sends: boolean, duration: number): Fields => ({
  sum_sent: { ...sentFields(sent, duration), sender: sends },
  sum_received: { ...receivedFields(received, duration), sender: sends },
});

const none: Half = { octets: 0, seconds: 0, retransmits: -1, packets: 0, lost: 0, jitter: 0 };

/** Losses as the receiver told them; a sender that heard nothing knows how many it sent. */
const lossesOf = ({ sent, received }: Whole): Fields =>
  lossFields(received ?? { jitter: 0, lost: 0, packets: sent?.packets ?? 0 });

function udpStream(stream: TestStream, whole: Whole, duration: number): Fields {
  const half = whole.sent ?? whole.received ?? none;
  return {
    socket: stream.fd,
    ...flow(0, half.seconds || duration, half.octets),
    ...lossesOf(whole),
    out_of_order: stream.outOfOrder,
    sender: stream.sends,
  };
}

function udpSums(whole: Whole, sends: boolean, duration: number): Fields {
  const { sent, received } = whole;
  const half = sent ?? received ?? none;
  const nothingLost = { jitter: 0, lost: 0 };
  return {
    sum: { ...flow(0, received?.seconds ?? duration, half.octets), ...lossesOf(whole), sender: sends },
    sum_sent: {
      ...flow(0, sent?.seconds ?? duration, sent?.octets ?? 0),
      ...lossFields({ ...nothingLost, packets: sent?.packets ?? 0 }),
      sender: true,
    },
    sum_received: {
      ...flow(0, received?.seconds ?? duration, received?.octets ?? 0),
      ...lossFields(received ?? none),
      sender: false,
    },
  };
}

/** Both names at the client; at the server that of its own side. */
function congestionFields(sends: boolean, receives: boolean, own: string, other: string, isServer: boolean): Fields {
  if (own === '') return {};
  const sender = sends ? own : other;
  const receiver = receives && !(isServer && sends) ? own : other;
  return {
    ...(sender !== '' && { sender_tcp_congestion: sender }),
    ...(receiver !== '' && { receiver_tcp_congestion: receiver }),
  };
}
