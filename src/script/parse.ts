import type { Micros } from '../stack/index.ts';
import { parseClaims } from './expression.ts';
import { parseCall } from './parse-call.ts';
import { parsePacket } from './parse-packet.ts';
import { Scanner, ScriptError } from './scanner.ts';
import type {
  Action,
  Family,
  Headers,
  OptionSpec,
  PacketSpec,
  Script,
  ScriptEvent,
  TargetName,
  When,
} from './syntax.ts';

/** Reads a whole script: header lines, then events. docs/scripts.md describes the language. */

/** @param file for messages @throws ScriptError with the place */
export function parseScript(file: string, text: string): Script {
  const from = new Scanner(file, text);
  const headers = readHeaders(from);
  const events: ScriptEvent[] = [];
  while (!from.isAtEnd) events.push(readEvent(from));
  return { file, headers, events };
}

// Headers --------------------------------------------------------------------------------------------------------------

function readHeaders(from: Scanner): Headers {
  let families: readonly Family[] = [4];
  let mtu = 1500;
  let tolerance: Micros | null = null;
  let only: Headers['only'] = null;
  const sysctls: (readonly [string, string])[] = [];
  while (from.sees(/[a-z]/y)) {
    const start = from.at;
    const [line] = from.take(/[^\n]*/y)!;
    const [, word = '', rest = ''] = /^(\w+)\s*(.*?)\s*(?:(?:#|\/\/).*)?$/.exec(line) ?? [];
    const wrong = (what: string): never => from.fail(`${word}: expected ${what}`, start);
    if (word === 'family') families = familyNames.get(rest) ?? wrong('ipv4, ipv6 or both');
    else if (word === 'mtu') mtu = /^\d+$/.test(rest) ? Number(rest) : wrong('octets, such as 1200');
    else if (word === 'tolerance') {
      const found = /^(\d+)\s*(ms|us)$/.exec(rest) ?? wrong('a time, such as 20ms');
      tolerance = Number(found[1]) * (found[2] === 'ms' ? 1000 : 1);
    } else if (word === 'only') {
      const found = /^(stack|kernel)\s+(\S.*)$/.exec(rest) ?? wrong('stack or kernel, and why');
      only = { target: found[1] as TargetName, reason: found[2]!.replace(/^"|"$/g, '') };
    } else if (word === 'sysctl') {
      const found = /^([a-z][\w.-]*)\s*=\s*"?([^"]*)"?$/.exec(rest) ?? wrong('name=value');
      sysctls.push([found[1]!, found[2]!]);
    } else from.fail(`unknown header '${word}'`, start);
  }
  return { families, mtu, tolerance, only, sysctls };
}

const familyNames: ReadonlyMap<string, readonly Family[]> = new Map<string, readonly Family[]>([
  ['ipv4', [4]],
  ['ipv6', [6]],
  ['both', [4, 6]],
]);

// Events ---------------------------------------------------------------------------------------------------------------

function readEvent(from: Scanner): ScriptEvent {
  from.skip();
  const start = from.at;
  const when = readWhen(from);
  const action = readAction(from);
  const text = withoutComments(from.text.slice(start, from.end));
  const { line, column } = from.placeOf(start);
  const isRange = when.kind !== 'any' && when.latest !== null;
  const isCall = action.kind === 'call';
  const returns = when.kind !== 'any' && when.returns !== null;
  if ((isRange || when.kind === 'any') && action.kind !== 'expect') {
    throw new ScriptError(from.file, line, column, 'only packets that are expected may come at any time');
  }
  if (returns && !isCall) throw new ScriptError(from.file, line, column, 'only calls have a time at which they return');
  return { line, text, when, action };
}

const withoutComments = (text: string): string =>
  text
    .replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();

function readWhen(from: Scanner): When {
  if (from.has('*')) return { kind: 'any' };
  const kind = from.has('+') ? 'relative' : 'absolute';
  const time = readTime(from);
  if (from.has('~')) {
    from.has('+');
    const latest = readTime(from);
    if (latest < time) from.fail('the later time is the earlier one');
    return { kind, time, latest, returns: null };
  }
  if (from.has('...')) {
    const returns = readTime(from);
    if (returns < time) from.fail('it returns before it starts');
    return { kind, time, latest: null, returns };
  }
  return { kind, time, latest: null, returns: null };
}

/** Seconds, such as 0.100. */
function readTime(from: Scanner): Micros {
  const text = from.needMatch(/\d+(?:\.\d+)?|\.\d+/y, 'a time, such as +0.1');
  return Math.round(Number(text) * 1_000_000);
}

function readAction(from: Scanner): Action {
  from.skip();
  const start = from.at;
  if (from.has('<')) {
    const packet = parsePacket(from);
    const open = whatIsOpen(packet);
    return open === null ? { kind: 'inject', packet } : from.fail(`a packet to be sent needs ${open}`, start);
  }
  if (from.has('>')) return { kind: 'expect', packet: parsePacket(from) };
  if (from.has('%{')) {
    const fd = from.take(/(\d+)\s*:/y);
    return { kind: 'assert', fd: fd === null ? null : Number(fd[1]), claims: parseClaims(from) };
  }
  if (from.hasWord('no')) {
    if (!from.hasWord('packets')) from.fail("expected 'packets'");
    return { kind: 'quiet' };
  }
  return { kind: 'call', ...parseCall(from) };
}

/** What a packet lacks that is to be sent, or null. */
function whatIsOpen(packet: PacketSpec): string | null {
  if (packet.kind === 'icmp') return packet.quote === null ? 'what it is about, such as [1:1001(1000)]' : null;
  if (packet.kind !== 'tcp') return null;
  if (packet.mayPush) return 'all of its flags';
  if (packet.options === 'any') return 'all of its options';
  return (packet.options ?? []).some(isOpenOption) ? "numbers instead of 'any'" : null;
}

function isOpenOption(option: OptionSpec): boolean {
  if (option.kind === 'mss' || option.kind === 'wscale') return option.value === null;
  if (option.kind === 'TS') return option.val === null || option.ecr === null;
  return (option.kind === 'FO' || option.kind === 'FOEXP') && option.cookie === null;
}
