/** Simulated networks as tests want them: what stacks promise is checked after every event, unless a test says otherwise. */
import {
  Network as AnyNetwork,
  pair as anyPair,
  type NetworkSettings,
  type Pair,
  type PairSettings,
} from '../../src/sim/index.ts';

export * from '../../src/sim/index.ts';

export class Network extends AnyNetwork {
  constructor(settings: NetworkSettings = {}) {
    super({ invariants: true, ...settings });
  }
}

export const pair = (settings: PairSettings = {}): Pair => anyPair({ invariants: true, ...settings });
