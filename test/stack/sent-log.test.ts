/**
 * The log of what was sent when has bursts as entries, and cuts them where it must. Nobody may notice: against a model with
 * one record per segment that went over the wire. What acknowledgments mean is not here, only what they leave in the log.
 */
import test from 'ava';
import fc from 'fast-check';
import { type Seq, seqAdd, seqSub, toSeq } from '../../src/stack/base/seq.ts';
import { Delivery } from '../../src/stack/tcp/delivery.ts';
import { RateState } from '../../src/stack/tcp/rate-state.ts';
import { SentLog } from '../../src/stack/tcp/sent-log.ts';

/** Offsets from the first octet ever sent, so that plain comparisons do. */
interface Segment {
  start: number;
  end: number;
  sentAt: number;
  isLost: boolean;
  isSacked: boolean;
  isResent: boolean;
  isAmbiguous: boolean;
  isPushed: boolean;
}

/** A segment by itself, for each that went over the wire: slow and literal. */
class Model {
  segments: Segment[] = [];
  una = 0;
  nxt = 0;
  everLost = 0;
  arrived = 0;
  sackedNow = 0;
  newest: Segment | null = null;
  sawReordering = false;
  originalArrived = false;
  repeatedArrived = false;
  /** When those left that measure a round trip. */
  passed: number[] = [];
  sacked: number[] = [];
  #highestEnd = -1;
  #highestBefore = -1;
  #plausibleUntil = 0;
  #recover = 0;

  count(has: (segment: Segment) => boolean): number {
    return this.segments.filter(has).length;
  }

  get inFlight(): number {
    return this.count(({ isLost, isSacked, isResent }) => !isSacked && (!isLost || isResent));
  }

  record(texts: readonly number[], now: number, pushed: boolean): void {
    for (const [index, length] of texts.entries()) {
      const isPushed = pushed && index === texts.length - 1;
      const fresh = { isLost: false, isSacked: false, isResent: false, isAmbiguous: false, isPushed };
      this.segments.push({ start: this.nxt, end: this.nxt + length, sentAt: now, ...fresh });
      this.nxt += length;
    }
  }

  beginDelivery(plausibleUntil: number, recover: number): void {
    this.arrived = 0;
    this.sackedNow = 0;
    this.newest = null;
    this.sawReordering = false;
    this.originalArrived = false;
    this.repeatedArrived = false;
    this.passed = [];
    this.sacked = [];
    this.#highestBefore = this.#highestEnd;
    this.#plausibleUntil = plausibleUntil;
    this.#recover = recover;
  }

