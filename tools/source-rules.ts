import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Rules about the text of sources that neither the compiler nor the import rules can hold. */

interface Rule {
  readonly name: string;
  /** The rule is about files whose path matches. */
  readonly files: RegExp;
  readonly except?: RegExp;
  /** What must not be there. */
  readonly forbidden: RegExp;
}

const rules: readonly Rule[] = [
  {
    name: 'the core has no clock, no randomness and no promises: they are handed in, or belong to the API',
    files: /^src\/stack\//,
    forbidden: /\bDate\b|\bMath\.random\b|\bPromise\b|\basync\b|\bawait\b/,
  },
  {
    name: 'sequence numbers are compared with the functions of base/seq.ts only: they lie on a circle',
    files: /^src\/stack\/tcp\//,
    forbidden:
      /\b(snd\.(una|nxt|wl1|wl2)|rcv\.(nxt|edge)|seg\.(seq|ack))\s*[<>]=?\s|\s[<>]=?\s*(?:\w+\.)*(snd\.(una|nxt|wl1|wl2)|rcv\.(nxt|edge)|seg\.(seq|ack))\b/,
  },
  {
    name: '`state` is written by `enter` only, which knows the legal arcs',
    files: /^src\//,
    except: /^src\/stack\/tcp\/state\.ts$/,
    forbidden: /\b(tcb|connection)\.state\s*=[^=]/,
  },
  {
    name: 'the core does not log: it tells the observer',
    files: /^src\/(stack|sim|api)\//,
    forbidden: /\bconsole\./,
  },
];

/** Each violation as `file:line: rule`. */
export function checkSource(path: string, text: string): string[] {
  const found: string[] = [];
  const code = withoutComments(text).split('\n');
  for (const rule of rules) {
    if (!rule.files.test(path) || rule.except?.test(path) === true) continue;
    code.forEach((line, index) => {
      if (rule.forbidden.test(line)) found.push(`${path}:${index + 1}: ${rule.name}`);
    });
  }
  return found;
}

/** All violations in the sources below `root`. */
export function checkSources(root: string): string[] {
  const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' });
  return files
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join('src', name))
    .flatMap((path) => checkSource(path, readFileSync(join(root, path), 'utf8')));
}

/** The text with comments and strings blanked out, line for line. */
function withoutComments(text: string): string {
  const blank = (match: string): string => match.replace(/[^\n]/g, ' ');
  return text.replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/g, blank);
}
