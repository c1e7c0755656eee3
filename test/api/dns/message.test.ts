/** DNS messages by themselves: what is written, what is read, and what is refused of what a stranger may send. */
import test from 'ava';
import fc from 'fast-check';
import { canonical, encodeName, encodeQuery, parseMessage, types } from '../../../src/api/dns/message.ts';

const u16 = (value: number): number[] => [(value >>> 8) & 255, value & 255];
const u32 = (value: number): number[] => [...u16(value >>> 16), ...u16(value)];
const ascii = (text: string): number[] => [...text].map((character) => character.charCodeAt(0));
/** A name without escapes, written out. */
const spelled = (name: string): number[] => [...name.split('.').flatMap((label) => [label.length, ...ascii(label)]), 0];
const pointer = (at: number): number[] => u16(0xc000 | at);

interface Parts {
  readonly id?: number;
  readonly flags?: number;
  /** Of questions, answers, authorities and additional records; what the lists hold by default. */
  readonly counts?: readonly number[];
  readonly questions?: readonly (readonly number[])[];
  readonly answers?: readonly (readonly number[])[];
  readonly authorities?: readonly (readonly number[])[];
}

const headerLength = 12;
const question = (name: readonly number[], type: number = types.A, asked = 1): number[] => [
  ...name,
  ...u16(type),
  ...u16(asked),
];

/** A resource record; `length` lies about its data when it is given. */
const record = (
  name: readonly number[],
  type: number,
  data: readonly number[],
  { ttl = 60, recordClass = 1, length = data.length } = {},
): number[] => [...name, ...u16(type), ...u16(recordClass), ...u32(ttl), ...u16(length), ...data];

function message({
  id = 7,
  flags = 0x8180,
  counts,
  questions = [],
  answers = [],
  authorities = [],
}: Parts): Uint8Array {
  const own = counts ?? [questions.length, answers.length, authorities.length, 0];
  const body = [questions, answers, authorities].flat(2);
  return Uint8Array.from([...u16(id), ...u16(flags), ...own.flatMap(u16), ...body]);
}

const host = spelled('host.example');
const asked = question(host);
const soa = [...pointer(headerLength), ...pointer(headerLength), ...[1, 2, 3, 4].flatMap(u32), ...u32(99)];

/** An answer with a bit of everything that is looked at. */
const good = message({
  questions: [asked],
  answers: [
    record(pointer(headerLength), types.CNAME, [5, ...ascii('other'), ...pointer(headerLength + 5)]),
    record(spelled('other.example'), types.A, [192, 0, 2, 1], { ttl: 300 }),
    record(spelled('other.example'), types.AAAA, [0x20, 1, 0x0d, 0xb8, ...u32(0), ...u32(0), ...u32(1)]),
    record(spelled('other.example'), 16, [3, ...ascii('txt')]),
  ],
  authorities: [record(spelled('example'), types.SOA, soa)],
});

/** 255 octets: three labels of 63 and one of `last` + 2 octets around it. */
const longName = (last: number): string => [63, 63, 63, last].map((length) => 'a'.repeat(length)).join('.');

// Writing ----------------------------------------------------------------------------------------------------------------

test('RFC 1035 section 3.1: a name is its labels with their lengths in front and a zero behind', (t) => {
  t.deepEqual([...encodeName('www.Example')!], spelled('www.Example'));
  t.deepEqual(encodeName('www.example.'), encodeName('www.example'));
  t.deepEqual([...encodeName('.')!], [0]);
});

test('RFC 1035 section 2.3.4: labels have 63 octets at most, and names 255', (t) => {
  t.is(encodeName(`${'a'.repeat(63)}.example`)?.length, 73);
  t.is(encodeName(`${'a'.repeat(64)}.example`), null);
  t.is(encodeName(longName(61))?.length, 255);
  t.is(encodeName(longName(62)), null);
});

for (const name of ['a..b', '.a', '..', 'a..', 'sp ace', 'ü.example', 'nul\0', 'tab\t', '\\256']) {
  test(`${JSON.stringify(name)} cannot be a name`, (t) => {
    t.is(encodeName(name), null);
    t.is(encodeQuery(1, name, types.A, 1232), null);
  });
}

