import type { Socket, SocketModule } from '../../src/api/index.ts';
import { seconds } from '../../src/stack/index.ts';
import { TestStream } from './counts.ts';
import { listenForStream, meetStream, welcomeStream } from './datagrams.ts';
import { bufferSizesOf, congestionOf, prepare, type Surroundings } from './endpoint.ts';
import { type Control, ProtocolError, states } from './protocol.ts';
import { pauseUntil, Stop } from './rate.ts';
import type { Reporter } from './reporter.ts';
import { fromMessage, toMessage, wholesOf } from './results.ts';
import { Run } from './run.ts';
import { fromParameters, type TestSettings } from './settings.ts';

/** One client of the server, from its cookie to its results. The states are the server's to name; the client ends the test. */

export interface ServerOptions extends Surroundings {
  readonly port: number;
  /** 0: both. */
  readonly family: 0 | 4 | 6;
  /** Seconds between reports; 0 for none but the last. */
  readonly interval: number;
  /** One client, then the end (`-1`). */
  readonly isOneOff: boolean;
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
}

export interface SessionOptions extends ServerOptions {
  readonly module: SocketModule;
  readonly control: Control;
  readonly cookie: string;
  /** The streams of TCP come in by it. */
  readonly listener: Socket;
  readonly peer: readonly [host: string, port: number];
}

export class Session {
  readonly #options: SessionOptions;
  readonly #sockets: Socket[] = [];
  /** Who waits for the next stream. */
  #onStream: ((socket: Socket) => void) | null = null;
  readonly #waiting: Socket[] = [];
  #missing = 0;
  #run: Run | null = null;
  #hasTold = false;
  #congestion = '';
  /** The session is over: whoever still waits for time to pass need not. */
  readonly #over = new Stop();
  /** The next state that the client names: asked for once, and looked at wherever the session waits. */
  #nextState: Promise<number | null> | null = null;

