/** Lua programs over a stack of ours: the documented module, in the language that it was written for. */
export type { LuaEnded, LuaExecute, LuaFile, LuaFileMode, LuaFiles, LuaInput, LuaPipe, LuaPopen } from './files.ts';
export { LuaError, type LuaSettings, runLua } from './run.ts';
