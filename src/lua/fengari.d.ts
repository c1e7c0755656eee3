/** What we use of fengari, which has no types of its own. Strings of Lua are octets. */
declare module 'fengari' {
  export interface LuaState {
    readonly __lua: unique symbol;
    /** The call that is running. */
    ci: LuaCall;
    /** How many calls around it forbid to yield. */
    nny: number;
  }
  /** A call of a function, on the stack of Lua. */
  interface LuaCall {
    previous: LuaCall;
    next: LuaCall | null;
    /** Goes on in the place of a function of ours when one that it has called has waited. */
    c_k: ((state: LuaState) => number) | null;
  }
  type LuaFunction = (state: LuaState) => number;
  /** Pushes the value that it was made of. */
  export type LuaProxy = (state: LuaState) => void;

  /** @param isKept the octets are made once only, and are not to be changed */
  export function to_luastring(text: string, isKept?: boolean): Uint8Array;
  export function to_jsstring(octets: Uint8Array): string;

  export const lua: {
    readonly LUA_REGISTRYINDEX: number;
    readonly LUA_OK: number;
    readonly LUA_YIELD: number;
    readonly LUA_TNIL: number;
    readonly LUA_TBOOLEAN: number;
    readonly LUA_TNUMBER: number;
    readonly LUA_TSTRING: number;
    readonly LUA_TTABLE: number;
    readonly LUA_TUSERDATA: number;
    lua_dump(
      state: LuaState,
      writer: (state: LuaState, piece: Uint8Array) => number,
      data: null,
      isStripped: boolean,
    ): number;
    lua_isstring(state: LuaState, index: number): boolean;
    lua_isnumber(state: LuaState, index: number): boolean;
    lua_isinteger(state: LuaState, index: number): boolean;
    lua_isyieldable(state: LuaState): boolean;
    lua_getglobal(state: LuaState, name: Uint8Array): number;
    lua_call(state: LuaState, args: number, results: number): void;
    lua_callk(
      state: LuaState,
      args: number,
      results: number,
      context: number,
      after: (state: LuaState, status: number, context: number) => number,
    ): void;
    readonly LUA_MULTRET: number;
    readonly LUA_TFUNCTION: number;
    readonly LUA_OPLT: number;
    lua_compare(state: LuaState, first: number, second: number, operator: number): boolean;
    lua_concat(state: LuaState, count: number): void;
    lua_insert(state: LuaState, index: number): void;
    lua_error(state: LuaState): number;
    lua_gettop(state: LuaState): number;
    lua_settop(state: LuaState, top: number): void;
    lua_pop(state: LuaState, count: number): void;
    lua_type(state: LuaState, index: number): number;
    lua_newtable(state: LuaState): void;
    lua_newthread(state: LuaState): LuaState;
    lua_newuserdata(state: LuaState, size: number): { data?: unknown };
    lua_replace(state: LuaState, index: number): void;
    lua_tocfunction(state: LuaState, index: number): LuaFunction | null;
    lua_toproxy(state: LuaState, index: number): LuaProxy;
    lua_touserdata(state: LuaState, index: number): { data?: unknown } | null;
    lua_toboolean(state: LuaState, index: number): boolean;
    lua_stringtonumber(state: LuaState, octets: Uint8Array): number;
    lua_topointer(state: LuaState, index: number): { readonly id?: number };
    lua_tonumber(state: LuaState, index: number): number;
    lua_tostring(state: LuaState, index: number): Uint8Array | null;
    lua_isnoneornil(state: LuaState, index: number): boolean;
    lua_next(state: LuaState, index: number): number;
    lua_pushnil(state: LuaState): void;
    lua_pushboolean(state: LuaState, value: boolean): void;
    lua_pushinteger(state: LuaState, value: number): void;
    lua_pushnumber(state: LuaState, value: number): void;
    lua_pushlstring(state: LuaState, octets: Uint8Array, length: number): void;
    lua_pushcfunction(state: LuaState, action: LuaFunction): void;
    lua_pushvalue(state: LuaState, index: number): void;
    lua_rawgeti(state: LuaState, index: number, key: number): number;
    lua_rawseti(state: LuaState, index: number, key: number): void;
    lua_rawlen(state: LuaState, index: number): number;
    lua_getfield(state: LuaState, index: number, key: Uint8Array): number;
    lua_setfield(state: LuaState, index: number, key: Uint8Array): void;
    lua_setglobal(state: LuaState, name: Uint8Array): void;
    lua_setmetatable(state: LuaState, index: number): number;
    lua_resume(state: LuaState, from: LuaState | null, args: number): number;
    lua_xmove(from: LuaState, to: LuaState, count: number): void;
    lua_yieldk(
      state: LuaState,
      results: number,
      context: number,
      after: (state: LuaState, status: number, context: number) => number,
    ): number;
  };

  export const lauxlib: {
    luaL_newstate(): LuaState;
    luaL_newmetatable(state: LuaState, name: Uint8Array): boolean;
    luaL_setmetatable(state: LuaState, name: Uint8Array): void;
    luaL_checkudata(state: LuaState, index: number, name: Uint8Array): { data?: unknown };
    luaL_getmetafield(state: LuaState, index: number, name: Uint8Array): number;
    luaL_checkinteger(state: LuaState, index: number): number;
    luaL_checknumber(state: LuaState, index: number): number;
    luaL_optnumber(state: LuaState, index: number, otherwise: number): number;
    luaL_checkstring(state: LuaState, index: number): Uint8Array;
    luaL_checktype(state: LuaState, index: number, type: number): void;
    luaL_argerror(state: LuaState, index: number, why: Uint8Array): number;
    luaL_error(state: LuaState, format: Uint8Array, ...values: Uint8Array[]): number;
    luaL_testudata(state: LuaState, index: number, name: Uint8Array): { data?: unknown } | null;
    luaL_optinteger(state: LuaState, index: number, otherwise: number): number;
    luaL_loadbuffer(state: LuaState, source: Uint8Array, length: number, name: Uint8Array): number;
    luaL_tolstring(state: LuaState, index: number): Uint8Array;
    luaL_where(state: LuaState, level: number): void;
    luaL_traceback(state: LuaState, of: LuaState, message: Uint8Array | null, level: number): void;
  };

  export const luaconf: { readonly LUA_COMPAT_FLOATSTRING: boolean };
  export const lualib: { luaL_openlibs(state: LuaState): void };
}
