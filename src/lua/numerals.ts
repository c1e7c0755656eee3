import { luaconf } from './interpreter.ts';
import { latin1Of, octetsOfLatin1 } from './octets.ts';

/**
 * The numerals of a program. In Lua 5.2 all numbers are doubles; the interpreter, of Lua 5.3, has integers besides, which here
 * have 32 bits: 0xffffffff is -1, and 65536 * 65536 is 0. A point behind the numerals of a program makes doubles of them.
 */
export function withDoubles(source: Uint8Array): Uint8Array {
  if (source[0] === mark) return source; // it has been compiled already
  const text = latin1Of(source);
  return octetsOfLatin1(
    text.replace(token, (found) => (wholeNumeral.test(found) && isWanted(found) ? `${found}.` : found)),
  );
}

/** Where floats print with '.0' (configuration.ts), only what does not fit into an integer becomes one. */
const isWanted = (numeral: string): boolean => luaconf.LUA_COMPAT_FLOATSTRING || Number(numeral) > 0x7fffffff;

/** LUA_SIGNATURE */
const mark = 0x1b;
const wholeNumeral = /^(?:\d+|0[xX][\da-fA-F]+)$/;

/** What may have digits in it: comments, strings, names, numerals. */
const token = new RegExp(
  [
    '--\\[(=*)\\[[^]*?(?:\\]\\1\\]|$)',
    '--[^\\n]*',
    '\\[(=*)\\[[^]*?(?:\\]\\2\\]|$)',
    '"(?:\\\\z\\s*|\\\\[^]|[^"\\\\\\n])*"?',
    "'(?:\\\\z\\s*|\\\\[^]|[^'\\\\\\n])*'?",
    '[A-Za-z_]\\w*',
    '0[xX](?:[pP][+-]?|[\\w.])*',
    '\\.?\\d(?:[eE][+-]?|[\\w.])*',
  ].join('|'),
  'g',
);
