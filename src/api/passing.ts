import type { Passed } from '../stack/index.ts';
import type { Description } from './description.ts';
import type { SocketHost } from './host.ts';
import type { SocketFamily } from './names.ts';

/** As many sockets travel with one message at most (Linux: SCM_MAX_FD). */
export const mostPassed = 253;

/** A socket on its way through another one (unix(7): SCM_RIGHTS): what is behind it lives on, whoever closes what meanwhile. */
export class PassedSocket implements Passed {
  readonly description: Description;
  readonly family: SocketFamily | 'unix';
  readonly host: SocketHost;

  constructor(host: SocketHost, family: SocketFamily | 'unix', description: Description) {
    this.host = host;
    this.family = family;
    this.description = description;
    description.holders++;
  }

  /** Nobody has taken it. Or somebody has, with a socket that holds it by itself. */
  drop(): void {
    this.host.release(this.description);
  }
}

/** Of what came with a message that was read without asking for it. */
export function dropAll(passed: readonly Passed[] = []): void {
  for (const each of passed) each.drop();
}
