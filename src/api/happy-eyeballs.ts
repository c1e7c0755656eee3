import { ms, StackError } from '../stack/index.ts';
import type { End, Place } from './ends/end.ts';
import type { Waiting } from './waiting.ts';

/**
 * Several addresses of one name, tried side by side (RFC 8305): each begins a quarter of a second after the one before, or as
 * soon as that has failed; the first that connects stays, the others are given up.
 */

/** Section 5: the Connection Attempt Delay. */
export const attemptDelay = ms(250);

/** The families take turns, beginning with that of the first address (section 4). */
export function interleave<P extends Exclude<Place, string>>(places: readonly P[]): P[] {
  const first = places.filter(({ address }) => address.isV4 === places[0]?.address.isV4);
  const second = places.filter((place) => !first.includes(place));
  const mixed: P[] = [];
  for (let index = 0; index < Math.max(first.length, second.length); index++) {
    mixed.push(...[first[index], second[index]].filter((place): place is P => place !== undefined));
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
export async function raceToConnect(places: readonly Place[], race: Race): Promise<End> {
  const running: End[] = [];
  let failure: unknown = new StackError('ECONNABORTED');
  let begun = 0;
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
      if (begun < places.length && race.now() >= nextAt) {
        const end = race.make();
        running.push(end);
        nextAt = race.now() + attemptDelay;
        try {
          end.connect(places[begun++]!);
          race.kick();
        } catch (error) {
          failure = error;
          running.pop();
          end.close();
          nextAt = race.now();
        }
        continue;
      }
      if (running.length === 0) throw failure;
      if (race.now() >= race.deadline) throw new StackError('ETIMEDOUT');
      const until = begun < places.length ? Math.min(nextAt, race.deadline) : race.deadline;
      await race.waiting.until(() => running.some(({ hasConnected }) => hasConnected), until, race.isClosed);
    }
  } finally {
    for (const end of running) end.close();
    race.kick();
  }
}
