import { to_jsstring, to_luastring } from './interpreter.ts';

/**
 * Strings of Lua are octets, names and texts of ours are JavaScript's: UTF-8 lies between them. An octet that is part of no
 * character becomes half of a surrogate pair (0x80 is U+DC80), which stands in no proper text, and comes back as it was: no two
 * strings of Lua become the same name.
 */

export const textOf = (octets: Uint8Array): string =>
  latin1Of(octets).replace(nonAscii, (run) => (run.length === 1 ? strayOf(run) : to_jsstring(octetsOfLatin1(run))));

export function octetsOf(text: string): Uint8Array {
  if (!/[\udc80-\udcff]/.test(text)) return to_luastring(text);
  const octets: number[] = [];
  for (const character of text) {
    const code = character.codePointAt(0)!;
    if (code >= 0xdc80 && code <= 0xdcff) octets.push(code & 0xff);
    else octets.push(...to_luastring(character));
  }
  return Uint8Array.from(octets);
}

/** Each octet as one character, for patterns. */
export function latin1Of(octets: Uint8Array): string {
  let text = '';
  for (let at = 0; at < octets.length; at += 4096) text += String.fromCharCode(...octets.subarray(at, at + 4096));
  return text;
}

export const octetsOfLatin1 = (text: string): Uint8Array =>
  Uint8Array.from(text, (character) => character.charCodeAt(0));

const strayOf = (character: string): string => String.fromCharCode(0xdc00 + character.charCodeAt(0));

/** The characters of UTF-8 that take several octets (RFC 3629 section 4), and octets that are part of none. */
const nonAscii = new RegExp(
  [
    '[\\xc2-\\xdf][\\x80-\\xbf]',
    '\\xe0[\\xa0-\\xbf][\\x80-\\xbf]',
    '[\\xe1-\\xec\\xee\\xef][\\x80-\\xbf]{2}',
    '\\xed[\\x80-\\x9f][\\x80-\\xbf]',
    '\\xf0[\\x90-\\xbf][\\x80-\\xbf]{2}',
    '[\\xf1-\\xf3][\\x80-\\xbf]{3}',
    '\\xf4[\\x80-\\x8f][\\x80-\\xbf]{2}',
    '[\\x80-\\xff]',
  ].join('|'),
  'g',
);
