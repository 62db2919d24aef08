// How long until the host is ready, and what memory it takes with five plugins while logs pour in.
import net from 'node:net';
import { LiveNode } from '../lib/live_node.mjs';
import { rounds } from '../lib/rounds.mjs';
import { startHawse } from '../lib/subjects.mjs';

const FIVE = {
  swapr: { plugin: 'org.hawse.swapr', links: { chain: 'chain' }, grants: ['rpc'], settings: { pools: ['0x' + 'bb'.repeat(20)] } },
  lines: { plugin: 'org.hawse.jsonl', links: { venue: 'swapr' }, settings: { sources: ['venue'] } },
  view: { plugin: 'org.hawse.ticker', links: { venue: 'swapr' } },
};

/** The status line of one question, "" when nobody answers. */
const ask = (port, path) => new Promise((ok) => {
  const socket = net.connect(port, '127.0.0.1', () => socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`));
  socket.once('data', (d) => { ok(String(d).split('\r\n')[0]); socket.destroy(); });
  socket.once('error', () => ok(''));
  socket.once('close', () => ok(''));
});

async function readyMs(place, node, instances) {
  let begin;
  const child = await startHawse(place, { port: node.port, rpcPort: node.port, logs: 1, instances, starting: () => { begin = process.hrtime.bigint(); } });
  try {
    while (!/ 200 /.test(await ask(child.httpPort, '/readyz'))) {
      if (child.over || process.hrtime.bigint() - begin > 10_000_000_000n) throw new Error(`not ready: ${child.error}`);
      await new Promise((ok) => setTimeout(ok, 0.5));
    }
    return { ms: Number(process.hrtime.bigint() - begin) / 1e6, kb: child.peakKb() };
  } finally {
    await child.stop();
  }
}

export async function start(place, report) {
  const node = new LiveNode({ events: 1000, rate: 1000 }), two = [], five = [];
  await node.open();
  try {
    for (let run = 0; run < place.runs; run++) {
      two.push(await readyMs(place, node, {}));
      five.push(await readyMs(place, node, FIVE));
    }
  } finally {
    node.close();
  }
  console.log('start: from exec to /readyz 200, each plugin tried in a child process first, the stream open');
  report.figure('hawse run with 2 plugins: ready after', two.map((r) => r.ms), { unit: 'ms', digits: 1, goal: 50 });
  report.figure('hawse run with 5 plugins: ready after', five.map((r) => r.ms), { unit: 'ms', digits: 1, goal: 50 });
  report.figure('memory when ready, 5 plugins', five.map((r) => r.kb / 1024), { unit: 'MB', digits: 1 });
  const { hawse } = await rounds(place, ['hawse'], () => ({ messages: place.messages, mode: ['flood'], instances: FIVE }));
  report.figure('peak memory in the flood, 5 plugins', hawse.map((r) => r.peak_kb / 1024), { unit: 'MB', digits: 1, goal: 12 });
}
