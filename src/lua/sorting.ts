import { type Part, replace, type Steps } from './calls.ts';
import { type LuaProxy, type LuaState, lauxlib, lua, to_luastring } from './interpreter.ts';
import { hasAnyOf, hasMetamethod, isLikeTable, type Operators } from './operators.ts';

/** `table.sort` with a function of the program's, or metamethods. All else is the interpreter's. */
export function installSorting(state: LuaState, operators: Operators): void {
  lua.lua_getglobal(state, to_luastring('table'));
  replace(state, 'sort', callsProgram, (thread) => sort(thread, operators));
  lua.lua_pop(state, 1);
}

function callsProgram(state: LuaState): boolean {
  if (!isLikeTable(state, 1, ofLists)) return false;
  if (lua.lua_type(state, 2) === lua.LUA_TFUNCTION) return true;
  return hasAnyOf(state, 1, ofLists) || hasOrder(state);
}

const ofLists = ['__index', '__newindex', '__len'];

/** Whether values of the table at 1 may say themselves which is less. */
function hasOrder(state: LuaState): boolean {
  for (let place = lua.lua_rawlen(state, 1); place > 0; place--) {
    lua.lua_rawgeti(state, 1, place);
    const isOrdered = hasMetamethod(state, -1, '__lt');
    lua.lua_pop(state, 1);
    if (isOrdered) return true;
  }
  return false;
}

/** By merging runs that are twice as long each time. The list is written at the end only: an error leaves it as it was. */
function* sort(state: LuaState, operators: Operators): Steps {
  const count = yield* operators.length(state, 1);
  if (count > 1 && !lua.lua_isnoneornil(state, 2)) lauxlib.luaL_checktype(state, 2, lua.LUA_TFUNCTION);
  lua.lua_settop(state, 2);
  let from: LuaProxy[] = [];
  for (let place = 1; place <= count; place++) {
    yield* operators.getAt(state, 1, place);
    from.push(lua.lua_toproxy(state, -1));
    lua.lua_pop(state, 1);
  }
  for (let width = 1; width < count; width *= 2) {
    const to: LuaProxy[] = [];
    for (let first = 0; first < count; first += 2 * width) {
      const [middle, end] = [Math.min(first + width, count), Math.min(first + 2 * width, count)];
      let [a, b] = [first, middle];
      while (to.length < end) {
        const isFromB = b < end && (a >= middle || (yield* isBefore(state, from[b]!, from[a]!, operators)));
        to.push(isFromB ? from[b++]! : from[a++]!);
      }
    }
    from = to;
  }
  for (const [at, value] of from.entries()) {
    value(state);
    yield* operators.setAt(state, 1, at + 1);
  }
  return 0;
}

function* isBefore(state: LuaState, a: LuaProxy, b: LuaProxy, operators: Operators): Part<boolean> {
  const isGiven = !lua.lua_isnoneornil(state, 2);
  if (isGiven) lua.lua_pushvalue(state, 2);
  a(state);
  b(state);
  if (!isGiven) return yield* operators.isLess(state);
  yield { args: 2, results: 1 };
  const result = lua.lua_toboolean(state, -1);
  lua.lua_pop(state, 1);
  return result;
}
