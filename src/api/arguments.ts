/**
 * Types of arguments. A value that cannot be is an error that the call returns; a type that cannot be is a mistake in the
 * program, and throws before anything has been touched.
 */

/** Text is sent as UTF-8. */
declare const TextEncoder: { new (): { encode(text: string): Uint8Array } };

/** @throws TypeError `value` is no number; NaN is none */
export function checkNumber(value: unknown, what: string): asserts value is number {
  if (typeof value !== 'number' || Number.isNaN(value)) throw new TypeError(`${what}: a number`);
}

/** @throws TypeError `value` is no number; RangeError no number of octets */
export function checkSize(value: unknown, what: string): void {
  checkNumber(value, what);
  if (!Number.isInteger(value) || value < 0) throw new RangeError(`${what}: ${value} is not a number of octets`);
}

/** @throws TypeError no Uint8Array, or one whose memory has been transferred to somebody else */
export function checkOctets(value: unknown, what: string): asserts value is Uint8Array {
  if (!(value instanceof Uint8Array)) throw new TypeError(`${what}: a Uint8Array`);
  if (value.length > 0) return;
  try {
    new Uint8Array(value.buffer); // only detached memory refuses
  } catch {
    throw new TypeError(`${what}: its memory has been transferred away`);
  }
}

/** What is to be sent, as octets. @throws TypeError neither text nor octets; octets that are gone */
export function toOctets(data: unknown, what: string): Uint8Array {
  if (typeof data === 'string') return new TextEncoder().encode(data);
  if (!(data instanceof Uint8Array)) throw new TypeError(`${what}: a string or a Uint8Array`);
  checkOctets(data, what);
  return data;
}

/** @throws TypeError no list of sockets and descriptor numbers */
export function checkSockets(value: unknown, type: { new (...of: never[]): unknown }): void {
  if (!Array.isArray(value) || value.some((each) => typeof each !== 'number' && !(each instanceof type)))
    throw new TypeError('sockets: a list of sockets');
}

/** A port as a number; null for what can only be the name of a service. @throws RangeError not 0 to 65535 */
export function numericPort(port: number | string): number | null {
  if (typeof port === 'string' && !/^\s*[+-]?\d+$/.test(port)) return null; // as strtoul(3) reads it
  const number = Number(port);
  if (!Number.isInteger(number) || number < 0 || number > 65_535)
    throw new RangeError(`port ${port} is not 0 to 65535`);
  return number + 0; // -0 is 0
}
