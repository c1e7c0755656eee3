import type { Socket, SocketModule } from '../../src/api/index.ts';
import { seconds } from '../../src/stack/index.ts';
import { TestStream } from './counts.ts';
import { openStream } from './datagrams.ts';
import { bufferSizesOf, congestionOf, prepare, type Surroundings } from './endpoint.ts';
import { Control, cookieOctets, makeCookie, ProtocolError, reasonOf, states } from './protocol.ts';
import { pauseUntil, Stop } from './rate.ts';
import type { Reporter } from './reporter.ts';
import { fromMessage, type Results, toMessage, wholesOf } from './results.ts';
import { Run } from './run.ts';
import { limits, type TestSettings, toParameters } from './settings.ts';

/** The client of iperf3: it asks for a test, and goes from state to state as the server says. */

export interface ClientOptions extends Surroundings {
  readonly host: string;
  readonly port: number;
  /** 0: whichever the name has. */
  readonly family: 0 | 4 | 6;
  /** A length of 0 is what suits the protocol and the path. */
  readonly settings: TestSettings;
  /** Seconds between reports; 0 for none but the last. */
  readonly interval: number;
  readonly reporter: Reporter;
  /** The user has had enough. */
  readonly signal: AbortSignal;
}

/** Runs one test. Resolves with whether it came to its end; what there is to say has been told to the reporter. */
export async function runClient(module: SocketModule, options: ClientOptions): Promise<boolean> {
  const client = new Client(module, options);
  try {
    await client.run();
    return true;
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    client.tellEnd(null);
    options.reporter.failed(error.message, error.isEnding);
    return false;
  } finally {
    client.close();
    options.reporter.finish();
  }
}

class Client {
  readonly #module: SocketModule;
  readonly #options: ClientOptions;
  #settings: TestSettings;
  readonly #cookie: string;
  readonly #sockets: Socket[] = [];
  #control: Control | null = null;
  #run: Run | null = null;
  #others: Results | null = null;
  #congestion = '';
  #hasTold = false;
  readonly #over = new Stop();
  readonly #interrupted: Promise<'interrupted'>;

