import { type LuaState, lauxlib, lua, luaconf, to_luastring } from './interpreter.ts';
import { octetsOf, textOf } from './octets.ts';

/** Values of ours as Lua's, and back. Strings of Lua are octets; see octets.ts. */

/** Pushes nil, a boolean, a number, octets, a text, a list or a record. */
export function push(state: LuaState, value: unknown): void {
  if (value === null || value === undefined) lua.lua_pushnil(state);
  else if (typeof value === 'boolean') lua.lua_pushboolean(state, value);
  else if (typeof value === 'number') pushNumber(state, value);
  else if (typeof value === 'string') pushOctets(state, octetsOf(value));
  else if (value instanceof Uint8Array) pushOctets(state, value);
  else if (Array.isArray(value)) {
    lua.lua_newtable(state);
    for (const [index, each] of value.entries()) {
      push(state, each);
      lua.lua_rawseti(state, -2, index + 1);
    }
  } else pushRecord(state, value as object);
}

function pushRecord(state: LuaState, value: object): void {
  lua.lua_newtable(state);
  for (const [key, each] of Object.entries(value)) {
    push(state, each);
    lua.lua_setfield(state, -2, to_luastring(key));
  }
}

/** A double, as all numbers of Lua 5.2; where these print with '.0' (configuration.ts), an integer as long as it is one. */
export function pushNumber(state: LuaState, value: number): void {
  if (luaconf.LUA_COMPAT_FLOATSTRING || (value | 0) !== value) lua.lua_pushnumber(state, value);
  else lua.lua_pushinteger(state, value);
}

export const pushOctets = (state: LuaState, octets: Uint8Array): void =>
  lua.lua_pushlstring(state, octets, octets.length);

/** What stands at `index`: null, a boolean, a number, octets, or a record of a table's named fields. */
export function read(state: LuaState, index: number): unknown {
  switch (lua.lua_type(state, index)) {
    case lua.LUA_TBOOLEAN:
      return lua.lua_toboolean(state, index);
    case lua.LUA_TNUMBER:
      return lua.lua_tonumber(state, index);
    case lua.LUA_TSTRING:
      return lua.lua_tostring(state, index);
    case lua.LUA_TTABLE:
      return readRecord(state, index);
    default:
      return null;
  }
}

function readRecord(state: LuaState, index: number): Record<string, unknown> {
  const record: Record<string, unknown> = {};
  const at = index < 0 ? lua.lua_gettop(state) + 1 + index : index;
  lua.lua_pushnil(state);
  while (lua.lua_next(state, at) !== 0) {
    if (lua.lua_type(state, -2) === lua.LUA_TSTRING) {
      const value = read(state, -1);
      record[textOf(lua.lua_tostring(state, -2)!)] = value instanceof Uint8Array ? textOf(value) : value;
    }
    lua.lua_pop(state, 1);
  }
  return record;
}

/** A text at `index`; a number is one too. Anything else is an error in the program. */
export const textAt = (state: LuaState, index: number): string => textOf(lauxlib.luaL_checkstring(state, index));

/** A host, a port, a name: a number or a text, or null for nil and nothing. Anything else is an error in the program. */
export function textOrNumber(state: LuaState, index: number): string | number | null {
  const value = read(state, index);
  if (value instanceof Uint8Array) return textOf(value);
  if (typeof value === 'number' || value === null) return value;
  return lauxlib.luaL_argerror(state, index, to_luastring('string, number or nil expected'));
}
