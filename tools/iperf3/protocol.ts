import type { Socket, SocketModule } from '../../src/api/index.ts';
import { seconds } from '../../src/stack/index.ts';

/**
 * The control connection of iperf3: a cookie that names the test, octets that name states, and JSON with its length before
 * it. What the states mean is the business of client.ts and server.ts.
 */

/** The octet of each state, as signed numbers. */
export const states = {
  TEST_START: 1,
  TEST_RUNNING: 2,
  TEST_END: 4,
  PARAM_EXCHANGE: 9,
  CREATE_STREAMS: 10,
  SERVER_TERMINATE: 11,
  CLIENT_TERMINATE: 12,
  EXCHANGE_RESULTS: 13,
  DISPLAY_RESULTS: 14,
  IPERF_START: 15,
  IPERF_DONE: 16,
  ACCESS_DENIED: -1,
  SERVER_ERROR: -2,
} as const;

/** The test cannot go on. The message is what iperf3 prints behind 'error - '. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
  /** What iperf3 calls no error: somebody has ended the test. */
  readonly isEnding: boolean;

  constructor(message: string, isEnding = false) {
    super(message);
    this.isEnding = isEnding;
  }
}

/** Why a call failed, in Linux's words where the documented module has its own. */
export function reasonOf(socket: Socket, text: string): string {
  const code = socket.lastError?.code;
  if (code === 'ETIMEDOUT') return 'Connection timed out';
  return code === 'EPIPE' ? 'Broken pipe' : text;
}

const cookieLetters = 'abcdefghijklmnopqrstuvwxyz234567';
const cookieLength = 37;

/** 36 letters. @param random numbers from 0 to below 1 */
export const makeCookie = (random: () => number): string =>
  Array.from({ length: cookieLength - 1 }, () => cookieLetters[Math.floor(random() * cookieLetters.length)]).join('');

/** The letters and a NUL. */
export const cookieOctets = (cookie: string): Uint8Array => new TextEncoder().encode(`${cookie}\0`);

/** The cookie that a connection begins with, or null when none comes in time. */
export async function readCookie(socket: Socket, patience: number): Promise<string | null> {
  const octets = await readExactly(socket, cookieLength, patience);
  socket.settimeout(-1);
  return octets === null ? null : new TextDecoder('latin1').decode(octets.subarray(0, cookieLength - 1));
}

/** So many octets, or null when the peer ends, or does not send them all within `patience` seconds. */
async function readExactly(socket: Socket, count: number, patience: number): Promise<Uint8Array | null> {
  const deadline = socket.runner.now() + seconds(patience);
  const pieces: Uint8Array[] = [];
  let length = 0;
  while (length < count) {
    const rest = (deadline - socket.runner.now()) / seconds(1);
    if (rest <= 0) return null;
    socket.settimeout(rest);
    const [data, error] = await socket.read(count - length);
    if (error !== null) return null;
    pieces.push(data); // what has not been sent takes no memory, whatever length was announced
    length += data.length;
  }
  const whole = new Uint8Array(count);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** Seconds that the peer may take for its part of an exchange. */
const patience = 30;

/** One side of a control connection. */
export class Control {
  readonly socket: Socket;

  /** Small messages go at once, and a peer that has vanished is noticed after a minute and a half. */
  constructor(module: SocketModule, socket: Socket) {
    this.socket = socket;
    socket.setoption(module.IPPROTO_TCP, module.TCP_NODELAY, true);
    socket.setoption(module.SOL_SOCKET, module.SO_KEEPALIVE, true);
    socket.setoption(module.IPPROTO_TCP, module.TCP_KEEPIDLE, 30);
    socket.setoption(module.IPPROTO_TCP, module.TCP_KEEPINTVL, 10);
    socket.setoption(module.IPPROTO_TCP, module.TCP_KEEPCNT, 6);
  }

  /** The next state that the peer names; null when the connection ends, or nothing comes for `timeout` seconds. */
  async readState(timeout = -1): Promise<number | null> {
    this.socket.settimeout(timeout);
    const [data, error] = await this.socket.read(1);
    return error === null ? (data[0]! << 24) >> 24 : null;
  }

  async writeState(state: number): Promise<void> {
    await this.write(Uint8Array.of(state & 0xff));
  }

  /** @throws ProtocolError the connection has ended, or the peer takes nothing any more */
  async write(octets: Uint8Array): Promise<void> {
    this.socket.settimeout(patience);
    const [, error] = await this.socket.write(octets);
    if (error !== null)
      throw new ProtocolError(`unable to write to the control socket: ${reasonOf(this.socket, error)}`);
  }

  async writeJson(value: unknown): Promise<void> {
    const text = new TextEncoder().encode(JSON.stringify(value));
    const message = new Uint8Array(4 + text.length);
    new DataView(message.buffer).setUint32(0, text.length);
    message.set(text, 4);
    await this.write(message);
  }

  /**
   * @param limit octets of the longest text that is taken
   * @param what names the exchange in the error
   * @throws ProtocolError it does not come, is longer, or is no JSON
   */
  async readJson(limit: number, what: string): Promise<unknown> {
    const head = await readExactly(this.socket, 4, patience);
    if (head === null) throw new ProtocolError(`unable to receive ${what}`);
    const length = new DataView(head.buffer).getUint32(0);
    if (length > limit) throw new ProtocolError(`unable to receive ${what}: ${length} octets are too many`);
    const text = await readExactly(this.socket, length, patience);
    if (text === null) throw new ProtocolError(`unable to receive ${what}`);
    try {
      return JSON.parse(new TextDecoder().decode(text));
    } catch {
      throw new ProtocolError(`unable to receive ${what}: not JSON`);
    }
  }

  close(): void {
    void this.socket.close();
  }
}

/** Tells a client that another one is being served; what it says is read, so that the answer is not lost with a reset. */
export async function denyAccess(socket: Socket, module: SocketModule): Promise<void> {
  socket.settimeout(2);
  await socket.write(Uint8Array.of(states.ACCESS_DENIED & 0xff));
  socket.shutdown(module.SHUT_WR);
  await readExactly(socket, 4096, 2);
  await socket.close();
}
