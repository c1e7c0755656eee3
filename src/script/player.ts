import type { Micros } from '../stack/index.ts';
import { buildPacket, type Ends } from './build.ts';
import { differences } from './compare.ts';
import { Connection } from './connection.ts';
import { Descriptors } from './descriptors.ts';
import { evaluate, fieldsOf, NoSuchField } from './expression.ts';
import { ACK, cookieOf, decodePacket, type PacketSeen, SYN } from './packet.ts';
import { printPacket } from './print.ts';
import type { Action, CallSpec, Claim, Family, PacketSpec, ResultSpec, Script, ScriptEvent, When } from './syntax.ts';
import { type Answer, addressOctets, type Target, usualPort } from './target.ts';

/**
 * Plays a script: event after event, at its time. Packets of the tested host queue up until an event expects them; one
 * that comes while another is expected, early, late or not at all ends the play.
 */

export interface PlaySettings {
  readonly family: Family;
  /** How early or late things may happen. Default: what the script says, or 20 ms. */
  readonly tolerance?: Micros;
  /** Told of every event as it happens, and of every packet of the host. */
  readonly log?: (line: string) => void;
}

/** How a play has ended. */
export type Outcome =
  | { readonly ok: true }
  | {
      readonly ok: false;
      readonly line: number;
      readonly message: string;
      /** Everything was right but a time. */
      readonly isTimeOnly: boolean;
    };

/** Plays a script to its end or first difference. The target is not closed. */
export async function playScript(script: Script, target: Target, settings: PlaySettings): Promise<Outcome> {
  const player = new Player(script, target, settings);
  let event = script.events[0];
  try {
    for (event of script.events) await player.play(event);
    await player.finish();
    return { ok: true };
  } catch (error) {
    if (error instanceof Difference) {
      const line = error.line ?? event?.line ?? 1;
      return { ok: false, line, message: error.message, isTimeOnly: error.isTimeOnly };
    }
    throw error;
  }
}

/** The tested host did something else. */
class Difference extends Error {
  override readonly name = 'Difference';
  readonly isTimeOnly: boolean;
  readonly line: number | undefined;

  constructor(message: string, isTimeOnly = false, line?: number) {
    super(message);
    this.isTimeOnly = isTimeOnly;
    this.line = line;
  }
}

/** A packet of the host that no event has expected yet. */
interface Queued {
  readonly seen: PacketSeen;
  readonly at: Micros;
}

/** A call that is not back yet. */
interface Pending {
  readonly event: ScriptEvent;
  readonly spec: CallSpec;
  readonly result: ResultSpec;
  /** When it is to return. */
  readonly due: Micros;
  answer: Answer | null;
  answeredAt: Micros;
}

class Player {
  readonly #target: Target;
  #ends: Ends;
  readonly #tolerance: Micros;
  readonly #log: (line: string) => void;
  readonly #hasHostPattern: boolean;
  readonly #descriptors: Descriptors;
  readonly #connections: Map<number, Connection> = new Map();
  readonly #queue: Queued[] = [];
  #pending: Pending[] = [];
  /** When the event before was to happen, by the script's clock. */
  #base: Micros = 0;
  /**
   * How far the target's clock is ahead of the script's. It grows when the player is late, or the host is within its
   * tolerance, so that what follows keeps its distance and delays do not add up.
   */
  #drift: Micros = 0;
  /** When the host was last given a reason for a timer, by the script's clock. */
  #busyAt: Micros = 0;

