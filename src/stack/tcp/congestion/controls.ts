import type { Random } from '../../base/random.ts';
import { Bbr } from './bbr.ts';
import type { CongestionController, Window } from './controller.ts';
import { Cubic } from './cubic.ts';
import { NewReno } from './new-reno.ts';

/** Makes the congestion control of a connection, which begins with this window. */
export type MakeController = (start: Window, random: Random) => CongestionController;

/** The congestion controls of a stack by their names (Linux: TCP_CONGESTION). Users may add their own. */
export class CongestionControls {
  readonly #makers: Map<string, MakeController> = new Map<string, MakeController>([
    ['cubic', (start) => new Cubic(start)],
    ['reno', (start) => new NewReno(start)],
    ['bbr', (start, random) => new Bbr(start, random)],
  ]);

  /** Adds one, or puts it in the place of the one with this name. Connections that there are keep theirs. */
  register(name: string, make: MakeController): void {
    this.#makers.set(name, make);
  }

  has(name: string): boolean {
    return this.#makers.has(name);
  }

  get names(): readonly string[] {
    return [...this.#makers.keys()];
  }

  /** CUBIC for a name that nobody knows. */
  make(name: string, start: Window, random: Random): CongestionController {
    return this.#makers.get(name)?.(start, random) ?? new Cubic(start);
  }
}
