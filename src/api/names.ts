import { type Address, anyV4, broadcastV4, ipv4, parseAddress } from '../stack/index.ts';

/** What a user may write for a host and for a port. */

/**
 * An IPv4 address from: a number in host order (INADDR_LOOPBACK), '' (any), '<broadcast>', a name of `hosts`, or an
 * address in any form that inet_aton(3) takes.
 * @returns null when it is none of these
 * @throws TypeError neither a string nor a number; RangeError a number that is not 32 bits
 */
export function resolveHost(host: string | number, hosts: ReadonlyMap<string, string>): Address | null {
  if (typeof host === 'number') {
    if (!Number.isInteger(host) || host < 0 || host > 0xffffffff)
      throw new RangeError(`${host} is not an IPv4 address`);
    return ipv4(host);
  }
  if (typeof host !== 'string') throw new TypeError('host: a string or a number');
  if (host === '') return anyV4;
  if (host === '<broadcast>') return broadcastV4;
  const text = hosts.get(host.toLowerCase()) ?? host;
  const address = parseAddress(text);
  return address?.isV4 ? address : parseInetAton(text);
}

/**
 * inet_aton(3): one to four parts, each decimal, octal (0…) or hexadecimal (0x…); the last one fills what is left.
 * '127.1' is 127.0.0.1, '010.0.0.1' is 8.0.0.1.
 */
function parseInetAton(text: string): Address | null {
  const parts = text.split('.').map(parseNumber);
  if (parts.length > 4 || parts.includes(-1)) return null;
  const last = parts.pop()!;
  if (parts.some((part) => part > 255) || last >= 256 ** (4 - parts.length)) return null;
  return ipv4(parts.reduce((sum, part, index) => sum + part * 256 ** (3 - index), 0) + last);
}

function parseNumber(text: string): number {
  if (/^0x[0-9a-f]{1,8}$/i.test(text)) return Number.parseInt(text.slice(2), 16);
  if (/^0[0-7]{0,11}$/.test(text)) return Number.parseInt(text, 8);
  return /^[1-9]\d{0,9}$/.test(text) ? Number(text) : -1;
}

/**
 * A port from a number or a numeric string.
 * @throws TypeError neither; RangeError not 0 to 65535
 */
export function toPort(port: number | string): number {
  const value = typeof port === 'string' && /^\d+$/.test(port) ? Number(port) : port;
  if (typeof value !== 'number') throw new TypeError('port: a number or a numeric string');
  if (!Number.isInteger(value) || value < 0 || value > 65_535) throw new RangeError(`port ${port} is not 0 to 65535`);
  return value;
}