test('RFC 1035 section 5.1: \\DDD stands for any octet, a dot within a label included', (t) => {
  t.deepEqual([...encodeName('a\\046b\\000\\255')!], [5, 97, 46, 98, 0, 255, 0]);
});

test('A query asks one question with recursion, and RFC 6891 section 6.1: with an OPT record of its own when it may', (t) => {
  const plain = encodeQuery(0xabcd, 'a.b', types.AAAA, 0)!;
  const extended = encodeQuery(0xabcd, 'a.b', types.AAAA, 1232)!;

  const end = [...spelled('a.b'), 0, 28, 0, 1];
  t.deepEqual([...plain], [0xab, 0xcd, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...end]);
  t.deepEqual(
    [...extended],
    [0xab, 0xcd, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1, ...end, 0, 0, 41, ...u16(1232), ...u32(0), 0, 0],
  );
});

test('What was asked is read again as it was asked', (t) => {
  const label = fc.string({ unit: fc.constantFrom(...'abcXYZ019-_'), minLength: 1, maxLength: 63 });
  const names = fc.array(label, { minLength: 0, maxLength: 6 }).map((labels) => labels.join('.'));
  const queries = fc.tuple(fc.nat(0xffff), names, fc.constantFrom(types.A, types.AAAA), fc.constantFrom(0, 512, 1232));
  fc.assert(
    fc.property(queries, ([id, name, type, payload]) => {
      const bytes = encodeQuery(id, name, type, payload);
      if (name.length > 253) return bytes === null;
      const read = parseMessage(bytes!);
      t.like(read, { id, isResponse: false, opcode: 0, isTruncated: false, rcode: 0 });
      t.deepEqual(read?.question, { name, type, class: 1 });
      return true;
    }),
  );
});

