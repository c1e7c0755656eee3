import { codesOf, isIcmpType } from './icmp-names.ts';
import { flagLetters } from './packet.ts';
import { octetsOf, readString } from './parse-call.ts';
import type { Scanner } from './scanner.ts';
import type { IcmpSpec, IpSpec, OptionSpec, PacketSpec, TcpSpec, UdpSpec } from './syntax.ts';

/** Reads packets: `[ect0] P. 1:1001(1000) ack 1 win 257 <nop,nop,TS val 100 ecr 200>`, what follows `<` or `>`. */

/** @throws ScriptError */
export function parsePacket(from: Scanner): PacketSpec {
  const label = from.take(/#(\d+)(?::(\d+))?/y);
  const common = {
    label: label === null ? 1 : Number(label[1]),
    hostPort: label?.[2] === undefined ? null : Number(label[2]),
    ip: readIp(from),
  };
  if (from.hasWord('icmp')) return { kind: 'icmp', ...common, ...readIcmp(from) };
  if (from.hasWord('udp')) return { kind: 'udp', ...common, ...readUdp(from) };
  return { kind: 'tcp', ...common, ...readTcp(from) };
}

const ecnNames: Readonly<Record<string, number>> = { noecn: 0, ect1: 1, ect0: 2, ce: 3 };

function readIp(from: Scanner): IpSpec {
  const ip = {
    ecn: null as number | null,
    tos: null as number | null,
    ttl: null as number | null,
    df: null as boolean | null,
    badChecksum: false,
    headerLength: null as number | null,
  };
  if (!from.has('[')) return ip;
  do {
    from.skip();
    const start = from.at;
    const word = from.needMatch(/[a-z]\w*/y, 'a property of the packet');
    if (word in ecnNames) ip.ecn = ecnNames[word]!;
    else if (word === 'tos') ip.tos = from.needNumber();
    else if (word === 'ttl') ip.ttl = from.needNumber();
    else if (word === 'df' || word === 'nodf') ip.df = word === 'df';
    else if (word === 'badsum') ip.badChecksum = true;
    else if (word === 'hdrlen') ip.headerLength = from.needNumber();
    else from.fail(`unknown property '${word}'`, start);
  } while (from.has(','));
  from.need(']');
  return ip;
}

type Bare<T> = Omit<T, 'kind' | 'label' | 'hostPort' | 'ip'>;

function readTcp(from: Scanner): Bare<TcpSpec> {
  const letters = from.needMatch(/(?:[FSRPpUEWA.]+|-)(?=\s)/y, 'flags, such as S. or P.');
  let flags = 0;
  for (const letter of letters) flags |= flagLetters[letter] ?? 0;
  const { seq, length } = readRange(from);
  const ack = from.hasWord('ack') ? from.needNumber() : null;
  const win = from.hasWord('win') ? from.needNumber() : null;
  const urg = from.hasWord('urg') ? from.needNumber() : null;
  const options = readOptions(from);
  return {
    flags,
    mayPush: letters.includes('p'),
    seq,
    length,
    ack,
    win,
    urg,
    options,
    payload: readPayload(from, length),
  };
}

/** `1:1001(1000)`: from here to before there, so many octets, which must agree. */
function readRange(from: Scanner): { readonly seq: number; readonly length: number } {
  from.skip();
  const start = from.at;
  const found = from.take(/(\d+):(\d+)\((\d+)\)/y);
  if (found === null) from.fail('expected sequence numbers, such as 1:1001(1000)');
  const [seq, end, length] = [Number(found[1]), Number(found[2]), Number(found[3])];
  if ((seq + length) % 2 ** 32 !== end % 2 ** 32) from.fail(`${seq} + ${length} is not ${end}`, start);
  return { seq, length };
}

function readPayload(from: Scanner, length: number): Uint8Array | null {
  if (!from.sees(/"/y)) return null;
  const start = from.at;
  const payload = octetsOf(readString(from));
  if (payload.length !== length) from.fail(`the text has ${payload.length} octets, not ${length}`, start);
  return payload;
}

// Options --------------------------------------------------------------------------------------------------------------

function readOptions(from: Scanner): OptionSpec[] | 'any' | null {
  if (!from.has('<')) return null;
  if (from.has('...')) {
    from.need('>');
    return 'any';
  }
  const options: OptionSpec[] = [];
  while (!from.has('>')) {
    options.push(readOption(from));
    if (!from.has(',') && !from.sees(/>/y)) from.fail("expected ',' or '>'");
  }
  return options;
}

function readOption(from: Scanner): OptionSpec {
  from.skip();
  const start = from.at;
  const name = from.needMatch(/[A-Za-z]+/y, 'an option');
  if (name === 'nop' || name === 'eol' || name === 'sackOK') return { kind: name };
  if (name === 'mss' || name === 'wscale') return { kind: name, value: numberOrAny(from) };
  if (name === 'TS') {
    if (!from.hasWord('val')) from.fail("expected 'val'");
    const val = numberOrAny(from);
    if (!from.hasWord('ecr')) from.fail("expected 'ecr'");
    return { kind: 'TS', val, ecr: numberOrAny(from) };
  }
  if (name === 'sack') {
    const blocks: (readonly [number, number])[] = [];
    for (let found = from.take(/(\d+):(\d+)/y); found !== null; found = from.take(/(\d+):(\d+)/y)) {
      blocks.push([Number(found[1]), Number(found[2])]);
    }
    if (blocks.length === 0) from.fail('expected blocks, such as 1001:2001');
    return { kind: 'sack', blocks };
  }
  if (name === 'FO' || name === 'FOEXP') {
    if (from.hasWord('any')) return { kind: name, cookie: null };
    if (from.hasWord('given')) return { kind: name, cookie: 'given' };
    return { kind: name, cookie: readHex(from) };
  }
  if (name === 'kind') {
    const number = from.needNumber();
    const lengthAt = from.hasWord('len') ? from.needNumber() : null;
    const data = readHex(from);
    if (lengthAt !== null && lengthAt !== data.length + 2)
      from.fail(`a length of ${data.length + 2}, not ${lengthAt}`, start);
    return { kind: 'other', number, data };
  }
  return from.fail(`unknown option '${name}'`, start);
}

const numberOrAny = (from: Scanner): number | null => (from.hasWord('any') ? null : from.needNumber());

/** Octets in hexadecimal, two digits each; none when something else is next. */
function readHex(from: Scanner): Uint8Array {
  const digits = from.take(/(?:[0-9a-fA-F]{2})+\b/y)?.[0] ?? '';
  return Uint8Array.from({ length: digits.length / 2 }, (_, index) =>
    Number.parseInt(digits.slice(index * 2, index * 2 + 2), 16),
  );
}

// UDP and ICMP ---------------------------------------------------------------------------------------------------------

function readUdp(from: Scanner): Bare<UdpSpec> {
  const found = from.take(/\((\d+)\)/y);
  if (found === null) from.fail('expected the length of the data, such as (100)');
  const length = Number(found[1]);
  return { length, payload: readPayload(from, length) };
}

function readIcmp(from: Scanner): Bare<IcmpSpec> {
  from.skip();
  const start = from.at;
  const type = from.needMatch(/[a-z_]+/y, 'a type of ICMP message');
  if (!isIcmpType(type)) from.fail(`unknown ICMP type '${type}'`, start);
  const word = from.take(/(?!mtu\b|udp\b|tcp\b)[a-z_]+/y);
  const code = word?.[0] ?? null;
  if (code !== null && !codesOf(type).includes(code)) {
    from.fail(`unknown code '${code}': ${codesOf(type).join(', ')}`, word!.index);
  }
  const mtu = from.hasWord('mtu') ? from.needNumber() : null;
  let quote: IcmpSpec['quote'] = null;
  if (from.has('[')) {
    if (from.hasWord('udp')) quote = { protocol: 'udp', seq: 0, length: readUdp(from).length };
    else quote = { protocol: 'tcp', ...readRange(from) };
    from.need(']');
  }
  return { type, code, mtu, quote };
}
