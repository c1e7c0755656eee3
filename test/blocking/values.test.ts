/** Values as they travel between threads: what arrives is what was sent. */
import test from 'ava';
import fc from 'fast-check';
import { decode, encode } from '../../src/blocking/values.ts';

/** As the other thread sees it: a copy. */
const travelled = (value: unknown): unknown => decode(encode(value).slice());

const anything = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(undefined, null, true, false, -0, Number.NaN, Number.POSITIVE_INFINITY),
    fc.integer(),
    fc.double(),
    fc.string({ unit: 'binary', maxLength: 300 }),
    fc.uint8Array({ maxLength: 3000 }),
    fc.array(tie('value'), { maxLength: 5 }),
    fc.dictionary(fc.string({ unit: 'grapheme' }), tie('value'), { maxKeys: 5, noNullPrototype: true }),
  ),
})).value;

test('what has travelled is what it was', (t) => {
  t.notThrows(() => fc.assert(fc.property(anything, (value) => t.deepEqual(travelled(value), value))));
});

test('text keeps a byte order mark, and has U+FFFD where it is no Unicode', (t) => {
  t.is(travelled('\ufeffmark'), '\ufeffmark');
  t.is(travelled('half \ud800 of a pair'), 'half \ufffd of a pair');
});

test('octets are the part that was given of their buffer, and a copy of their own', (t) => {
  const whole = Uint8Array.of(1, 2, 3, 4);
  const arrived = travelled(whole.subarray(1, 3)) as Uint8Array;
  whole.fill(9);

  t.deepEqual(arrived, Uint8Array.of(2, 3));
});

test('much is kept while the next value is encoded', (t) => {
  const much = encode(new Uint8Array(100_000).fill(1));
  encode(new Uint8Array(100_000).fill(2));

  t.deepEqual(decode(much), new Uint8Array(100_000).fill(1));
});

test('1.1: what cannot travel is a TypeError', (t) => {
  const ring: unknown[] = [];
  ring.push(ring);
  for (const value of [() => {}, Symbol('x'), 5n, { deep: [() => {}] }, ring])
    t.throws(() => encode(value), { instanceOf: TypeError });

  t.is(travelled('and it goes on'), 'and it goes on');
});

test('what is no octets does not arrive as octets', (t) => {
  for (const value of [new Float64Array(2), new ArrayBuffer(2), new Date(0)])
    t.false(travelled(value) instanceof Uint8Array);
});
