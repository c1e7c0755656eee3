/** fengari as we want it. Nothing else of ours imports it. */
import { restoreEnvironment } from './configuration.ts';

export { type LuaProxy, type LuaState, lauxlib, lua, luaconf, lualib, to_jsstring, to_luastring } from 'fengari';

restoreEnvironment();