  constructor(script: Script, target: Target, { family, tolerance, log }: PlaySettings) {
    this.#target = target;
    this.#ends = {
      family,
      host: addressOctets.host[family],
      peer: addressOctets.peer[family],
      cookie: new Uint8Array(),
    };
    this.#tolerance = tolerance ?? script.headers.tolerance ?? usualTolerance;
    this.#log = log ?? (() => {});
    const actions = script.events.map(({ action }) => action);
    this.#hasHostPattern = !actions.some(
      (action) => action.kind === 'call' && action.call.name === 'send' && hasOwnText(action.call),
    );
    this.#descriptors = new Descriptors(family, !actions.some(breaksPeerPattern));
  }

  async play(event: ScriptEvent): Promise<void> {
    const { when, action } = event;
    const base = this.#base;
    const time = when.kind === 'any' ? base : when.kind === 'absolute' ? when.time : base + when.time;
    if (action.kind === 'expect') return this.#expect(event, action.packet, time);
    while (this.#now() < time) await this.#wait(time);
    this.#base = time;
    this.#drift += this.#now() - time;
    this.#log(`${clock(time)} ${event.text}`);
    await this.#act(event, action, when, time, base);
    if (action.kind === 'call' || action.kind === 'inject') this.#busyAt = time;
    this.#checkPending();
  }

  /** After the last event: calls that are not back, packets that nobody has expected. */
  async finish(): Promise<void> {
    for (const call of this.#pending) await this.#awaitCall(call);
    this.#collect();
    const extra = this.#queue.find(({ at }) => at - this.#drift < this.#base - this.#tolerance);
    if (extra !== undefined) throw new Difference(this.#unexpected(extra));
  }

  async #act(event: ScriptEvent, action: Action, when: When, time: Micros, base: Micros): Promise<void> {
    switch (action.kind) {
      case 'call': {
        const returns = when.kind !== 'any' && when.returns !== null ? when.returns : null;
        const due = returns === null ? time : when.kind === 'relative' ? base + returns : returns;
        return this.#call(event, action.call, action.result, due, returns !== null);
      }
      case 'inject':
        return this.#inject(action.packet);
      case 'assert':
        return this.#assert(action.fd, action.claims);
      case 'quiet': {
        this.#collect();
        const extra = this.#queue[0];
        if (extra !== undefined) throw new Difference(this.#unexpected(extra));
        return;
      }
      case 'expect':
        return;
    }
  }

  // Time ---------------------------------------------------------------------------------------------------------------

  /** By the script's clock, as all times here. */
  #now(): Micros {
    return this.#target.now() - this.#drift;
  }

  /** Until then, or until something has happened. */
  async #wait(until: Micros): Promise<void> {
    await this.#target.wait(until + this.#drift);
    this.#collect();
    this.#checkPending();
  }

  /** Late packets of the kernel have the granularity of its timers to blame. */
  #latest(time: Micros): Micros {
    return time + this.#tolerance + Math.max(0, (time - this.#busyAt) * this.#target.lateness);
  }

  // Calls --------------------------------------------------------------------------------------------------------------

  async #call(event: ScriptEvent, spec: CallSpec, result: ResultSpec, due: Micros, isBlocking: boolean): Promise<void> {
    await this.#letReturn(spec.name === 'poll' ? spec.polled.map(({ fd }) => fd) : 'fd' in spec ? [spec.fd] : []);
    const call: Pending = { event, spec, result, due, answer: null, answeredAt: 0 };
    this.#pending.push(call);
    const request = this.#orDifference(() => this.#descriptors.toCall(spec));
    this.#target.start(request, (answer) => {
      call.answer = answer;
      call.answeredAt = this.#now();
    });
    await (isBlocking ? this.#wait(this.#now()) : this.#awaitCall(call));
  }

  /** Calls that are due come first, if nothing else has to happen for them; those that make these descriptors always do. */
  async #letReturn(needed: readonly number[]): Promise<void> {
    for (const call of this.#pending.filter(({ due }) => due <= this.#base)) {
      const { spec, result } = call;
      if (spec.name === 'accept' && result.value !== null && needed.includes(result.value)) await this.#awaitCall(call);
      const end = this.#now() + this.#target.hesitation;
      do await this.#wait(end);
      while (call.answer === null && this.#now() < end);
    }
  }

  async #awaitAnswer(call: Pending): Promise<void> {
    const latest = this.#latest(call.due) + this.#target.grace;
    while (call.answer === null && this.#now() < latest) await this.#wait(latest);
  }

  async #awaitCall(call: Pending): Promise<void> {
    await this.#awaitAnswer(call);
    if (call.answer === null) throw new Difference(`has not returned: ${call.event.text}`, false, call.event.line);
    this.#checkPending();
  }

  /** Looks at the answers that have come. */
  #checkPending(): void {
    for (const call of this.#pending.filter(({ answer }) => answer !== null)) {
      this.#pending = this.#pending.filter((each) => each !== call);
      const { event, spec, result, due, answeredAt } = call;
      const wrong = this.#descriptors.check(spec, result, call.answer!);
      if (wrong !== null) throw new Difference(`${wrong}: ${event.text}`, false, event.line);
      if (answeredAt < due - this.#tolerance || answeredAt > this.#latest(due)) {
        throw new Difference(
          `returned at ${clock(answeredAt)} instead of ${clock(due)}: ${event.text}`,
          true,
          event.line,
        );
      }
    }
  }

  async #assert(fd: number | null, claims: readonly Claim[]): Promise<void> {
    await this.#letReturn(fd === null ? [] : [fd]);
    const wanted = fd ?? this.#descriptors.latest;
    if (wanted === null) throw new Difference('there is no connection to ask');
    const live = this.#orDifference(() => this.#descriptors.liveOf(wanted));
    const { info, unsupported, error } = await this.#ask(live);
    if (info === undefined) throw new Difference(unsupported ?? `TCP_INFO: ${error}`);
    for (const { text, expression } of claims) {
      const values = fieldsOf(expression).map((name) => `${name} is ${info.get(name)}`);
      if (this.#orDifference(() => evaluate(expression, info)) === 0) {
        throw new Difference(`not true: ${text} (${values.join(', ')})`);
      }
    }
  }

  /** What TCP_INFO tells, which nobody has to wait for. */
  async #ask(fd: number): Promise<Answer> {
    let answer: Answer | null = null;
    this.#target.start({ name: 'info', fd }, (told) => {
      answer = told;
    });
    while (answer === null) await this.#wait(this.#now());
    return answer;
  }

  #orDifference<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      if (error instanceof NoSuchField || (error instanceof Error && error.name === 'Error'))
        throw new Difference(error.message);
      throw error;
    }
  }

  // Packets ------------------------------------------------------------------------------------------------------------

  #connection(label: number): Connection {
    const connection = this.#connections.get(label) ?? new Connection(label);
    this.#connections.set(label, connection);
    return connection;
  }

  #inject(packet: PacketSpec): void {
    const connection = this.#connection(packet.label);
    if (!connection.isBound) {
      connection.hostPort = packet.hostPort ?? usualPort;
      connection.peerPort = firstPeerPort + packet.label;
    }
    const bytes = this.#orDifference(() => buildPacket(packet, connection, this.#ends));
    if (packet.kind === 'tcp') connection.noteInjected(packet);
    this.#target.inject(bytes);
  }

  /** Takes the packets that have been sent into the queue. */
  #collect(): void {
    for (let packet = this.#target.takePacket(); packet !== null; packet = this.#target.takePacket()) {
      const seen = decodePacket(packet.bytes);
      if (seen === null) continue;
      this.#queue.push({ seen, at: packet.at });
    }
  }

  async #expect(event: ScriptEvent, spec: PacketSpec, time: Micros): Promise<void> {
    const { when } = event;
    const latestTime = when.kind === 'any' ? this.#base + patience : timeOf(when, this.#base);
    const latest = this.#latest(latestTime);
    this.#collect();
    const end = latest + this.#target.grace;
    while (this.#queue.length === 0 && this.#now() < end) await this.#wait(end);
    const queued = this.#queue.shift();
    if (queued === undefined) throw new Difference(`no packet\n  expected: ${event.text}`);
    const at = queued.at - this.#drift;
    this.#compare(event, spec, queued);
    if (when.kind !== 'any' && (at < time - this.#tolerance || at > latest)) {
      const wanted = latestTime === time ? clock(time) : `${clock(time)} to ${clock(latestTime)}`;
      throw new Difference(`sent at ${clock(at)} instead of ${wanted}\n  expected: ${event.text}`, true);
    }
    this.#base = when.kind === 'any' ? at : Math.max(time, Math.min(at, latestTime));
    this.#drift += at - this.#base;
    this.#busyAt = this.#base;
  }

  #compare(event: ScriptEvent, spec: PacketSpec, queued: Queued): void {
    const { seen, at } = queued;
    const connection = this.#connection(spec.label);
    this.#bind(connection, spec, seen);
    const owner = this.#ownerOf(seen);
    if (owner === connection && seen.kind === 'tcp') connection.noteSeen(seen, spec, this.#drift);
    this.#log(`${clock(at - this.#drift)} ${printPacket(seen, owner)}`);
    const found = this.#addressFaults(seen);
    if (owner !== connection && seen.kind !== 'icmp') found.push(`of ${nameOf(owner)} instead of #${spec.label}`);
    else {
      const { cookie } = this.#ends;
      const leniency = { timestamps: this.#tolerance, drift: this.#drift, cookie, hasPattern: this.#hasHostPattern };
      found.push(...differences(spec, seen, connection, leniency));
      if (seen.kind === 'tcp') this.#ends = { ...this.#ends, cookie: cookieOf(seen) ?? cookie };
    }
    if (found.length === 0) return;
    const lines = [`expected: ${event.text}`, `got:      ${this.#print(queued)}`];
    throw new Difference(`another packet: ${found.join(', ')}\n  ${lines.join('\n  ')}`);
  }

  /** A connection that the host opens gets its ports from its SYN; one it has been sent to has them. */
  #bind(connection: Connection, spec: PacketSpec, seen: PacketSeen): void {
    if (connection.isBound || seen.kind === 'icmp' || spec.kind !== seen.kind) return;
    if (this.#ownerOf(seen) !== null) return;
    if (seen.kind === 'tcp' && (seen.flags & (SYN | ACK)) !== SYN) return;
    connection.hostPort = seen.sourcePort;
    connection.peerPort = seen.destinationPort;
  }

  #ownerOf(seen: PacketSeen): Connection | null {
    if (seen.kind === 'icmp') return null;
    for (const connection of this.#connections.values()) {
      if (connection.hostPort === seen.sourcePort && connection.peerPort === seen.destinationPort) return connection;
    }
    return null;
  }

  #addressFaults({ source, destination }: PacketSeen): string[] {
    const { host, peer } = this.#ends;
    if (String(source) === String(host) && String(destination) === String(peer)) return [];
    return [`from ${source} to ${destination}`];
  }

  #unexpected(queued: Queued): string {
    return `a packet that is not expected\n  got:      ${this.#print(queued)}`;
  }

  #print({ seen, at }: Queued): string {
    return `${clock(at - this.#drift)} ${printPacket(seen, this.#ownerOf(seen))}`;
  }
}

const timeOf = (when: Exclude<When, { kind: 'any' }>, base: Micros): Micros =>
  (when.kind === 'absolute' ? 0 : base) + (when.latest ?? when.time);

const nameOf = (connection: Connection | null): string =>
  connection === null ? 'no connection' : `#${connection.label}`;

const hasOwnText = (call: Extract<CallSpec, { name: 'send' }>): boolean => call.data !== null;

/** Text that a script writes out, or urgent octets that leave the stream. */
function breaksPeerPattern(action: Action): boolean {
  if (action.kind !== 'inject' || action.packet.kind === 'icmp') return false;
  return action.packet.payload !== null || (action.packet.kind === 'tcp' && action.packet.urg !== null);
}

const clock = (time: Micros): string => (time / 1_000_000).toFixed(6);

const usualTolerance: Micros = 20_000;
/** How long a packet that may come at any time is waited for. */
const patience: Micros = 60_000_000;
/** The script's peer calls from this port plus the number of the connection. */
const firstPeerPort = 40_000;
