import { shift } from './bit32.ts';
import { type Action, setFunction, wrap } from './functions.ts';
import { type LuaState, lauxlib, lua, to_luastring } from './interpreter.ts';
import { withDoubles } from './numerals.ts';
import { latin1Of, octetsOfLatin1 } from './octets.ts';
import { pushOctets } from './values.ts';

/**
 * The functions of the library that would make integers of 32 bits out of numbers, or want them, take doubles, as in Lua 5.2.
 * What stays is arithmetic among lengths, places in strings and other counts of the library: it wraps around at 2^31.
 * The operators on bits are of Lua 5.3; those of numbers above 2^31 give what has 32 bits and no sign.
 */
export function installNumbers(state: LuaState): void {
  lua.lua_getglobal(state, to_luastring('_G'));
  wrap(state, 'load', (thread, load) => {
    takeDoubles(thread);
    return load(thread);
  });
  wrap(state, 'tonumber', toNumber);
  lua.lua_getfield(state, -1, to_luastring('string'));
  wrap(state, 'format', (thread, format) => {
    writeOutLarge(thread);
    return format(thread);
  });
  lua.lua_pop(state, 1);
  for (const [library, names] of Object.entries(whole)) {
    lua.lua_getfield(state, -1, to_luastring(library));
    for (const name of names) wrap(state, name, (thread, original) => widen(thread, original(thread)));
    if (library === 'math') wrap(state, 'random', random);
    lua.lua_pop(state, 1);
  }
  lua.lua_pop(state, 1);

  lua.lua_pushnumber(state, 0);
  lua.lua_newtable(state);
  for (const [name, operator] of Object.entries(operators)) {
    setFunction(state, name, (thread) => {
      lua.lua_pushnumber(thread, operator(bitsAt(thread, 1), bitsAt(thread, 2)) >>> 0);
      return 1;
    });
  }
  lua.lua_setmetatable(state, -2);
  lua.lua_pop(state, 1);
}

/** What gives whole numbers that a program may well multiply. */
const whole = { math: ['floor', 'ceil', 'random', 'modf', 'fmod', 'abs'], os: ['time'] } as const;

/** The results at the top, as doubles. */
function widen(state: LuaState, count: number): number {
  for (let index = lua.lua_gettop(state) - count + 1; index <= lua.lua_gettop(state); index++) {
    if (!lua.lua_isinteger(state, index)) continue;
    lua.lua_pushnumber(state, lua.lua_tonumber(state, index));
    lua.lua_replace(state, index);
  }
  return count;
}

/** Of `math.random`: bounds that are no integers of the interpreter. */
function random(state: LuaState, original: Action): number {
  const count = lua.lua_gettop(state);
  const bounds = Array.from({ length: count }, (_, at) => lua.lua_tonumber(state, at + 1));
  if ((count !== 1 && count !== 2) || bounds.every((bound) => Math.abs(bound) < 0x7fffffff)) return original(state);
  const [low, high] = count === 1 ? [1, Math.floor(bounds[0]!)] : bounds.map(Math.floor);
  if (!(low! <= high!)) return lauxlib.luaL_argerror(state, count, to_luastring('interval is empty'));
  lua.lua_settop(state, 0);
  original(state);
  lua.lua_pushnumber(state, Math.floor(lua.lua_tonumber(state, -1) * (high! - low! + 1)) + low!);
  return 1;
}

/** Of `load`: a text is compiled with doubles, and goes by the name of what it was. */
function takeDoubles(state: LuaState): void {
  if (lua.lua_type(state, 1) !== lua.LUA_TSTRING) return;
  if (lua.lua_isnoneornil(state, 2)) {
    if (lua.lua_gettop(state) < 2) lua.lua_settop(state, 2);
    lua.lua_pushvalue(state, 1);
    lua.lua_replace(state, 2);
  }
  pushOctets(state, withDoubles(lua.lua_tostring(state, 1)!));
  lua.lua_replace(state, 1);
}

