import { fitIntegers } from './format.ts';
import { type Action, wrap } from './functions.ts';
import { type LuaState, lauxlib, lua, to_luastring } from './interpreter.ts';
import { withDoubles } from './numerals.ts';
import { latin1Of, octetsOfLatin1 } from './octets.ts';
import { pushNumber, pushOctets } from './values.ts';

/**
 * The functions of the library that would make integers of 32 bits out of numbers, or want them, take doubles, as in Lua 5.2.
 * What stays is arithmetic among lengths, places in strings and other counts of the library: it wraps around at 2^31.
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
    fitIntegers(thread);
    return format(thread);
  });
  lua.lua_pop(state, 1);
  for (const [library, functions] of Object.entries(places)) {
    lua.lua_getfield(state, -1, to_luastring(library));
    for (const [name, where] of Object.entries(functions)) {
      wrap(state, name, (thread, original) => {
        truncate(thread, ...where);
        return original(thread);
      });
    }
    lua.lua_pop(state, 1);
  }
  for (const [library, names] of Object.entries(whole)) {
    lua.lua_getfield(state, -1, to_luastring(library));
    for (const name of names) wrap(state, name, (thread, original) => widen(thread, original(thread)));
    if (library === 'math') wrap(state, 'random', random);
    lua.lua_pop(state, 1);
  }
  lua.lua_pop(state, 1);
}

/** What takes places and counts: from which argument to which, and if it matters, of how many. */
const places: Readonly<Record<string, Readonly<Record<string, readonly [from: number, to: number, of?: number]>>>> = {
  _G: { select: [1, 1] },
  math: { random: [1, 2] },
  string: { byte: [2, 3], char: [1, Number.POSITIVE_INFINITY], find: [3, 3], match: [3, 3], rep: [2, 2], sub: [2, 3] },
  table: { concat: [3, 4], insert: [2, 2, 3], remove: [2, 2], unpack: [2, 3] },
};

/** Cuts fractions off, as Lua 5.2 does it. */
function truncate(state: LuaState, from: number, to: number, of?: number): void {
  const top = lua.lua_gettop(state);
  if (of !== undefined && of !== top) return;
  for (let index = from; index <= Math.min(to, top); index++) {
    if (lua.lua_type(state, index) !== lua.LUA_TNUMBER) continue;
    const value = lua.lua_tonumber(state, index);
    if (!Number.isInteger(value)) replaceBy(state, index, Math.trunc(value));
  }
}

function replaceBy(state: LuaState, index: number, value: number): void {
  pushNumber(state, value);
  lua.lua_replace(state, index);
}

/** What gives whole numbers that a program may well multiply. */
const whole = { math: ['floor', 'ceil', 'random', 'modf', 'fmod', 'abs'], os: ['time'] } as const;

/** The results at the top, as doubles. */
function widen(state: LuaState, count: number): number {
  for (let index = lua.lua_gettop(state) - count + 1; index <= lua.lua_gettop(state); index++) {
    if (lua.lua_isinteger(state, index)) replaceBy(state, index, lua.lua_tonumber(state, index));
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
  pushNumber(state, Math.floor(lua.lua_tonumber(state, -1) * (high! - low! + 1)) + low!);
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
  else pushNumber(state, value);
  return 1;
}

function numberIn(text: string, base: number): number | null {
  if (!/^[+-]?[\da-z]+$/.test(text)) return null;
  const digits = [...text.replace(/^[+-]/, '')].map((digit) => Number.parseInt(digit, 36));
  if (digits.some((digit) => digit >= base)) return null;
  const value = digits.reduce((sum, digit) => sum * base + digit, 0);
  return text.startsWith('-') ? -value : value;
}
