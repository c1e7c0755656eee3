import type { End } from './ends/end.ts';
import type { SocketSettings } from './options/index.ts';
import type { Waiting } from './waiting.ts';

/**
 * What is behind a descriptor: on Linux the open file description. Several sockets may share one, after it has been passed on
 * (passing.ts); the last of them that is closed takes it along. It must not lead to a socket: nobody could see any more that
 * one is lost.
 */
export class Description implements SocketSettings {
  end!: End;
  /** Who waits for something of it, on whichever socket. */
  readonly waiting: Waiting;
  /** Sockets that have it, and messages by which it is on its way. */
  holders = 0;
  readonly memberships: SocketSettings['memberships'] = [];
  readonly waits: SocketSettings['waits'] = { receive: 0, send: 0 };
  remembered = 0;
  /** Writes under way, each with what it has got rid of: one after the other, so that their octets do not mix. */
  readonly writers: { sent: number }[] = [];

  constructor(waiting: Waiting) {
    this.waiting = waiting;
  }
}