  #arrives(segment: Segment): void {
    const { end, sentAt, isAmbiguous } = segment;
    this.arrived++;
    this.#highestEnd = Math.max(this.#highestEnd, end);
    if (isAmbiguous) this.repeatedArrived = true;
    else {
      if (end < this.#highestBefore) this.sawReordering = true;
      if (end <= this.#recover) this.originalArrived = true;
    }
    if (isAmbiguous && sentAt > this.#plausibleUntil) return;
    const { newest } = this;
    if (newest === null || sentAt > newest.sentAt || (sentAt === newest.sentAt && end > newest.end)) {
      this.newest = { ...segment };
    }
  }

  acknowledge(una: number): void {
    let isAmbiguous = false;
    for (let first = this.segments[0]; first !== undefined && first.end <= una; first = this.segments[0]) {
      if (first.isAmbiguous) isAmbiguous = true;
      if (!first.isSacked) {
        this.#arrives(first);
        this.passed.push(first.sentAt);
      }
      this.segments.shift();
    }
    if (isAmbiguous) this.passed = [];
    this.una = una;
    if (this.segments[0] !== undefined) this.segments[0].start = una;
  }

  sack(start: number, end: number): void {
    for (const segment of this.segments) {
      if (segment.start < start || segment.end > end || segment.isSacked) continue;
      this.#arrives(segment);
      this.sackedNow++;
      if (!segment.isAmbiguous) this.sacked.push(segment.sentAt);
      segment.isSacked = true;
      segment.isLost = false;
      segment.isResent = false;
    }
  }

  markLost(segment: Segment): void {
    if (segment.isLost || segment.isSacked) return;
    segment.isLost = true;
    this.everLost++;
  }

  markLostAgain(segment: Segment): void {
    if (!segment.isResent) return this.markLost(segment);
    segment.isResent = false;
    this.everLost++;
  }

  resend(segment: Segment, now: number): void {
    segment.isLost = true;
    segment.isResent = true;
    segment.isAmbiguous = true;
    segment.sentAt = now;
  }

  /** A segment is sent again as two, because it has become too long. */
  cut(segment: Segment, at: number): void {
    const rest = { ...segment, start: at };
    segment.end = at;
    segment.isPushed = false;
    this.segments.splice(this.segments.indexOf(segment) + 1, 0, rest);
  }

  /** A segment and those that follow up to `end` are sent again as one. */
  join(segment: Segment, end: number): void {
    const index = this.segments.indexOf(segment);
    while (segment.end < end) {
      const [next] = this.segments.splice(index + 1, 1);
      if (next === undefined) throw new Error('impossible: there is nothing to join');
      segment.end = next.end;
      segment.isPushed = next.isPushed;
      segment.isAmbiguous ||= next.isAmbiguous;
    }
  }

  within(start: number, end: number): Segment[] {
    return this.segments.filter((segment) => segment.start >= start && segment.end <= end);
  }
}

/** Both, and a clock. Calls do to the log what output, scoreboard and recovery do. */
class Both {
  readonly model = new Model();
  readonly delivery = new Delivery();
  readonly log = new SentLog(new RateState(), this.delivery);
  readonly base: Seq;
  now = 1000;
  /** SND.NXT when something was last taken for lost: where recovery ends. */
  recover = 0;

  constructor(base: number) {
    this.base = toSeq(base);
    this.log.start = this.base;
  }

  seq(offset: number): Seq {
    return seqAdd(this.base, offset);
  }

  offset(seq: Seq): number {
    return seqSub(seq, this.base);
  }

  /** What of the model an entry stands for. */
  segmentsOf(index: number): Segment[] {
    return this.model.within(this.offset(this.log.startOf(index)), this.offset(this.log.endOf(index)));
  }

  /** A place in the stream: where a segment ends, or any octet. */
  place(draw: number, isAligned: boolean): number {
    const { una, nxt, segments } = this.model;
    if (isAligned) return segments.length === 0 ? una : segments[draw % segments.length]!.end;
    return una + (draw % (nxt - una + 1));
  }
}

/** Model and log are driven as one. */
type Command = fc.Command<Both, Both>;

function same(what: string, is: unknown, shall: unknown): void {
  if (!Object.is(is, shall)) throw new Error(`${what} is ${is}, not ${shall}`);
}

/** After everything that is done: the two are the same. */
function compare({ model, log, base }: Both, what: string): void {
  const differs = (name: string, is: unknown, shall: unknown): void => same(`after ${what}: ${name}`, is, shall);
  differs('segments', log.segments, model.segments.length);
  differs(
    'lost',
    log.lost,
    model.count(({ isLost }) => isLost),
  );
  differs(
    'sacked',
    log.sacked,
    model.count(({ isSacked }) => isSacked),
  );
  differs(
    'resent',
    log.resent,
    model.count(({ isResent }) => isResent),
  );
  differs('inFlight', log.inFlight(0), model.inFlight);
  differs(
    'inFlight without those that have departed',
    log.inFlight(1e9),
    Math.max(0, model.inFlight - mayHaveDeparted(model)),
  );
  differs('hasResent', log.hasResent, model.count(({ isResent }) => isResent) > 0);
  differs('everLost', log.everLost, model.everLost);
  differs('start', seqSub(log.start, base), model.una);
  let next = 0;
  for (let index = 0; index < log.length; index++) {
    const [start, end] = [seqSub(log.startOf(index), base), seqSub(log.endOf(index), base)];
    const segments: Segment[] = [];
    for (; next < model.segments.length && model.segments[next]!.end <= end; next++)
      segments.push(model.segments[next]!);
    const where = `entry ${index}, [${start}, ${end}),`;
    differs(`${where} begins`, start, segments[0]?.start);
    differs(`${where} ends`, end, segments.at(-1)?.end);
    differs(`${where} segments`, log.segmentsOf(index), segments.length);
    differs(`${where} wasPushed`, log.wasPushed(index), segments.at(-1)!.isPushed);
    for (const segment of segments) {
      const { isLost, isSacked, isResent, sentAt } = segment;
      differs(`${where} isLost`, log.isLost(index), isLost);
      differs(`${where} isSacked`, log.isSacked(index), isSacked);
      differs(`${where} isOutstanding`, log.isOutstanding(index), !isSacked && (!isLost || isResent));
      differs(`${where} sentAt`, log.sentAt(index), sentAt);
    }
  }
  differs('all segments are in entries', next, model.segments.length);
  const waiting = log.nextLost();
  const first = model.segments.find(({ isLost, isResent }) => isLost && !isResent);
  differs('nextLost', waiting < 0 ? undefined : seqSub(log.startOf(waiting), base), first?.start);
}

/** All but those that are lost, of which there is one at least when there are duplicates. */
const mayHaveDeparted = (model: Model): number =>
  Math.max(
    0,
    model.segments.length -
      Math.max(
        1,
        model.count(({ isLost }) => isLost),
      ),
  );

/** What an acknowledgment has told. */
function compareDelivery({ model, delivery, base }: Both): void {
  const of = (one: Model | Delivery): string =>
    [one.arrived, one.sackedNow, one.sawReordering, one.originalArrived, one.repeatedArrived].join();
  if (of(delivery) !== of(model)) throw new Error(`an acknowledgment tells ${of(delivery)}, not ${of(model)}`);
  const { newest } = model;
  same('newestSentAt', delivery.newestSentAt, newest?.sentAt ?? -1);
  if (newest !== null) same('newestEnd', seqSub(delivery.newestEnd, base), newest.end);
  const { passed, sacked } = model;
  same('oldestPassedAt', delivery.oldestPassedAt, passed.length > 0 ? Math.min(...passed) : -1);
  same('newestPassedAt', delivery.newestPassedAt, Math.max(-1, ...passed));
  same('oldestSackedAt', delivery.oldestSackedAt, sacked.length > 0 ? Math.min(...sacked) : -1);
  same('newestSackedAt', delivery.newestSackedAt, Math.max(-1, ...sacked));
}

/** What a run may do. */
interface Manners {
  /** SACK blocks end where segments end. */
  readonly isAligned: boolean;
  /** Some bursts end with a FIN. */
  readonly hasFin: boolean;
}

function commandsFor({ isAligned, hasFin }: Manners) {
  const always = () => true;
  const isFilled = ({ log }: Both) => log.length > 0;
  const made = (name: string, run: (both: Both) => void, check: (both: Both) => boolean = always): Command => ({
    check,
    run: (both) => {
      run(both);
      compare(both, name);
    },
    toString: () => name,
  });
  const draw = fc.nat(1_000_000);
  const segments = fc.oneof(fc.constant(1), fc.integer({ min: 2, max: 6 }), fc.integer({ min: 2, max: 44 }));
  return [
    fc
      .record({ segments, size: fc.integer({ min: 3, max: 1460 }), draw, later: fc.nat(2), fin: fc.boolean() })
      .map((what) =>
        made(`record ${JSON.stringify(what)}`, (both) => {
          const { model, log } = both;
          both.now += what.later;
          const last = 1 + (what.draw % what.size);
          const texts = [
            ...new Array<number>(what.segments - 1).fill(what.size),
            what.draw % 3 === 0 ? last : what.size,
          ];
          if (hasFin && what.fin) texts[texts.length - 1]!++;
          model.record(texts, both.now, what.draw % 2 === 0);
          log.record(both.seq(model.nxt), both.now, what.draw % 2 === 0, what.segments, what.size);
        }),
      ),
    fc
      .record({ draw, sacks: fc.array(fc.tuple(draw, draw), { maxLength: 3 }), later: fc.nat(3), plausible: fc.nat(5) })
      .map((what) =>
        made(
          `acknowledge ${JSON.stringify(what)}`,
          (both) => {
            const { model, log } = both;
            both.now += what.later;
            log.beginDelivery(both.now - what.plausible, both.seq(both.recover));
            model.beginDelivery(both.now - what.plausible, both.recover);
            if (what.draw % 2 === 0) {
              const una = both.place(what.draw >> 1, true); // a receiver of whole segments acknowledges nothing else
              log.acknowledge(both.seq(una));
              model.acknowledge(una);
            }
            for (const [one, other] of what.sacks) {
              const [a, b] = [both.place(one, isAligned), both.place(other, isAligned)];
              applyBlock(both, Math.min(a, b), Math.max(a, b));
            }
            compareDelivery(both);
          },
          isFilled,
        ),
      ),
    draw.map((place) =>
      made(
        `lost ${place}`,
        (both) => {
          const index = place % both.log.length;
          both.recover = both.model.nxt;
          for (const segment of both.segmentsOf(index)) both.model.markLost(segment);
          both.log.markLost(index);
        },
        isFilled,
      ),
    ),
    draw.map((place) =>
      made(
        `lost again ${place}`,
        (both) => {
          const index = place % both.log.length;
          for (const segment of both.segmentsOf(index)) both.model.markLostAgain(segment);
          both.log.markLostAgain(index);
        },
        isFilled,
      ),
    ),
    fc.constant(null).map(() =>
      made(
        'the first is lost',
        (both) => {
          const { model, log } = both;
          both.recover = model.nxt;
          log.isolateFirst(0);
          log.markLost(0);
          model.markLost(model.segments[0]!);
        },
        isFilled,
      ),
    ),
    fc.record({ most: fc.integer({ min: 1, max: 4000 }), later: fc.nat(2) }).map((what) =>
      made(
        `resend ${JSON.stringify(what)}`,
        (both) => {
          const { model, log } = both;
          const index = log.nextLost();
          if (index < 0) return;
          both.now += what.later;
          const [segment] = both.segmentsOf(index);
          log.isolateFirst(index);
          const start = log.startOf(index);
          if (seqSub(log.endOf(index), start) > what.most) {
            log.split(index, seqAdd(start, what.most));
            model.cut(segment!, segment!.start + what.most);
          } else {
            while (log.joinNext(index, what.most, both.seq(model.nxt)));
            model.join(segment!, both.offset(log.endOf(index)));
          }
          log.markResent(index, both.now);
          model.resend(segment!, both.now);
        },
        isFilled,
      ),
    ),
    fc.nat(2).map((later) =>
      made(
        'probe with the last',
        (both) => {
          const { model, log } = both;
          if (log.isSacked(log.length - 1)) return;
          both.now += later;
          log.isolateLast();
          log.markProbed(log.length - 1, both.now);
          Object.assign(model.segments.at(-1)!, { isAmbiguous: true, sentAt: both.now });
        },
        isFilled,
      ),
    ),
    fc.constant(null).map(() =>
      made('forget sacks', ({ model, log }) => {
        log.forgetSacks();
        for (const segment of model.segments) segment.isSacked = false;
      }),
    ),
    fc.constant(null).map(() =>
      made('forget losses', ({ model, log }) => {
        log.forgetLosses();
        for (const segment of model.segments) segment.isLost = segment.isResent = false;
      }),
    ),
    fc.nat(6).map((ago) =>
      made(`lost before ${ago}`, (both) => {
        const { model, log, now } = both;
        log.markLostBefore(now - ago);
        for (const [index, segment] of model.segments.entries()) {
          if (index === 0 || (!segment.isSacked && segment.sentAt <= now - ago)) model.markLostAgain(segment);
        }
      }),
    ),
  ];
}

/** A block of SACK: what scoreboard.ts does to the log. */
function applyBlock(both: Both, start: number, end: number): void {
  const { model, log } = both;
  if (start >= end || start <= model.una) return;
  model.sack(start, end);
  for (let index = log.find(both.seq(start)); index < log.length && both.offset(log.startOf(index)) < end; index++) {
    if (both.offset(log.startOf(index)) < start || both.offset(log.endOf(index)) > end) {
      if (log.isSacked(index) || log.segmentsOf(index) === 1) continue;
      index = log.isolate(index, both.seq(start), both.seq(end));
      if (index < 0) break;
    }
    log.markSacked(index);
  }
}

const manners: readonly [title: string, manners: Manners][] = [
  ['blocks end where segments end', { isAligned: true, hasFin: false }],
  ['blocks end anywhere', { isAligned: false, hasFin: false }],
  ['some with a FIN', { isAligned: false, hasFin: true }],
];

for (const [title, its] of manners) {
  test(`a log of bursts says what a record of each segment would: ${title}`, (t) => {
    const starts = fc.constantFrom(0, 0xffff_f000, 0x7fff_f000);
    const runs = fc.property(starts, fc.commands(commandsFor(its), { maxCommands: 60 }), (base, commands) => {
      const both = new Both(base);
      fc.modelRun(() => ({ model: both, real: both }), commands);
    });
    t.notThrows(() => fc.assert(runs, { seed: 8985, numRuns: 2000, includeErrorInReport: true }));
  });
}
