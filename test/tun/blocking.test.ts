/** The blocking face over a real TUN: the kernel as the peer of a host whose user's thread is busy with something else. */
import { createHash } from 'node:crypto';
import test from 'ava';
import { octets } from './children/octets.ts';
import { inNamespace, whyNoCommand, whyNoTun } from './namespace.ts';

const reason = whyNoTun() ?? whyNoCommand('nc');
if (reason !== undefined) console.warn(`THE TESTS OF THE BLOCKING FACE ON A TUN DID NOT RUN: ${reason}`);

test.serial(
  '1.1: while a thread computes for five seconds, its host answers pings, acknowledges, and serves a download',
  async (t) => {
    if (reason !== undefined) {
      t.log(`did not run: ${reason}`);
      t.pass();
      return;
    }
    await inNamespace(async (namespace) => {
      const program = namespace.start(process.execPath, ['--import=tsx', 'test/tun/children/blocking.ts']);
      await program.says(/serving/);
      // Text for the thread that is about to compute: the host has to acknowledge it for its user.
      const visitor = namespace.start('nc', ['-N', '10.85.0.2', '8000'], { input: [Buffer.alloc(20_000, 0x61)] });
      const start = Date.now();
      const pings = namespace.run('ping', ['-c', '40', '-i', '0.1', '-W', '1', '10.85.0.2']);
      const hash = createHash('sha256');
      const download = namespace.run('nc', ['10.85.0.2', '9000'], { output: (piece) => hash.update(piece) });
      await download;
      const downloadedAfter = Date.now() - start;
      const { stdout: pinged } = await pings;
      const [, told] = await program.says(/(\{"computedFor".*\})/);
      const { computedFor, count } = JSON.parse(told!) as { computedFor: number; count: number };
      const { stdout: heard } = await visitor.ended;
      const { code } = await program.ended;

      t.is(
        hash.digest('hex'),
        createHash('sha256')
          .update(octets(64 << 20, 9))
          .digest('hex'),
      );
      t.true(downloadedAfter < 4500, `${downloadedAfter} ms`); // long before the thread is done
      t.true(computedFor >= 5000);
      t.regex(pinged.toString(), /40 packets transmitted, 40 received, 0% packet loss/);
      const [, slowest] = /rtt min\/avg\/max\/mdev = [\d.]+\/[\d.]+\/([\d.]+)\//.exec(pinged.toString())!;
      t.true(Number(slowest) < 500, `${slowest} ms`);
      t.is(count, 20_000);
      t.is(heard.toString(), '20000');
      t.is(code, 0);
    });
  },
);
