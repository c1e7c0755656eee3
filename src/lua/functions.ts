import { type LuaState, lauxlib, lua, to_luastring } from './interpreter.ts';
import { octetsOf } from './octets.ts';

/** Functions of ours as Lua calls them. */

export type Action = (state: LuaState) => number;

/** Sets a field of the table at the top to a function of ours. */
export function setFunction(state: LuaState, name: string, action: Action): void {
  pushFunction(state, action);
  lua.lua_setfield(state, -2, to_luastring(name));
}

export const pushFunction = (state: LuaState, action: Action): void =>
  lua.lua_pushcfunction(state, (thread) => guarded(thread, action));

/** Puts something around a function of the table at the top. It is still the same call, so that errors tell its name. */
export function wrap(state: LuaState, name: string, around: (state: LuaState, original: Action) => number): void {
  lua.lua_getfield(state, -1, to_luastring(name));
  const original = lua.lua_tocfunction(state, -1)!;
  lua.lua_pop(state, 1);
  setFunction(state, name, (thread) => around(thread, original));
}

/** Makes a library of the table at the top, which is popped: a global, and what `require` gives. */
export function setLibrary(state: LuaState, name: string): void {
  lua.lua_getglobal(state, to_luastring('package'));
  lua.lua_getfield(state, -1, to_luastring('loaded'));
  lua.lua_pushvalue(state, -3);
  lua.lua_setfield(state, -2, to_luastring(name));
  lua.lua_pop(state, 2);
  lua.lua_setglobal(state, to_luastring(name));
}

/** Arguments that cannot be (TypeError, RangeError) are errors of the program; what Lua itself throws passes through. */
function guarded(state: LuaState, action: Action): number {
  try {
    return action(state);
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError) return raise(state, error.message);
    throw error;
  }
}

/** An error of the program, with the line that has called us. The message is no format. */
export const raise = (state: LuaState, message: string): number =>
  lauxlib.luaL_error(state, to_luastring('%s'), octetsOf(message));

/** A program of ours, in Lua: it is called with what `push` pushes. The stack is as before. */
export function runPrelude(state: LuaState, name: string, source: string, push: () => number): void {
  const octets = to_luastring(source);
  if (lauxlib.luaL_loadbuffer(state, octets, octets.length, to_luastring(`=${name}`)) !== lua.LUA_OK) {
    throw new Error(`impossible: ${name} does not compile`);
  }
  lua.lua_call(state, push(), 0);
}
