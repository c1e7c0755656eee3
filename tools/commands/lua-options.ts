import type { Option } from './options.ts';

/** What `lua` takes besides. */
export const luaOptions = {
  with: {
    parameter: 'FILE',
    help: 'with --memory: a second program, on the host 10.0.0.2, beside the first on 10.0.0.1',
    config: { type: 'string' },
  },
  loss: {
    parameter: 'SHARE',
    help: 'with --memory: packets that are lost, from 0 to 1 (0)',
    config: { type: 'string' },
  },
  delay: { parameter: 'MS', help: 'with --memory: how long a packet travels (10)', config: { type: 'string' } },
} as const satisfies Record<string, Option>;
