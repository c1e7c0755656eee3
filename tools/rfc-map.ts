import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Row } from './rfc-row.ts';
import { rowGroups } from './rfc-rows.ts';

/**
 * Draws docs/rfc-map.md: what the RFCs ask for, the sources that cite it, and the tests whose titles do. Run by itself it
 * writes the page anew; `npm run check` compares.
 *
 * A source cites a row by its id ('MUST-13') or by RFC and section ('RFC 5961 section 3.2'); so does the title of a test,
 * and the comment that opens a packet script. Where several rows share a section, and for RFC 9293, it takes the id.
 */

/** What a row has come to. */
interface Mapped {
  readonly row: Row;
  readonly sources: readonly string[];
  readonly tests: readonly string[];
}

export interface RfcMap {
  readonly page: string;
  /** Ids of rows that must be proved and are not, and of those that may be left out and do not say why. */
  readonly unproved: readonly string[];
}

export function rfcMap(root: string): RfcMap {
  const sources = textsOf(join(root, 'src'), /\.ts$/, 'src', (text) => [text]);
  const tests = [
    ...textsOf(join(root, 'test'), /\.test\.ts$/, 'test', titlesOf),
    ...textsOf(join(root, 'test/scripts'), /\.pkt$/, 'test/scripts', openingOf).filter(
      ({ file }) => !endDifferently(root).has(file),
    ),
  ];
  const groups = rowGroups.map(({ title, rfc, rows }) => ({
    title,
    rfc,
    rows: rows.map((row) => ({
      row,
      sources: citing(sources, row, rfc) ?? mentioning(sources, row, rfc),
      tests: citing(tests, row, isAlone(row, rfc) ? rfc : 0) ?? [],
    })),
  }));
  const unproved = groups
    .flatMap(({ rows }) => rows)
    .filter(({ row, tests }) => (row[2] < 2 || row[4] === undefined) && tests.length === 0)
    .map(({ row }) => row[0]);
  const page = [opening, ...groups.flatMap(({ title, rows }) => [`## ${title}`, '', ...table(rows), ''])].join('\n');
  return { page, unproved };
}

interface Cited {
  readonly file: string;
  readonly text: string;
}

/** What `pick` finds in all files below a folder, each with the file's path from the root. */
function textsOf(folder: string, name: RegExp, from: string, pick: (text: string) => readonly string[]): Cited[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => name.test(file))
    .sort()
    .flatMap((file) => {
      const path = `${from}/${file.replaceAll('\\', '/')}`;
      return pick(readFileSync(join(folder, file), 'utf8')).map((text) => ({ file: path, text }));
    });
}

/** Titles of tests that are expected to pass, and what tables of tests have for titles. */
const titlesOf = (text: string): string[] =>
  [
    ...text.matchAll(/\b\w*[tT]est(?:\.serial)?\(\s*(?:'((?:[^'\\]|\\.)*)'|"([^"]*)"|`([^`]*)`)/g),
    ...text.matchAll(/(?:\[|title:)\s*'((?:[^'\\]|\\.)*)'/g),
  ].map(([, single, double, template]) => single ?? double ?? template ?? '');

/** The comment at the beginning of a packet script. */
const openingOf = (text: string): string[] => [
  (/^(?:\s*(?:\/\/|#)[^\n]*\n)+/.exec(text) ?? [''])[0].replace(/\n\/\/ ?/g, ' '),
];

/** Packet scripts that our stack does not follow prove nothing. */
function endDifferently(root: string): Set<string> {
  const page = readFileSync(join(root, 'docs/differences.md'), 'utf8');
  return new Set([...page.matchAll(/^\| (\S+) \| stack \|/gm)].map(([, name]) => `test/scripts/${name}`));
}

/** Is no other row about the same section, so that a test about the section is about the row? */
const isAlone = ([id, section]: Row, rfc: number | null): boolean =>
  rfc === null &&
  rowGroups
    .flatMap(({ rows }) => rows)
    .every(([other, its]) => other === id || numberOf(other) !== numberOf(id) || !overlaps(its, section));

const overlaps = (a: string, b: string): boolean => a === b || a.startsWith(`${b}.`) || b.startsWith(`${a}.`);

/** The files that name a row, or null. Its section counts if `rfc` is null. */
function citing(all: readonly Cited[], [id, section]: Row, rfc: number | null): string[] | null {
  const byId = new RegExp(`(?<![\\w-])${id}(?![\\d])`);
  const bySection = new RegExp(
    `RFC ${numberOf(id)} sections? (?:[\\d., and]+ )?${section.replaceAll('.', '\\.')}(?!\\d)`,
  );
  const found = all.filter(({ text }) => byId.test(text) || (rfc === null && bySection.test(text)));
  return found.length === 0 ? null : [...new Set(found.map(({ file }) => file))];
}

/** The files that name a row's RFC at least; of RFC 9293 that tells nothing. */
function mentioning(all: readonly Cited[], [id]: Row, rfc: number | null): string[] {
  if (rfc !== null) return [];
  const name = new RegExp(`RFC ${numberOf(id)}(?!\\d)`);
  return [...new Set(all.filter(({ text }) => name.test(text)).map(({ file }) => file))];
}

const numberOf = (id: string): string => id.split('-')[0]!;

function table(rows: readonly Mapped[]): string[] {
  return [
    '| row | section | | what | sources | tests |',
    '|---|---|---|---|---|---|',
    ...rows.map(({ row: [id, section, priority, text, leftOut], sources, tests }) => {
      const what = leftOut === undefined || tests.length > 0 ? text : `${text} *Left out: ${leftOut}*`;
      return `| ${id} | ${section} | ${priority} | ${what} | ${few(sources, /^src\/(?:stack\/)?/)} | ${few(tests, /^test\//)} |`;
    }),
  ];
}

/** The first files of a list, without what all begin with. */
function few(files: readonly string[], prefix: RegExp): string {
  const short = files.map((file) => file.replace(prefix, '').replace(/(\.test)?\.(ts|pkt)$/, ''));
  return short.length <= mostNamed ? short.join(', ') : `${short.slice(0, mostNamed).join(', ')} …`;
}

const mostNamed = 4;

const opening = `# What the RFCs ask for, and where it is

Drawn by \`node --import=tsx tools/rfc-map.ts\` from the rows of tools/rfc-rows.ts, the comments of src, the titles of tests and
the first lines of packet scripts. Sections are those of RFC 9293 in the first table; of the RFC that a row's id begins with in
the others. Rows of priority 0 and 1 are proved by tests; what is left out of the others says why.
`;

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const { page, unproved } = rfcMap(root);
  writeFileSync(join(root, 'docs/rfc-map.md'), page);
  process.stdout.write(
    `${unproved.length} rows have neither a test nor a reason${unproved.map((id) => `\n  ${id}`).join('')}\n`,
  );
}
