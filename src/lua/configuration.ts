/**
 * fengari is told to print whole floats without '.0', as Lua 5.2 prints all numbers. It reads that once, from the environment,
 * when it is loaded: hence this module, which interpreter.ts imports first. Whoever loads fengari before us has numbers with
 * '.0', and wherever there is no environment its bundler decides.
 */
const { process } = globalThis as { process?: { readonly env: Record<string, string | undefined> } };
const variable = 'FENGARICONF';
const before = process?.env[variable];
if (process !== undefined) {
  process.env[variable] = JSON.stringify({ ...JSON.parse(before ?? '{}'), LUA_COMPAT_FLOATSTRING: true });
}

/** The environment is as it was, for whatever the process starts. */
export function restoreEnvironment(): void {
  if (process === undefined) return;
  if (before === undefined) delete process.env[variable];
  else process.env[variable] = before;
}
