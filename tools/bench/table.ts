/** Figures as people read them. */

/** Lines with the columns under each other: words to the left, everything that is a number to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const isNumeric = head.map((_, column) => rows.every((row) => /^[-\d.,]*$/.test(row[column] ?? '')));
  const print = (line: readonly string[]): string =>
    line
      .map((cell, column) => (isNumeric[column] ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!)))
      .join('  ')
      .trimEnd();
  return `${lines.map((line) => `  ${print(line)}\n`).join('')}`;
}

/** 5177 as '5,177', 0.8231 as '0.82', 11.83 as '11.8'; nothing at all as '-'. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return '-';
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
