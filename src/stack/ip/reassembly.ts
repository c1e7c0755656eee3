import { type Address, copyAddress, sameAddress } from '../base/address.ts';
import type { Counters, DropReason } from '../base/counters.ts';
import { hashTuple, TableKey } from '../base/hash.ts';
import type { Random } from '../base/random.ts';
import { type Micros, never, seconds } from '../base/time.ts';
import { type Datagram, fragmentHeaderLength } from '../wire/datagram.ts';
import { restoreIpv4 } from '../wire/ipv4.ts';
import { restoreIpv6 } from '../wire/ipv6.ts';

/**
 * Pieces of datagrams, until each is whole (RFC 791 section 3.2, RFC 815; RFC 8200 section 4.5).
 *
 * Pieces that overlap in any way kill the datagram and what still comes of it (RFC 5722; for IPv4 as Linux does); an exact
 * repetition is ignored. Memory is bounded: above the high mark, the oldest datagrams go until it is below the low one,
 * so a flood of first pieces costs those that have waited longest, and one that arrives in one go gets through.
 */

/** What a datagram and each of its pieces cost besides their octets. */
const overhead = 256;
const lifetimeV4: Micros = seconds(30);
const lifetimeV6: Micros = seconds(60);
const bucketCount = 256;

export interface ReassemblyLimits {
  readonly high: number;
  readonly low: number;
}

/** A datagram of which some pieces have come. */
class Partial {
  readonly source: Address;
  readonly destination: Address;
  readonly protocol: number;
  readonly identification: number;
  readonly interfaceIndex: number;
  readonly toMany: boolean;
  readonly begun: Micros;
  readonly expires: Micros;
  readonly bucket: number;
  /** Payload, by its offset in the datagram. */
  payload: Uint8Array = new Uint8Array(0);
  /** Which octets are there: starts and ends of runs that do not touch, in order. */
  readonly runs: number[] = [];
  /** Each piece as start and end, in order, so that a repetition can be told from an overlap. */
  readonly pieces: number[] = [];
  /** Length of the whole payload; -1 until the last piece has come. */
  total = -1;
  /** The first piece from its first octet on: its headers become those of the datagram, and an error quotes it. */
  first: Uint8Array | null = null;
  headerLength = 0;
  nextHeaderAt = 0;
  upperProtocol = 0;
  isDead = false;
  cost = overhead;

  constructor(datagram: Datagram, bucket: number, now: Micros) {
    this.source = copyAddress(datagram.source);
    this.destination = copyAddress(datagram.destination);
    this.protocol = datagram.protocol;
    this.identification = datagram.identification;
    this.interfaceIndex = datagram.interfaceIndex;
    this.toMany = datagram.toMany;
    this.bucket = bucket;
    this.begun = now;
    this.expires = now + (datagram.source.isV4 ? lifetimeV4 : lifetimeV6);
  }

  /** IPv4 tells datagrams apart by protocol as well; the pieces of IPv6 may name different next headers (RFC 8200 4.5). */
  matches(datagram: Datagram): boolean {
    return (
      this.identification === datagram.identification &&
      sameAddress(this.source, datagram.source) &&
      sameAddress(this.destination, datagram.destination) &&
      (!this.source.isV4 || this.protocol === datagram.protocol)
    );
  }
}

export class Reassembly {
  readonly #key: TableKey;
  readonly #limits: ReassemblyLimits;
  readonly #counters: Counters;
  readonly #buckets: Partial[][] = Array.from({ length: bucketCount }, () => []);
  /** Oldest first, each family by itself: within a family, age is the order of expiry. */
  readonly #ages: { readonly v4: Set<Partial>; readonly v6: Set<Partial> } = { v4: new Set(), v6: new Set() };
  #memory = 0;

  constructor(limits: ReassemblyLimits, random: Random, counters: Counters) {
    this.#limits = limits;
    this.#key = new TableKey(random);
    this.#counters = counters;
  }

  /** Octets held, overhead included. */
  get memory(): number {
    return this.#memory;
  }

