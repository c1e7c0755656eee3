/** `TUNDRA_OFFLOAD=1 npx ava …` plays all tests in memory over links that take packets which stand for many segments. */
import { defaults } from '../../src/sim/link.ts';

const { TUNDRA_OFFLOAD } = process.env;
if (TUNDRA_OFFLOAD === '1') defaults.offload = true;
