import type { Socket, SocketModule } from '../../src/api/index.ts';
import { seconds, type TcpInfo } from '../../src/stack/index.ts';
import { Arrivals } from './arrivals.ts';

/** What is counted of one stream of a test: whole, and from one interval to the next. */

/** What happened to one stream in one interval. Times are seconds since the test began. */
export interface Interval {
  readonly start: number;
  readonly end: number;
  readonly octets: number;
  /** It does not count (`-O`). */
  readonly omitted: boolean;
  /** Of a sender over TCP. */
  readonly tcp: TcpState | null;
  /** Of UDP; without jitter and losses at the sender. */
  readonly udp: { readonly packets: number; readonly lost: number; readonly jitter: number } | null;
}

/** What TCP_INFO says, as iperf3 tells it: octets, and microseconds. */
export interface TcpState {
  readonly retransmits: number;
  readonly cwnd: number;
  readonly window: number;
  readonly rtt: number;
  readonly rttvar: number;
  readonly pmtu: number;
}

/** One direction's half of a whole stream. */
export interface Half {
  readonly octets: number;
  readonly seconds: number;
  /** -1 where nobody knows. */
  readonly retransmits: number;
  readonly packets: number;
  readonly lost: number;
  /** Seconds. */
  readonly jitter: number;
}

/** One stream of a test, on one of its sides. */
export class TestStream {
  /** 1, 3, 4, 5 …: by this number the sides know which streams are the same. */
  readonly id: number;
  readonly socket: Socket;
  /** The number in the reports: a closed socket has none any more. */
  readonly fd: number;
  readonly sends: boolean;
  readonly isUdp: boolean;
  readonly local: readonly [host: string, port: number];
  readonly remote: readonly [host: string, port: number];
  /** Octets and blocks since the beginning of what counts. A datagram is a block. */
  octets = 0;
  blocks = 0;
  /** Number of the last datagram sent. */
  sequence = 0;
  readonly arrivals = new Arrivals();
  /** Of a sender over TCP: the extremes seen at the ends of intervals. */
  readonly seen = { cwnd: 0, window: 0, maxRtt: 0, minRtt: 0, rttSum: 0, count: 0 };
  readonly #module: SocketModule;
  /** What had been counted when the current interval, and when what counts, began. */
  #mark = { at: 0, octets: 0, blocks: 0, packets: 0, lost: 0, retransmits: 0 };
  #base = { retransmits: 0, packets: 0, lost: 0, outOfOrder: 0 };

  constructor(index: number, socket: Socket, module: SocketModule, sends: boolean, isUdp: boolean) {
    this.id = index === 0 ? 1 : index + 2;
    this.socket = socket;
    this.fd = socket.fileno();
    this.sends = sends;
    this.isUdp = isUdp;
    this.#module = module;
    this.local = plainName(socket.getsockname()[0]);
    this.remote = plainName(socket.getpeername()[0]);
  }

  /** What counts begins now. */
  begin(now: number): void {
    const { packets, lost, outOfOrder } = this.arrivals;
    this.octets = 0;
    this.blocks = 0;
    this.#base = { retransmits: this.#info()?.tcpi_total_retrans ?? 0, packets, lost, outOfOrder };
    if (this.sends) this.#base.packets = this.sequence;
    this.#mark = { at: now, octets: 0, blocks: 0, packets, lost, retransmits: this.#base.retransmits };
    Object.assign(this.seen, { cwnd: 0, window: 0, maxRtt: 0, minRtt: 0, rttSum: 0, count: 0 });
  }

  /** Ends an interval and begins the next one. @param startedAt when what counts began */
  takeInterval(startedAt: number, omitted: boolean, now: number): Interval {
    const mark = this.#mark;
    const { packets, lost, jitter } = this.arrivals;
    const tcp = this.#tcpState();
    const sent = this.blocks - mark.blocks;
    const interval: Interval = {
      start: (mark.at - startedAt) / seconds(1),
      end: (now - startedAt) / seconds(1),
      octets: this.octets - mark.octets,
      omitted,
      tcp,
      udp: this.isUdp ? { packets: this.sends ? sent : packets - mark.packets, lost: lost - mark.lost, jitter } : null,
    };
    const retransmits = mark.retransmits + (tcp?.retransmits ?? 0);
    this.#mark = { at: now, octets: this.octets, blocks: this.blocks, packets, lost, retransmits };
    return interval;
  }

  /** Since the last interval. */
  get hasMoved(): boolean {
    return this.octets > this.#mark.octets;
  }

  /** Since the last interval. */
  #tcpState(): TcpState | null {
    const info = this.#info();
    if (info === null) return null;
    const cwnd = info.tcpi_snd_cwnd * info.tcpi_snd_mss;
    const { seen } = this;
    seen.cwnd = Math.max(seen.cwnd, cwnd);
    seen.window = Math.max(seen.window, info.tcpi_snd_wnd);
    seen.maxRtt = Math.max(seen.maxRtt, info.tcpi_rtt);
    seen.minRtt = seen.count === 0 ? info.tcpi_rtt : Math.min(seen.minRtt, info.tcpi_rtt);
    seen.rttSum += info.tcpi_rtt;
    seen.count++;
    return {
      retransmits: info.tcpi_total_retrans - this.#mark.retransmits,
      cwnd,
      window: info.tcpi_snd_wnd,
      rtt: info.tcpi_rtt,
      rttvar: info.tcpi_rttvar,
      pmtu: info.tcpi_pmtu,
    };
  }

  /** What this side knows of the whole stream. @param duration of what counts, in seconds */
  half(duration: number): Half {
    const { packets, lost, jitter } = this.arrivals;
    return {
      octets: this.octets,
      seconds: duration,
      retransmits: this.sends && !this.isUdp ? this.#mark.retransmits - this.#base.retransmits : -1,
      packets: this.sends ? this.blocks : packets - this.#base.packets,
      lost: lost - this.#base.lost,
      jitter,
    };
  }

  /** Datagrams that went, or came, before what counts. */
  get omittedPackets(): number {
    return this.#base.packets;
  }

  get omittedLosses(): number {
    return this.#base.lost;
  }

  get outOfOrder(): number {
    return this.arrivals.outOfOrder - this.#base.outOfOrder;
  }

  /** Of a sender over TCP. */
  #info(): TcpInfo | null {
    if (this.isUdp || !this.sends) return null;
    const { IPPROTO_TCP, TCP_INFO } = this.#module;
    const [info] = this.socket.getoption(IPPROTO_TCP, TCP_INFO);
    return info as TcpInfo | null;
  }
}

/** An address and a port; an IPv4 address of a socket for both families as IPv4 writes it. */
export function plainName(name: unknown): readonly [host: string, port: number] {
  if (!Array.isArray(name)) return ['', 0];
  const [host, port] = name as [string, number];
  return [host.replace(/^::ffff:(?=\d+\.)/i, ''), port];
}
