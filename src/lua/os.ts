import type { SocketModule } from '../api/index.ts';
import { attempt, attemptLater, giveEnd } from './file-results.ts';
import type { LuaExecute, LuaFiles } from './files.ts';
import { setFunction } from './functions.ts';
import { type LuaState, lua, to_luastring } from './interpreter.ts';
import { push, textAt } from './values.ts';
import { exit, type Pending } from './waiting.ts';

/** What of `os` reaches beyond the program: its end, files and commands. */
export function installOs(
  state: LuaState,
  pending: Pending,
  module: SocketModule,
  files: LuaFiles,
  execute: LuaExecute | null,
): void {
  /** Does something to files that has no result but that it worked. */
  const done = (thread: LuaState, name: string, action: () => void): number =>
    attempt(thread, name, () => {
      action();
      push(thread, true);
      return 1;
    });
  lua.lua_getglobal(state, to_luastring('os'));
  setFunction(state, 'exit', (thread) => {
    const isFine = lua.lua_isnoneornil(thread, 1) || lua.lua_toboolean(thread, 1);
    const isNumber = lua.lua_type(thread, 1) === lua.LUA_TNUMBER;
    return exit(thread, pending, isNumber ? lua.lua_tonumber(thread, 1) : isFine ? 0 : 1);
  });
  setFunction(state, 'remove', (thread) => {
    const name = textAt(thread, 1);
    return done(thread, name, () => {
      if (!unlink(module, name)) files.remove(name);
    });
  });
  setFunction(state, 'rename', (thread) => {
    const [from, to] = [textAt(thread, 1), textAt(thread, 2)];
    return done(thread, from, () => files.rename(from, to));
  });
  setFunction(state, 'tmpname', (thread) => {
    push(thread, temporaryName(files));
    return 1;
  });
  setFunction(state, 'execute', (thread) => {
    if (lua.lua_isnoneornil(thread, 1)) {
      push(thread, execute !== null);
      return 1;
    }
    const command = textAt(thread, 1);
    return attempt(thread, null, () => {
      if (execute === null) throw new Error('this program has been given no shell');
      return attemptLater(thread, pending, execute(command), giveEnd);
    });
  });
  lua.lua_pop(state, 1);
}

/** It has no result that could say why there is none. */
function temporaryName(files: LuaFiles): string {
  try {
    return files.temporaryName();
  } catch (error) {
    throw error instanceof Error ? new TypeError(error.message) : error;
  }
}

/** Removes a path of the host's AF_UNIX, as unlink(2) does it in a file system. @returns false: there is none */
function unlink(module: SocketModule, path: string): boolean {
  const [probe] = module.socket(module.AF_UNIX, module.SOCK_DGRAM); // the way to the stack is by a socket
  if (probe === null) return false;
  const { unix } = probe.runner.stack;
  void probe.close();
  if (!unix.paths.includes(path)) return false;
  unix.unlink(path);
  return true;
}
