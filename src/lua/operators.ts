import type { Part } from './calls.ts';
import { type LuaProxy, type LuaState, lauxlib, lua, to_luastring } from './interpreter.ts';

/**
 * What functions of the library do with values that may have metamethods, in parts of functions (calls.ts): there metamethods may
 * wait. It is Lua that calls them, in a function of one line for each operator.
 */
export class Operators {
  readonly #get: LuaProxy;
  readonly #set: LuaProxy;
  readonly #length: LuaProxy;
  readonly #isLess: LuaProxy;
  readonly #isSame: LuaProxy;

  constructor(state: LuaState) {
    this.#get = compile(state, 'local table, key = ... return table[key]');
    this.#set = compile(state, 'local table, key, value = ... table[key] = value');
    this.#length = compile(state, 'local value = ... return #value');
    this.#isLess = compile(state, 'local a, b = ... return a < b');
    this.#isSame = compile(state, 'local a, b = ... return a == b');
  }

  /** Pushes `table[key]`, of the table at `index` and the key at the top, which is popped. */
  *get(state: LuaState, index: number): Part {
    this.#get(state);
    lua.lua_insert(state, -2);
    lua.lua_pushvalue(state, index);
    lua.lua_insert(state, -2);
    yield { args: 2, results: 1 };
  }

  /** `table[key] = value`, with the table at `index`, and at the top the key and the value, which are popped. */
  *set(state: LuaState, index: number): Part {
    this.#set(state);
    lua.lua_insert(state, -3);
    lua.lua_pushvalue(state, index);
    lua.lua_insert(state, -3);
    yield { args: 3, results: 0 };
  }

  /** Pushes `list[place]`. */
  *getAt(state: LuaState, index: number, place: number): Part {
    if (lua.lua_type(state, index) === lua.LUA_TTABLE) {
      if (lua.lua_rawgeti(state, index, place) !== lua.LUA_TNIL) return;
      lua.lua_pop(state, 1);
    }
    lua.lua_pushinteger(state, place);
    yield* this.get(state, index);
  }

  /** `list[place] = value`, with the value at the top, which is popped. */
  *setAt(state: LuaState, index: number, place: number): Part {
    if (lua.lua_type(state, index) === lua.LUA_TTABLE && !hasMetamethod(state, index, '__newindex')) {
      return lua.lua_rawseti(state, index, place);
    }
    lua.lua_pushinteger(state, place);
    lua.lua_insert(state, -2);
    yield* this.set(state, index);
  }

  /** `#value`, for lists: anything but a whole number is an error of the program. */
  *length(state: LuaState, index: number): Part<number> {
    this.#length(state);
    lua.lua_pushvalue(state, index);
    yield { args: 1, results: 1 };
    const length = lua.lua_tonumber(state, -1);
    const isWhole = lua.lua_isnumber(state, -1) && Number.isInteger(length);
    lua.lua_pop(state, 1);
    if (!isWhole) lauxlib.luaL_error(state, to_luastring('object length is not an integer'));
    return length;
  }

  /** Whether the first of the two values at the top, which are popped, is less than the other. */
  *isLess(state: LuaState): Part<boolean> {
    if ([-2, -1].some((index) => hasMetamethod(state, index, '__lt'))) return yield* this.#compare(state, this.#isLess);
    const result = lua.lua_compare(state, -2, -1, lua.LUA_OPLT);
    lua.lua_pop(state, 2);
    return result;
  }

  /** Whether the two values at the top, which are popped, are equal. */
  isSame(state: LuaState): Part<boolean> {
    return this.#compare(state, this.#isSame);
  }

  *#compare(state: LuaState, operator: LuaProxy): Part<boolean> {
    operator(state);
    lua.lua_insert(state, -3);
    yield { args: 2, results: 1 };
    const result = lua.lua_toboolean(state, -1);
    lua.lua_pop(state, 1);
    return result;
  }
}

/** Whether the value at `index` has a field of this name in its metatable. */
export function hasMetamethod(state: LuaState, index: number, name: string): boolean {
  if (lauxlib.luaL_getmetafield(state, index, to_luastring(name, true)) === lua.LUA_TNIL) return false;
  lua.lua_pop(state, 1);
  return true;
}

/** Whether it has any of these. */
export const hasAnyOf = (state: LuaState, index: number, names: readonly string[]): boolean =>
  names.some((name) => hasMetamethod(state, index, name));

/** Whether the value at `index` is a table, or is like one by these metamethods. */
export const isLikeTable = (state: LuaState, index: number, needed: readonly string[]): boolean =>
  lua.lua_type(state, index) === lua.LUA_TTABLE || needed.every((name) => hasMetamethod(state, index, name));

/** Without what says where it stands: errors name the lines of the program only. */
function compile(state: LuaState, source: string): LuaProxy {
  const load = (octets: Uint8Array): number => lauxlib.luaL_loadbuffer(state, octets, octets.length, name);
  const stripped: number[] = [];
  load(to_luastring(source));
  const keep = (_: LuaState, piece: Uint8Array): number => {
    stripped.push(...piece);
    return 0;
  };
  lua.lua_dump(state, keep, null, true);
  load(Uint8Array.from(stripped));
  const operator = lua.lua_toproxy(state, -1);
  lua.lua_pop(state, 2);
  return operator;
}

const name = to_luastring('=operator');
