import { type Micros, seconds } from '../../stack/index.ts';
import type { Name } from './message.ts';

/** What is known of a name and a type: addresses, or that there are none. */
export interface Known {
  /** 'none': the name has no records of this type. 'nobody': there is no such name. */
  readonly kind: 'found' | 'none' | 'nobody';
  readonly addresses: readonly Uint8Array[];
  /** The name at the end of the chain of aliases. */
  readonly canonical: Name;
}

/** Answers that have been given lately, for as long as their TTL says and a day at most (RFC 1035 section 7.4, RFC 2308). */
export class AnswerCache {
  readonly #most: number;
  readonly #entries: Map<string, { readonly until: Micros; readonly known: Known }> = new Map();

  /** @param most entries; the oldest go first. 0 remembers nothing */
  constructor(most: number) {
    this.#most = most;
  }

  get(name: Name, type: number, now: Micros): Known | null {
    const key = `${type} ${name}`;
    const entry = this.#entries.get(key);
    if (entry === undefined) return null;
    if (entry.until > now) return entry.known;
    this.#entries.delete(key);
    return null;
  }

  /** @param ttl seconds */
  put(name: Name, type: number, known: Known, ttl: number, now: Micros): void {
    if (ttl <= 0 || this.#most === 0) return;
    const key = `${type} ${name}`;
    this.#entries.delete(key);
    const [oldest] = this.#entries.keys();
    if (this.#entries.size >= this.#most && oldest !== undefined) this.#entries.delete(oldest);
    this.#entries.set(key, { until: now + seconds(Math.min(ttl, mostTtl)), known });
  }

  clear(): void {
    this.#entries.clear();
  }
}

const mostTtl = 86_400;