test('Any name that is read can be written again, whatever its octets', (t) => {
  const labels = fc.array(fc.uint8Array({ minLength: 1, maxLength: 63 }), { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(labels, (octets) => {
      const wire = [...octets.flatMap((label) => [label.length, ...label]), 0];
      const name = parseMessage(message({ questions: [question(wire)] }))!.question!.name;
      t.regex(name, /^[\w\-\\.]+$/); // nothing that a terminal or a log would take for more than text
      t.deepEqual([...encodeName(name)!], wire);
    }),
  );
});

test('Names are compared without regard to case and to a dot at their end', (t) => {
  t.is(canonical('WWW.Example.'), 'www.example');
  t.is(canonical('www.example'), 'www.example');
});

// Reading ----------------------------------------------------------------------------------------------------------------

test('An answer is read: header, question, records and what they hold', (t) => {
  const read = parseMessage(good)!;

  t.like(read, { id: 7, isResponse: true, opcode: 0, isTruncated: false, rcode: 0 });
  t.deepEqual(read.question, { name: 'host.example', type: 1, class: 1 });
  const [alias, v4, v6, text] = read.answers;
  t.like(alias, { name: 'host.example', type: types.CNAME, target: 'other.example', address: null });
  t.like(v4, { name: 'other.example', type: types.A, ttl: 300, target: null });
  t.deepEqual([...v4!.address!], [192, 0, 2, 1]);
  t.deepEqual([...v6!.address!], [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
  t.like(text, { type: 16, address: null, target: null });
  t.like(read.authorities[0], { name: 'example', type: types.SOA, minimum: 99 });
});

test('The fields of the header are where RFC 1035 section 4.1.1 has them', (t) => {
  t.like(parseMessage(message({ id: 0xfffe, flags: 0 })), { id: 0xfffe, isResponse: false, opcode: 0, rcode: 0 });
  t.like(parseMessage(message({ flags: 0x8000 })), { isResponse: true, opcode: 0, isTruncated: false });
  t.like(parseMessage(message({ flags: 0x7800 })), { isResponse: false, opcode: 15 });
  t.like(parseMessage(message({ flags: 0x0200 })), { isTruncated: true, rcode: 0 });
  t.like(parseMessage(message({ flags: 0x000f })), { rcode: 15, opcode: 0 });
});

test('A message that is cut at any octet is malformed', (t) => {
  for (let length = 0; length < good.length; length++) t.is(parseMessage(good.subarray(0, length)), null, `${length}`);
});

test('RFC 1035 section 4.2.1: with TC, an answer that is cut behind its question is read as far as its header', (t) => {
  const cut = good.slice();
  cut[2]! |= 2;
  const first = headerLength + asked.length;
  for (let length = 0; length < first; length++) t.is(parseMessage(cut.subarray(0, length)), null);
  for (let length = first; length <= cut.length; length++) {
    const read = parseMessage(cut.subarray(0, length));
    t.like(read, { isTruncated: true, question: { name: 'host.example', type: 1, class: 1 } });
  }
});

test('Octets behind the last record that counts are not looked at', (t) => {
  const more = Uint8Array.from([...good, 0xff, 0xff, 0xff]);
  t.deepEqual(parseMessage(more), parseMessage(good));
});

test('A message is read out of the midst of a larger buffer', (t) => {
  const larger = new Uint8Array(good.length + 20).fill(0xff);
  larger.set(good, 10);
  t.deepEqual(parseMessage(larger.subarray(10, 10 + good.length)), parseMessage(good));
});

test('No question, or several, are no question', (t) => {
  t.is(parseMessage(message({}))?.question, null);
  t.is(parseMessage(message({ questions: [asked, asked] }))?.question, null);
  t.is(
    parseMessage(message({ questions: [asked, asked], answers: [record(host, 1, [1, 2, 3, 4])] }))?.answers.length,
    1,
  );
});

test('Counts that promise more than there is are malformed', (t) => {
  t.is(parseMessage(message({ counts: [0xffff, 0, 0, 0] })), null);
  t.is(parseMessage(message({ counts: [0, 0xffff, 0, 0] })), null);
  t.is(parseMessage(message({ counts: [0, 0, 0xffff, 0] })), null);
  t.is(
    parseMessage(message({ counts: [1, 2, 0, 0], questions: [asked], answers: [record(host, 1, [1, 2, 3, 4])] })),
    null,
  );
  t.not(parseMessage(message({ counts: [0, 0, 0, 0xffff] })), null); // additional records are not read
});

// Names ------------------------------------------------------------------------------------------------------------------

const nameOf = (wire: readonly number[]): string | undefined =>
  parseMessage(message({ questions: [question(wire)] }))?.question?.name;

test('RFC 1035 section 2.3.4: what is read has labels of 63 octets and names of 255 at most', (t) => {
  t.is(nameOf(spelled('a'.repeat(63))), 'a'.repeat(63));
  t.is(nameOf([64, ...ascii('a'.repeat(64)), 0]), undefined);
  t.is(nameOf(spelled(longName(61))), longName(61));
  t.is(nameOf(spelled(longName(62))), undefined);
  t.is(
    nameOf(
      Array.from({ length: 127 }, () => [1, 97])
        .flat()
        .concat(0),
    )?.length,
    253,
  );
  t.is(
    nameOf(
      Array.from({ length: 128 }, () => [1, 97])
        .flat()
        .concat(0),
    ),
    undefined,
  );
  t.is(nameOf([0]), '');
});

test('Names have 255 octets at most over a pointer as well', (t) => {
  const read = (first: number) =>
    parseMessage(
      message({
        questions: [question(spelled(longName(61).slice(64)))], // 191 octets
        answers: [record([first, ...ascii('b'.repeat(first)), ...pointer(headerLength)], types.A, [1, 2, 3, 4])],
      }),
    );
  t.is(read(63)?.answers[0]?.name.length, 253);
  const [, ...tooLong] = longName(62).split('.');
  const questions = [question(spelled(tooLong.join('.')))];
  const answers = [record([63, ...ascii('b'.repeat(63)), ...pointer(headerLength)], types.A, [1, 2, 3, 4])];
  t.is(parseMessage(message({ questions, answers })), null);
});

for (const [what, kind] of [
  ['0x40 (RFC 6891 section 5)', 0x40],
  ['0x80', 0x80],
] as const) {
  test(`Labels of type ${what} are malformed`, (t) => {
    t.is(nameOf([kind | 1, 97, 0]), undefined);
    t.is(nameOf([kind, 0]), undefined);
  });
}

test('RFC 1035 section 4.1.4: a name may end at an earlier place, and that again', (t) => {
  const first = headerLength + asked.length;
  const answers = [
    record([1, 97, ...pointer(headerLength)], types.A, [1, 2, 3, 4]),
    record([1, 98, ...pointer(first)], types.A, [1, 2, 3, 4]),
    record(pointer(first + 4 + 14), types.A, [1, 2, 3, 4]),
  ];
  const read = parseMessage(message({ questions: [asked], answers }))!;

  t.deepEqual(
    read.answers.map(({ name }) => name),
    ['a.host.example', 'b.a.host.example', 'b.a.host.example'],
  );
});

test('RFC 9267 section 2: pointers to themselves, in circles, forward, beyond the end and cut short are malformed', (t) => {
  const at = headerLength;
  const malformed: readonly (readonly number[])[] = [
    pointer(at), // itself
    [1, 97, ...pointer(at)], // the name's own beginning
    [1, 97, ...pointer(at + 2)], // itself, behind a label
    pointer(at + 6), // what comes behind
    pointer(0x3fff), // beyond the end
    [0xc0], // half of one
  ];
  for (const wire of malformed) t.is(nameOf(wire), undefined, String(wire));
  t.is(parseMessage(Uint8Array.from([...message({ counts: [1, 0, 0, 0] }), 0xc0])), null);

  const questions = [question(pointer(at + 6)), question(pointer(at))]; // one to the other
  t.is(parseMessage(message({ questions })), null);
});

test('A pointer may lead into the header, where there is no name worth anything, without harm', (t) => {
  t.is(nameOf(pointer(3)), undefined); // 0x80 there is no length
  t.is(nameOf(pointer(6)), ''); // a zero is
});

test('V51: a chain of 126 pointers that all lead back is followed', (t) => {
  const jumps = Array.from({ length: 126 }, (_, index) =>
    index === 0 ? [1, 97, 0] : pointer(headerLength + 11 + (index === 1 ? 0 : 3 + 2 * (index - 2))),
  );
  const holder = record([0], 16, jumps.flat());
  const end = headerLength + 11 + 3 + 2 * 124;
  const read = parseMessage(message({ answers: [holder, record(pointer(end), types.A, [1, 2, 3, 4])] }));

  t.is(read?.answers[1]?.name, 'a');
});

/** 64 KiB of records whose names lead through 16 KiB of pointers, each to the one before. */
function chained(): Uint8Array {
  const start = headerLength + 11;
  const pointers = Array.from({ length: 8180 }, (_, index) => pointer(index === 0 ? start : start + 2 * index - 1));
  const holder = record([0], 16, [0, ...pointers.flat()]);
  const each = record(pointer(start + 1 + 2 * 8179), 16, []);
  const count = Math.floor((65_535 - headerLength - holder.length) / each.length);
  return message({ answers: [holder, ...new Array<number[]>(count).fill(each)] });
}

/** 64 KiB of records that all have the same name of 255 octets. */
function longNamed(): Uint8Array {
  const name = [...new Array<number[]>(127).fill([1, 33]).flat(), 0];
  const each = record(pointer(headerLength), 16, []);
  const count = Math.floor((65_535 - headerLength - name.length - 4) / each.length);
  return message({ questions: [question(name)], answers: new Array<number[]>(count).fill(each) });
}

for (const [what, bytes] of [
  ['pointers to pointers', chained()],
  ['pointers to the longest name', longNamed()],
] as const) {
  test(`RFC 9267 section 2: 64 KiB of ${what} are read in a few milliseconds`, (t) => {
    let least = Number.POSITIVE_INFINITY;
    for (let round = 0; round < 5; round++) {
      const start = performance.now();
      parseMessage(bytes);
      least = Math.min(least, performance.now() - start);
    }

    t.true(least < 40, `${least} ms`);
  });
}

// Records ----------------------------------------------------------------------------------------------------------------

const ttlOf = (ttl: number): number | undefined =>
  parseMessage(message({ answers: [record(host, types.A, [1, 2, 3, 4], { ttl })] }))?.answers[0]?.ttl;

test('RFC 2181 section 8: a TTL has 31 bits, and with the highest bit set it is 0', (t) => {
  t.is(ttlOf(0), 0);
  t.is(ttlOf(0x7fffffff), 0x7fffffff);
  t.is(ttlOf(0x80000000), 0);
  t.is(ttlOf(0xffffffff), 0);
});

test('RFC 9267 section 5: an RDLENGTH that does not fit its record is malformed', (t) => {
  const address = [1, 2, 3, 4];
  const target = spelled('b.example');
  const read = (type: number, data: readonly number[], length: number) =>
    parseMessage(message({ answers: [record(host, type, data, { length })] }));

  for (const length of [0, 3, 5, 0xffff]) t.is(read(types.A, [...address, 0], length), null, `A of ${length}`);
  for (const length of [0, 4, 15, 17])
    t.is(read(types.AAAA, new Array<number>(17).fill(0), length), null, `AAAA of ${length}`);
  for (const type of [types.CNAME, types.PTR]) {
    t.is(read(type, target, target.length)?.answers[0]?.target, 'b.example');
    for (const length of [0, 1, target.length - 1]) t.is(read(type, target, length), null, `${type} of ${length}`);
    t.is(read(type, [...target, 0], target.length + 1), null);
  }
  t.is(read(16, [1, 97], 3), null);
  const authority = [...target, ...target, ...new Array<number>(20).fill(0)];
  t.not(read(types.SOA, authority, authority.length), null);
  t.is(read(types.SOA, authority, authority.length - 1), null);
  t.is(read(types.SOA, [...authority, 0], authority.length + 1), null);
});

test('Records of other classes are left out, and those behind them are read', (t) => {
  const answers = [record(host, types.A, [9, 9, 9, 9], { recordClass: 3 }), record(host, types.A, [1, 2, 3, 4])];
  const read = parseMessage(message({ answers }))!;

  t.deepEqual(
    read.answers.map(({ address }) => [...address!]),
    [[1, 2, 3, 4]],
  );
});

test('An address that has been read does not change with the buffer that it came in', (t) => {
  const bytes = message({ answers: [record(host, types.A, [1, 2, 3, 4])] });
  const { address } = parseMessage(bytes)!.answers[0]!;
  bytes.fill(0);

  t.deepEqual([...address!], [1, 2, 3, 4]);
});

// Anything ---------------------------------------------------------------------------------------------------------------

/** Some octets of a good message changed, and cut perhaps. */
const mutated = fc
  .tuple(
    fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 8 }),
    fc.oneof({ weight: 4, arbitrary: fc.constant(good.length) }, { weight: 1, arbitrary: fc.nat(good.length) }),
  )
  .map(([changes, length]) => {
    const bytes = good.slice(0, length);
    for (const [at, value] of changes) if (at < length) bytes[at] = value;
    return bytes;
  });

test('Whatever the octets are: nothing is thrown, nothing takes long, and what is read holds together', (t) => {
  let longest = 0;
  let understood = 0;
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 600 }), mutated), (bytes) => {
      const start = performance.now();
      const read = parseMessage(bytes);
      longest = Math.max(longest, performance.now() - start);
      if (read === null) return true;
      understood++;
      const all = [...read.answers, ...read.authorities];
      return all.every(
        ({ name, type, ttl, address, target }) =>
          encodeName(name) !== null &&
          (target === null || encodeName(target) !== null) &&
          ttl <= 0x7fffffff &&
          (address === null) === (type !== types.A && type !== types.AAAA),
      );
    }),
    { numRuns: 20_000 },
  );
  t.true(understood > 1000, `${understood} were understood`);
  t.true(longest < 100, `${longest} ms`);
});
