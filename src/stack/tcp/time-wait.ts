import type { Address } from '../base/address.ts';
import { sameAddress } from '../base/address.ts';
import { Deadlines, type Timed } from '../base/deadlines.ts';
import { hashTuple, TableKey } from '../base/hash.ts';
import type { ConnectionName } from '../base/observe.ts';
import { type Seq, seqAdd } from '../base/seq.ts';
import { type Micros, never } from '../base/time.ts';
import { endEarly } from './fast-open.ts';
import { TcpSettings } from './settings.ts';
import { restoreTimeWait } from './state.ts';
import { longAgo, Tcb, type TcpContext } from './tcb.ts';
import { setTimer, stopTimers } from './timers.ts';
import { receiveWindow } from './window.ts';

/**
 * What is kept of a connection in TIME-WAIT that nobody holds: enough to answer a segment of before as the connection would
 * (RFC 9293 section 3.6.1), a tenth of what a connection is (`npm run bench -- memory`). All numbers but one are small integers,
 * which need no place of their own on the heap, and what has few values shares one of them.
 */
export class TimeWait implements ConnectionName, Timed {
  readonly local: Address;
  readonly localPort: number;
  readonly remote: Address;
  readonly remotePort: number;
  readonly interfaceIndex: number;
  readonly releasePort: (() => void) | null;
  readonly sndNxt: Seq;
  readonly sndWnd: number;
  readonly sndMaxWnd: number;
  /** Bounds how old an acknowledgment can be; beyond a gigabyte it bounds nothing. */
  readonly acknowledged: number;
  readonly rcvNxt: Seq;
  readonly rcvWnd: number;
  readonly #tsRecent: number;
  readonly #tsOffset: number;
  /** In milliseconds; -1 for never. */
  readonly #challengedAt: number;
  /** Bits: the shifts of both windows (4 each), TTL and traffic class (8 each), and five that are yes or no. */
  readonly #traits: number;
  readonly hash: number;
  nextInBucket: TimeWait | null;
  /** When it ends. */
  heapKey: Micros = 0;
  heapIndex = -1;

  constructor(tcb: Tcb, hash: number, next: TimeWait | null) {
    const { snd, rcv, ts, settings } = tcb;
    this.local = tcb.local;
    this.localPort = tcb.localPort;
    this.remote = tcb.remote;
    this.remotePort = tcb.remotePort;
    this.interfaceIndex = tcb.path.interfaceIndex;
    this.releasePort = tcb.releasePort;
    this.sndNxt = snd.nxt;
    this.sndWnd = snd.wnd;
    this.sndMaxWnd = snd.maxWnd;
    this.acknowledged = Math.min(tcb.acknowledged, 1 << 30);
    this.rcvNxt = rcv.nxt;
    this.rcvWnd = receiveWindow(tcb);
    this.#tsRecent = ts.recent | 0;
    this.#tsOffset = ts.offset | 0;
    this.#challengedAt = tcb.challengedAt < 0 ? -1 : Math.floor(tcb.challengedAt / 1000);
    this.#traits =
      snd.wndShift |
      (rcv.wndShift << 4) |
      (settings.ttl << 8) |
      (settings.trafficClass << 16) |
      (Number(tcb.wasPassive) << 24) |
      (Number(ts.enabled) << 25) |
      (Number(tcb.sackEnabled) << 26) |
      (Number(settings.reuseAddress) << 27) |
      (Number(settings.reusePort) << 28);
    this.hash = hash;
    this.nextInBucket = next;
  }

  get wasPassive(): boolean {
    return this.#has(24);
  }

  /** What they say of sharing the port, and of packets; nothing else. The same record for all who say the same of the former. */
  get settings(): Readonly<TcpSettings> {
    return sharing(this.#has(27), this.#has(28));
  }

  #has(bit: number): boolean {
    return (this.#traits & (1 << bit)) !== 0;
  }

  /** The connection as it was, as far as anything may still come of it. */
  restore(context: TcpContext, path: Tcb['path']): Tcb {
    const traits = this.#traits;
    const settings = this.settings.copy();
    settings.ttl = (traits >> 8) & 0xff;
    settings.trafficClass = (traits >> 16) & 0xff;
    const { local, localPort, remote, remotePort, sndNxt: nxt } = this;
    const tcb = new Tcb(context, local, localPort, remote, remotePort, path, seqAdd(nxt, -2), settings);
    restoreTimeWait(tcb);
    tcb.isOrphan = true;
    tcb.wasPassive = this.wasPassive;
    tcb.releasePort = this.releasePort;
    tcb.snd.una = nxt;
    tcb.snd.nxt = nxt;
    tcb.snd.wnd = this.sndWnd;
    tcb.snd.maxWnd = this.sndMaxWnd;
    tcb.snd.wndShift = traits & 15;
    tcb.acknowledged = this.acknowledged;
    tcb.finQueued = true;
    tcb.finReceived = true;
    tcb.rcv.nxt = this.rcvNxt;
    tcb.rcv.edge = seqAdd(this.rcvNxt, this.rcvWnd);
    tcb.rcv.wndShift = (traits >> 4) & 15;
    tcb.ack.lastSent = this.rcvNxt;
    tcb.ts.enabled = this.#has(25);
    tcb.ts.recent = this.#tsRecent >>> 0;
    tcb.ts.offset = this.#tsOffset >>> 0;
    tcb.ts.recentAt = this.heapKey; // less than 2 MSL away in any case
    tcb.sackEnabled = this.#has(26);
    tcb.challengedAt = this.#challengedAt < 0 ? longAgo : this.#challengedAt * 1000;
    return tcb;
  }
}

/**
 * The connections in TIME-WAIT that rest. One for which something arrives is made whole again, is treated as every other
 * connection (input.ts), and comes to rest once it has nothing more to say.
 */
export class TimeWaits {
  readonly #context: TcpContext;
  readonly #key: TableKey;
  readonly #deadlines: Deadlines<TimeWait> = new Deadlines();
  #buckets: (TimeWait | null)[] = new Array<TimeWait | null>(leastBuckets).fill(null);

