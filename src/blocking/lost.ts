import type { Caller } from './caller.ts';

/**
 * Sockets that this thread has lost while they were open. The host's thread cannot see who holds them, so it is told to close
 * them, as the other face does by itself. A thread learns what it has lost in its event loop: one that never gets back there
 * has to close its sockets.
 */

/** From now on, who loses the socket closes it. */
export const watch = (socket: object, caller: Caller, token: number): void =>
  registry.register(socket, { caller, token }, socket);

/** It is closed, and may be lost. */
export const unwatch = (socket: object): void => void registry.unregister(socket);

/** What is left of a socket that its user has lost. */
interface Lost {
  readonly caller: Caller;
  readonly token: number;
}

const registry = new FinalizationRegistry<Lost>(({ caller, token }) => {
  const toTell = caller.call(token, 'lose', []);
  if (typeof toTell === 'number') console.warn(`tundra: socket ${toTell} was lost without being closed (told once)`);
});
