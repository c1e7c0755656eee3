/**
 * BBR by itself, told of samples of a way that the test makes up. The names in the titles are the sections of
 * draft-cardwell-iccrg-bbr-congestion-control-00. Whole connections are in test/scenarios/bbr.test.ts.
 */
import test, { type ExecutionContext } from 'ava';
import { type Micros, ms, SeededRandom, seconds } from '../../src/stack/index.ts';
import { Bbr } from '../../src/stack/tcp/congestion/bbr.ts';
import { RateSample } from '../../src/stack/tcp/congestion/controller.ts';

const initialWindow = 10;
const rtt = ms(100);
/** Segments per second; the product of both is 100 segments. */
const wayRate = 1000;
const bdp = 100;
/** Pacing is one hundredth below what the gain says. */
const margin = 0.99;
const highGain = 2.885;

type Told = Partial<Omit<RateSample, 'delivered' | 'interval' | 'totalDelivered' | 'now'>> & {
  /** Segments per second. */
  readonly rate?: number;
};

/** A way, and a BBR that hears of it. */
class Way {
  now: Micros = 0;
  total = 0;
  readonly bbr: Bbr;
  #roundEnd = 0;

  constructor(seed = 1) {
    this.bbr = new Bbr({ cwnd: initialWindow, ssthresh: Number.POSITIVE_INFINITY }, new SeededRandom(seed));
  }

  /** An acknowledgment of what left in the round before. */
  round(told: Told = {}): RateSample {
    this.now += told.rtt ?? rtt;
    this.#roundEnd = this.total;
    return this.#tell(told, this.#roundEnd, 10);
  }

  /** One more of the same round. */
  within(told: Told = {}, after: Micros = 0): RateSample {
    this.now += after;
    return this.#tell(told, this.#roundEnd - 1, 1);
  }

  #tell({ rate = wayRate, ...told }: Told, priorDelivered: number, arrived: number): RateSample {
    const sample = Object.assign(new RateSample(), { rtt, arrived, inFlight: bdp, inFlightBefore: bdp }, told);
    this.total += sample.arrived;
    sample.delivered = (rate * sample.rtt) / seconds(1);
    sample.interval = sample.rtt;
    sample.priorDelivered = told.priorDelivered ?? priorDelivered;
    sample.totalDelivered = this.total;
    sample.now = this.now;
    this.bbr.onSample(sample);
    return sample;
  }

  /** The gain of pacing, if the way's rate is known. */
  get gain(): number {
    return Number((this.bbr.pacingRate / (wayRate * margin)).toFixed(3));
  }

  /** Until the pipe is full and the queue of startup is gone. */
  settle(): this {
    for (let round = 0; round < 5; round++) this.round({ arrived: bdp });
    return this;
  }

  /** Until a phase of the cycle with this gain begins. */
  phase(gain: number): this {
    for (let step = 0; step < 20 && this.gain !== gain; step++) this.#step();
    for (let step = 0; step < 20 && this.gain === gain; step++) this.#step(); // an earlier one, of which some is over
    for (let step = 0; step < 20 && this.gain !== gain; step++) this.#step();
    return this;
  }

  #step(): void {
    this.now += ms(1);
    this.round({ inFlightBefore: 2 * bdp });
  }
}

function near(t: ExecutionContext, actual: number, expected: number): void {
  t.true(Math.abs(actual - expected) <= expected * 1e-6, `${actual}, not ${expected}`);
}

// Startup and drain ---------------------------------------------------------------------------------------------------------

test('BBRInitPacingRate: from the handshake on the initial window is spread by the gain of startup', (t) => {
  const { bbr } = new Way();
  bbr.onOpen(rtt, rtt, 0);

  near(t, bbr.pacingRate, (margin * highGain * initialWindow * seconds(1)) / rtt);
});

test('BBRInitPacingRate: without a measured round trip there is no rate', (t) => {
  const { bbr } = new Way();
  bbr.onOpen(0, Number.POSITIVE_INFINITY, 0);

  t.is(bbr.pacingRate, Number.POSITIVE_INFINITY);
});

test('BBRSetPacingRate: a first sample below the rate of the beginning does not lower it', (t) => {
  const way = new Way();
  way.bbr.onOpen(rtt, rtt, 0);
  const { pacingRate } = way.bbr;
  way.round({ rate: 10, arrived: 1 });

  t.is(way.bbr.pacingRate, pacingRate);
});

