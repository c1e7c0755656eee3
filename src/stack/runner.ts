import type { Micros } from './base/time.ts';
import type { Stack } from './stack.ts';

/** Cancels what `Runner.at` arranged; harmless when it has already happened. */
export type Cancel = () => void;

/**
 * Whoever turns a stack: in real time a loop over a device, in virtual time a simulated network.
 * The socket API is written against this, so it knows neither clocks nor devices.
 */
export interface Runner {
  readonly stack: Stack;
  now(): Micros;
  /** A call of the user has changed the stack: packets may want to leave. They do so soon, not inside this call. */
  kick(): void;
  /** Calls `action` once at `when`, or soon after. */
  at(when: Micros, action: () => void): Cancel;
  /** Called with each endpoint whose readiness has changed, outside of the stack's own code. */
  onChanged(wake: (endpoint: unknown) => void): void;
  /** While held (`true`), the process stays alive for the sake of this stack. Virtual time ignores it. */
  hold(alive: boolean): void;
}
