import { follow, type Part, replace, type Steps } from './calls.ts';
import { textArguments } from './format.ts';
import type { Action } from './functions.ts';
import { type LuaState, lauxlib, lua, to_luastring } from './interpreter.ts';
import { hasMetamethod } from './operators.ts';

/** `tostring`, and '%s' of `string.format`, with `__tostring` of the program's. */
export function installTexts(state: LuaState): void {
  lua.lua_getglobal(state, to_luastring('_G'));
  replace(state, 'tostring', (thread) => isSpeaking(thread, 1), toText);
  lua.lua_getfield(state, -1, to_luastring('string'));
  replace(state, 'format', hasSpeaking, format);
  lua.lua_pop(state, 2);
}

/** What `tostring` does, whatever the program has put in its place. */
export function describe(state: LuaState): number {
  if (isSpeaking(state, 1)) return follow(state, toText(state));
  lauxlib.luaL_tolstring(state, 1);
  return 1;
}

const isSpeaking = (state: LuaState, index: number): boolean => hasMetamethod(state, index, '__tostring');

function hasSpeaking(state: LuaState): boolean {
  for (let index = lua.lua_gettop(state); index > 1; index--) if (isSpeaking(state, index)) return true;
  return false;
}

function* toText(state: LuaState): Steps {
  yield* pushText(state, 1);
  return 1;
}

function* format(state: LuaState, original: Action): Steps {
  for (const index of textArguments(state)) {
    if (!isSpeaking(state, index)) continue;
    yield* pushText(state, index);
    lua.lua_replace(state, index);
  }
  return original(state);
}

function* pushText(state: LuaState, index: number): Part {
  lauxlib.luaL_getmetafield(state, index, to_luastring('__tostring'));
  lua.lua_pushvalue(state, index);
  yield { args: 1, results: 1 };
  if (!lua.lua_isstring(state, -1)) lauxlib.luaL_error(state, to_luastring("'__tostring' must return a string"));
}
