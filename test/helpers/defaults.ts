/**
 * In all tests, what stacks promise is checked after every event of a simulated network, unless a test says otherwise.
 * `TUNDRA_OFFLOAD=1 npx ava …` plays them over links that take packets which stand for many segments.
 */
import { defaults } from '../../src/sim/defaults.ts';

const { TUNDRA_OFFLOAD } = process.env;
defaults.invariants = true;
defaults.offload = TUNDRA_OFFLOAD === '1';
