import { replace, type Steps } from './calls.ts';
import type { Action } from './functions.ts';
import { type LuaProxy, type LuaState, lua, to_luastring } from './interpreter.ts';
import { hasMetamethod, type Operators } from './operators.ts';

/** `string.gsub` by what the program calculates: a function, or a table with `__index`. */
export function installSubstitution(state: LuaState, operators: Operators): void {
  lua.lua_getglobal(state, to_luastring('string'));
  replace(state, 'gsub', callsProgram, (thread, original) => substitute(thread, operators, original));
  lua.lua_pop(state, 1);
}

function callsProgram(state: LuaState): boolean {
  const type = lua.lua_type(state, 3);
  return type === lua.LUA_TFUNCTION || (type === lua.LUA_TTABLE && hasMetamethod(state, 3, '__index'));
}

/** All matches first, then what they become, then the text: only in the middle is the program called. */
function* substitute(state: LuaState, operators: Operators, original: Action): Steps {
  lua.lua_settop(state, 4);
  const by = lua.lua_toproxy(state, 3);
  const isFunction = lua.lua_type(state, 3) === lua.LUA_TFUNCTION;
  const matches: LuaProxy[][] = [];
  runWith(state, original, (thread) => {
    matches.push(Array.from({ length: lua.lua_gettop(thread) }, (_, at) => lua.lua_toproxy(thread, at + 1)));
    return 0;
  });
  lua.lua_settop(state, 4);
  by(state);
  lua.lua_replace(state, 3);
  const becomes: LuaProxy[] = [];
  for (const captures of matches) {
    if (isFunction) {
      by(state);
      for (const capture of captures) capture(state);
      yield { args: captures.length, results: 1 };
    } else {
      captures[0]!(state);
      yield* operators.get(state, 3);
    }
    becomes.push(lua.lua_toproxy(state, -1));
    const isFit = lua.lua_isstring(state, -1) || !lua.lua_toboolean(state, -1);
    lua.lua_pop(state, 1);
    if (!isFit) break;
  }
  let at = 0;
  return runWith(state, original, (thread) => {
    becomes[at++]!(thread);
    return 1;
  });
}

/** With a function of ours in the place of the program's. */
function runWith(state: LuaState, original: Action, by: Action): number {
  lua.lua_pushcfunction(state, by);
  lua.lua_replace(state, 3);
  return original(state);
}