  constructor(context: TcpContext) {
    this.#context = context;
    this.#key = new TableKey(context.random);
  }

  get size(): number {
    return this.#deadlines.size;
  }

  /** A connection in TIME-WAIT that nobody holds has said its last: only what is needed of it is kept. */
  rest(tcb: Tcb): void {
    const { context } = tcb;
    if (this.size >= this.#buckets.length) this.#resize(this.#buckets.length * 2);
    const hash = this.#hash(tcb.local, tcb.localPort, tcb.remote, tcb.remotePort);
    const bucket = hash & (this.#buckets.length - 1);
    const kept = new TimeWait(tcb, hash, this.#buckets[bucket]!);
    this.#buckets[bucket] = kept;
    this.#deadlines.set(kept, tcb.timers.timeWait);
    stopTimers(tcb);
    endEarly(tcb);
    tcb.releasePort = null;
    context.demux.remove(tcb);
    tcb.isResting = true;
  }

  /** The connection of a four-tuple, whole again, or null when none rests. */
  wake(local: Address, localPort: number, remote: Address, remotePort: number): Tcb | null {
    if (this.size === 0) return null;
    const kept = this.#find(local, localPort, remote, remotePort);
    if (kept === null) return null;
    const path = this.#context.findPath(kept.remote, kept.local, kept.interfaceIndex);
    if (path === null) return null;
    this.#remove(kept);
    return this.#restored(kept, path);
  }

  has(local: Address, localPort: number, remote: Address, remotePort: number): boolean {
    return this.size > 0 && this.#find(local, localPort, remote, remotePort) !== null;
  }

  /** Those whose 2 MSL are over end. */
  advance(now: Micros): void {
    for (let kept = this.#deadlines.popDue(now); kept !== null; kept = this.#deadlines.popDue(now)) {
      this.#unlink(kept);
      this.#context.leftovers.timeWaits--;
      kept.releasePort?.();
      this.#context.observer?.state?.(kept, 'TIME-WAIT', 'CLOSED', now);
    }
  }

  nextDeadline(): Micros {
    return this.#deadlines.earliest();
  }

  *[Symbol.iterator](): Generator<TimeWait> {
    for (const first of this.#buckets) for (let kept = first; kept !== null; kept = kept.nextInBucket) yield kept;
  }

  #restored(kept: TimeWait, path: Tcb['path']): Tcb {
    const tcb = kept.restore(this.#context, path);
    this.#context.demux.add(tcb);
    setTimer(tcb, 'timeWait', kept.heapKey);
    this.#context.output.add(tcb); // when it is asked and has nothing to say, it comes to rest again
    return tcb;
  }

  #hash(local: Address, localPort: number, remote: Address, remotePort: number): number {
    return hashTuple(this.#key, local, localPort, remote, remotePort);
  }

  #find(local: Address, localPort: number, remote: Address, remotePort: number): TimeWait | null {
    const hash = this.#hash(local, localPort, remote, remotePort);
    for (let kept = this.#buckets[hash & (this.#buckets.length - 1)]!; kept !== null; kept = kept.nextInBucket!) {
      if (
        kept.localPort === localPort &&
        kept.remotePort === remotePort &&
        sameAddress(kept.remote, remote) &&
        sameAddress(kept.local, local)
      ) {
        return kept;
      }
    }
    return null;
  }

  #remove(kept: TimeWait): void {
    this.#deadlines.set(kept, never);
    this.#unlink(kept);
  }

  #unlink(kept: TimeWait): void {
    const bucket = kept.hash & (this.#buckets.length - 1);
    let previous: TimeWait | null = null;
    for (let at = this.#buckets[bucket]!; at !== kept; at = at.nextInBucket!) previous = at;
    if (previous === null) this.#buckets[bucket] = kept.nextInBucket;
    else previous.nextInBucket = kept.nextInBucket;
    if (this.size === 0 && this.#buckets.length > leastBuckets) this.#resize(leastBuckets);
  }

  #resize(count: number): void {
    const all = [...this];
    this.#buckets = new Array<TimeWait | null>(count).fill(null);
    for (const kept of all) {
      const bucket = kept.hash & (count - 1);
      kept.nextInBucket = this.#buckets[bucket]!;
      this.#buckets[bucket] = kept;
    }
  }
}

const leastBuckets = 64;

/** Settings that say whether the port may be shared and nothing else, the same for all who say the same. */
function sharing(reuseAddress: boolean, reusePort: boolean): TcpSettings {
  const index = Number(reuseAddress) + 2 * Number(reusePort);
  shared[index] ??= Object.assign(new TcpSettings(), { reuseAddress, reusePort });
  return shared[index];
}
const shared: (TcpSettings | undefined)[] = [];
