import type { Half } from './counts.ts';
import { ProtocolError } from './protocol.ts';
import type { CpuUse, Run } from './run.ts';

/** What both sides tell each other when a test is over: what they counted, stream by stream. */

/** The results of one side. */
export interface Results {
  readonly cpu: CpuUse;
  /** The name of TCP's congestion control there; '' for UDP. */
  readonly congestion: string;
  readonly serverOutput: string | object | null;
  readonly halves: ReadonlyMap<number, Half>;
}

/** The results of this side, as they go over the control connection. */
export function toMessage(run: Run, congestion: string, serverOutput: string | object | null): object {
  const { total, user, system } = run.cpuUse();
  const sendsTcp = run.streams.some(({ sends, isUdp }) => sends && !isUdp);
  const isServerText = typeof serverOutput === 'string';
  return {
    cpu_util_total: total,
    cpu_util_user: user,
    cpu_util_system: system,
    sender_has_retransmits: sendsTcp ? 1 : run.streams.some(({ sends }) => sends) ? 0 : -1,
    ...(congestion !== '' && { congestion_used: congestion }),
    ...(serverOutput !== null && { [isServerText ? 'server_output_text' : 'server_output_json']: serverOutput }),
    streams: run.streams.map((stream) => {
      const half = stream.half(run.duration);
      return {
        id: stream.id,
        bytes: half.octets,
        retransmits: half.retransmits,
        jitter: half.jitter,
        errors: half.lost + (stream.sends ? 0 : stream.omittedLosses),
        // As iperf3: with what was omitted, which the receiver of this message takes off by its own count.
        packets: stream.isUdp ? half.packets + stream.omittedPackets : 0,
        start_time: 0,
        end_time: half.seconds,
      };
    }),
  };
}

/** What the other side told. @throws ProtocolError it is not about this test */
export function fromMessage(message: unknown, run: Run): Results {
  const top = fieldsOf<TopName>(message);
  const streams = top.streams;
  if (!Array.isArray(streams)) throw new ProtocolError('unable to receive results');
  const halves = new Map<number, Half>();
  for (const each of streams) {
    const fields = fieldsOf<StreamName>(each);
    const stream = run.streams.find(({ id }) => id === fields.id);
    if (stream === undefined) throw new ProtocolError('unable to find stream pointer'); // iperf3's words
    halves.set(stream.id, {
      octets: numberOf(fields.bytes),
      seconds: numberOf(fields.end_time) - numberOf(fields.start_time),
      // -1 may have become 2^64 - 1 on its way.
      retransmits: numberOf(fields.retransmits, -1) >= 2 ** 53 ? -1 : numberOf(fields.retransmits, -1),
      packets: Math.max(0, numberOf(fields.packets) - (stream.isUdp ? stream.omittedPackets : 0)),
      lost: numberOf(fields.errors),
      jitter: numberOf(fields.jitter),
    });
  }
  const { server_output_text: text, server_output_json: json, congestion_used: congestion } = top;
  return {
    cpu: {
      total: numberOf(top.cpu_util_total),
      user: numberOf(top.cpu_util_user),
      system: numberOf(top.cpu_util_system),
    },
    congestion: typeof congestion === 'string' ? congestion : '',
    serverOutput: typeof text === 'string' ? text : typeof json === 'object' ? json : null,
    halves,
  };
}

type TopName =
  | ('cpu_util_total' | 'cpu_util_user' | 'cpu_util_system' | 'congestion_used' | 'streams')
  | ('server_output_text' | 'server_output_json');
type StreamName = 'id' | 'bytes' | 'retransmits' | 'jitter' | 'errors' | 'packets' | 'start_time' | 'end_time';

function fieldsOf<Name extends string>(value: unknown): Readonly<Partial<Record<Name, unknown>>> {
  if (typeof value !== 'object' || value === null) throw new ProtocolError('unable to receive results');
  return value as Readonly<Partial<Record<Name, unknown>>>;
}

const numberOf = (value: unknown, missing = 0): number =>
  typeof value === 'number' && Number.isFinite(value) ? value : missing;

/** A whole stream as both sides saw it. What nobody has told is null. */
export interface Whole {
  readonly sent: Half | null;
  readonly received: Half | null;
}

/** Puts the two sides together; without the other's results, this side's half alone. */
export function wholesOf(run: Run, others: Results | null): Map<number, Whole> {
  return new Map(
    run.streams.map((stream) => {
      const own = stream.half(run.duration);
      const other = others?.halves.get(stream.id) ?? null;
      return [stream.id, stream.sends ? { sent: own, received: other } : { sent: other, received: own }];
    }),
  );
}