test('BBRInit: chosen in mid-flow, it begins with the least round trip of the connection, not with a queue', (t) => {
  const way = new Way();
  way.now = seconds(1000);
  way.bbr.onOpen(3 * rtt, rtt, way.now);
  for (let round = 0; round < 10; round++) way.round({ rtt: 3 * rtt, arrived: bdp, inFlight: bdp });

  t.true(way.bbr.cwnd <= 2 * bdp + 10, `${way.bbr.cwnd}`);
});

test('BBRInit: RTprop is no older than the first round trip, whatever the clock says', (t) => {
  const way = new Way();
  way.now = seconds(1_000_000);
  way.round();

  t.deepEqual([way.bbr.mode, way.bbr.cwnd], ['startup', 2 * initialWindow]);
});

test('BBREnterStartup: while the way takes it all, cwnd and the rate double each round', (t) => {
  const way = new Way();
  const sizes: number[] = [];
  const rates: number[] = [];
  for (let round = 0; round < 5; round++) {
    const { cwnd } = way.bbr;
    sizes.push(cwnd);
    way.round({ rate: (cwnd * seconds(1)) / rtt, arrived: cwnd, inFlight: cwnd });
    rates.push(Math.round(way.bbr.pacingRate / (highGain * margin)));
  }

  t.is(way.bbr.mode, 'startup');
  t.deepEqual(sizes, [10, 20, 40, 80, 160]);
  t.deepEqual(rates, [100, 200, 400, 800, 1600]);
});

test('BBRCheckFullPipe: three rounds without a quarter of growth end startup, two do not', (t) => {
  const way = new Way();
  const modes = [1000, 1100, 1240, 1000].map((rate) => {
    way.round({ rate, inFlight: 10 * bdp });
    return way.bbr.mode;
  });

  t.deepEqual(modes, ['startup', 'startup', 'startup', 'drain']);
});

test('BBRCheckFullPipe: a quarter of growth begins the count anew', (t) => {
  const way = new Way();
  const modes = [1000, 1000, 1000, 1250, 1250, 1250, 1250].map((rate) => {
    way.round({ rate, inFlight: 10 * bdp });
    return way.bbr.mode;
  });

  t.deepEqual(modes.slice(0, -1), Array(6).fill('startup'));
  t.is(modes.at(-1), 'drain');
});

test('BBRCheckFullPipe: rounds count, not acknowledgments, and rounds that the user has limited do not', (t) => {
  const way = new Way();
  way.round();
  for (let sample = 0; sample < 20; sample++) way.within();
  for (let round = 0; round < 20; round++) way.round({ isAppLimited: true });
  t.is(way.bbr.mode, 'startup');
  for (let round = 0; round < 3; round++) way.round({ inFlight: 10 * bdp });

  t.is(way.bbr.mode, 'drain');
});

test('BBRSetPacingRate: in startup a lower sample does not slow sending down', (t) => {
  const way = new Way();
  way.round();
  const { pacingRate } = way.bbr;
  for (let round = 0; round < 2; round++) way.round({ rate: wayRate / 10 });

  t.is(way.bbr.mode, 'startup');
  t.is(way.bbr.pacingRate, pacingRate);
});

test('BBREnterDrain: drain sends by the inverse gain until no more than BDP is in flight', (t) => {
  const way = new Way();
  for (let round = 0; round < 4; round++) way.round({ inFlight: 3 * bdp });
  t.is(way.bbr.mode, 'drain');
  near(t, way.bbr.pacingRate, (wayRate * margin) / highGain);
  way.round({ inFlight: 1.2 * bdp });
  t.is(way.bbr.mode, 'drain');
  way.round({ inFlight: bdp });

  t.is(way.bbr.mode, 'probeBw');
});

test('BBREnterDrain: drain takes nothing of cwnd, only of the rate', (t) => {
  const way = new Way();
  for (let round = 0; round < 4; round++) way.round({ arrived: bdp, inFlight: 3 * bdp });

  t.is(way.bbr.mode, 'drain');
  t.true(way.bbr.cwnd >= 2.5 * bdp, `${way.bbr.cwnd}`);
});

