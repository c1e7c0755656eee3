/** `iperf3` of ours against ours, on two simulated hosts: what both print, and how they end. */
import { createSocketModule, type Socket, type SocketModule } from '../../src/api/index.ts';
import { type LinkSettings, ms, type Pair, pair, seconds } from '../../src/sim/index.ts';
import { type ClientOptions, runClient } from '../../tools/iperf3/client.ts';
import { JsonReporter } from '../../tools/iperf3/json.ts';
import { TextReporter } from '../../tools/iperf3/report.ts';
import type { Reporter } from '../../tools/iperf3/reporter.ts';
import { runServer } from '../../tools/iperf3/server.ts';
import type { ServerOptions } from '../../tools/iperf3/session.ts';
import type { TestSettings } from '../../tools/iperf3/settings.ts';

export const serverAddress = '10.0.0.2';
export const port = 5201;

/** A second of TCP, from the client to the server. */
export const usual: TestSettings = {
  protocol: 'tcp',
  seconds: 1,
  octets: 0,
  blocks: 0,
  omit: 0,
  direction: 'forward',
  parallel: 1,
  length: 10_000,
  rate: 0,
  burst: 1,
  window: 0,
  mss: 0,
  noDelay: false,
  congestion: '',
  trafficClass: 0,
  wideCounters: false,
  wantsServerOutput: false,
};

/** One side: what it prints, and how to end it. */
export class Side {
  readonly lines: string[] = [];
  readonly complaints: string[] = [];
  readonly user = new AbortController();
  readonly reporter: Reporter;

  constructor(isJson: boolean) {
    const print = (text: string): void => void this.lines.push(...text.split('\n'));
    const complain = (line: string): void => void this.complaints.push(line);
    this.reporter = isJson
      ? new JsonReporter({ print, systemInfo: 'a simulated host' })
      : new TextReporter({ format: null, print, complain });
  }

  get text(): string {
    return this.lines.join('\n');
  }
}

export interface StageOptions {
  readonly link?: LinkSettings;
  readonly seed?: number;
  readonly isJson?: boolean;
  readonly server?: Partial<ServerOptions>;
}

/** A server that serves for ever, and clients for it. */
export class Stage {
  readonly pair: Pair;
  readonly clientModule: SocketModule;
  readonly serverModule: SocketModule;
  readonly serverSide: Side;
  /** Resolves when the server ends, with whether all was well. */
  readonly served: Promise<boolean>;
  readonly #isJson: boolean;

  constructor({
    link = { rate: 4e6, queue: 32_768, delay: ms(2) },
    seed = 1,
    isJson = false,
    server = {},
  }: StageOptions = {}) {
    this.pair = pair({ seed, link });
    this.#isJson = isJson;
    this.clientModule = createSocketModule(this.pair.client);
    this.serverModule = createSocketModule(this.pair.server);
    this.serverSide = new Side(isJson);
    const { reporter, user } = this.serverSide;
    const own = { port, family: 0, interval: 1, isOneOff: false } as const;
    this.served = runServer(this.serverModule, { ...this.#world, ...own, reporter, signal: user.signal, ...server });
  }

  get #world() {
    const { network } = this.pair;
    let random = 0;
    return {
      cpu: () => ({ user: network.now / seconds(4), system: network.now / seconds(8) }),
      wallClock: () => new Date(Date.UTC(2000, 0, 1) + network.now / 1000),
      random: () => {
        random = (random * 16_807 + 7) % 2_147_483_647;
        return random / 2_147_483_647;
      },
    };
  }

  /** Starts a client. */
  client(settings: Partial<TestSettings>, options: Partial<ClientOptions> = {}) {
    const side = new Side(this.#isJson);
    const { reporter, user } = side;
    const own = { host: serverAddress, port, family: 0, interval: 1, reporter, signal: user.signal } as const;
    const whole = { ...usual, ...settings };
    const ended = runClient(this.clientModule, { ...this.#world, ...own, settings: whole, ...options });
    return { side, ended };
  }

  /** Runs a client to its end, and gives the server time to notice. */
  async play(settings: Partial<TestSettings>, options: Partial<ClientOptions> = {}) {
    const { side, ended } = this.client(settings, options);
    const isFine = await this.until(ended);
    await this.pass(ms(100));
    return { isFine, client: side, server: this.serverSide };
  }

  until<T>(promise: Promise<T>, limit = seconds(300)): Promise<T> {
    return this.pair.network.until(promise, limit);
  }

  /** Lets virtual time pass. */
  async pass(duration: number): Promise<void> {
    await this.until(this.pair.network.sleep(duration));
  }

  /** A connection to the server that is no iperf3 client; `cookie` is what it says first. */
  async stranger(cookie: string | null): Promise<Socket> {
    const [socket] = this.clientModule.tcp();
    const [, error] = await this.until(socket!.connect(serverAddress, port));
    if (error !== null) throw new Error(error);
    if (cookie !== null) await socket!.write(`${cookie}\0`);
    return socket!;
  }

  /** Ends the server. Resolves with whether all was well. */
  async end(): Promise<boolean> {
    this.serverSide.user.abort();
    return this.until(this.served);
  }
}
