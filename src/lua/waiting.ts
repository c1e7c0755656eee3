import { raise, runPrelude, wrap } from './functions.ts';
import { type LuaState, lua, to_luastring } from './interpreter.ts';
import { Sockets } from './sockets.ts';

/**
 * How a Lua program waits without blocking anybody: a call that has to wait yields its coroutine with a mark, through all
 * coroutines of the program's own, up to the loop of run.ts; that waits for the promise and resumes.
 */

/** What a program waits for, and what it has to leave behind. */
export class Pending {
  /** The main program, which is a coroutine to us. */
  main: LuaState;
  promise: Promise<unknown> | null = null;
  readonly sockets: Sockets = new Sockets();
  /** What os.exit has said; null as long as it has not. */
  exitCode: number | null = null;

  constructor(main: LuaState) {
    this.main = main;
  }
}

/** The first value of a yield that is ours. No program can have this table by accident. */
const mark = to_luastring('tundra.mark');

/**
 * Coroutines of the program pass our yields on to whoever resumed them, and what catches errors does not stop a program on its
 * way out; otherwise all are as they were. In Lua, because a function of Lua's own may yield in the middle.
 */
const prelude = `
local mark, leave = ...
local create, resume, yield, isyieldable = coroutine.create, coroutine.resume, coroutine.yield, coroutine.isyieldable
local function pump(thread, isFine, first, ...)
  if not isFine or first == mark then leave() end
  if isFine and first == mark then
    if not isyieldable() then error("attempt to wait inside of a hook", 0) end
    yield(mark)
    return pump(thread, resume(thread))
  end
  return isFine, first, ...
end
function coroutine.resume(thread, ...)
  return pump(thread, resume(thread, ...))
end
local function give(isFine, first, ...)
  if not isFine then error(first, 0) end
  return first, ...
end
function coroutine.wrap(body)
  local thread = create(body)
  return function(...) return give(coroutine.resume(thread, ...)) end
end
local function caught(isFine, ...)
  if not isFine then leave() end
  return isFine, ...
end
local pcall, xpcall = pcall, xpcall
function _G.pcall(...) return caught(pcall(...)) end
function _G.xpcall(...) return caught(xpcall(...)) end
`;

/** Prepares a state. Its stack is as before. Needs `xpcall` to be as it shall be. */
export function installWaiting(state: LuaState, pending: Pending): void {
  lua.lua_newtable(state);
  lua.lua_setfield(state, lua.LUA_REGISTRYINDEX, mark);
  runPrelude(state, 'waiting', prelude, () => {
    lua.lua_getfield(state, lua.LUA_REGISTRYINDEX, mark);
    lua.lua_pushcfunction(state, (thread) => (pending.exitCode === null ? 0 : leave(thread)));
    return 2;
  });
  hideMain(state, pending); // from the program, not from what stands above
}

/** The main program is a coroutine, which yields to us. To itself it is none. */
function hideMain(state: LuaState, pending: Pending): void {
  lua.lua_getglobal(state, to_luastring('coroutine'));
  wrap(state, 'running', (thread, running) => {
    running(thread);
    lua.lua_pop(thread, 1);
    lua.lua_pushboolean(thread, thread === pending.main);
    return 2;
  });
  wrap(state, 'isyieldable', (thread, isYieldable) => {
    if (thread !== pending.main) return isYieldable(thread);
    lua.lua_pushboolean(thread, false);
    return 1;
  });
  wrap(state, 'yield', (thread, yieldAll) =>
    thread === pending.main ? raise(thread, 'attempt to yield from outside a coroutine') : yieldAll(thread),
  );
  lua.lua_pop(state, 1);
}

/**
 * Ends a function that Lua has called: it goes on when the promise that `start` gives is settled.
 * @param give pushes the results and says how many
 * @returns never, to be exact: it leaves by the yield
 */
export function waitFor<T>(
  state: LuaState,
  pending: Pending,
  start: () => Promise<T>,
  give: (state: LuaState, value: T) => number,
): number {
  // Nothing is begun that could not be waited for: inside of a function that debug.sethook has set.
  if (!lua.lua_isyieldable(state)) return raise(state, 'attempt to wait inside of a hook');
  let settle: (state: LuaState) => number = (thread) => raise(thread, 'a coroutine was resumed too early');
  pending.promise = start().then(
    (value) => {
      settle = (thread) => give(thread, value);
    },
    (error: unknown) => {
      settle = (thread) => raise(thread, error instanceof Error ? error.message : String(error));
    },
  );
  return yieldMark(state, (thread) => settle(thread));
}

/** Ends the program, whatever is around the call. The loop of run.ts does not resume it any more. */
export function exit(state: LuaState, pending: Pending, code: number): number {
  pending.exitCode ??= code;
  return leave(state);
}

/**
 * Leaves the program for ever: by a yield, which nothing in it stops. Inside of a hook there is no yield, but an error; what
 * catches it leaves in its turn. (A hook, as lua(1) sets one, would not do: fengari calls none after the first error caught.)
 */
const leave = (state: LuaState): number =>
  lua.lua_isyieldable(state) ? yieldMark(state, () => 0) : raise(state, 'os.exit');

function yieldMark(state: LuaState, after: (state: LuaState) => number): number {
  lua.lua_settop(state, 0);
  lua.lua_getfield(state, lua.LUA_REGISTRYINDEX, mark);
  return lua.lua_yieldk(state, 1, 0, after);
}
