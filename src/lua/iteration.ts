import { follow, replace, type Steps } from './calls.ts';
import { pushFunction, wrap } from './functions.ts';
import { type LuaState, lauxlib, lua, to_luastring } from './interpreter.ts';
import { hasMetamethod, type Operators } from './operators.ts';

/** `pairs` and `ipairs` with metamethods of the program's: `__pairs`, `__ipairs` (of Lua 5.2), and `__index` (of Lua 5.3). */
export function installIteration(state: LuaState, operators: Operators): void {
  lua.lua_getglobal(state, to_luastring('_G'));
  wrap(state, 'ipairs', (thread, original) => {
    const count = original(thread);
    if (hasMetamethod(thread, 1, '__index')) {
      pushFunction(thread, (iterating) => follow(iterating, next(iterating, operators)));
      lua.lua_replace(thread, -1 - count);
    }
    return count;
  });
  for (const [name, metamethod] of Object.entries({ pairs: '__pairs', ipairs: '__ipairs' })) {
    replace(
      state,
      name,
      (thread) => hasMetamethod(thread, 1, metamethod),
      (thread) => iterateBy(thread, metamethod),
    );
  }
  lua.lua_pop(state, 1);
}

/** What `for` calls for the next value of a list. */
function* next(state: LuaState, operators: Operators): Steps {
  const place = lauxlib.luaL_checkinteger(state, 2) + 1;
  lua.lua_pushinteger(state, place);
  yield* operators.getAt(state, 1, place);
  return lua.lua_type(state, -1) === lua.LUA_TNIL ? 1 : 2;
}

function* iterateBy(state: LuaState, metamethod: string): Steps {
  lauxlib.luaL_getmetafield(state, 1, to_luastring(metamethod));
  lua.lua_pushvalue(state, 1);
  yield { args: 1, results: 3 };
  return 3;
}
