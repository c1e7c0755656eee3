import { texts } from '../api/index.ts';
import { type LuaState, lua } from './interpreter.ts';
import { push } from './values.ts';

/** How Lua tells what has gone wrong with a file: nil, a text, and a number. */

/** @param name of the file, if it is one that the program has named */
export function attempt(state: LuaState, name: string | null, action: () => number): number {
  try {
    return action();
  } catch (error) {
    if (!isOfFiles(error)) throw error;
    lua.lua_pushnil(state);
    push(state, name === null ? whyOf(error) : `${name}: ${whyOf(error)}`);
    push(state, Math.abs(error.errno ?? 1));
    return 3;
  }
}

/** What somebody who was handed in has thrown; neither an error of the program nor a wrong argument. */
export const isOfFiles = (error: unknown): error is Error & { readonly code?: unknown; readonly errno?: number } =>
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
  EROFS: 'Read-only file system',
  ETXTBSY: 'Text file busy',
  EXDEV: 'Invalid cross-device link',
};
