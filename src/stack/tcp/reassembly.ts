import { type Seq, seqAdd, seqGe, seqGt, seqLe, seqLt, seqMax, seqMin, seqZero } from '../base/seq.ts';

/** More separate pieces than this are not kept: each costs memory and time, and a peer could make one of every octet. */
const mostRanges = 4096;
/** How many ranges are remembered in the order of their last change, for SACK (RFC 2018 section 4). */
const mostRecent = 4;

/**
 * Which octets beyond RCV.NXT have arrived: disjoint ranges in order, no two touching. The octets themselves wait in the
 * receive queue at their place.
 */
export class Reassembly {
  // Made when the first range comes: most connections never have one (`npm run bench -- memory`).
  #starts: Seq[] = none;
  #ends: Seq[] = none;
  /** A sequence number inside each of the ranges that changed last, newest first. */
  #recent: Seq[] = none;

  overlapStart: Seq = seqZero;
  overlapEnd: Seq = seqZero;

  get isEmpty(): boolean {
    return this.#starts.length === 0;
  }

  get ranges(): number {
    return this.#starts.length;
  }

  /**
   * Adds [start, end), which lies beyond RCV.NXT.
   * @returns false when there are too many pieces already: the text must not be kept
   */
  add(start: Seq, end: Seq): boolean {
    if (this.#starts === none) [this.#starts, this.#ends, this.#recent] = [[], [], []];
    const starts = this.#starts;
    const ends = this.#ends;
    const first = this.#firstEndingAtOrAfter(start);
    let last = first;
    let from = start;
    let to = end;
    while (last < starts.length && seqLe(starts[last]!, end)) {
      if (seqLt(starts[last]!, from)) from = starts[last]!;
      if (seqGt(ends[last]!, to)) to = ends[last]!;
      last++;
    }
    if (last === first && starts.length >= mostRanges) return false;
    starts.splice(first, last - first, from);
    ends.splice(first, last - first, to);
    this.#remember(start, from, to);
    return true;
  }

  /** RCV.NXT has come to `next`: drops what lies before it. Returns the new RCV.NXT, behind a range that now joins. */
  advance(next: Seq): Seq {
    let count = 0;
    while (count < this.#starts.length && seqLe(this.#starts[count]!, next)) {
      if (seqGt(this.#ends[count]!, next)) next = this.#ends[count]!;
      count++;
    }
    if (count > 0) {
      this.#starts.splice(0, count);
      this.#ends.splice(0, count);
      for (let index = this.#recent.length - 1; index >= 0; index--) {
        if (seqLt(this.#recent[index]!, next)) this.#recent.splice(index, 1);
      }
    }
    return next;
  }

  /** Fills `edges`, from block `first` on, with up to `most` SACK blocks, the one that changed last first. Returns how many. */
  blocks(edges: Seq[], most: number, first: number): number {
    let count = 0;
    for (const inside of this.#recent) {
      if (count === most) break;
      const range = this.#firstEndingAtOrAfter(inside);
      if (range >= this.#starts.length || seqGt(this.#starts[range]!, inside)) continue;
      edges[(first + count) * 2] = this.#starts[range]!;
      edges[(first + count) * 2 + 1] = this.#ends[range]!;
      count++;
    }
    return count;
  }

  /** The farthest octet that has arrived: behind it. Only when there is any. */
  get end(): Seq {
    return this.#ends.at(-1)!;
  }

  /** The lowest part of [start, end) that has arrived already: from `overlapStart` to `overlapEnd`. False: nothing of it. */
  findOverlap(start: Seq, end: Seq): boolean {
    const range = this.#firstEndingAtOrAfter(seqAdd(start, 1));
    if (range >= this.#starts.length || seqGe(this.#starts[range]!, end)) return false;
    this.overlapStart = seqMax(this.#starts[range]!, start);
    this.overlapEnd = seqMin(this.#ends[range]!, end);
    return true;
  }

  clear(): void {
    this.#starts = none;
    this.#ends = none;
    this.#recent = none;
  }

  #remember(inside: Seq, from: Seq, to: Seq): void {
    const recent = this.#recent;
    for (let index = recent.length - 1; index >= 0; index--) {
      if (seqGe(recent[index]!, from) && seqLt(recent[index]!, to)) recent.splice(index, 1);
    }
    recent.unshift(inside);
    if (recent.length > mostRecent) recent.length = mostRecent;
  }

  #firstEndingAtOrAfter(seq: Seq): number {
    let low = 0;
    let high = this.#ends.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (seqGe(this.#ends[middle]!, seq)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

/** Stays empty. */
const none: Seq[] = [];
