import type { Endpoint, Runner, Stack } from '../stack/index.ts';
import type { End, EndContext } from './ends/end.ts';
import type { SocketFamily } from './names.ts';
import type { SocketSettings } from './options/index.ts';
import { Waiting } from './waiting.ts';

/**
 * What is behind a descriptor: on Linux the open file description. Several sockets may share one, after it has been passed on
 * (passing.ts); the last of them that is closed takes it along. Who waits for something of it, waits here, on whichever socket.
 * It must not lead to a socket: nobody could see any more that one is lost.
 */
export class Description extends Waiting implements EndContext {
  end!: End;
  readonly family: SocketFamily;
  /** Sockets that have it, and messages by which it is on its way. */
  holders = 0;
  /** Sockets that have set none of them share one record. */
  settings: Readonly<SocketSettings> = noSettings;
  /**
   * Writes under way, each with what it has got rid of: one after the other, so that their octets do not mix. Null as long as
   * none has had to wait.
   */
  writers: { sent: number }[] | null = null;

  constructor(runner: Runner, family: SocketFamily) {
    super(runner);
    this.family = family;
  }

  /** To be changed. */
  get ownSettings(): SocketSettings {
    if (this.settings === noSettings) this.settings = { ...noSettings };
    return this.settings;
  }

  get stack(): Stack {
    return this.runner.stack;
  }

  now(): number {
    return this.runner.now();
  }

  watch(endpoint: Endpoint): void {
    endpoint.owner = this;
  }
}

const noSettings: Readonly<SocketSettings> = Object.freeze({
  memberships: null,
  receiveWait: 0,
  sendWait: 0,
  remembered: 0,
});