  /**
   * Takes in a piece. When it was the last one missing, `datagram` becomes the whole datagram, in a buffer of its own.
   * @returns 'kept' while pieces are missing, null when it is whole, or why the piece was dropped
   */
  add(datagram: Datagram, now: Micros): DropReason | 'kept' | null {
    this.#counters.ipReasmReqds++;
    // What comes next begins at a multiple of 8. IPv6 has refused such a piece, IPv4 says nothing: its odd octets go, as on Linux.
    if (datagram.moreFragments) datagram.payloadEnd -= (datagram.payloadEnd - datagram.payloadStart) % 8;
    const start = datagram.fragmentOffset;
    const length = datagram.payloadEnd - datagram.payloadStart;
    const end = start + length;
    if (length === 0 || end > 0xffff) return 'bad fragment';
    const partial = this.#find(datagram, now);
    if (partial.isDead) return 'overlapping fragments';
    const place = findPlace(partial.pieces, start);
    if (partial.pieces[place] === start && partial.pieces[place + 1] === end) return 'kept'; // an exact repetition
    const isLast = !datagram.moreFragments;
    const overlaps =
      (place > 0 && partial.pieces[place - 1]! > start) ||
      (place < partial.pieces.length && partial.pieces[place]! < end) ||
      (partial.total >= 0 && (isLast ? end !== partial.total : end > partial.total)) ||
      (isLast && partial.pieces.length > 0 && partial.pieces.at(-1)! > end);
    if (overlaps) {
      this.#kill(partial);
      return 'overlapping fragments';
    }
    partial.pieces.splice(place, 0, start, end);
    this.#charge(partial, overhead);
    if (isLast) partial.total = end;
    if (start === 0) this.#keepFirst(partial, datagram);
    const heldBefore = partial.payload.length;
    store(partial, datagram, start, end);
    this.#charge(partial, partial.payload.length - heldBefore);
    addRun(partial.runs, start, end);
    if (partial.total < 0 || partial.runs[0] !== 0 || partial.runs.length !== 2 || partial.runs[1] !== partial.total) {
      if (this.#memory > this.#limits.high) return this.#evict(partial);
      return 'kept';
    }
    this.#remove(partial);
    const reason = assemble(partial, datagram);
    if (reason === null) this.#counters.ipReasmOKs++;
    return reason;
  }

  /** When the next datagram has waited long enough. */
  nextDeadline(): Micros {
    return Math.min(oldest(this.#ages.v4)?.expires ?? never, oldest(this.#ages.v6)?.expires ?? never);
  }

  /**
   * Gives up the next datagram that has waited too long, if there is one. Fills `about` with its first piece when that
   * has come, for the error that tells the sender (RFC 1122 section 3.3.2, RFC 8200 section 4.5).
   * @returns 'silent' when nobody needs to be told
   */
  expire(now: Micros, about: Datagram): 'report' | 'silent' | null {
    for (const ages of [this.#ages.v4, this.#ages.v6]) {
      const partial = oldest(ages);
      if (partial === undefined || partial.expires > now) continue;
      this.#remove(partial);
      if (partial.first === null || partial.isDead) return 'silent';
      about.source.copyFrom(partial.source);
      about.destination.copyFrom(partial.destination);
      about.bytes = partial.first;
      about.protocol = partial.upperProtocol;
      about.payloadStart = partial.headerLength;
      about.payloadEnd = partial.first.length;
      about.interfaceIndex = partial.interfaceIndex;
      about.toMany = partial.toMany;
      about.isFragment = true;
      about.fragmentOffset = 0;
      return 'report';
    }
    return null;
  }

  #find(datagram: Datagram, now: Micros): Partial {
    const hash = hashTuple(
      this.#key,
      datagram.source,
      datagram.identification >>> 16,
      datagram.destination,
      datagram.identification & 0xffff,
    );
    const place = (hash >>> 0) % bucketCount;
    const bucket = this.#buckets[place]!;
    for (const partial of bucket) if (partial.matches(datagram)) return partial;
    const made = new Partial(datagram, place, now);
    bucket.push(made);
    this.#agesOf(made).add(made);
    this.#memory += made.cost;
    return made;
  }

  #agesOf(partial: Partial): Set<Partial> {
    return partial.source.isV4 ? this.#ages.v4 : this.#ages.v6;
  }

  #charge(partial: Partial, octets: number): void {
    partial.cost += octets;
    this.#memory += octets;
  }

  #keepFirst(partial: Partial, datagram: Datagram): void {
    const { bytes, payloadStart, payloadEnd, source } = datagram;
    const quoted = Math.min(payloadEnd, source.isV4 ? 576 : 1280);
    partial.headerLength = payloadStart;
    partial.nextHeaderAt = datagram.nextHeaderAt;
    partial.upperProtocol = datagram.protocol;
    partial.first = bytes.slice(0, Math.max(quoted, payloadStart));
    this.#charge(partial, partial.first.length);
  }

