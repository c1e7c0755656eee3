import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import wabt from 'wabt';

/** Translates src/wasm/checksum.wat: `node --import=tsx tools/wasm.ts` writes checksum-code.ts beside it. */

const folder = fileURLToPath(new URL('../src/wasm/', import.meta.url));

/** What checksum-code.ts has to be. */
export async function checksumCode(): Promise<string> {
  const source = readFileSync(`${folder}checksum.wat`, 'utf8');
  const module = (await wabt()).parseWat('checksum.wat', source, { simd: true });
  const code = Buffer.from(module.toBinary({}).buffer).toString('base64');
  const lines = code.match(/.{1,100}/g)!.map((line) => `  '${line}'`);
  return `/** checksum.wat, translated by tools/wasm.ts: base64. */
export const checksumCode: string =
${lines.join(' +\n')};
`;
}

export const checksumCodeFile: string = `${folder}checksum-code.ts`;

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(checksumCodeFile, await checksumCode());
