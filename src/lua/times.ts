import { replace, type Steps } from './calls.ts';
import type { Action } from './functions.ts';
import { type LuaState, lua, to_luastring } from './interpreter.ts';
import { hasAnyOf, type Operators } from './operators.ts';
import { push } from './values.ts';

/** `os.time` of a table with metamethods of the program's. It comes around what numbers.ts makes of the result. */
export function installTimes(state: LuaState, operators: Operators): void {
  lua.lua_getglobal(state, to_luastring('os'));
  replace(state, 'time', callsProgram, (thread, original) => time(thread, operators, original));
  lua.lua_pop(state, 1);
}

const callsProgram = (state: LuaState): boolean =>
  lua.lua_type(state, 1) === lua.LUA_TTABLE && hasAnyOf(state, 1, ['__index', '__newindex']);

/** The fields are read first; the interpreter sees a copy; what it has made of that is written last. */
function* time(state: LuaState, operators: Operators, original: Action): Steps {
  const table = lua.lua_toproxy(state, 1);
  lua.lua_settop(state, 1);
  lua.lua_newtable(state);
  for (const name of fields) {
    push(state, name);
    yield* operators.get(state, 1);
    lua.lua_setfield(state, 2, to_luastring(name));
  }
  lua.lua_replace(state, 1);
  original(state);
  table(state);
  for (const name of [...fields, 'wday', 'yday']) {
    push(state, name);
    lua.lua_getfield(state, 1, to_luastring(name));
    yield* operators.set(state, 3);
  }
  lua.lua_settop(state, 2);
  return 1;
}

const fields = ['year', 'month', 'day', 'hour', 'min', 'sec'];
