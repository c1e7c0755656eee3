/**
 * Strange packets, once to the Linux kernel and once to our stack in memory: both answer the same, field by field, but for
 * the differences that children/known-differences.ts lists with their reasons.
 */
import test from 'ava';
import {
  internetChecksum,
  Lone,
  octets,
  ours,
  readIcmp,
  readSent,
  type Sent,
  theirs,
  u32,
} from '../helpers/packets.ts';
import { kernelQuestions } from './children/kernel-questions.ts';
import { knownDifferences } from './children/known-differences.ts';
import type { KernelQuestion } from './children/question-parts.ts';
import { inNamespace, whyNoTun } from './namespace.ts';

const noTun = whyNoTun();
if (noTun !== undefined) console.warn(`THE COMPARISON WITH THE KERNEL DID NOT RUN: ${noTun}`);

/** What is seen of an answer, in words; what is as always is left out. */
function describe(bytes: Uint8Array, question: readonly Uint8Array[]): string {
  const sent = readSent(bytes);
  const isV4 = bytes[0]! >> 4 === 4;
  const family = isV4 ? 4 : 6;
  const priority = isV4 ? bytes[1]! : ((bytes[0]! & 15) << 4) | (bytes[1]! >> 4);
  const parts = [describePayload(sent, question)];
  if (sent.source !== ours[family]) parts.push(`from ${sent.source}`);
  if (sent.destination !== theirs[family]) parts.push(`to ${sent.destination}`);
  if (priority !== 0) parts.push(`priority ${priority.toString(16)}`);
  if (sent.ttl !== 64) parts.push(`TTL ${sent.ttl}`);
  if (isV4 && sent.dontFragment) parts.push('DF');
  if (isV4 && bytes[0] !== 0x45) parts.push(`options ${hex(bytes.subarray(20, (bytes[0]! & 15) * 4))}`);
  if (sent.isFragment) parts.push(`a piece at ${sent.offset}`);
  if (!sent.isSound) parts.push('UNSOUND');
  return parts.join(', ');
}

function describePayload(sent: Sent, question: readonly Uint8Array[]): string {
  const { protocol, payload } = sent;
  if (protocol === 6) return describeSegment(sent);
  if (protocol !== 1 && protocol !== 58) return `protocol ${protocol} with ${hex(payload)}`;
  const { type, code, parameter, quote } = readIcmp(sent);
  const isError = protocol === 1 ? [3, 4, 5, 11, 12].includes(type) : type < 128;
  const what = `ICMP ${type}/${code}, ${hex(octets(u32(parameter)))}`;
  if (type === 14) return `${what}, ${quote.length} octets of times`;
  if (!isError) return `${what}, data ${hex(quote)}`;
  const flaws = question.map((bytes) => differences(quote, bytes));
  return `${what}, quotes ${quote.length}${flaws.reduce((a, b) => (b.length < a.length ? b : a))}`;
}

/** What of a quotation is not as it was sent. */
function differences(quote: Uint8Array, bytes: Uint8Array): string {
  let text = '';
  for (const [at, octet] of quote.entries()) {
    if (octet !== bytes[at]) text += `, ${octet.toString(16)} at ${at}`;
  }
  return text;
}

function describeSegment({ payload, bytes }: Sent): string {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  const addresses = bytes[0]! >> 4 === 4 ? bytes.subarray(12, 20) : bytes.subarray(8, 40);
  const isSound = internetChecksum(octets(addresses, u32(payload.length), 0, 0, 0, 6, payload)) === 0;
  const ports = `TCP ${view.getUint16(0)} > ${view.getUint16(2)}`;
  const numbers = `seq ${view.getUint32(4)}, ack ${view.getUint32(8)}, wnd ${view.getUint16(14)}`;
  return `${ports}, flags ${hex(payload.subarray(13, 14))}, ${numbers}, ${payload.length} octets${isSound ? '' : ' UNSOUND'}`;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** What a host of ours that is new to the world answers. */
function ourAnswers({ packets }: KernelQuestion): string[] {
  const host = new Lone();
  return packets.flatMap((bytes) => host.take(bytes)).map(({ bytes }) => describe(bytes, packets));
}

let kernelSaid: readonly (readonly string[])[] | undefined;

test.before(async () => {
  if (noTun !== undefined) return;
  await inNamespace(async (namespace) => {
    const args = ['--import=tsx', 'test/tun/children/kernel-answers.ts'];
    const { code, stdout, stderr } = await namespace.run(process.execPath, args);
    if (code !== 0) throw new Error(`the oracle ended with ${code}: ${stderr}`);
    kernelSaid = JSON.parse(stdout.toString()) as string[][];
  });
});

for (const [index, question] of kernelQuestions.entries()) {
  const { title, packets } = question;
  test(`the kernel and we answer alike: ${title}`, (t) => {
    if (kernelSaid === undefined) {
      t.log(`did not run: ${noTun}`);
      t.pass();
      return;
    }
    const kernel = kernelSaid[index]!.map((text) => withoutHabits(describe(Buffer.from(text, 'hex'), packets)));

    const answers = ourAnswers(question);

    const difference = knownDifferences.get(title);
    if (difference === undefined) t.deepEqual(answers, kernel);
    else t.deepEqual({ kernel, ours: answers }, difference);
  });
}

test('each difference from the kernel that is listed is one of the questions', (t) => {
  const titles = new Set(kernelQuestions.map(({ title }) => title));

  const strays = [...knownDifferences.keys()].filter((title) => !titles.has(title));

  t.deepEqual(strays, []);
});

/**
 * Two things that Linux does always and we do not. It marks errors of ICMPv4 with the precedence of routing (RFC 1812
 * section 4.3.2.5; RFC 1122 section 3.2.2 only wants the TOS to be 0). And it sets DF on resets, which are never cut.
 */
function withoutHabits(answer: string): string {
  if (/^ICMP (3|12)\//.test(answer)) return answer.replace(/, priority c[08]/, '');
  return answer.startsWith('TCP') ? answer.replace(', DF', '') : answer;
}
