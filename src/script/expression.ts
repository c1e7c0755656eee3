import { numberOf } from './names.ts';
import type { Scanner } from './scanner.ts';
import type { Claim, Expression } from './syntax.ts';

/** What stands between `%{` and `}%`: claims about the fields of TCP_INFO, as in C, without side effects. */

/** Reads claims up to `}%`: one, or several with commas, semicolons or new lines between them. @throws ScriptError */
export function parseClaims(from: Scanner): Claim[] {
  const claims: Claim[] = [];
  while (!from.has('}%')) {
    from.hasWord('assert');
    from.skip();
    const start = from.at;
    const expression = readBinary(from, 0);
    claims.push({ text: from.text.slice(start, from.at).trim(), expression });
    while (from.has(',') || from.has(';'));
  }
  return claims;
}

/** From what binds loosest to what binds tightest. */
const levels: readonly RegExp[] = [
  /\|\||or\b/y,
  /&&|and\b/y,
  /\|(?!\|)/y,
  /&(?!&)/y,
  /==|!=/y,
  /<=|>=|<|>/y,
  /[+-]/y,
  /[*/%](?!\})/y,
];

function readBinary(from: Scanner, level: number): Expression {
  const pattern = levels[level];
  if (pattern === undefined) return readUnary(from);
  let left = readBinary(from, level + 1);
  for (let found = from.take(pattern); found !== null; found = from.take(pattern)) {
    const operator = words[found[0]] ?? found[0];
    left = { kind: 'binary', operator, left, right: readBinary(from, level + 1) };
  }
  return left;
}

const words: Readonly<Record<string, string>> = { or: '||', and: '&&' };

function readUnary(from: Scanner): Expression {
  const found = from.take(/!(?!=)|-|not\b/y);
  if (found !== null) return { kind: 'unary', operator: found[0] === '-' ? '-' : '!', operand: readUnary(from) };
  if (from.has('(')) {
    const inner = readBinary(from, 0);
    from.need(')');
    return inner;
  }
  if (from.sees(/\d/y)) return { kind: 'number', value: from.needNumber() };
  from.skip();
  const start = from.at;
  const name = from.needMatch(/[A-Za-z_]\w*/y, 'a field of TCP_INFO, a number or a name');
  if (name.startsWith('tcpi_')) return { kind: 'field', name };
  const value = numberOf(name);
  if (value === undefined) from.fail(`unknown name '${name}'`, start);
  return { kind: 'number', value };
}

/** Thrown for a field that the information does not have. */
export class NoSuchField extends Error {
  override readonly name = 'NoSuchField';
}

/** The value; of what is true 1, of what is false 0. @throws NoSuchField */
export function evaluate(expression: Expression, info: ReadonlyMap<string, number>): number {
  switch (expression.kind) {
    case 'number':
      return expression.value;
    case 'field': {
      const value = info.get(expression.name);
      if (value === undefined) throw new NoSuchField(`there is no ${expression.name} here`);
      return value;
    }
    case 'unary': {
      const value = evaluate(expression.operand, info);
      return expression.operator === '-' ? -value : Number(value === 0);
    }
    case 'binary':
      return operate(expression.operator, evaluate(expression.left, info), () => evaluate(expression.right, info));
  }
}

function operate(operator: string, left: number, right: () => number): number {
  if (operator === '||') return Number(left !== 0 || right() !== 0);
  if (operator === '&&') return Number(left !== 0 && right() !== 0);
  return operators[operator]!(left, right());
}

const operators: Readonly<Record<string, (left: number, right: number) => number>> = {
  '==': (left, right) => Number(left === right),
  '!=': (left, right) => Number(left !== right),
  '<': (left, right) => Number(left < right),
  '>': (left, right) => Number(left > right),
  '<=': (left, right) => Number(left <= right),
  '>=': (left, right) => Number(left >= right),
  '+': (left, right) => left + right,
  '-': (left, right) => left - right,
  '*': (left, right) => left * right,
  '/': (left, right) => Math.trunc(left / right),
  '%': (left, right) => left % right,
  '&': (left, right) => left & right,
  '|': (left, right) => left | right,
};

/** The fields that an expression mentions. */
export function fieldsOf(expression: Expression): string[] {
  if (expression.kind === 'field') return [expression.name];
  if (expression.kind === 'unary') return fieldsOf(expression.operand);
  if (expression.kind === 'binary') return [...new Set([...fieldsOf(expression.left), ...fieldsOf(expression.right)])];
  return [];
}
