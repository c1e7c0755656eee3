/** Whole connections in virtual time, each along its own way through the states of RFC 9293 section 3.3.2. */
import test from 'ava';
import { arcs, ms, seconds, tcpCalls } from '../../src/stack/index.ts';
import { Stage } from '../helpers/stage.ts';

interface Scenario {
  readonly title: string;
  readonly play: (family: 4 | 6) => Stage;
  readonly clientWay: string;
  readonly serverWay: string;
}

const opened = 'CLOSED SYN-SENT ESTABLISHED';
const accepted = 'CLOSED SYN-RECEIVED ESTABLISHED';
const openedTogether = 'CLOSED SYN-SENT SYN-RECEIVED ESTABLISHED';

const scenarios: readonly Scenario[] = [
  {
    title: 'one side closes, then the other: the first waits in TIME-WAIT, the second does not',
    play: (family) => {
      const stage = new Stage({ family });
      const { here, there } = stage.open();
      tcpCalls.close(here, stage.now);
      stage.run();
      tcpCalls.close(there, stage.now);
      stage.run(seconds(61));
      return stage;
    },
    clientWay: `${opened} FIN-WAIT-1 FIN-WAIT-2 TIME-WAIT CLOSED`,
    serverWay: `${accepted} CLOSE-WAIT LAST-ACK CLOSED`,
  },
  {
    title: 'a FIN that acknowledges ours passes through FIN-WAIT-2, as the fifth step of section 3.10.7.4 has it',
    play: (family) => {
      const stage = new Stage({ family });
      const { here, there } = stage.open();
      stage.link.backward.filter = (bytes) => (bytes[(family === 4 ? 20 : 40) + 13]! & 0x01) === 0; // all but the FIN is lost
      tcpCalls.close(here, stage.now);
      stage.run(ms(15));
      tcpCalls.close(there, stage.now);
      stage.run(seconds(100));
      return stage;
    },
    clientWay: `${opened} FIN-WAIT-1 FIN-WAIT-2 TIME-WAIT CLOSED`,
    serverWay: `${accepted} CLOSE-WAIT LAST-ACK CLOSED`,
  },
  {
    title: 'both sides close at the same time and meet in CLOSING',
    play: (family) => {
      const stage = new Stage({ family });
      const { here, there } = stage.open();
      tcpCalls.close(here, stage.now);
      tcpCalls.close(there, stage.now);
      stage.run(seconds(61));
      return stage;
    },
    clientWay: `${opened} FIN-WAIT-1 CLOSING TIME-WAIT CLOSED`,
    serverWay: `${accepted} FIN-WAIT-1 CLOSING TIME-WAIT CLOSED`,
  },
  {
    title: 'MUST-10: both sides open at the same time and one connection comes of it',
    play: (family) => {
      const stage = new Stage({ family });
      const { here } = stage.openTogether();
      stage.run();
      tcpCalls.send(here, new TextEncoder().encode('one'));
      stage.run();
      return stage;
    },
    clientWay: openedTogether,
    serverWay: openedTogether,
  },
  {
    title: 'closing in SYN-RECEIVED sends the FIN once the handshake is done',
    play: (family) => {
      const stage = new Stage({ family });
      const { here, there } = stage.openTogether();
      stage.runUntil(() => here.state === 'SYN-RECEIVED');
      tcpCalls.shutdownSend(here, stage.now);
      stage.run();
      tcpCalls.close(there, stage.now);
      stage.run(seconds(61));
      return stage;
    },
    clientWay: 'CLOSED SYN-SENT SYN-RECEIVED FIN-WAIT-1 FIN-WAIT-2 TIME-WAIT CLOSED',
    serverWay: `${openedTogether} CLOSE-WAIT LAST-ACK CLOSED`,
  },
  {
    title: 'a refused connection goes from SYN-SENT to CLOSED',
    play: (family) => {
      const stage = new Stage({ family });
      stage.connect();
      stage.run();
      return stage;
    },
    clientWay: 'CLOSED SYN-SENT CLOSED',
    serverWay: 'CLOSED',
  },
  {
    title: 'a half-open connection whose peer is gone closes when the SYN-ACKs run out',
    play: (family) => {
      const stage = new Stage({ family });
      stage.listen();
      stage.link.backward.filter = () => true;
      const here = stage.connect();
      stage.run(ms(20));
      tcpCalls.close(here, stage.now);
      stage.run(seconds(70));
      return stage;
    },
    clientWay: 'CLOSED SYN-SENT CLOSED',
    serverWay: 'CLOSED SYN-RECEIVED CLOSED',
  },
  {
    title: 'an abort ends both sides from ESTABLISHED',
    play: (family) => {
      const stage = new Stage({ family });
      const { here } = stage.open();
      tcpCalls.abort(here, stage.now);
      stage.run();
      return stage;
    },
    clientWay: `${opened} CLOSED`,
    serverWay: `${accepted} CLOSED`,
  },
  {
    title: 'an abort ends a side in FIN-WAIT-1, and the reset one in CLOSE-WAIT',
    play: (family) => {
      const stage = new Stage({ family });
      const { here } = stage.open();
      stage.link.backward.filter = () => true;
      tcpCalls.shutdownSend(here, stage.now);
      stage.run(ms(50));
      tcpCalls.abort(here, stage.now);
      stage.run();
      return stage;
    },
    clientWay: `${opened} FIN-WAIT-1 CLOSED`,
    serverWay: `${accepted} CLOSE-WAIT CLOSED`,
  },
  {
    title: 'a closed socket does not wait in FIN-WAIT-2 for ever',
    play: (family) => {
      const stage = new Stage({ family });
      const { here } = stage.open();
      tcpCalls.close(here, stage.now);
      stage.run(seconds(62));
      return stage;
    },
    clientWay: `${opened} FIN-WAIT-1 FIN-WAIT-2 CLOSED`,
    serverWay: `${accepted} CLOSE-WAIT`,
  },
  {
    title: 'an abort ends a side in CLOSING',
    play: (family) => {
      const stage = new Stage({ family });
      const { here, there } = stage.open();
      tcpCalls.shutdownSend(here, stage.now);
      tcpCalls.shutdownSend(there, stage.now);
      stage.runUntil(() => here.state === 'CLOSING');
      tcpCalls.abort(here, stage.now);
      stage.run(seconds(61));
      return stage;
    },
    clientWay: `${opened} FIN-WAIT-1 CLOSING CLOSED`,
    serverWay: `${accepted} FIN-WAIT-1 CLOSING TIME-WAIT CLOSED`,
  },
];

const travelled = new Set<string>();

function remember(way: readonly string[]): void {
  for (let index = 1; index < way.length; index++) travelled.add(`${way[index - 1]} > ${way[index]}`);
}

for (const family of [4, 6] as const) {
  for (const { title, play, clientWay, serverWay } of scenarios) {
    test.serial(`${title} (IPv${family})`, (t) => {
      const stage = play(family);
      remember(stage.clientWay);
      remember(stage.serverWay);

      t.is(stage.clientWay.join(' '), clientWay);
      t.is(stage.serverWay.join(' '), serverWay);
    });
  }
}

test.serial('every arc of the transition table has been travelled, and no other', (t) => {
  const legal = Object.entries(arcs).flatMap(([from, list]) => list.map((to) => `${from} > ${to}`));

  t.deepEqual([...travelled].sort(), legal.sort());
});
