import type { Micros } from '../stack/index.ts';
import { SYN, type TcpSeen } from './packet.ts';
import type { OptionSpec, PacketSpec, TcpSpec } from './syntax.ts';

/**
 * What a script's numbers stand for on the wire. The script's peer uses the sequence numbers and timestamps that are
 * written. The tested host chooses its own: a script's numbers for it are an offset away from the real ones, which its
 * first SYN or SYN-ACK tells. The same goes for its timestamps.
 */
export class Connection {
  readonly label: number;
  /** -1 until the first packet tells. */
  hostPort = -1;
  peerPort = -1;
  /** What to add to the script's number of a sequence number of the tested host. */
  seqOffset = 0;
  /** What the script calls the first octet of each side's stream. */
  hostStart = 1;
  peerStart = 1;
  /** Null until the first timestamp of the tested host. */
  tsOffset: number | null = null;
  /** Has the tested host's initial sequence number been seen, for the SYN that the peer sent last? */
  #knowsHost = false;
  #peerSyn = -1;
  #peerOffersTs = false;
  #hostOffersTs = false;
  /** How far the script's clock was behind when the first timestamp was seen. */
  #tsDrift: Micros = 0;
  /** Timestamps of the tested host as the script calls them, and what they really were. */
  readonly #timestamps: Map<number, number> = new Map();

  constructor(label: number) {
    this.label = label;
  }

  get isBound(): boolean {
    return this.hostPort >= 0;
  }

  /** Both sides have offered timestamps, so any segment may have them. */
  get hasTimestamps(): boolean {
    return this.#peerOffersTs && this.#hostOffersTs;
  }

  /** The peer sends this. */
  noteInjected({ flags, seq, options }: TcpSpec): void {
    if ((flags & SYN) === 0) return;
    if (seq !== this.#peerSyn && this.#peerSyn >= 0) this.#knowsHost = false; // a new connection of the same name
    this.#peerSyn = seq;
    this.peerStart = (seq + 1) >>> 0;
    this.#peerOffersTs = Array.isArray(options) && options.some(({ kind }) => kind === 'TS');
  }

  /** The tested host has sent this where the script expected `spec`; learns its numbers from a first SYN. */
  noteSeen(seen: TcpSeen, spec: PacketSpec, drift: Micros): void {
    const wanted = spec.kind === 'tcp' ? spec : null;
    const live = timestampsOf(seen);
    if ((seen.flags & SYN) !== 0) {
      if (!this.#knowsHost) {
        const written = wanted !== null && (wanted.flags & SYN) !== 0 ? wanted.seq : 0;
        this.#knowsHost = true;
        this.seqOffset = (seen.seq - written) >>> 0;
        this.hostStart = (written + 1) >>> 0;
      }
      this.#hostOffersTs = live !== null;
    }
    const options = wanted !== null && Array.isArray(wanted.options) ? (wanted.options as readonly OptionSpec[]) : [];
    const written = options.find(isTimestamp)?.val ?? null;
    if (live === null || written === null) return;
    if (this.tsOffset === null) {
      this.tsOffset = live.val - written;
      this.#tsDrift = drift;
    }
    this.#timestamps.set(written, live.val);
  }

  toWireSeq(seq: number): number {
    return (seq + this.seqOffset) >>> 0;
  }

  toScriptSeq(seq: number): number {
    return (seq - this.seqOffset) >>> 0;
  }

  /** The real number of a timestamp of the tested host that the peer echoes. */
  toWireTs(ts: number): number {
    return this.#timestamps.get(ts) ?? (ts === 0 ? 0 : (ts + (this.tsOffset ?? 0)) >>> 0);
  }

  /** How far a timestamp of the tested host is from what the script says, in milliseconds (RFC 7323's ticks on Linux). */
  tsDistance(written: number, live: number, drift: Micros): number {
    if (this.tsOffset === null) return 0;
    return Math.abs(((live - written - this.tsOffset) | 0) - (drift - this.#tsDrift) / 1000);
  }

  toScriptTs(ts: number): number {
    return (ts - (this.tsOffset ?? 0)) >>> 0;
  }
}

const isTimestamp = (option: OptionSpec): option is Extract<OptionSpec, { kind: 'TS' }> => option.kind === 'TS';

/** The timestamps that a segment carries. */
export function timestampsOf({ options }: TcpSeen): { readonly val: number; readonly ecr: number } | null {
  const data = options.find(({ number, data }) => number === 8 && data.length === 8)?.data;
  if (data === undefined) return null;
  const view = new DataView(data.buffer, data.byteOffset, 8);
  return { val: view.getUint32(0), ecr: view.getUint32(4) };
}
