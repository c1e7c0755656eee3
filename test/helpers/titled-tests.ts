import { readdirSync, readFileSync } from 'node:fs';
import ts from 'typescript';

/** A test as it stands in its file, read and not run. */
export interface TitledTest {
  readonly file: string;
  /** Without the values that are put into it. */
  readonly title: string;
  /** The sections that it begins with: '1.8, 1.10: of two …' has two of them. */
  readonly sections: readonly string[];
  /** Names of methods that it calls itself: `x.name(`. Comments and strings do not count. */
  readonly calls: ReadonlySet<string>;
  /** Members of objects that it writes down with a number or a text. */
  readonly values: ReadonlyMap<string, number | string>;
}

/** All tests of the files below a folder whose names end with `.test.ts`. */
export function titledTests(folder: URL): TitledTest[] {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return names
    .filter((name) => name.endsWith('.test.ts'))
    .flatMap((name) => testsIn(name, readFileSync(new URL(name, folder), 'utf8')));
}

/** The tests of one file from its text. */
export function testsIn(file: string, text: string): TitledTest[] {
  const found: TitledTest[] = [];
  const visit = (node: ts.Node): void => {
    if (!ts.isCallExpression(node) || !isTest(node.expression)) return ts.forEachChild(node, visit);
    const title = titleOf(node.arguments[0]);
    const [, sections = ''] = /^((\d+\.\d+(, )?)+)/.exec(title) ?? [];
    found.push({ file, title, sections: sections.split(', '), ...contentsOf(node.arguments) });
  };
  visit(ts.createSourceFile(file, text, ts.ScriptTarget.Latest));
  return found;
}

/** `test` and `test.serial`; not `test.skip`, nor `test.todo`. */
function isTest(callee: ts.Expression): boolean {
  if (ts.isPropertyAccessExpression(callee)) return callee.name.text === 'serial' && isTest(callee.expression);
  return ts.isIdentifier(callee) && callee.text === 'test';
}

function titleOf(argument: ts.Expression | undefined): string {
  if (argument === undefined) return '';
  if (ts.isStringLiteralLike(argument)) return argument.text;
  if (!ts.isTemplateExpression(argument)) return '';
  return [argument.head, ...argument.templateSpans.map(({ literal }) => literal)].map(({ text }) => text).join('');
}

function contentsOf(nodes: readonly ts.Node[]): Pick<TitledTest, 'calls' | 'values'> {
  const calls = new Set<string>();
  const values = new Map<string, number | string>();
  const visit = (each: ts.Node): void => {
    if (ts.isCallExpression(each) && ts.isPropertyAccessExpression(each.expression))
      calls.add(each.expression.name.text);
    if (ts.isPropertyAssignment(each) && ts.isIdentifier(each.name)) {
      const { initializer } = each;
      if (ts.isNumericLiteral(initializer)) values.set(each.name.text, Number(initializer.text));
      if (ts.isStringLiteral(initializer)) values.set(each.name.text, initializer.text);
    }
    ts.forEachChild(each, visit);
  };
  nodes.forEach(visit);
  return { calls, values };
}
