import { wrap } from './functions.ts';
import { type LuaProxy, type LuaState, lua, to_luastring } from './interpreter.ts';

/**
 * `xpcall`, whose handlers may wait. The interpreter calls a handler on top of what has failed, and lets it not yield, since it would
 * go on in there afterwards. But all that is left to do is to throw what the handler gives: a function of ours between both does
 * that when the handler has waited. Only from then on debug.traceback shows it.
 */
export function installHandlers(state: LuaState): void {
  lua.lua_getglobal(state, to_luastring('_G'));
  wrap(state, 'xpcall', (thread, xpcall) => {
    if (lua.lua_type(thread, 2) === lua.LUA_TFUNCTION) {
      pushHandler(thread, lua.lua_toproxy(thread, 2));
      lua.lua_replace(thread, 2);
    }
    return xpcall(thread);
  });
  lua.lua_pop(state, 1);
}

/** Pushes what stands in for the handler of one `xpcall`. */
function pushHandler(state: LuaState, handler: LuaProxy): void {
  let hasWaited = false;
  lua.lua_pushcfunction(state, (thread) => {
    if (hasWaited) return 1; // thrown below, and handled already
    handler(thread);
    lua.lua_insert(thread, 1);
    callHandler(thread, () => {
      hasWaited = true;
      lua.lua_settop(thread, 1);
      return lua.lua_error(thread);
    });
    lua.lua_settop(thread, 1);
    return 1;
  });
}

/**
 * Calls a handler, with the error above it. Calls and returns are the interpreter's; but the handler sees next to it, as it should,
 * what has failed, and not us, and may yield if that may.
 * @param after goes on in our place, with the results, if the handler has waited
 */
function callHandler(state: LuaState, after: () => number): void {
  const own = state.ci;
  const failed = own.previous;
  own.c_k = after;
  state.ci = failed;
  state.nny -= 2; // the interpreter counts us, and counts the handler
  try {
    lua.lua_call(state, 1, lua.LUA_MULTRET);
    state.ci = own;
  } finally {
    // It may have left by a yield or an error: then it is to us that it returns.
    if (failed.next !== null) failed.next.previous = own;
    state.nny += 2;
  }
}
