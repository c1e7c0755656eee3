import { replace, type Steps } from './calls.ts';
import { isOfFiles, whyOf } from './file-results.ts';
import type { LuaFiles } from './files.ts';
import { type Action, pushFunction, runPrelude } from './functions.ts';
import { type LuaProxy, type LuaState, lauxlib, lua, to_luastring } from './interpreter.ts';
import { Unread } from './unread.ts';
import { push, pushOctets, textAt } from './values.ts';

/**
 * `load` from a function, and `loadfile`, `dofile`, `require` and `package.searchpath`, over the files that the program has been
 * given. These are in Lua, so that what they run may wait.
 */
const prelude = `
local loadfile, stdin, open, load = ..., io.stdin, io.open, load
function _G.loadfile(name, ...)
  if name == nil then return load(stdin:read("*a"), "=stdin", ...) end
  local text, why = loadfile(name)
  if not text then return nil, why end
  return load(text, "@" .. name, ...)
end
function dofile(name)
  local chunk, why = _G.loadfile(name)
  if not chunk then error(why, 0) end
  return chunk()
end
function package.searchpath(name, path, separator, by)
  separator = separator or "."
  if separator ~= "" then name = name:gsub("%" .. separator, by or "/") end
  local tried = ""
  for template in path:gmatch("[^;]+") do
    local place = template:gsub("?", (name:gsub("%%", "%%%%")))
    local file = open(place)
    if file then
      file:close()
      return place
    end
    tried = tried .. "\\n\\tno file '" .. place .. "'"
  end
  return nil, tried
end
local package, searchpath = package, package.searchpath
package.loadlib = nil
package.searchers = {
  function(name)
    local loader = package.preload[name]
    if loader == nil then return "\\n\\tno field package.preload['" .. name .. "']" end
    return loader
  end,
  function(name)
    local place, tried = searchpath(name, package.path)
    if not place then return tried end
    local loader, why = _G.loadfile(place)
    if loader then return loader, place end
    error("error loading module '" .. name .. "' from file '" .. place .. "':\\n\\t" .. why, 0)
  end,
}
function require(name)
  local loaded, tried = package.loaded, ""
  if loaded[name] then return loaded[name] end
  for _, search in ipairs(package.searchers) do
    local loader, place = search(name)
    if type(loader) == "function" then
      local value = loader(name, place)
      if value ~= nil then loaded[name] = value elseif loaded[name] == nil then loaded[name] = true end
      return loaded[name]
    end
    if type(loader) == "string" then tried = tried .. loader end
  end
  error("module '" .. name .. "' not found:" .. tried, 2)
end
`;

/** Needs `io` to be there, and `pcall` as programs see it. */
export function installLoading(state: LuaState, files: LuaFiles): void {
  lua.lua_getglobal(state, to_luastring('_G'));
  lua.lua_getfield(state, -1, to_luastring('pcall'));
  const pcall = lua.lua_toproxy(state, -1);
  lua.lua_pop(state, 1);
  replace(
    state,
    'load',
    (thread) => lua.lua_type(thread, 1) === lua.LUA_TFUNCTION,
    (thread, load) => loadFrom(thread, pcall, load),
  );
  lua.lua_pop(state, 1);
  runPrelude(state, 'loading', prelude, () => {
    pushFunction(state, (thread) => {
      const name = textAt(thread, 1);
      try {
        pushOctets(thread, withoutShebang(wholeFile(files, name)));
        return 1;
      } catch (error) {
        if (!isOfFiles(error)) throw error;
        lua.lua_pushnil(thread);
        push(thread, `cannot open ${name}: ${whyOf(error)}`);
        return 2;
      }
    });
    return 1;
  });
}

/** All pieces first. What goes wrong with them is a result of `load`. */
function* loadFrom(state: LuaState, pcall: LuaProxy, load: Action): Steps {
  const pieces = new Unread();
  const count = Math.max(2, lua.lua_gettop(state));
  for (;;) {
    lua.lua_settop(state, count);
    pcall(state);
    lua.lua_pushvalue(state, 1);
    yield { args: 1, results: 2 };
    const isFine = lua.lua_toboolean(state, -2);
    if (isFine && !lua.lua_isstring(state, -1)) {
      if (lua.lua_type(state, -1) === lua.LUA_TNIL) break;
      lauxlib.luaL_where(state, 1);
      push(state, 'reader function must return a string');
      lua.lua_concat(state, 2);
    } else if (isFine) {
      const piece = lua.lua_tostring(state, -1)!;
      if (piece.length === 0) break;
      pieces.push(piece);
      continue;
    }
    lua.lua_pushnil(state);
    lua.lua_insert(state, -2);
    return 2;
  }
  lua.lua_settop(state, count);
  push(state, pieces.take('a', true));
  lua.lua_replace(state, 1);
  if (lua.lua_isnoneornil(state, 2)) {
    push(state, '=(load)');
    lua.lua_replace(state, 2);
  }
  return load(state);
}

function wholeFile(files: LuaFiles, name: string): Uint8Array {
  const file = files.open(name, 'r');
  try {
    return file.read(0, file.size());
  } finally {
    file.close();
  }
}

/** '#!/usr/bin/lua' is no Lua; the line stays, so that numbers of lines stay right. */
export function withoutShebang(source: Uint8Array): Uint8Array {
  if (source[0] !== 0x23) return source;
  const end = source.indexOf(0x0a);
  return end < 0 ? new Uint8Array(0) : source.subarray(end);
}
