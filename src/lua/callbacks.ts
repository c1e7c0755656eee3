import { runPrelude, wrap } from './functions.ts';
import { type LuaProxy, type LuaState, lua } from './interpreter.ts';

/**
 * Functions of the library that call functions of the program: `string.gsub`, `table.sort` and `load`. The interpreter's own do
 * not let them wait. With a function they are these, in Lua; all else is the interpreter's. What is left where a program cannot
 * wait are metamethods that the library calls (`__tostring` above all), and handlers of `xpcall`.
 */
const prelude = `
local install = ...
local gsub, pack, unpack, concat, load, pcall = string.gsub, table.pack, table.unpack, table.concat, load, pcall
local sort, min = table.sort, math.min

-- All matches first, then what they become, then the text: only in the middle is the program called.
install(string, "gsub", 3, function(text, pattern, by, ...)
  local found, index = {}, 0
  gsub(text, pattern, function(...) found[#found + 1] = pack(...) end, ...)
  for at, captures in ipairs(found) do found[at] = by(unpack(captures, 1, captures.n)) or false end
  return gsub(text, pattern, function() index = index + 1 return found[index] end, ...)
end)

-- By merging runs that are twice as long each time. The list itself is written at the end only: an error leaves it as it was.
install(table, "sort", 2, function(list, isBefore)
  if type(list) ~= "table" then sort(list) end -- it knows what is wrong
  local count, width = #list, 1
  local from, to = {}, {}
  for at = 1, count do from[at] = list[at] end
  while width < count do
    for first = 1, count, 2 * width do
      local a, b = first, min(first + width, count + 1)
      local endOfA, endOfB = b, min(first + 2 * width, count + 1)
      for at = first, endOfB - 1 do
        if a < endOfA and (b >= endOfB or not isBefore(from[b], from[a])) then
          to[at], a = from[a], a + 1
        else
          to[at], b = from[b], b + 1
        end
      end
    end
    from, to, width = to, from, 2 * width
  end
  for at = 1, count do list[at] = from[at] end
end)

install(_G, "load", 1, function(reader, name, ...)
  local pieces = {}
  local isFine, why = pcall(function()
    for piece in reader do
      if type(piece) ~= "string" then error("reader function must return a string", 0) end
      if piece == "" then break end
      pieces[#pieces + 1] = piece
    end
  end)
  if not isFine then return nil, why end
  return load(concat(pieces), name or "=(load)", ...)
end)
`;

/** Needs `pcall` and `load` to be as programs see them. */
export function installCallbacks(state: LuaState): void {
  runPrelude(state, 'callbacks', prelude, () => {
    lua.lua_pushcfunction(state, (thread) => {
      const [name, place] = [lua.lua_tostring(thread, 2)!, lua.lua_tonumber(thread, 3)];
      const ours = lua.lua_toproxy(thread, 4);
      lua.lua_settop(thread, 1);
      wrap(thread, String.fromCharCode(...name), (caller, original) =>
        lua.lua_type(caller, place) === lua.LUA_TFUNCTION ? callInstead(caller, ours) : original(caller),
      );
      return 0;
    });
    return 1;
  });
}

/** Calls another function with the same arguments, which may wait. */
function callInstead(state: LuaState, other: LuaProxy): number {
  const count = lua.lua_gettop(state);
  other(state);
  lua.lua_insert(state, 1);
  const results = (thread: LuaState): number => lua.lua_gettop(thread);
  lua.lua_callk(state, count, lua.LUA_MULTRET, 0, results);
  return results(state);
}
