/** Two simulated hosts with sockets of ours, which do not wait. */
import { createSocketModule, type Socket, type SocketModule, texts } from '../../../src/api/index.ts';
import { type Network, pair } from '../../../src/sim/index.ts';
import { ms } from '../../../src/stack/index.ts';
import { type Answer, IPPROTO_TCP, nameOfErrno, SO_ERROR, SOL_SOCKET, type TestSocket, type World } from './sockets.ts';

/** Each socket under test has two hosts of its own, an empty network of 10 ms, and a default route to nowhere. */
export function ourWorld({ invariants = true } = {}): World {
  const { network, client, server, link } = pair({ link: { delay: ms(10) }, invariants });
  const modules = { near: createSocketModule(client), far: createSocketModule(server) };
  client.stack.addRoute(null, 1);
  let icmpMessages = 0;
  link.backward.taps.push((bytes) => {
    if (bytes[0]! >> 4 === 4 && bytes[9] === IPPROTO_ICMP) icmpMessages++;
  });
  return {
    near: '10.0.0.1',
    far: '10.0.0.2',
    silent: '192.0.2.1',
    open: (where, { family, type, protocol }) => {
      const module = modules[where];
      const [made, error] = module.socket(
        family === 4 ? module.AF_INET : module.AF_INET6,
        type === 'stream' ? module.SOCK_STREAM : module.SOCK_DGRAM,
        protocol,
      );
      if (error !== null) return { answer: codeOfText(error), socket: null };
      return { answer: 'ok', socket: new OurSocket(network, module, made) };
    },
    until: async (isSo) => {
      for (let tries = 0; !(await isSo()); tries++) {
        if (tries === 1000) throw new Error('it does not come to that in 10 s');
        network.run(ms(10));
      }
    },
    icmpMessages: () => icmpMessages,
  };
}

const IPPROTO_ICMP = 1;

const codeOfText = (text: string): string => Object.entries(texts).find((entry) => entry[1] === text)?.[0] ?? text;

type Told = readonly [value: unknown, error: string | null, ...rest: unknown[]];

class OurSocket implements TestSocket {
  readonly #network: Network;
  readonly #module: SocketModule;
  readonly #socket: Socket;

  constructor(network: Network, module: SocketModule, socket: Socket) {
    this.#network = network;
    this.#module = module;
    this.#socket = socket;
    socket.settimeout(0);
  }

  async bind(host: string, port: number): Promise<Answer> {
    return this.#answer(await this.#network.until(this.#socket.bind(host, port)));
  }

  async listen(backlog: number): Promise<Answer> {
    return this.#answer(this.#socket.listen(backlog));
  }

  async accept(): Promise<{ answer: Answer; socket: TestSocket | null }> {
    const told = await this.#network.until(this.#socket.accept());
    const socket = told[0] === null ? null : new OurSocket(this.#network, this.#module, told[0]);
    return { answer: this.#answer(told), socket };
  }

  async connect(host: string, port: number): Promise<Answer> {
    return this.#answer(await this.#network.until(this.#socket.connect(host, port)));
  }

  async send(octets: number): Promise<Answer> {
    return this.#answer(await this.#network.until(this.#socket.write(new Uint8Array(octets))));
  }

  async sendto(octets: number, host: string, port: number): Promise<Answer> {
    return this.#answer(await this.#network.until(this.#socket.sendto(new Uint8Array(octets), host, port)));
  }

  /** The end of the stream is an error of ours, with the text of EPIPE. */
  async recv(): Promise<Answer> {
    const told = await this.#network.until(this.#socket.read(100));
    if (told[1] === null) return `${told[0].length}B`;
    const answer = this.#answer(told);
    return answer === 'EPIPE' ? 'EOF' : answer;
  }

  async shutdown(how: 0 | 1 | 2): Promise<Answer> {
    return this.#answer(this.#socket.shutdown(how));
  }

  getsockname(): { answer: Answer; port: number } {
    const told = this.#socket.getsockname();
    return { answer: this.#answer(told), port: Number(told[0]?.[1] ?? -1) };
  }

  getpeername(): { answer: Answer; port: number } {
    const told = this.#socket.getpeername();
    return { answer: this.#answer(told), port: Number(told[0]?.[1] ?? -1) };
  }

  setoption(level: number, name: number, value: number | string): Answer {
    return this.#answer(this.#socket.setoption(level, name, value));
  }

  getoption(level: number, name: number): Answer {
    const told = this.#socket.getoption(level, name);
    if (level === SOL_SOCKET && name === SO_ERROR && told[1] === null) return nameOfErrno(Number(told[0]));
    return this.#answer(told);
  }

  tcpState(): number {
    const [info, error] = this.#socket.getoption(IPPROTO_TCP, this.#module.TCP_INFO);
    if (error !== null || typeof info !== 'object' || !('tcpi_state' in info)) throw new Error(`TCP_INFO: ${error}`);
    return info.tcpi_state;
  }

  isReadable(): boolean {
    return this.#socket.poll().readable;
  }

  hasError(): boolean {
    return this.#socket.poll().error;
  }

  async close(): Promise<void> {
    await this.#network.until(this.#socket.close());
  }

  async reset(): Promise<void> {
    this.#answer(this.#socket.setoption(SOL_SOCKET, this.#module.SO_LINGER, { onoff: true, linger: 0 }));
    await this.close();
  }

  /** What the call returned, or the code of its error, whose text has to be the one of that code (1.15). */
  #answer([value, error]: Told): Answer {
    if (error === null) return typeof value === 'number' ? String(value) : 'ok';
    const code = this.#socket.lastError?.code;
    return code !== undefined && texts[code as keyof typeof texts] === error ? code : `${error} (code ${code})`;
  }
}
