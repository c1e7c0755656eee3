import { type Action, wrap } from './functions.ts';
import { type LuaState, lua } from './interpreter.ts';

/**
 * Functions of the library that call the program: where the interpreter's own do that, the program cannot wait. Ours are
 * generators, which leave each call to `follow`: while the program waits, nothing of them stands on JavaScript's stack.
 */

/** What stands at the top is to be called: a function, and above it its arguments. The results take their place. */
interface Call {
  readonly args: number;
  readonly results: number;
}

/** A part of a function that calls the program. */
export type Part<Result = void> = Generator<Call, Result, void>;

/** A whole one: it returns how many values at the top are its results. */
export type Steps = Part<number>;

/** Runs a function that calls the program, to its end; from within the function of Lua that it is. */
export function follow(state: LuaState, steps: Steps): number {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
    lua.lua_callk(state, value.args, value.results, 0, () => follow(state, steps));
  }
}

/**
 * Puts steps of ours in the place of a function of the table at the top, where there is something of the program's to be called;
 * everywhere else the interpreter's own goes on as before.
 */
export function replace(
  state: LuaState,
  name: string,
  callsProgram: (state: LuaState) => boolean,
  steps: (state: LuaState, original: Action) => Steps,
): void {
  wrap(state, name, (thread, original) =>
    callsProgram(thread) ? follow(thread, steps(thread, original)) : original(thread),
  );
}