function toNumber(state: LuaState, tonumber: Action): number {
  const text = lua.lua_type(state, 1) === lua.LUA_TSTRING ? latin1Of(lua.lua_tostring(state, 1)!).trim() : '';
  if (lua.lua_isnoneornil(state, 2)) {
    if (/^[+-]?(?:\d+|0x[\da-f]+)$/i.test(text)) {
      pushOctets(state, withDoubles(octetsOfLatin1(text)));
      lua.lua_replace(state, 1);
    }
    return tonumber(state);
  }
  const base = lua.lua_tonumber(state, 2);
  tonumber(state); // it knows which arguments are none
  const value = numberIn(text.toLowerCase(), base);
  if (value === null) lua.lua_pushnil(state);
  else lua.lua_pushnumber(state, value);
  return 1;
}

function numberIn(text: string, base: number): number | null {
  if (!/^[+-]?[\da-z]+$/.test(text)) return null;
  const digits = [...text.replace(/^[+-]/, '')].map((digit) => Number.parseInt(digit, 36));
  if (digits.some((digit) => digit >= base)) return null;
  const value = digits.reduce((sum, digit) => sum * base + digit, 0);
  return text.startsWith('-') ? -value : value;
}

/** Of `string.format`: whole numbers that are no integers of the interpreter become texts, as %d and its like would make them. */
function writeOutLarge(state: LuaState): void {
  const top = lua.lua_gettop(state);
  const isLarge = (index: number): boolean => {
    const type = lua.lua_type(state, index);
    if (type !== lua.LUA_TNUMBER && type !== lua.LUA_TSTRING) return false;
    const value = lua.lua_tonumber(state, index);
    return Number.isInteger(value) && (value > 0x7fffffff || value < -0x80000000);
  };
  if (!Array.from({ length: top }, (_, at) => at + 1).some((index) => index > 1 && isLarge(index))) return;
  let index = 1;
  const pattern = latin1Of(lauxlib.luaL_checkstring(state, 1)).replace(directive, (found, flags, width, kind) => {
    if (found === '%%') return found;
    index++;
    if (index > top || !'diouxX'.includes(kind) || !isLarge(index)) return found;
    pushOctets(state, octetsOfLatin1(written(lua.lua_tonumber(state, index), flags, Number(width), kind)));
    lua.lua_replace(state, index);
    return '%s';
  });
  pushOctets(state, octetsOfLatin1(pattern));
  lua.lua_replace(state, 1);
}

/** The precision says nothing of numbers that have so many digits. */
const directive = /%%|%([-+ #0]*)(\d*)(?:\.\d*)?([a-zA-Z])/g;

function written(value: number, flags: string, width: number, kind: string): string {
  const digits = BigInt(Math.abs(value)).toString({ o: 8, x: 16, X: 16 }[kind] ?? 10);
  const isDecimal = kind === 'd' || kind === 'i';
  const plus = !isDecimal ? '' : flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : '';
  const mark = flags.includes('#') ? ({ o: '0', x: '0x', X: '0x' }[kind] ?? '') : '';
  const sign = value < 0 ? '-' : plus + mark;
  const zeros = flags.includes('0') && !flags.includes('-') ? width - sign.length : 0;
  const text = sign + digits.padStart(zeros, '0');
  const padded = flags.includes('-') ? text.padEnd(width) : text.padStart(width);
  return kind === 'X' ? padded.toUpperCase() : padded;
}

/** What a number is as 32 bits. */
function bitsAt(state: LuaState, index: number): number {
  const value = lauxlib.luaL_checknumber(state, index);
  if (!Number.isInteger(value)) throw new TypeError('number has no integer representation');
  return (value % 0x1_0000_0000) >>> 0;
}

const operators: Readonly<Record<string, (a: number, b: number) => number>> = {
  __band: (a, b) => a & b,
  __bor: (a, b) => a | b,
  __bxor: (a, b) => a ^ b,
  __bnot: (a) => ~a,
  __shl: (a, b) => shift(a, b | 0),
  __shr: (a, b) => shift(a, -(b | 0)),
};
