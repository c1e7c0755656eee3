import { setFunction } from './functions.ts';
import { type LuaState, lauxlib, lua, to_luastring } from './interpreter.ts';

/** The functions of `math` that Lua 5.2 has and the interpreter has not. */
export function installMath(state: LuaState): void {
  lua.lua_getglobal(state, to_luastring('math'));
  for (const [name, action] of Object.entries(math)) {
    setFunction(state, name, (thread) => {
      const [x, y] = [lauxlib.luaL_checknumber(thread, 1), action.length > 1 ? lauxlib.luaL_checknumber(thread, 2) : 0];
      const results = action(x, y);
      for (const each of results) lua.lua_pushnumber(thread, each);
      return results.length;
    });
  }
  lua.lua_pop(state, 1);
}

const math: Readonly<Record<string, (x: number, y: number) => readonly number[]>> = {
  pow: (x, y) => [x ** y],
  atan2: (y, x) => [Math.atan2(y, x)],
  log10: (x: number) => [Math.log10(x)],
  cosh: (x: number) => [Math.cosh(x)],
  sinh: (x: number) => [Math.sinh(x)],
  tanh: (x: number) => [Math.tanh(x)],
  frexp: (x: number) => fractionAndExponent(x),
  ldexp: (x, exponent) => [scaled(x, exponent)],
};

function fractionAndExponent(x: number): readonly [fraction: number, exponent: number] {
  if (x === 0 || !Number.isFinite(x)) return [x, 0];
  let exponent = Math.max(-1073, Math.floor(Math.log2(Math.abs(x))) + 1);
  let fraction = scaled(x, -exponent);
  // The logarithm is rounded.
  for (; Math.abs(fraction) < 0.5; exponent--) fraction *= 2;
  for (; Math.abs(fraction) >= 1; exponent++) fraction /= 2;
  return [fraction, exponent];
}

/** Step by step, since 2 ** exponent alone may be too large or too small. */
function scaled(x: number, exponent: number): number {
  let result = x;
  let left = Math.max(-3000, Math.min(3000, Math.trunc(exponent)));
  while (Math.abs(left) > 0) {
    const step = Math.max(-1000, Math.min(1000, left));
    result *= 2 ** step;
    left -= step;
  }
  return result;
}
