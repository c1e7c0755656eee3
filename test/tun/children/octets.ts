/** `length` octets, other ones for each seed. */
export function octets(length: number, seed: number): Buffer {
  const result = Buffer.alloc(length);
  for (let i = 0, x = seed; i < length; i++) {
    x = (Math.imul(x, 1_664_525) + 1_013_904_223) >>> 0;
    result[i] = x >>> 24;
  }
  return result;
}