  constructor(module: SocketModule, options: ClientOptions) {
    const { settings, signal } = options;
    this.#module = module;
    this.#options = options;
    this.#settings = settings;
    this.#cookie = makeCookie(options.random);
    this.#interrupted = new Promise((resolve) => {
      if (signal.aborted) resolve('interrupted');
      else signal.addEventListener('abort', () => resolve('interrupted'), { once: true });
    });
  }

  async run(): Promise<void> {
    const control = await this.#orInterrupted(this.#connectControl());
    await control.write(cookieOctets(this.#cookie));
    const failed = new Promise<string>((resolve) => {
      this.#onRun = (run) => void run.failed.then(resolve);
    });
    for (;;) {
      const reading = control.readState();
      let state = await this.#orInterrupted(Promise.race([reading, failed]));
      if (typeof state === 'string') {
        // The server may have a word to say about it, on its way.
        const { runner } = control.socket;
        const later = pauseUntil(runner.now() + seconds(lastWord), runner, this.#over);
        const told = await Promise.race([reading, later]);
        if (typeof told !== 'number') throw new ProtocolError(state);
        state = told;
      }
      if (await this.#enter(state, control)) return;
    }
  }

  #onRun: (run: Run) => void = () => {};

  /** @throws ProtocolError the user has had enough; the server is told */
  async #orInterrupted<T>(promise: Promise<T>): Promise<T> {
    const first = await Promise.race([promise, this.#interrupted]);
    if (first !== 'interrupted') return first as T;
    this.#run?.end();
    await this.#control?.writeState(states.CLIENT_TERMINATE).catch(() => {});
    throw new ProtocolError('interrupt - the client has terminated', true);
  }

  /** Does what the server's state asks for. Resolves with whether that was all. @throws ProtocolError */
  async #enter(state: number | null, control: Control): Promise<boolean> {
    const run = this.#run;
    const { host, port, reporter } = this.#options;
    switch (state) {
      case states.PARAM_EXCHANGE:
        reporter.connecting(host, port, this.#settings.direction === 'reverse');
        await control.writeJson(toParameters(this.#settings));
        return false;
      case states.CREATE_STREAMS:
        if (run !== null) break;
        await this.#orInterrupted(this.#createStreams(control));
        return false;
      case states.TEST_START:
        return false;
      case states.TEST_RUNNING:
        if (run === null || run.hasStarted) break;
        run.start();
        // Whatever ends the run, the server has to know; should it be gone, reading tells.
        void run.finished.then(() => this.#tellTestEnd(control));
        return false;
      case states.EXCHANGE_RESULTS:
        if (run === null) break;
        run.end();
        await control.writeJson(toMessage(run, this.#congestion, null));
        this.#others = fromMessage(await control.readJson(longestResults, 'results'), run);
        return false;
      case states.DISPLAY_RESULTS:
        this.tellEnd(this.#others);
        this.#closeStreams();
        await control.writeState(states.IPERF_DONE);
        return true;
      case states.ACCESS_DENIED:
        throw new ProtocolError('the server is busy running a test. try again later');
      case states.SERVER_TERMINATE:
        run?.end();
        throw new ProtocolError('the server has terminated');
      case states.SERVER_ERROR:
        throw new ProtocolError(await this.#serverError(control));
      case null:
        run?.end();
        throw new ProtocolError('control socket has closed unexpectedly');
    }
    throw new ProtocolError('received an unknown control message');
  }

  async #tellTestEnd(control: Control): Promise<void> {
    if (!this.#options.signal.aborted) await control.writeState(states.TEST_END).catch(() => {});
  }

  /** Two numbers follow: iperf3's own, and the system's. */
  async #serverError({ socket }: Control): Promise<string> {
    socket.settimeout(5);
    const [data] = await socket.recv(8, this.#module.MSG_WAITALL);
    const number = data.length < 4 ? 0 : new DataView(data.buffer, data.byteOffset).getInt32(0);
    return `the server reports error ${number}`;
  }

  async #connectControl(): Promise<Control> {
    const { settings } = this.#options;
    const socket = await this.#connect(this.#module.SOCK_STREAM, 'unable to connect to server');
    const control = new Control(this.#module, socket);
    this.#control = control;
    if (settings.length === 0) this.#settings = { ...settings, length: this.#usualLength(socket) };
    return control;
  }

  /** Datagrams as long as the segments of the control connection need no fragments. */
  #usualLength(socket: Socket): number {
    if (this.#options.settings.protocol === 'tcp') return 131_072;
    const mss = this.#mssOf(socket);
    return mss >= limits.datagram.least && mss <= limits.datagram.most ? mss : 1460;
  }

  #mssOf(socket: Socket): number {
    return Number(socket.getoption(this.#module.IPPROTO_TCP, this.#module.TCP_MAXSEG)[0] ?? 0);
  }

  async #connect(type: number, what: string): Promise<Socket> {
    const { host, port, family } = this.#options;
    const { AF_INET, AF_INET6 } = this.#module;
    // An IPv6 socket reaches both families, whichever the name has.
    const isV4 = family === 4 || (family === 0 && /^[\d.]+$/.test(host));
    const [socket, refused] = this.#module.socket(isV4 ? AF_INET : AF_INET6, type);
    if (refused !== null) throw new ProtocolError(`${what}: ${refused}`);
    this.#sockets.push(socket);
    if (family === 6) socket.setoption(this.#module.IPPROTO_IPV6, this.#module.IPV6_V6ONLY, true);
    if (type === this.#module.SOCK_DGRAM || this.#control !== null) prepare(socket, this.#module, this.#settings);
    const [, error] = await socket.connect(host, port);
    if (error !== null) throw new ProtocolError(`${what}: ${reasonOf(socket, error)}`);
    return socket;
  }

  async #createStreams(control: Control): Promise<void> {
    const settings = this.#settings;
    const isUdp = settings.protocol === 'udp';
    const { SOCK_STREAM, SOCK_DGRAM } = this.#module;
    const streams: TestStream[] = [];
    const count = settings.direction === 'both' ? settings.parallel * 2 : settings.parallel;
    for (let index = 0; index < count; index++) {
      const sends = settings.direction === 'forward' || (settings.direction === 'both' && index < settings.parallel);
      const socket = await this.#connect(isUdp ? SOCK_DGRAM : SOCK_STREAM, 'unable to connect stream');
      if (isUdp) await openStream(socket);
      else {
        const [, error] = await socket.write(cookieOctets(this.#cookie));
        if (error !== null) throw new ProtocolError(`unable to send cookie to server: ${reasonOf(socket, error)}`);
      }
      streams.push(new TestStream(index, socket, this.#module, sends, isUdp));
    }
    this.#begin(streams, control);
  }

  #begin(streams: readonly TestStream[], control: Control): void {
    const { interval, cpu, reporter, wallClock, host, port } = this.#options;
    const run = new Run({
      settings: this.#settings,
      streams,
      module: this.#module,
      runner: control.socket.runner,
      interval,
      endsIt: true,
      cpu,
      onInterval: (row) => reporter.interval(row),
    });
    this.#run = run;
    this.#onRun(run);
    const first = streams[0]!.socket;
    this.#congestion = congestionOf(first, this.#module, this.#settings);
    reporter.begun({
      run,
      settings: this.#settings,
      isServer: false,
      cookie: this.#cookie,
      peer: [host, port],
      wallClock: wallClock(),
      mssDefault: this.#mssOf(control.socket),
      bufferSizes: bufferSizesOf(first, this.#module),
    });
  }

  /** Tells what was counted, if anything was, once. @param others what the server told; null when it has told nothing */
  tellEnd(others: Results | null): void {
    const run = this.#run;
    if (run === null || this.#hasTold) return;
    this.#hasTold = true;
    run.end();
    const wholes = wholesOf(run, others);
    const isDone = others !== null;
    this.#options.reporter.ended({ run, isServer: false, wholes, others, congestion: this.#congestion, isDone });
  }

  #closeStreams(): void {
    for (const { socket } of this.#run?.streams ?? []) void socket.close();
  }

  close(): void {
    this.#over.set();
    this.#run?.end();
    for (const socket of this.#sockets) void socket.close();
  }
}

/** In octets: with the server's output in it. */
const longestResults = 16 * 1024 * 1024;

/** Seconds that a server may take to say why a stream has failed. */
const lastWord = 0.2;
