import { setFunction, setLibrary } from './functions.ts';
import { type LuaState, lauxlib, lua, to_luastring } from './interpreter.ts';
import { pushNumber } from './values.ts';

/** The library `bit32`, which Lua 5.2 has and the interpreter has not. All results are from 0 to 2^32 - 1. */
export function installBit32(state: LuaState): void {
  lua.lua_newtable(state);
  for (const [name, action] of Object.entries(bit32)) {
    setFunction(state, name, (thread) => {
      const result = action(thread);
      if (typeof result === 'boolean') lua.lua_pushboolean(thread, result);
      else pushNumber(thread, result >>> 0);
      return 1;
    });
  }
  setLibrary(state, 'bit32');
}

/** The lowest 32 bits of a number, as a signed one; of what is between two numbers, the nearest. */
function bits(state: LuaState, index: number): number {
  const value = Math.round(lauxlib.luaL_checknumber(state, index));
  return (value % 0x1_0000_0000) | 0;
}

/** All arguments, one with the other. */
function fold(state: LuaState, first: number, operator: (a: number, b: number) => number): number {
  const count = lua.lua_gettop(state);
  return Array.from({ length: count }, (_, at) => bits(state, at + 1)).reduce(operator, first);
}

const and = (state: LuaState): number => fold(state, -1, (a, b) => a & b);

/** To the left, or to the right by less than nothing; by 32 and more nothing is left. */
export function shift(value: number, by: number): number {
  if (Math.abs(by) > 31) return 0;
  return by >= 0 ? value << by : value >>> -by;
}

function shiftWithSign(value: number, by: number): number {
  return by <= 0 ? shift(value, -by) : value >> Math.min(by, 31);
}

const rotate = (value: number, by: number): number => (value << (by & 31)) | (value >>> (-by & 31));

/** Where a field begins, and its bits at the bottom. */
function fieldAt(state: LuaState, index: number): { readonly first: number; readonly mask: number } {
  const [first, width] = [lauxlib.luaL_checknumber(state, index), lauxlib.luaL_optnumber(state, index + 1, 1)];
  if (!(first >= 0)) lauxlib.luaL_argerror(state, index, to_luastring('field cannot be negative'));
  if (!(width > 0)) lauxlib.luaL_argerror(state, index + 1, to_luastring('width must be positive'));
  if (!(first + width <= 32)) throw new RangeError('trying to access non-existent bits');
  return { first, mask: shift(-1, width - 32) };
}

const displacement = (state: LuaState): number => Math.trunc(lauxlib.luaL_checknumber(state, 2));

const bit32: Readonly<Record<string, (state: LuaState) => number | boolean>> = {
  band: and,
  btest: (state) => and(state) !== 0,
  bor: (state) => fold(state, 0, (a, b) => a | b),
  bxor: (state) => fold(state, 0, (a, b) => a ^ b),
  bnot: (state) => ~bits(state, 1),
  lshift: (state) => shift(bits(state, 1), displacement(state)),
  rshift: (state) => shift(bits(state, 1), -displacement(state)),
  arshift: (state) => shiftWithSign(bits(state, 1), displacement(state)),
  lrotate: (state) => rotate(bits(state, 1), displacement(state)),
  rrotate: (state) => rotate(bits(state, 1), -displacement(state)),
  extract: (state) => {
    const value = bits(state, 1);
    const { first, mask } = fieldAt(state, 2);
    return (value >>> first) & mask;
  },
  replace: (state) => {
    const [value, field] = [bits(state, 1), bits(state, 2)];
    const { first, mask } = fieldAt(state, 3);
    return (value & ~(mask << first)) | ((field & mask) << first);
  },
};
