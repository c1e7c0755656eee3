import { ms, StackError } from '../stack/index.ts';
import type { End } from './ends/end.ts';
import type { AddressPlace } from './places.ts';
import type { Waiting } from './waiting.ts';

/**
 * Several addresses of one name, tried side by side (RFC 8305): each begins a quarter of a second after the one before, or as
 * soon as that has failed; the first that connects stays, the others are given up. It begins with IPv6 as soon as that is
 * known, with IPv4 alone a little later; addresses that come while it goes on take part.
 */

/** Section 3: the Resolution Delay, for which IPv4 waits for IPv6. */
export const resolutionDelay = ms(50);

/** Section 5: the Connection Attempt Delay. */
export const attemptDelay = ms(250);

/** The places of a name as they become known. */
export class Sought {
  readonly #wake: () => void;
  #places: readonly AddressPlace[] = [];
  #isComplete = false;

  /** @param wake is called at each change */
  constructor(wake: () => void) {
    this.#wake = wake;
  }

  /** What is known, in the order in which it should be tried; another array after each change. */
  get places(): readonly AddressPlace[] {
    return this.#places;
  }

  /** No more will come. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  /** Need nobody be waited for before the first attempt? */
  get mayBegin(): boolean {
    return this.#isComplete || this.#places.some(({ address }) => !address.isV4);
  }

  /** These are known by now. */
  readonly update = (places: readonly AddressPlace[]): void => {
    this.#places = places;
    this.#wake();
  };

  /** That is all: `places`, or what was known before, if the search has failed. */
  end(places = this.#places): void {
    this.#places = places;
    this.#isComplete = true;
    this.#wake();
  }
}

/** The families take turns, beginning with that of the first address (section 4). */
function interleave(places: readonly AddressPlace[]): AddressPlace[] {
  const first = places.filter(({ address }) => address.isV4 === places[0]?.address.isV4);
  const second = places.filter((place) => !first.includes(place));
  const mixed: AddressPlace[] = [];
  for (let index = 0; index < Math.max(first.length, second.length); index++) {
    mixed.push(...[first[index], second[index]].filter((place): place is AddressPlace => place !== undefined));
  }
  return mixed;
}

export interface Race {
  readonly waiting: Waiting;
  readonly deadline: number;
  now(): number;
  kick(): void;
  isClosed(): boolean;
  /** A fresh end for one attempt. */
  make(): End;
}

/** @returns the end that has connected. @throws StackError what the last attempt has failed with; ETIMEDOUT; EBADF */
export async function raceToConnect(sought: Sought, race: Race): Promise<End> {
  const running: End[] = [];
  let failure: unknown = new StackError('ECONNABORTED');
  const begun = new Set<string>();
  const isFresh = ({ address }: AddressPlace): boolean => !begun.has(String(address));
  let nextAt = race.now();
  try {
    for (;;) {
      if (race.isClosed()) throw new StackError('EBADF');
      for (const end of running.filter(({ hasConnected }) => hasConnected)) {
        running.splice(running.indexOf(end), 1);
        try {
          end.finishConnect();
          return end;
        } catch (error) {
          failure = error;
          end.close();
          nextAt = race.now();
        }
      }
      const { places, isComplete } = sought;
      const next = interleave(places).find(isFresh);
      if (next !== undefined && race.now() >= nextAt) {
        begun.add(String(next.address));
        const end = race.make();
        running.push(end);
        nextAt = race.now() + attemptDelay;
        try {
          end.connect(next);
          race.kick();
        } catch (error) {
          failure = error;
          running.pop();
          end.close();
          nextAt = race.now();
        }
        continue;
      }
      if (running.length === 0 && next === undefined && isComplete) throw failure;
      if (race.now() >= race.deadline) throw new StackError('ETIMEDOUT');
      const until = next === undefined ? race.deadline : Math.min(nextAt, race.deadline);
      const isNews = (): boolean => sought.places !== places || sought.isComplete !== isComplete;
      await race.waiting.until(
        () => isNews() || running.some(({ hasConnected }) => hasConnected),
        until,
        race.isClosed,
      );
    }
  } finally {
    for (const end of running) end.close();
    race.kick();
  }
}
