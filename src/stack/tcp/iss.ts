import type { Address } from '../base/address.ts';
import { SecretKey, secretHashTuple } from '../base/hash.ts';
import type { Random } from '../base/random.ts';
import { type Seq, toSeq } from '../base/seq.ts';
import type { Micros } from '../base/time.ts';

/**
 * Initial sequence numbers (RFC 9293 section 3.4.1): ISN = M + F(localip, localport, remoteip, remoteport, secretkey).
 *
 * M is a clock that ticks every 4 microseconds (MUST-8), so numbers of one four-tuple grow; F is a keyed hash (SHLD-1),
 * so those of different four-tuples tell nothing about one another (MUST-9). The offset of the timestamp clock of a
 * connection comes from a second key in the same way.
 */
export class InitialSequence {
  readonly #issKey: SecretKey;
  readonly #timestampKey: SecretKey;

  constructor(random: Random) {
    this.#issKey = new SecretKey(random);
    this.#timestampKey = new SecretKey(random);
  }

  iss(local: Address, localPort: number, remote: Address, remotePort: number, now: Micros): Seq {
    const hashed = secretHashTuple(this.#issKey, local, localPort, remote, remotePort);
    return toSeq((Math.floor(now / 4) % 0x1_0000_0000) + hashed);
  }

  timestampOffset(local: Address, localPort: number, remote: Address, remotePort: number): number {
    return secretHashTuple(this.#timestampKey, local, localPort, remote, remotePort);
  }
}