  /** The record stays until its time is over, so that later pieces find it; what it held goes. */
  #kill(partial: Partial): void {
    partial.isDead = true;
    partial.payload = new Uint8Array(0);
    partial.pieces.length = 0;
    partial.runs.length = 0;
    partial.first = null;
    this.#memory -= partial.cost - overhead;
    partial.cost = overhead;
  }

  /** Too much is held: the oldest go, the one that has just grown last of all. */
  #evict(growing: Partial): DropReason | 'kept' {
    const [v4, v6] = [this.#ages.v4.values(), this.#ages.v6.values()];
    let [oldV4, oldV6] = [v4.next().value, v6.next().value];
    while (this.#memory > this.#limits.low && (oldV4 ?? oldV6) !== undefined) {
      const takesV4 = oldV6 === undefined || (oldV4 !== undefined && oldV4.begun <= oldV6.begun);
      const victim = (takesV4 ? oldV4 : oldV6)!;
      if (takesV4) oldV4 = v4.next().value;
      else oldV6 = v6.next().value;
      if (victim !== growing) this.#remove(victim);
    }
    if (this.#memory <= this.#limits.high) return 'kept';
    this.#remove(growing);
    return 'reassembly memory';
  }

  #remove(partial: Partial): void {
    const bucket = this.#buckets[partial.bucket]!;
    bucket.splice(bucket.indexOf(partial), 1);
    this.#agesOf(partial).delete(partial);
    this.#memory -= partial.cost;
  }
}

function oldest(ages: Set<Partial>): Partial | undefined {
  for (const partial of ages) return partial;
  return undefined;
}

/** The index of the first piece that does not start before `start`. */
function findPlace(pieces: readonly number[], start: number): number {
  let low = 0;
  let high = pieces.length >> 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (pieces[middle * 2]! < start) low = middle + 1;
    else high = middle;
  }
  return low * 2;
}

/** Joins [start, end), which overlaps nothing, to the runs. */
function addRun(runs: number[], start: number, end: number): void {
  const place = findPlace(runs, start);
  const joinsBefore = place > 0 && runs[place - 1] === start;
  const joinsAfter = place < runs.length && runs[place] === end;
  if (joinsBefore && joinsAfter) runs.splice(place - 1, 2);
  else if (joinsBefore) runs[place - 1] = end;
  else if (joinsAfter) runs[place] = start;
  else runs.splice(place, 0, start, end);
}

function store(partial: Partial, datagram: Datagram, start: number, end: number): void {
  if (partial.payload.length < end) {
    const grown = new Uint8Array(Math.min(0x10000, Math.max(end, partial.payload.length * 2)));
    grown.set(partial.payload);
    partial.payload = grown;
  }
  partial.payload.set(datagram.bytes.subarray(datagram.payloadStart, datagram.payloadEnd), start);
}

/** Makes `datagram` the whole one: the headers of the first piece, without what made it a piece, and all of the payload. */
function assemble(partial: Partial, datagram: Datagram): DropReason | null {
  const first = partial.first!;
  const isV4 = partial.source.isV4;
  const headerLength = isV4 ? partial.headerLength : partial.headerLength - fragmentHeaderLength;
  const totalLength = headerLength + partial.total;
  if ((isV4 ? totalLength : totalLength - 40) > 0xffff) return 'bad fragment'; // more than any length field can say
  const bytes = new Uint8Array(totalLength);
  bytes.set(first.subarray(0, headerLength));
  bytes.set(partial.payload.subarray(0, partial.total), headerLength);
  if (isV4) restoreIpv4(bytes, headerLength, totalLength);
  else restoreIpv6(bytes, partial.nextHeaderAt, partial.upperProtocol, totalLength);
  datagram.bytes = bytes;
  datagram.payloadStart = headerLength;
  datagram.payloadEnd = totalLength;
  datagram.protocol = partial.upperProtocol;
  datagram.nextHeaderAt = partial.nextHeaderAt;
  datagram.isFragment = false;
  return null;
}