// The cycle of gains --------------------------------------------------------------------------------------------------------

test('BBREnterProbeBW: the cycle begins anywhere but with the slow phase', (t) => {
  const gains = new Set<number>();
  for (let seed = 1; seed <= 50; seed++) {
    const way = new Way(seed);
    while (way.bbr.mode !== 'probeBw') way.round();
    gains.add(way.gain);
  }

  t.deepEqual([...gains].sort(), [1, 1.25]);
});

test('BBRAdvanceCyclePhase: one round trip faster, one slower, six at the rate', (t) => {
  const way = new Way().settle().phase(1.25);
  const gains: number[] = [];
  for (let phase = 0; phase < 16; phase++) {
    gains.push(way.gain);
    way.now += 1; // longer than RTprop
    way.round({ inFlightBefore: 1.5 * bdp, inFlight: 1.5 * bdp });
  }

  const cycle = [1.25, 0.75, 1, 1, 1, 1, 1, 1];
  t.deepEqual(gains, [...cycle, ...cycle]);
});

test('BBRCheckCyclePhase: a phase lasts for RTprop', (t) => {
  const way = new Way().settle().phase(0.75);
  way.within({ inFlightBefore: 2 * bdp }, rtt);
  t.is(way.gain, 0.75);
  way.within({ inFlightBefore: 2 * bdp }, 1);

  t.is(way.gain, 1);
});

test('BBRIsNextCyclePhase: the fast phase goes on until a quarter more is in flight, or something is lost', (t) => {
  for (const end of [{ inFlightBefore: 1.5 * bdp }, { lost: 1 }]) {
    const way = new Way().settle().phase(1.25);
    for (let round = 0; round < 5; round++) way.round({ inFlightBefore: bdp });
    t.is(way.gain, 1.25);
    way.round({ inFlightBefore: bdp, ...end });
    t.is(way.gain, 0.75);
  }
});

test('BBRIsNextCyclePhase: the slow phase ends early when the queue is gone', (t) => {
  const way = new Way().settle().phase(0.75);
  way.within({ inFlightBefore: bdp }, ms(1));

  t.is(way.gain, 1);
});

test('BBRSetCwnd: about twice BDP may be in flight once the pipe is full, and never less than four segments', (t) => {
  const way = new Way().settle();
  for (let round = 0; round < 5; round++) way.round({ arrived: 50 });
  t.true(way.bbr.cwnd >= 2 * bdp && way.bbr.cwnd <= 2 * bdp + 10, String(way.bbr.cwnd));
  const narrow = new Way();
  for (let round = 0; round < 20; round++) narrow.round({ rate: 1, rtt: 1000, inFlight: 0 });

  t.true(narrow.bbr.cwnd >= 4 && narrow.bbr.cwnd <= 10, String(narrow.bbr.cwnd));
});

// The model -----------------------------------------------------------------------------------------------------------------

test('BBRUpdateBtlBw: the best sample counts for ten rounds', (t) => {
  const way = new Way().settle();
  const rates: number[] = [];
  way.round({ rate: 2 * wayRate, rtt: 50_000 });
  for (let round = 0; round < 10; round++) {
    rates.push(estimate(way));
    way.round();
  }
  rates.push(estimate(way));

  t.deepEqual(rates, [...Array(10).fill(2 * wayRate), wayRate]);
});

/** BtlBw by the pacing rate of a restart, which has a gain of 1. */
function estimate({ bbr }: Way): number {
  bbr.onRestart(seconds(1), true);
  return Math.round(bbr.pacingRate / margin);
}

test('BBRUpdateBtlBw: of a round the best sample counts', (t) => {
  const way = new Way().settle();
  way.round({ rate: 1500 });
  way.within({ rate: 100 });

  t.is(estimate(way), 1500);
});

test('BBRUpdateBtlBw: a sample that the user has limited counts only when it is the best', (t) => {
  const way = new Way().settle();
  for (let round = 0; round < 30; round++) way.within({ rate: 10, isAppLimited: true }, rtt);
  t.is(estimate(way), wayRate);
  way.round({ rate: 1500, isAppLimited: true });

  t.is(estimate(way), 1500);
});

