import type { SocketModule } from '../api/index.ts';
import { installBitOperators } from './bit-operators.ts';
import { installBit32 } from './bit32.ts';
import { type LuaExecute, type LuaFiles, type LuaInput, type LuaPopen, noFiles, noInput } from './files.ts';
import { pushFunction } from './functions.ts';
import { installHandlers } from './handlers.ts';
import { type LuaState, lauxlib, lua, lualib, to_luastring } from './interpreter.ts';
import { installIo } from './io.ts';
import { installIteration } from './iteration.ts';
import { installLoading, withoutShebang } from './loading.ts';
import { installMath } from './math.ts';
import { installNumbers } from './numbers.ts';
import { withDoubles } from './numerals.ts';
import { textOf } from './octets.ts';
import { Operators } from './operators.ts';
import { installOs } from './os.ts';
import { installSocket } from './socket.ts';
import { installSorting } from './sorting.ts';
import { installSubstitution } from './substitution.ts';
import { installTables } from './tables.ts';
import { describe, installTexts } from './texts.ts';
import { installTimes } from './times.ts';
import { push } from './values.ts';
import { installWaiting, Pending } from './waiting.ts';

/** Runs Lua programs whose global `socket` is the documented module over a stack of ours. Programs look blocking. */

export interface LuaSettings {
  /** For messages: 'client.lua'. */
  readonly name?: string;
  /** What `...` is in the main chunk, and the global `arg` from 1 on; the name is at 0. */
  readonly args?: readonly string[];
  /** Takes what `print` and `io.write` give. */
  output(octets: Uint8Array): void;
  /** Takes what `io.stderr:write` gives. Default: `output`. */
  error?(octets: Uint8Array): void;
  /** Standard input. Default: there is none, and to read it is an error. */
  readonly input?: LuaInput;
  /** What `io.open` and its like open. Default: there are none. */
  readonly files?: LuaFiles;
  /** What `os.execute` does. Default: there is no shell. */
  readonly execute?: LuaExecute;
  /** What `io.popen` does. Default: it is not supported. */
  readonly popen?: LuaPopen;
}

/** A program has failed. The message is Lua's, with its traceback. */
export class LuaError extends Error {
  override readonly name = 'LuaError';
}

/**
 * Runs a program to its end; sockets, files and pipes that it has left open are closed then, and commands at their other ends have
 * ended.
 * @param source of Lua 5.2 or 5.3, as octets; its numbers are those of 5.2
 * @returns what it has given to `os.exit`, or 0
 * @throws LuaError it does not compile, or an error that it does not catch
 */
export async function runLua(source: Uint8Array, socket: SocketModule, settings: LuaSettings): Promise<number> {
  const state = lauxlib.luaL_newstate();
  lualib.luaL_openlibs(state);
  const thread = lua.lua_newthread(state);
  const pending = new Pending(thread);
  const { name = 'program.lua', args = [] } = settings;
  const operators = new Operators(state);
  installHandlers(state);
  installWaiting(state, pending);
  installTables(state, operators);
  installNumbers(state);
  installBitOperators(state);
  installSorting(state, operators);
  installSubstitution(state, operators);
  installTexts(state);
  installIteration(state, operators);
  installTimes(state, operators);
  installBit32(state);
  installMath(state);
  installSocket(state, socket, pending);
  const { output, error = output, input = noInput, files = noFiles, execute = null, popen = null } = settings;
  const closeFiles = installIo(state, pending, { output, error, input, files, popen });
  installOs(state, pending, socket, files, execute);
  installLoading(state, files);
  installCollector(state);
  installArguments(state, name, args);
  const body = withDoubles(withoutShebang(source));
  if (lauxlib.luaL_loadbuffer(thread, body, body.length, to_luastring(`@${name}`)) !== lua.LUA_OK) {
    throw new LuaError(textOf(lua.lua_tostring(thread, -1)!));
  }
  for (const each of args) push(thread, each);
  try {
    if (!(await turn(state, pending, args.length))) {
      const failure = await failureOf(state, pending);
      if (pending.exitCode === null) throw new LuaError(failure);
    }
    return pending.exitCode ?? 0;
  } finally {
    pending.sockets.closeAll();
    await closeFiles();
  }
}

/**
 * Runs the main program from one wait to the next, to its end.
 * @returns false when it has failed
 */
async function turn(state: LuaState, pending: Pending, args: number): Promise<boolean> {
  const { main } = pending;
  let status = lua.lua_resume(main, state, args);
  while (status === lua.LUA_YIELD && pending.exitCode === null) {
    const { promise } = pending;
    if (promise === null) throw new Error('impossible: nobody waits');
    pending.promise = null;
    await promise;
    lua.lua_settop(main, 0);
    status = lua.lua_resume(main, state, 0);
  }
  return pending.exitCode !== null || status === lua.LUA_OK;
}

/** What a program says of its error, which may be any value, and where that was. */
async function failureOf(state: LuaState, pending: Pending): Promise<string> {
  const failed = pending.main;
  pending.main = lua.lua_newthread(state);
  pushFunction(pending.main, describe);
  lua.lua_xmove(failed, pending.main, 1); // its stack may have no more room
  await turn(state, pending, 1);
  const message = lua.lua_tostring(pending.main, -1) ?? to_luastring('error in error handling');
  lauxlib.luaL_traceback(state, failed, message, 0);
  return textOf(lua.lua_tostring(state, -1) ?? message);
}

function installArguments(state: LuaState, name: string, args: readonly string[]): void {
  lua.lua_newtable(state);
  for (const [index, each] of [name, ...args].entries()) {
    push(state, each);
    lua.lua_rawseti(state, -2, index);
  }
  lua.lua_setglobal(state, to_luastring('arg'));
}

/** The memory is not the program's alone. */
function installCollector(state: LuaState): void {
  lua.lua_pushcfunction(state, (thread) => {
    lua.lua_pushinteger(thread, 0);
    return 1;
  });
  lua.lua_setglobal(state, to_luastring('collectgarbage'));
}
