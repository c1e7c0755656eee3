import { type LuaState, lauxlib, lua } from './interpreter.ts';
import { latin1Of, octetsOfLatin1 } from './octets.ts';
import { pushOctets } from './values.ts';

/**
 * Of `string.format`: fractions are cut off for %d and its like, and whole numbers that are no integers of the interpreter become
 * texts, as these would make them.
 */
export function fitIntegers(state: LuaState): void {
  const top = lua.lua_gettop(state);
  const isOther = (index: number): boolean => {
    const type = lua.lua_type(state, index);
    if (type !== lua.LUA_TNUMBER && type !== lua.LUA_TSTRING) return false;
    const value = lua.lua_tonumber(state, index);
    return Number.isFinite(value) && (value | 0) !== value;
  };
  if (!Array.from({ length: top }, (_, at) => at + 1).some((index) => index > 1 && isOther(index))) return;
  let index = 1;
  const pattern = latin1Of(lauxlib.luaL_checkstring(state, 1)).replace(directive, (found, flags, width, kind) => {
    if (found === '%%') return found;
    index++;
    if (index > top || !'diouxX'.includes(kind) || !isOther(index)) return found;
    const value = Math.trunc(lua.lua_tonumber(state, index));
    const isSmall = (value | 0) === value;
    if (isSmall) lua.lua_pushnumber(state, value);
    else pushOctets(state, octetsOfLatin1(written(value, flags, Number(width), kind)));
    lua.lua_replace(state, index);
    return isSmall ? found : '%s';
  });
  pushOctets(state, octetsOfLatin1(pattern));
  lua.lua_replace(state, 1);
}

/** The precision says nothing of numbers that have so many digits. */
const directive = /%%|%([-+ #0]*)(\d*)(?:\.\d*)?([a-zA-Z])/g;

/** Of `string.format`: the places of the arguments that '%s' writes. */
export function textArguments(state: LuaState): number[] {
  const directives = latin1Of(lauxlib.luaL_checkstring(state, 1)).matchAll(directive);
  const kinds = [...directives].filter(([found]) => found !== '%%').map(([, , , kind]) => kind);
  return kinds.flatMap((kind, at) => (kind === 's' ? [at + 2] : []));
}

function written(value: number, flags: string, width: number, kind: string): string {
  const digits = BigInt(Math.abs(value)).toString({ o: 8, x: 16, X: 16 }[kind] ?? 10);
  const isDecimal = kind === 'd' || kind === 'i';
  const plus = !isDecimal ? '' : flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : '';
  const mark = flags.includes('#') ? ({ o: '0', x: '0x', X: '0x' }[kind] ?? '') : '';
  const sign = value < 0 ? '-' : plus + mark;
  const zeros = flags.includes('0') && !flags.includes('-') ? width - sign.length : 0;
  const text = sign + digits.padStart(zeros, '0');
  const padded = flags.includes('-') ? text.padEnd(width) : text.padStart(width);
  return kind === 'X' ? padded.toUpperCase() : padded;
}
