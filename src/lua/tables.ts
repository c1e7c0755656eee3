import { type Part, replace, type Steps } from './calls.ts';
import { type Action, raise } from './functions.ts';
import { type LuaState, lauxlib, lua, to_luastring } from './interpreter.ts';
import { hasAnyOf, isLikeTable, type Operators } from './operators.ts';

/**
 * The library `table` with metamethods of the program's, as Lua 5.3 calls them; `sort` is in sorting.ts. Places are whole numbers here:
 * numbers.ts comes around it.
 */
export function installTables(state: LuaState, operators: Operators): void {
  lua.lua_getglobal(state, to_luastring('table'));
  for (const [name, { metamethods, steps }] of Object.entries(functions)) {
    replace(
      state,
      name,
      (thread) => isLikeTable(thread, 1, metamethods) && hasAnyOf(thread, 1, metamethods),
      (thread, original) => steps(thread, operators, original),
    );
  }
  replace(state, 'move', isMovable, (thread) => move(thread, operators));
  lua.lua_pop(state, 1);
}

interface OfLists {
  readonly metamethods: readonly string[];
  steps(state: LuaState, operators: Operators, original: Action): Steps;
}

const functions: Readonly<Record<string, OfLists>> = {
  concat: { metamethods: ['__index', '__len'], steps: concat },
  unpack: { metamethods: ['__index', '__len'], steps: unpack },
  insert: { metamethods: ['__index', '__newindex', '__len'], steps: insert },
  remove: { metamethods: ['__index', '__newindex', '__len'], steps: remove },
};

function* concat(state: LuaState, operators: Operators, original: Action): Steps {
  const length = yield* operators.length(state, 1);
  const [first, last] = [lauxlib.luaL_optinteger(state, 3, 1), lauxlib.luaL_optinteger(state, 4, length)];
  yield* takeCopy(state, operators, first, last, lua.lua_isstring);
  lua.lua_settop(state, 2);
  for (const place of [first, last]) lua.lua_pushinteger(state, place);
  return original(state);
}

function* unpack(state: LuaState, operators: Operators, original: Action): Steps {
  const first = lauxlib.luaL_optinteger(state, 2, 1);
  const isGiven = !lua.lua_isnoneornil(state, 3);
  const last = isGiven ? lauxlib.luaL_checkinteger(state, 3) : yield* operators.length(state, 1);
  const isTooMany = last - first >= mostResults;
  yield* takeCopy(state, operators, first, isTooMany ? first - 1 : last, () => true);
  lua.lua_settop(state, 1);
  for (const place of [first, last]) lua.lua_pushinteger(state, place);
  return original(state);
}

/** More than this the stack does not hold. */
const mostResults = 1_000_000;

/** Puts what the list at 1 has from `first` to `last` in its place, up to the first value that does not fit. */
function* takeCopy(
  state: LuaState,
  operators: Operators,
  first: number,
  last: number,
  isFit: (state: LuaState, index: number) => boolean,
): Part {
  lua.lua_newtable(state);
  for (let place = first, goesOn = true; goesOn && place <= last; place++) {
    yield* operators.getAt(state, 1, place);
    goesOn = isFit(state, -1);
    lua.lua_rawseti(state, -2, place);
  }
  lua.lua_replace(state, 1);
}

function* insert(state: LuaState, operators: Operators): Steps {
  const end = (yield* operators.length(state, 1)) + 1;
  const count = lua.lua_gettop(state);
  if (count !== 2 && count !== 3) return raise(state, "wrong number of arguments to 'insert'");
  const place = count === 2 ? end : lauxlib.luaL_checkinteger(state, 2);
  if (!(place >= 1 && place <= end)) return lauxlib.luaL_argerror(state, 2, outOfBounds);
  for (let at = end; at > place; at--) yield* moveOne(state, operators, at - 1, 1, at);
  lua.lua_settop(state, count);
  yield* operators.setAt(state, 1, place);
  return 0;
}

function* remove(state: LuaState, operators: Operators): Steps {
  const length = yield* operators.length(state, 1);
  const place = lauxlib.luaL_optinteger(state, 2, length);
  const isPlace = place === length || (place >= 1 && place <= length + 1);
  if (!isPlace) return lauxlib.luaL_argerror(state, 1, outOfBounds);
  yield* operators.getAt(state, 1, place);
  for (let at = place; at < length; at++) yield* moveOne(state, operators, at + 1, 1, at);
  lua.lua_pushnil(state);
  yield* operators.setAt(state, 1, Math.max(place, length));
  return 1;
}

function isMovable(state: LuaState): boolean {
  const to = destination(state);
  if (!isLikeTable(state, 1, ['__index']) || !isLikeTable(state, to, ['__newindex'])) return false;
  return hasAnyOf(state, 1, ['__index', '__eq']) || hasAnyOf(state, to, ['__newindex', '__eq']);
}

const destination = (state: LuaState): number => (lua.lua_isnoneornil(state, 5) ? 1 : 5);

/** From its end on where the places overlap. */
function* move(state: LuaState, operators: Operators): Steps {
  const [first, last, place] = [2, 3, 4].map((index) => lauxlib.luaL_checkinteger(state, index)) as Places;
  const to = destination(state);
  lua.lua_settop(state, 5);
  let isBackward = place > first && place <= last;
  if (isBackward && to !== 1) {
    for (const index of [1, to]) lua.lua_pushvalue(state, index);
    isBackward = yield* operators.isSame(state);
  }
  for (let count = last - first, at = 0; at <= count; at++) {
    const by = isBackward ? count - at : at;
    yield* moveOne(state, operators, first + by, to, place + by);
  }
  lua.lua_pushvalue(state, to);
  return 1;
}

type Places = [first: number, last: number, place: number];

function* moveOne(state: LuaState, operators: Operators, from: number, to: number, place: number): Part {
  yield* operators.getAt(state, 1, from);
  yield* operators.setAt(state, to, place);
}

const outOfBounds = to_luastring('position out of bounds');
