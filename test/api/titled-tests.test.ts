import test from 'ava';
import { testsIn } from '../helpers/titled-tests.ts';

const brief = (text: string) =>
  testsIn('x.test.ts', text).map(({ sections, calls, values }) => [sections.join(), [...calls].join(), ...values]);

test('A test has the sections that its title begins with, and the methods that it calls', (t) => {
  t.deepEqual(brief("test('1.8, 1.10: both', (t) => { sock.read(5); t.is(1, 1); })"), [['1.8,1.10', 'read,is']]);
  t.deepEqual(brief(`test.serial(\`1.9: closes (\${name})\`, (t) => sock.close())`), [['1.9', 'close']]);
  t.deepEqual(brief("for (const a of b) { test('of 1.9: ' + a, () => sock.close()); }"), [['', 'close']]);
});

test('What stands in comments and texts is no call, and what is skipped no test', (t) => {
  t.deepEqual(brief("test('1.7: nothing', () => { /* sock.write(1) */ f('sock.write(1)', sock.write); })"), [
    ['1.7', ''],
  ]);
  t.deepEqual(brief("test.skip('1.7: later', () => sock.write(1)); helper(() => sock.write(1));"), []);
});

test('Numbers and texts that are written down as members are told', (t) => {
  t.deepEqual(
    brief("test('1.14: numbers', (t) => t.like(here, { AF_INET: 0x2, ERROR_CLOSED: 'gone', other: 2 + 2 }))"),
    [['1.14', 'like', ['AF_INET', 2], ['ERROR_CLOSED', 'gone']]],
  );
});