  /** Resolves when the user ends the server. */
  readonly #interrupted: Promise<'interrupted'>;
  #onAbort: () => void = () => {};

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#interrupted = new Promise((resolve) => {
      this.#onAbort = () => resolve('interrupted');
      options.signal.addEventListener('abort', this.#onAbort, { once: true });
    });
  }

  /** Streams are on their way. */
  get expectsStreams(): boolean {
    return this.#missing > 0;
  }

  /** Takes a connection that has said `cookie`, if it is one of this session's streams. */
  takeStream(socket: Socket, cookie: string): boolean {
    if (this.#missing === 0 || cookie !== this.#options.cookie) return false;
    this.#missing--;
    this.#sockets.push(socket);
    const onStream = this.#onStream;
    this.#onStream = null;
    if (onStream === null) this.#waiting.push(socket);
    else onStream(socket);
    return true;
  }

  /** @throws ProtocolError why the test did not come to its end */
  async run(): Promise<void> {
    const { control, reporter, peer } = this.#options;
    await control.writeState(states.PARAM_EXCHANGE);
    const settings = fromParameters(await control.readJson(longestParameters, 'parameters from client'));
    reporter.accepted(...peer);
    this.#nextState = control.readState();
    const run = await this.#createStreams(settings);
    await control.writeState(states.TEST_START);
    await control.writeState(states.TEST_RUNNING);
    run.start();
    await this.#untilTestEnd(run, settings);
    await this.#exchangeResults(run);
  }

  async #createStreams(settings: TestSettings): Promise<Run> {
    const { module, control, reporter, interval, cpu, wallClock, cookie, peer, listener } = this.#options;
    const count = settings.direction === 'both' ? settings.parallel * 2 : settings.parallel;
    const sockets: Socket[] = [];
    if (settings.protocol === 'tcp') {
      if (settings.mss > 0) listener.setoption(module.IPPROTO_TCP, module.TCP_MAXSEG, settings.mss);
      this.#missing = count;
      await control.writeState(states.CREATE_STREAMS);
      while (sockets.length < count) sockets.push(await this.#orGone(this.#nextStream()));
      if (settings.mss > 0) listener.setoption(module.IPPROTO_TCP, module.TCP_MAXSEG, 0);
      for (const socket of sockets) prepare(socket, module, settings);
    } else await this.#meetStreams(settings, count, sockets);
    const isUdp = settings.protocol === 'udp';
    const streams = sockets.map((socket, index) => {
      const sends = settings.direction === 'reverse' || (settings.direction === 'both' && index >= settings.parallel);
      return new TestStream(index, socket, module, sends, isUdp);
    });
    const run = new Run({
      settings,
      streams,
      module,
      runner: control.socket.runner,
      interval,
      endsIt: false,
      cpu,
      onInterval: (row) => reporter.interval(row),
    });
    this.#run = run;
    this.#congestion = congestionOf(sockets[0]!, module, settings);
    const bufferSizes = bufferSizesOf(sockets[0]!, module);
    const about = { run, settings, isServer: true, cookie, peer, wallClock: wallClock(), mssDefault: 0, bufferSizes };
    reporter.begun(about);
    return run;
  }

  async #nextStream(): Promise<Socket> {
    return (
      this.#waiting.shift() ??
      new Promise((resolve) => {
        this.#onStream = resolve;
      })
    );
  }

  /** Of UDP every stream is a socket that keeps to its peer, while the next one waits at the same port. */
  async #meetStreams(settings: TestSettings, count: number, sockets: Socket[]): Promise<void> {
    const { module, control, family, port } = this.#options;
    const listen = async (): Promise<Socket> => {
      const next = await listenForStream(module, family === 4 ? module.AF_INET : module.AF_INET6, port);
      this.#sockets.push(next);
      return next;
    };
    let socket = await listen();
    await control.writeState(states.CREATE_STREAMS);
    while (sockets.length < count) {
      if (!(await this.#orGone(meetStream(socket)))) throw new ProtocolError('unable to create a new stream');
      prepare(socket, module, settings);
      sockets.push(socket);
      const met = socket;
      if (sockets.length < count) socket = await listen();
      await welcomeStream(met);
    }
  }

  /** @throws ProtocolError the client has gone, or keeps the server waiting for too long */
  async #orGone<T>(promise: Promise<T>): Promise<T> {
    const { runner } = this.#options.control.socket;
    const late = pauseUntil(runner.now() + seconds(patience), runner, this.#over).then(() => null);
    const first = await Promise.race([promise.then((value) => ({ value })), this.#nextState!, late, this.#interrupted]);
    if (typeof first === 'object' && first !== null) return first.value;
    if (first === 'interrupted') await this.#terminate();
    if (first === null) throw new ProtocolError('the client has unexpectedly closed the connection', true);
    throw new ProtocolError(messageOf(first as number));
  }

  async #terminate(): Promise<never> {
    await this.#options.control.writeState(states.SERVER_TERMINATE).catch(() => {});
    this.#tellEnd();
    throw new ProtocolError('interrupt - the server has terminated', true);
  }

  /** Waits for the client to end the test; not for ever, if it is known how long the test takes. */
  async #untilTestEnd(run: Run, settings: TestSettings): Promise<void> {
    const { runner } = this.#options.control.socket;
    const most = settings.seconds > 0 ? settings.omit + settings.seconds + grace : Number.POSITIVE_INFINITY;
    const late = pauseUntil(runner.now() + seconds(most), runner, this.#over).then(() => 'late' as const);
    const ended = await Promise.race([this.#nextState!, run.failed.then((why) => ({ why })), late, this.#interrupted]);
    if (ended === states.TEST_END) return run.end();
    if (typeof ended === 'object' && ended !== null) {
      // The streams of a client that has gone are often the first to tell.
      const state = await Promise.race([this.#nextState!, this.#soon()]);
      if (state === states.TEST_END) return run.end();
      run.end();
      this.#tellEnd();
      if (typeof state !== 'number') throw clientGone();
      throw new ProtocolError(state === states.CLIENT_TERMINATE ? messageOf(state) : ended.why, state === 12);
    }
    run.end();
    if (ended === 'interrupted') await this.#terminate();
    this.#tellEnd();
    if (ended === 'late') throw new ProtocolError('the client does not end the test');
    if (ended === null) throw clientGone();
    throw new ProtocolError(messageOf(ended as number), ended === states.CLIENT_TERMINATE);
  }

  #soon(): Promise<'later'> {
    const { runner } = this.#options.control.socket;
    return pauseUntil(runner.now() + seconds(1), runner, this.#over).then(() => 'later');
  }

  async #exchangeResults(run: Run): Promise<void> {
    const { control, reporter } = this.#options;
    // A client that receives reads its streams by whole blocks until they end, and only then looks at what it is told.
    for (const socket of this.#sockets) void socket.close();
    await control.writeState(states.EXCHANGE_RESULTS);
    const others = fromMessage(await control.readJson(longestResults, 'results'), run);
    this.#tellEnd();
    const output = run.settings.wantsServerOutput ? reporter.output() : null;
    await control.writeJson(toMessage(run, this.#congestion, output));
    void others; // a server tells its own side alone
    await control.writeState(states.DISPLAY_RESULTS);
    await control.readState(patience); // IPERF_DONE, or the end of the connection: all has been said
  }

  /** Tells what this side has counted, once. */
  #tellEnd(): void {
    const run = this.#run;
    if (run === null || this.#hasTold) return;
    this.#hasTold = true;
    run.end();
    const wholes = wholesOf(run, null);
    const { reporter } = this.#options;
    reporter.ended({ run, isServer: true, wholes, others: null, congestion: this.#congestion, isDone: true });
  }

  close(): void {
    this.#over.set();
    this.#options.signal.removeEventListener('abort', this.#onAbort);
    this.#missing = 0;
    this.#run?.end();
    for (const socket of this.#sockets) void socket.close();
    this.#options.control.close();
  }
}

const clientGone = (): ProtocolError => new ProtocolError('the client has unexpectedly closed the connection', true);

const messageOf = (state: number): string =>
  state === states.CLIENT_TERMINATE ? 'the client has terminated' : 'received an unknown control message';

/** In octets. */
const longestParameters = 65_536;
const longestResults = 1_048_576;

/** Seconds that a client may take for its part; and for the end of a test whose length is known. */
const patience = 30;
const grace = 10;
