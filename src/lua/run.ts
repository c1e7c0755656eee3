import type { SocketModule } from '../api/index.ts';
import { installBitOperators } from './bit-operators.ts';
import { installBit32 } from './bit32.ts';
import { installCallbacks } from './callbacks.ts';
import { type LuaExecute, type LuaFiles, type LuaInput, noFiles, noInput } from './files.ts';
import { type LuaState, lauxlib, lua, lualib, to_luastring } from './interpreter.ts';
import { installIo } from './io.ts';
import { installLoading, withoutShebang } from './loading.ts';
import { installMath } from './math.ts';
import { installNumbers } from './numbers.ts';
import { withDoubles } from './numerals.ts';
import { octetsOf, textOf } from './octets.ts';
import { installOs } from './os.ts';
import { installSocket } from './socket.ts';
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
}

/** A program has failed. The message is Lua's, with its traceback. */
export class LuaError extends Error {
  override readonly name = 'LuaError';
}

/**
 * Runs a program to its end; sockets and files that it has left open are closed then.
 * @param source of Lua 5.2 or 5.3, as octets; its numbers are those of 5.2
 * @returns what it has given to `os.exit`, or 0
 * @throws LuaError it does not compile, or an error that it does not catch
 */
export async function runLua(source: Uint8Array, socket: SocketModule, settings: LuaSettings): Promise<number> {
  const state = lauxlib.luaL_newstate();
  lualib.luaL_openlibs(state);
  const pending = new Pending();
  const { name = 'program.lua', args = [] } = settings;
  const thread = lua.lua_newthread(state);
  installWaiting(state, thread, pending);
  installNumbers(state);
  installBitOperators(state);
  installCallbacks(state);
  installBit32(state);
  installMath(state);
  installSocket(state, socket, pending);
  const { output, error = output, input = noInput, files = noFiles, execute = null } = settings;
  const closeFiles = installIo(state, pending, { output, error, input, files });
  installOs(state, pending, socket, files, execute);
  installLoading(state, files);
  installCollector(state);
  installArguments(state, name, args);
  const body = withDoubles(withoutShebang(source));
  if (lauxlib.luaL_loadbuffer(thread, body, body.length, to_luastring(`@${name}`)) !== lua.LUA_OK) {
    throw new LuaError(messageOf(thread, state));
  }
  try {
    return await turn(state, thread, pending, args);
  } finally {
    pending.sockets.closeAll();
    closeFiles();
  }
}

/** From one wait to the next, to the end. */
async function turn(state: LuaState, thread: LuaState, pending: Pending, args: readonly string[]): Promise<number> {
  for (const each of args) push(thread, each);
  let status = lua.lua_resume(thread, state, args.length);
  while (status === lua.LUA_YIELD && pending.exitCode === null) {
    const { promise } = pending;
    if (promise === null) throw new Error('impossible: nobody waits');
    pending.promise = null;
    await promise;
    lua.lua_settop(thread, 0);
    status = lua.lua_resume(thread, state, 0);
  }
  if (pending.exitCode !== null) return pending.exitCode;
  if (status !== lua.LUA_OK) {
    const message = messageOf(thread, state);
    lauxlib.luaL_traceback(state, thread, octetsOf(message), 0);
    const trace = lua.lua_tostring(state, -1);
    throw new LuaError(trace === null ? message : textOf(trace));
  }
  return 0;
}

/** What stands at the top of a thread that has failed, whose stack may have no more room. */
function messageOf(thread: LuaState, state: LuaState): string {
  lua.lua_xmove(thread, state, 1);
  return textOf(lauxlib.luaL_tolstring(state, -1));
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
