import { type Socket, type SocketModule, texts } from '../../src/api/index.ts';
import type { TestStream } from './counts.ts';
import type { Pace, Stop } from './rate.ts';

/** The data of TCP streams: one block, written again and again; and reads whose octets are only counted. */

/** What the loops of a test have in common. */
export interface Traffic {
  readonly module: SocketModule;
  readonly stop: Stop;
  /** Octets of a block. */
  readonly length: number;
  /** Has everything been sent that the test asks for? */
  readonly isEnough: () => boolean;
  /** After every block, and every read: is it the last? */
  readonly counted: () => void;
}

/** Writes blocks until the test ends. Resolves with what went wrong, or null. */
export async function sendBlocks(stream: TestStream, traffic: Traffic, pace: Pace | null): Promise<string | null> {
  const { module, stop, length, isEnough, counted } = traffic;
  const { socket } = stream;
  const block = makeBlock(length);
  while (!stop.isSet && !isEnough()) {
    if (pace !== null) {
      await pace.turn();
      if (stop.isSet || isEnough()) break;
    }
    const [count, error] = await socket.send(block, module.MSG_DONTWAIT);
    if (stop.isSet) break;
    if (error !== null && error !== texts.EAGAIN) return error;
    if (count !== null) {
      stream.octets += count;
      stream.blocks = Math.floor(stream.octets / length); // a write may take less than a block
      pace?.sent(count);
      counted();
    }
    if (count !== length) await untilWritable(socket, stop);
  }
  return null;
}

/** Reads until the test ends. Resolves with what went wrong, or null. */
export async function receiveBlocks(stream: TestStream, traffic: Traffic): Promise<string | null> {
  const { stop, length, counted } = traffic;
  const { socket } = stream;
  const most = Math.max(length, leastRead);
  while (!stop.isSet) {
    const [data, error] = await socket.read(most);
    if (stop.isSet) break;
    if (error !== null) return error;
    stream.octets += data.length;
    stream.blocks = Math.floor(stream.octets / length);
    counted();
  }
  return null;
}

/** So much is read at once, however short the blocks are. */
const leastRead = 131_072;

/** Octets that differ, and that compress badly. */
export function makeBlock(length: number): Uint8Array {
  const block = new Uint8Array(length);
  let value = 0x2545f491;
  for (let at = 0; at < length; at++) {
    value = (Math.imul(value, 1_664_525) + 1_013_904_223) >>> 0;
    block[at] = value >>> 24;
  }
  return block;
}

/** Waits until the socket takes more, has failed, or the test is over. */
function untilWritable(socket: Socket, stop: Stop): Promise<void> {
  return new Promise((resolve) => {
    let forget = (): void => {};
    const look = (): void => {
      forget();
      if (stop.isSet || socket.fileno() < 0 || socket.poll().writable) {
        stop.delete(look);
        resolve();
      } else forget = socket.onceChanged(look);
    };
    stop.add(look);
    look();
  });
}
