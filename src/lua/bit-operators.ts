import { shift } from './bit32.ts';
import { setFunction } from './functions.ts';
import { type LuaState, lauxlib, lua } from './interpreter.ts';
import { pushNumber } from './values.ts';

/**
 * The operators on bits, which are Lua 5.3's, for whole numbers that are no integers of the interpreter: they are metamethods of
 * all numbers, called where the interpreter itself does not know what to do. Results have 32 bits and no sign.
 */
export function installBitOperators(state: LuaState): void {
  lua.lua_pushnumber(state, 0);
  lua.lua_newtable(state);
  for (const [name, operator] of Object.entries(operators)) {
    setFunction(state, name, (thread) => {
      pushNumber(thread, operator(bitsAt(thread, 1), bitsAt(thread, 2)) >>> 0);
      return 1;
    });
  }
  lua.lua_setmetatable(state, -2);
  lua.lua_pop(state, 1);
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
