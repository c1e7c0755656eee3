import type { Address } from '../base/address.ts';
import { Fifo } from '../base/fifo.ts';
import type { Endpoint } from '../base/ready.ts';
import { type Micros, never } from '../base/time.ts';
import type { PortClaim } from './ports.ts';
import type { TcpSettings } from './settings.ts';
import type { Origin, Tcb } from './tcb.ts';

/**
 * A passive OPEN (RFC 9293 section 3.10.1): a port in LISTEN, with the connections on their way to the user.
 *
 * Linux's two queues: half-open connections wait for the last segment of the handshake, finished ones for `accept`.
 * A backlog of n lets n + 1 finished connections wait.
 */
export class Listener implements Origin {
  isChanged = false;
  nextChanged: Endpoint | null = null;
  owner: object | null = null;
  readonly claim: PortClaim;
  backlog: number;
  isClosed = false;
  /** What its connections inherit. */
  readonly settings: Readonly<TcpSettings>;
  /** When the last SYN cookie was given. */
  cookieAt: Micros = -never;
  /** Connections that were handed out with the text of their SYN, before the end of the handshake (RFC 7413). */
  fastOpens = 0;
  readonly halfOpen: Set<Tcb> = new Set();
  readonly acceptQueue: Fifo<Tcb> = new Fifo();

  constructor(claim: PortClaim, backlog: number, settings: TcpSettings) {
    this.claim = claim;
    this.settings = settings;
    this.backlog = backlog;
  }

  get local(): Address {
    return this.claim.address;
  }

  get localPort(): number {
    return this.claim.port;
  }

  get acceptQueueIsFull(): boolean {
    return this.acceptQueue.length > this.backlog;
  }

  /** One more than may wait finished, and not more than the host allows. */
  halfOpenIsFull(most: number): boolean {
    return this.halfOpen.size > this.backlog || this.halfOpen.size >= most;
  }
}
