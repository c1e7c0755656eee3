import { texts } from '../api/index.ts';
import type { LuaEnded } from './files.ts';
import { type LuaState, lua } from './interpreter.ts';
import { push } from './values.ts';
import { type Pending, waitFor } from './waiting.ts';

/** How Lua tells what has become of files and commands. What has gone wrong is told as nil, a text, and a number. */

/** @param name of the file, if it is one that the program has named */
export function attempt(state: LuaState, name: string | null, action: () => number): number {
  try {
    return action();
  } catch (error) {
    if (!isOfFiles(error)) throw error;
    return giveFailure(state, error, name);
  }
}

/** As `attempt`, for what may be done later only: the program waits for that. */
export function attemptLater<T>(
  state: LuaState,
  pending: Pending,
  value: T | Promise<T>,
  give: (state: LuaState, value: T) => number,
): number {
  if (!(value instanceof Promise)) return give(state, value);
  const settled = value.then(
    (result) => (thread: LuaState) => give(thread, result),
    (error: unknown) => {
      if (!isOfFiles(error)) throw error;
      return (thread: LuaState) => giveFailure(thread, error);
    },
  );
  return waitFor(
    state,
    pending,
    () => settled,
    (thread, tell) => tell(thread),
  );
}

function giveFailure(state: LuaState, error: FileError, name: string | null = null): number {
  lua.lua_pushnil(state);
  push(state, name === null ? whyOf(error) : `${name}: ${whyOf(error)}`);
  push(state, Math.abs(error.errno ?? 1));
  return 3;
}

/** How a command has ended. */
export function giveEnd(state: LuaState, { how, code }: LuaEnded): number {
  for (const value of [how === 'exit' && code === 0 ? true : null, how, code]) push(state, value);
  return 3;
}

type FileError = Error & { readonly code?: unknown; readonly errno?: number };

/** What somebody who was handed in has thrown; neither an error of the program nor a wrong argument. */
export const isOfFiles = (error: unknown): error is FileError =>
  error instanceof Error && !(error instanceof TypeError) && !(error instanceof RangeError);

/** As strerror(3): Node's own texts ("ENOENT: no such file or directory, open 'x'") are others. */
export function whyOf({ code, message }: Error & { readonly code?: unknown }): string {
  const known: Readonly<Record<string, string>> = { ...texts, ...more };
  return (typeof code === 'string' ? known[code] : undefined) ?? message;
}

const more = {
  EEXIST: 'File exists',
  EISDIR: 'Is a directory',
  ELOOP: 'Too many levels of symbolic links',
  ENOSPC: 'No space left on device',
  ENOTDIR: 'Not a directory',
  ENOTEMPTY: 'Directory not empty',
  EPIPE: 'Broken pipe',
  EROFS: 'Read-only file system',
  ETXTBSY: 'Text file busy',
  EXDEV: 'Invalid cross-device link',
};
