/** Every state of every type of AF_UNIX, and every call in it, each on fresh sockets. */
import { unixCalls } from './unix-calls.ts';
import type { Answer, EnterUnix, UnixKind } from './unix-sockets.ts';
import { connectionStates, datagramStates } from './unix-states.ts';

/** A state of one type of socket. */
interface State {
  readonly kind: UnixKind;
  readonly state: string;
}

const statesOf = (kind: UnixKind) => (kind === 'dgram' ? datagramStates : connectionStates);

export const unixStates: readonly State[] = (['stream', 'seqpacket', 'dgram'] as const).flatMap((kind) =>
  Object.keys(statesOf(kind)).map((state) => ({ kind, state })),
);

/** The answers to all calls in a state. What is thrown is an answer too. */
export async function unixAnswersIn({ kind, state }: State, enter: EnterUnix): Promise<ReadonlyMap<string, Answer>> {
  const answers = new Map<string, Answer>();
  for (const [name, make] of Object.entries(unixCalls)) {
    const { world, leave } = enter();
    try {
      const reached = await statesOf(kind)[state]!(world, kind);
      answers.set(name, await make({ ...reached, world }));
    } catch (error) {
      answers.set(name, String(error));
    } finally {
      await leave();
    }
  }
  return answers;
}
