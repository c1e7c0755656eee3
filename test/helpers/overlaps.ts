/**
 * Every way in which segments beyond a gap can lie to one another: apart, touching, overlapping, within, equal; and in every order
 * of arrival. Of two there are 13, of three 409. Each is a script: the segments come, then what fills the gap, and what is
 * acknowledged and read follows from where they lie. Which blocks SACK tells is for the scripts of test/scripts/sack.
 */

export interface OverlapScript {
  readonly name: string;
  readonly text: string;
}

/** A segment from one place to another; places are numbered in the order of the stream, each used by some segment. */
type Span = readonly [start: number, end: number];

/** All arrangements of so many segments, in the order in which they arrive. */
export function overlapScripts(segments: 2 | 3): OverlapScript[] {
  return arrangements(segments).map((spans) => ({
    name: spans.map(([start, end]) => `${start}-${end}`).join(' '),
    text: scriptOf(spans),
  }));
}

function arrangements(segments: number): Span[][] {
  const places = Array.from({ length: 2 * segments }, (_, place) => place);
  let all: Span[][] = [[]];
  for (let segment = 0; segment < segments; segment++) {
    all = all.flatMap((spans) =>
      places.flatMap((start) => places.filter((end) => end > start).map((end): Span[] => [...spans, [start, end]])),
    );
  }
  // Only the order of the ends matters: those whose places are numbered without a gap stand for all others.
  return all.filter((spans) => {
    const used = new Set(spans.flat());
    return Math.max(...used) === used.size - 1;
  });
}

const octetsPerPlace = 10;
/** The gap is [1, 11). */
const seqOf = (place: number): number => 11 + octetsPerPlace * place;

function scriptOf(spans: readonly Span[]): string {
  const arriving = spans.map(([start, end]) => {
    const [from, to] = [seqOf(start), seqOf(end)];
    return `+0 < . ${from}:${to}(${to - from}) ack 1 win 1000\n+0 > . 1:1(0) ack 1 <...>`;
  });
  const end = joinedEnd(spans);
  return `0.000 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0.1 < S 0:0(0) win 65535 <mss 1000,sackOK,nop,nop,nop,wscale 7>
+0 > S. 0:0(0) ack 1 <...>
+0.01 < . 1:1(0) ack 1 win 1000
+0 accept(3, ..., ...) = 4
${arriving.join('\n')}
+0 < . 1:11(10) ack 1 win 1000
+0 > . 1:1(0) ack ${end} <...>
+0 read(4, ..., 1000) = ${end - 1}
`;
}

/** Where the text ends that has no gap once [1, 11) is there: the first segment of the stream begins at 11. */
function joinedEnd(spans: readonly Span[]): number {
  let end = 0;
  for (const [start, next] of [...spans].sort(([a], [b]) => a - b)) if (start <= end) end = Math.max(end, next);
  return seqOf(end);
}