test('BBRUpdateBtlBw: rounds that the user limits do not age the estimate', (t) => {
  const way = new Way().settle();
  for (let round = 0; round < 30; round++) way.round({ rate: 10, isAppLimited: true });

  t.is(estimate(way), wayRate);
});

test('BBRUpdateRound: a round ends when a segment arrives that left after its beginning', (t) => {
  const way = new Way().settle();
  for (let sample = 0; sample < 100; sample++) way.within({ rate: wayRate / 2 });
  t.is(estimate(way), wayRate);
  for (let round = 0; round < 10; round++) way.round({ rate: wayRate / 2 });

  t.is(estimate(way), wayRate / 2);
});

// Probing the round trip ----------------------------------------------------------------------------------------------------

/** Ten seconds of longer round trips. */
function age(way: Way, longer: Micros = ms(120)): void {
  const end = way.now + seconds(10);
  while (way.now <= end) way.round({ rtt: longer, inFlightBefore: 1.5 * bdp, arrived: 20 });
}

test('BBRCheckProbeRTT: after ten seconds without a round trip as short, four segments for 200 ms, then all as before', (t) => {
  const way = new Way().settle();
  way.within({}, 0); // RTprop is seen for the last time
  const seenAt = way.now;
  for (; way.now <= seenAt + seconds(10) - ms(120); )
    way.round({ rtt: ms(120), inFlightBefore: 1.5 * bdp, arrived: 20 });
  t.is(way.bbr.mode, 'probeBw');
  const { cwnd } = way.bbr;
  way.round({ rtt: ms(120) });
  t.deepEqual([way.bbr.mode, way.bbr.cwnd, way.gain], ['probeRtt', 4, 1]);

  way.within({ inFlight: 5 }, seconds(1)); // the pipe is not empty yet
  way.within({ inFlight: 4 }, ms(1));
  const emptyAt = way.now;
  way.round({ inFlight: 4 });
  way.within({ inFlight: 4 }, emptyAt + ms(200) - way.now);
  t.deepEqual([way.bbr.mode, way.bbr.cwnd], ['probeRtt', 4]);
  way.within({ inFlight: 4 }, 1);

  t.is(way.bbr.mode, 'probeBw');
  t.true(way.bbr.cwnd >= cwnd, `${way.bbr.cwnd}, before ${cwnd}`);
});

test('BBRCheckProbeRTT: it also lasts for a whole round', (t) => {
  const way = new Way().settle();
  age(way);
  way.within({ inFlight: 4 });
  for (let sample = 0; sample < 5; sample++) way.within({ inFlight: 4 }, ms(100));
  t.is(way.bbr.mode, 'probeRtt');
  way.round({ inFlight: 4 });

  t.is(way.bbr.mode, 'probeBw');
});

test('BBRCheckProbeRTT: the probe says of itself that it limits, other phases do not', (t) => {
  const way = new Way().settle();
  t.false(way.round().limitsItself);
  age(way);

  t.is(way.bbr.mode, 'probeRtt');
  t.true(way.within({ inFlight: 10 }).limitsItself);
});

test('BBRUpdateRTprop: a round trip as short as the shortest puts the probe off', (t) => {
  const way = new Way().settle();
  for (let round = 0; round < 400; round++) {
    way.round({ rtt: round % 50 === 0 ? rtt : ms(120), inFlightBefore: 1.5 * bdp });
    t.is(way.bbr.mode, 'probeBw');
  }
});

test('BBRUpdateRTprop: after the probe, the round trip that was seen in it counts, even if it is longer', (t) => {
  const way = new Way().settle();
  age(way, ms(200));
  for (let round = 0; round < 4; round++) way.round({ rtt: ms(200), inFlight: 4 });
  t.is(way.bbr.mode, 'probeBw');
  for (let round = 0; round < 10; round++) way.round({ rtt: ms(200), arrived: 100, inFlightBefore: 3 * bdp });

  t.true(way.bbr.cwnd >= 4 * bdp && way.bbr.cwnd <= 4 * bdp + 10, String(way.bbr.cwnd)); // BDP is twice as much now
});

