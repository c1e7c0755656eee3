/**
 * DNS messages (RFC 1035 section 4), as far as a stub resolver needs them: a query with EDNS (RFC 6891), and whatever comes
 * back. What is malformed gives null; nothing here throws, and the work is bounded whatever the input (RFC 9267).
 */

export const types = { A: 1, CNAME: 5, SOA: 6, PTR: 12, AAAA: 28, OPT: 41 } as const;
const classIn = 1;

export const rcodes = { noError: 0, formErr: 1, servFail: 2, nxDomain: 3, notImp: 4, refused: 5 } as const;

/** A name is its labels; octets that are not letters, digits, '-' or '_' are written '\DDD' (section 5.1). */
export type Name = string;

export interface ResourceRecord {
  readonly name: Name;
  readonly type: number;
  readonly ttl: number;
  /** Of A and AAAA: the octets of the address. */
  readonly address: Uint8Array | null;
  /** Of CNAME and PTR: the name that it stands for. */
  readonly target: Name | null;
  /** Of SOA: how long the absence of something is worth remembering (RFC 2308 section 4). */
  readonly minimum: number;
}

export interface Message {
  readonly id: number;
  readonly isResponse: boolean;
  readonly opcode: number;
  readonly isAuthoritative: boolean;
  readonly isTruncated: boolean;
  readonly mayRecurse: boolean;
  readonly rcode: number;
  /** The only question; null when there is none or more than one. */
  readonly question: { readonly name: Name; readonly type: number; readonly class: number } | null;
  readonly answers: readonly ResourceRecord[];
  readonly authorities: readonly ResourceRecord[];
}

const mostName = 255;
/** Pointers that one name may follow: more than any name has labels. And records that are looked at. */
const mostJumps = 126;
const mostRecords = 512;
const mostLabel = 63;

/** Octets of a name's labels, each with its length in front, and a zero at the end; null when it cannot be a name. */
export function encodeName(name: Name): Uint8Array | null {
  const octets: number[] = [];
  for (const label of splitName(name)) {
    const bytes = labelOctets(label);
    if (bytes === null || bytes.length === 0 || bytes.length > mostLabel) return null;
    octets.push(bytes.length, ...bytes);
  }
  octets.push(0);
  return octets.length > mostName ? null : Uint8Array.from(octets);
}

const splitName = (name: Name): string[] => {
  const bare = name.endsWith('.') ? name.slice(0, -1) : name;
  return bare === '' ? [] : bare.split('.');
};

/** ASCII only: other names have to be given in their xn-- form (RFC 5891). */
function labelOctets(label: string): number[] | null {
  const octets: number[] = [];
  for (let at = 0; at < label.length; at++) {
    const escaped = /^\\(\d{3})/.exec(label.slice(at));
    if (escaped !== null) {
      const value = Number(escaped[1]);
      if (value > 255) return null;
      octets.push(value);
      at += 3;
      continue;
    }
    const code = label.charCodeAt(at);
    if (code > 126 || code < 33) return null;
    octets.push(code);
  }
  return octets;
}

/** Can this be the name of a host? Letters, digits, '-' and '_' in labels that are not empty (RFC 1123 section 2.1, as glibc). */
export const isHostName = (name: Name): boolean =>
  /^[A-Za-z0-9_][A-Za-z0-9_-]*(\.[A-Za-z0-9_][A-Za-z0-9_-]*)*\.?$/.test(name) && encodeName(name) !== null;

/** The same name in the form in which names are compared: lower case, without a dot at the end. */
export const canonical = (name: Name): Name => (name.endsWith('.') ? name.slice(0, -1) : name).toLowerCase();

/**
 * A query that asks for recursion.
 * @param payload what an answer over UDP may have (EDNS); 0 for a query without EDNS
 * @returns null when the name cannot be one
 */
export function encodeQuery(id: number, name: Name, type: number, payload: number): Uint8Array | null {
  const labels = encodeName(name);
  if (labels === null) return null;
  const bytes = new Uint8Array(12 + labels.length + 4 + (payload > 0 ? 11 : 0));
  const view = new DataView(bytes.buffer);
  view.setUint16(0, id);
  view.setUint16(2, 0x0100); // RD
  view.setUint16(4, 1);
  view.setUint16(10, payload > 0 ? 1 : 0);
  bytes.set(labels, 12);
  const end = 12 + labels.length;
  view.setUint16(end, type);
  view.setUint16(end + 2, classIn);
  if (payload > 0) {
    view.setUint16(end + 5, types.OPT); // behind the root's name
    view.setUint16(end + 7, payload);
  }
  return bytes;
}

