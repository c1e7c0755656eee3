import { type Socket, type SocketModule, texts } from '../../src/api/index.ts';
import { seconds } from '../../src/stack/index.ts';
import type { TestStream } from './counts.ts';
import { ProtocolError, reasonOf } from './protocol.ts';
import type { Pace } from './rate.ts';
import { makeBlock, type Traffic } from './streams.ts';

/**
 * The data of UDP streams: each datagram begins with the time when it was sent, in seconds and microseconds, and with its
 * number, of 32 or 64 bits; and the two datagrams with which a stream begins, as UDP has no handshake of its own.
 */

/** Writes datagrams until the test ends. Resolves with what went wrong, or null. */
export async function sendDatagrams(
  stream: TestStream,
  traffic: Traffic,
  pace: Pace | null,
  isWide: boolean,
): Promise<string | null> {
  const { stop, length, isEnough, counted } = traffic;
  const { socket } = stream;
  const { runner } = socket;
  const block = makeBlock(length);
  const head = new DataView(block.buffer);
  while (!stop.isSet && !isEnough()) {
    if (pace !== null) {
      await pace.turn();
      if (stop.isSet || isEnough()) break;
    }
    const now = runner.now();
    stream.sequence++;
    head.setUint32(0, Math.floor(now / seconds(1)));
    head.setUint32(4, now % seconds(1));
    if (isWide) head.setBigUint64(8, BigInt(stream.sequence));
    else head.setUint32(8, stream.sequence);
    const [, error] = await socket.send(block, 0);
    if (stop.isSet) break;
    if (error !== null) return error;
    stream.octets += length;
    stream.blocks++;
    pace?.sent(length);
    counted();
  }
  return null;
}

/** Takes datagrams until the test ends. Resolves with what went wrong, or null. */
export async function receiveDatagrams(stream: TestStream, traffic: Traffic, isWide: boolean): Promise<string | null> {
  const { stop, length, counted } = traffic;
  const { socket, arrivals } = stream;
  const { runner } = socket;
  const headLength = isWide ? 16 : 12;
  while (!stop.isSet) {
    const [data, error] = await socket.read(length);
    if (stop.isSet) break;
    if (error !== null) return error;
    if (data.length < headLength) continue; // not one of ours
    const head = new DataView(data.buffer, data.byteOffset, headLength);
    const sent = head.getUint32(0) * seconds(1) + head.getUint32(4);
    const number = isWide ? Number(head.getBigUint64(8)) : head.getUint32(8);
    arrivals.take(number, (runner.now() - sent) / seconds(1));
    stream.octets += data.length;
    stream.blocks++;
    counted();
  }
  return null;
}

/** Numbers as they lie in the sender's memory: on the machines of today the least octet goes first. */
const hello = new TextEncoder().encode('9876');
const welcome = new TextEncoder().encode('6789');
const patience = 30;

/** The client's part: tells the server which port a stream comes from, and waits until it has understood. @throws ProtocolError */
export async function openStream(socket: Socket): Promise<void> {
  const [, refused] = await socket.write(hello);
  if (refused !== null) throw new ProtocolError(`unable to write to stream socket: ${reasonOf(socket, refused)}`);
  socket.settimeout(patience);
  const [, error] = await socket.read(4);
  if (error !== null) throw new ProtocolError(`unable to read from stream socket: ${reasonOf(socket, error)}`);
  socket.settimeout(-1);
}

/** A socket that waits for the next stream. @throws ProtocolError */
export async function listenForStream(module: SocketModule, family: number, port: number): Promise<Socket> {
  const [socket, refused] = module.socket(family, module.SOCK_DGRAM);
  if (refused !== null) throw new ProtocolError(`unable to create a new stream: ${refused}`);
  socket.setoption(module.SOL_SOCKET, module.SO_REUSEADDR, true); // the streams before have the same port
  const [, error] = await socket.bind('', port);
  if (error === null) return socket;
  void socket.close();
  throw new ProtocolError(`unable to create a new stream: ${error}`);
}

/** The server's part: waits for the client's datagram, and keeps to who sent it. False when none came, or the socket is closed. */
export async function meetStream(socket: Socket): Promise<boolean> {
  const deadline = socket.runner.now() + seconds(patience);
  for (;;) {
    socket.settimeout(Math.max(0, deadline - socket.runner.now()) / seconds(1));
    const [message, error] = await socket.recvfrom(64);
    if (error !== null) return false;
    if (!isHello(message.data)) continue; // what is left of an earlier test
    const [host, port] = message.address;
    const [, refused] = await socket.connect(host, port);
    socket.settimeout(-1);
    return refused === null;
  }
}

const isHello = (data: Uint8Array): boolean =>
  data.length === 4 && [hello, welcome].some((word) => word.every((octet, at) => octet === data[at]));

/** Tells the client that its stream has been met. By now somebody has to wait for the next one. */
export async function welcomeStream(socket: Socket): Promise<void> {
  const [, error] = await socket.write(welcome);
  if (error !== null && error !== texts.EAGAIN) {
    throw new ProtocolError(`unable to write to stream socket: ${reasonOf(socket, error)}`);
  }
}