test('BBRExitProbeRTT: the next probe comes ten seconds after the end of this one', (t) => {
  const way = new Way().settle();
  age(way);
  way.within({ inFlight: 4, rtt: ms(110) });
  for (let sample = 0; sample < 30; sample++) way.within({ inFlight: 4, rtt: ms(130) }, ms(100));
  way.round({ inFlight: 4, rtt: ms(130) });
  t.is(way.bbr.mode, 'probeBw');
  const end = way.now;
  while (way.bbr.mode === 'probeBw') way.round({ rtt: ms(130), inFlightBefore: 1.5 * bdp });

  t.true(way.now - end > seconds(10) && way.now - end <= seconds(10) + ms(130), `${way.now - end}`);
});

test('BBRExitProbeRTT: startup goes on if the pipe was not full', (t) => {
  const way = new Way();
  for (let round = 0; round < 110; round++) way.round({ rtt: round === 0 ? rtt : ms(101), isAppLimited: true });
  t.is(way.bbr.mode, 'probeRtt');
  for (let round = 0; round < 5; round++) way.round({ inFlight: 4, isAppLimited: true });
  t.is(way.bbr.mode, 'startup');
  way.round({ rate: 2 * wayRate });

  near(t, way.bbr.pacingRate, 2 * wayRate * margin * highGain);
});

test('BBRHandleRestartFromIdle: after a pause sending goes on at the rate, and a pause is no reason to probe', (t) => {
  const way = new Way().settle().phase(1.25);
  way.bbr.onRestart(seconds(1), true);
  t.is(way.gain, 1);
  way.now += seconds(60);
  way.within({ rate: 0, rtt: -1 }); // tells of nothing that has arrived
  way.round();

  t.is(way.bbr.mode, 'probeBw');
});

// Losses --------------------------------------------------------------------------------------------------------------------

/** A connection in the cycle, whose window is what it will be for long. */
function steady(): { way: Way; bbr: Bbr; cwnd: number } {
  const way = new Way().settle();
  for (let round = 0; round < 30; round++) way.round({ arrived: 50, inFlightBefore: 1.5 * bdp });
  way.phase(1);
  way.round({ arrived: 50, inFlightBefore: 1.5 * bdp });
  return { way, bbr: way.bbr, cwnd: way.bbr.cwnd };
}

test('BBRModulateCwndForRecovery: in the first round of recovery as much may leave as arrives', (t) => {
  const { way, bbr } = steady();
  bbr.onCongestion();
  way.within({ phase: 'recovery', lost: 3, inFlight: 80, arrived: 2 });
  t.is(bbr.cwnd, 82);
  way.within({ phase: 'recovery', inFlight: 81, arrived: 1 });
  t.is(bbr.cwnd, 82);
  way.within({ phase: 'recovery', inFlight: 83, arrived: 2 });

  t.is(bbr.cwnd, 85);
});

test('BBRModulateCwndForRecovery: that round begins with the recovery, not with what was on its way already', (t) => {
  const { way, bbr } = steady();
  bbr.onCongestion();
  const before = way.total;
  way.within({ phase: 'recovery', lost: 3, inFlight: 80, arrived: 2 });
  way.round({ phase: 'recovery', inFlight: 70, arrived: 5, priorDelivered: before });
  t.is(bbr.cwnd, 82);
  way.round({ phase: 'recovery', inFlight: 70, arrived: 5 });

  t.is(bbr.cwnd, 87);
});

test('BBRModulateCwndForRecovery: from its second round on cwnd grows by what arrives', (t) => {
  const { way, bbr } = steady();
  bbr.onCongestion();
  way.within({ phase: 'recovery', lost: 3, inFlight: 80, arrived: 2 });
  way.round({ phase: 'recovery', inFlight: 82, arrived: 5 });

  t.is(bbr.cwnd, 87);
});

test('BBRModulateCwndForRecovery: each segment that is lost takes one of cwnd', (t) => {
  const { way, bbr, cwnd } = steady();
  bbr.onCongestion();
  way.within({ phase: 'recovery', lost: 3, inFlight: cwnd - 5, arrived: 2 });
  way.round({ phase: 'recovery', inFlight: 10, arrived: 1 });
  const before = bbr.cwnd;
  way.within({ phase: 'recovery', lost: 4, inFlight: 10, arrived: 1 });

  t.is(bbr.cwnd, before - 4 + 1);
});