/** Reads a message; null when it is malformed. */
export function parseMessage(bytes: Uint8Array): Message | null {
  if (bytes.length < 12) return null;
  const reader = new Reader(bytes);
  const id = reader.uint16();
  const flags = reader.uint16();
  const counts = [reader.uint16(), reader.uint16(), reader.uint16()] as const;
  reader.uint16(); // additional records: of no use to a stub
  let question: Message['question'] = null;
  for (let index = 0; index < counts[0]; index++) {
    const name = reader.name();
    const type = reader.uint16();
    const asked = reader.uint16();
    if (reader.hasFailed) return null;
    question = counts[0] === 1 ? { name, type, class: asked } : null;
  }
  const answers = readRecords(reader, counts[1]);
  const authorities = answers === null ? null : readRecords(reader, counts[2]);
  const isTruncated = (flags & 0x0200) !== 0;
  // What was cut off is no reason not to look at the header (section 4.2.1).
  if (!isTruncated && (answers === null || authorities === null)) return null;
  return {
    id,
    isResponse: (flags & 0x8000) !== 0,
    opcode: (flags >> 11) & 15,
    isAuthoritative: (flags & 0x0400) !== 0,
    isTruncated,
    mayRecurse: (flags & 0x0080) !== 0,
    rcode: flags & 15,
    question,
    answers: answers ?? [],
    authorities: authorities ?? [],
  };
}

function readRecords(reader: Reader, count: number): ResourceRecord[] | null {
  const records: ResourceRecord[] = [];
  for (let index = 0; index < Math.min(count, mostRecords); index++) {
    const record = readRecord(reader);
    if (reader.hasFailed) return null;
    if (record !== null) records.push(record);
  }
  return records;
}

/** Null for records of other classes. */
function readRecord(reader: Reader): ResourceRecord | null {
  const name = reader.name();
  const type = reader.uint16();
  const recordClass = reader.uint16();
  const ttl = reader.uint32();
  const length = reader.uint16();
  const end = reader.at + length;
  if (end > reader.length) reader.hasFailed = true;
  if (reader.hasFailed) return null;
  let address: Uint8Array | null = null;
  let target: Name | null = null;
  let minimum = 0;
  if (type === types.A || type === types.AAAA) {
    if (length !== (type === types.A ? 4 : 16)) reader.hasFailed = true;
    else address = reader.octets(length);
  } else if (type === types.CNAME || type === types.PTR) {
    target = reader.name();
    if (reader.at !== end) reader.hasFailed = true;
  } else if (type === types.SOA) {
    reader.name();
    reader.name();
    reader.at += 16;
    minimum = reader.uint32();
    if (reader.at !== end) reader.hasFailed = true;
  }
  reader.at = end;
  // RFC 2181 section 8: a TTL with its highest bit set is zero.
  return recordClass === classIn ? { name, type, ttl: ttl > 0x7fffffff ? 0 : ttl, address, target, minimum } : null;
}

/** Reads octet by octet; behind the end it has failed, and gives zeros. */
class Reader {
  at = 0;
  hasFailed = false;
  readonly length: number;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.length = bytes.length;
  }

  uint8(): number {
    if (this.at >= this.length) this.hasFailed = true;
    return this.#bytes[this.at++] ?? 0;
  }

  uint16(): number {
    return (this.uint8() << 8) | this.uint8();
  }

  uint32(): number {
    return this.uint16() * 0x1_0000 + this.uint16();
  }

  octets(count: number): Uint8Array {
    const octets = this.#bytes.slice(this.at, this.at + count);
    this.at += count;
    return octets;
  }

  /**
   * A name, whose end may stand elsewhere (section 4.1.4). A pointer has to lead to an earlier place than the one before:
   * so nothing goes in circles.
   */
  name(): Name {
    const labels: string[] = [];
    let at = this.at;
    let behind = -1;
    let earliest = at;
    let octets = 1;
    let jumps = 0;
    while (!this.hasFailed) {
      const length = this.#bytes[at];
      if (length === undefined) break;
      if (length === 0) {
        this.at = behind < 0 ? at + 1 : behind;
        return labels.join('.');
      }
      if (length >= 0xc0) {
        const target = ((length & 0x3f) << 8) | (this.#bytes[at + 1] ?? 0);
        if (behind < 0) behind = at + 2;
        if (target >= earliest || at + 1 >= this.length || ++jumps > mostJumps) break;
        at = target;
        earliest = target;
        continue;
      }
      octets += length + 1;
      if (length > mostLabel || octets > mostName || at + 1 + length > this.length) break;
      labels.push(textOf(this.#bytes.subarray(at + 1, at + 1 + length)));
      at += 1 + length;
    }
    this.hasFailed = true;
    return '';
  }
}

/** What each octet of a label is written as. */
const texts: readonly string[] = Array.from({ length: 256 }, (_, octet) => {
  const character = String.fromCharCode(octet);
  return /[A-Za-z0-9_-]/.test(character) ? character : `\\${String(octet).padStart(3, '0')}`;
});

function textOf(octets: Uint8Array): string {
  let text = '';
  for (const octet of octets) text += texts[octet]!;
  return text;
}
