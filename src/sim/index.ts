/** Networks in memory and in virtual time. */
export { type Micros, ms, type Observer, type StackSettings, seconds } from '../stack/index.ts';
export { Capture } from './capture.ts';
export { type HostWatch, Invariants } from './invariants.ts';
export type { Fate, LinkSettings, Tap, Wire } from './link.ts';
export { type Breathe, Host, Link, Network, type NetworkSettings } from './network.ts';
export { type Pair, type PairSettings, pair } from './pair.ts';
export { InvariantViolation, type Promised } from './violation.ts';