test('BBRRestoreCwnd: after a recovery cwnd is what it was, and the rate has never changed', (t) => {
  const { way, bbr, cwnd } = steady();
  bbr.onCongestion();
  way.within({ phase: 'recovery', lost: 30, inFlight: 20, arrived: 1 });
  t.is(bbr.cwnd, 21);
  t.is(estimate(way), wayRate);
  bbr.onRecovered();
  way.within({ phase: 'open', inFlight: 20, arrived: 1 });

  t.is(bbr.cwnd, cwnd);
  t.is(estimate(way), wayRate);
  t.is(bbr.ssthresh, Number.POSITIVE_INFINITY);
});

test('BBRSaveCwnd: a second loss in the same recovery does not make the saved window smaller', (t) => {
  const { way, bbr, cwnd } = steady();
  bbr.onCongestion();
  way.within({ phase: 'recovery', lost: 30, inFlight: 20, arrived: 1 });
  bbr.onTimeout();
  t.is(bbr.cwnd, 1);
  way.within({ phase: 'loss', inFlight: 1, arrived: 1 });
  way.within({ phase: 'open', inFlight: 2, arrived: 1 });

  t.is(bbr.cwnd, cwnd);
});

test('BBRModulateCwndForRecovery: a timeout leaves one segment, then cwnd grows, and is back when all has arrived', (t) => {
  const { way, bbr, cwnd } = steady();
  const { pacingRate } = bbr;
  bbr.onTimeout();
  t.is(bbr.cwnd, 1);
  way.within({ phase: 'loss', inFlight: 1, arrived: 1 });
  t.is(bbr.cwnd, 4);
  way.within({ phase: 'loss', inFlight: 4, arrived: 4 });
  t.is(bbr.cwnd, 8);
  way.within({ phase: 'open', inFlight: 8, arrived: 1 });

  t.is(bbr.cwnd, cwnd);
  t.is(bbr.pacingRate, pacingRate);
});

test('BBRCheckFullPipe: after a timeout in startup growth is looked for anew', (t) => {
  const way = new Way();
  for (let round = 0; round < 3; round++) way.round({ inFlight: 10 * bdp });
  way.bbr.onTimeout();
  const modes = Array.from({ length: 4 }, () => {
    way.round({ inFlight: 10 * bdp });
    return way.bbr.mode;
  });

  t.deepEqual(modes, ['startup', 'startup', 'startup', 'drain']);
});

test('losses without end change neither the rate nor the window between them', (t) => {
  const { way, bbr, cwnd } = steady();
  for (let loss = 0; loss < 50; loss++) {
    bbr.onCongestion();
    way.within({ phase: 'recovery', lost: 1, inFlight: bdp, arrived: 1 });
    way.round({ phase: 'open', inFlight: bdp, inFlightBefore: 1.5 * bdp });
    t.true(Math.abs(bbr.cwnd - cwnd) <= 2, `${bbr.cwnd}, before ${cwnd}`); // two more in the fast phase
  }
  t.is(estimate(way), wayRate);
});

test('a loss that was none: the window is back, and in startup the pipe is given three rounds more', (t) => {
  const way = new Way();
  for (let round = 0; round < 3; round++) way.round({ arrived: 20, inFlight: 10 * bdp });
  const { cwnd } = way.bbr;
  way.bbr.onCongestion();
  way.within({ phase: 'recovery', lost: 1, inFlight: 15, arrived: 1 });
  way.bbr.undo();
  way.within({ phase: 'open', inFlight: 10 * bdp });
  t.true(way.bbr.cwnd >= cwnd, `${way.bbr.cwnd}, before ${cwnd}`);
  const modes = Array.from({ length: 4 }, () => {
    way.round({ inFlight: 10 * bdp });
    return way.bbr.mode;
  });

  t.deepEqual(modes, ['startup', 'startup', 'startup', 'drain']);
});

test('a loss that was none does not make a full pipe a startup again: the slow phase is still slow', (t) => {
  const { way, bbr } = steady();
  way.phase(1.25);
  bbr.onCongestion();
  way.within({ phase: 'recovery', lost: 1, inFlight: bdp, arrived: 1 });
  bbr.undo();
  way.now += 1;
  way.round({ phase: 'open', inFlight: bdp, inFlightBefore: 1.5 * bdp });

  t.is(bbr.mode, 'probeBw');
  t.is(way.gain, 0.75);
});
