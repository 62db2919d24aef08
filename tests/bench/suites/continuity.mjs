// What is lost when a node misbehaves, and how long until it is noticed: a connection that is cut, one that falls
// silent while TCP and pings go on, one subscription of two that ends without a word. All subjects watch one node at
// the same time, so that the same happens to all.
import { median } from '../lib/report.mjs';
import { LiveNode } from '../lib/live_node.mjs';
import { subjects } from '../lib/subjects.mjs';
import { LostEvents } from '../lib/trial.mjs';

const RATE = 1000;
const idleMs = (place) => (place.smoke ? 800 : 2000);
const sleep = (ms) => new Promise((ok) => setTimeout(ok, ms));

async function until(test, limitMs, what) {
  for (const end = Date.now() + limitMs; !test(); await sleep(20))
    if (Date.now() > end) throw new Error(`${what}: not within ${limitMs} ms`);
}

/** One life of a node. Returns by subject what it said at the end, hawse's also as it went. */
async function live(place, events, at, idle) {
  const node = new LiveNode({ events, rate: RATE }), names = ['hawse', ...place.peers.filter((name) => name !== 'ws')];
  const running = {};
  await node.open();
  try {
    for (const name of names)
      running[name] = await subjects[name](place, { port: node.port, rpcPort: node.port, logs: events, distinct: true,
        settings: { check_logs: true, heads_idle_ms: idle } });
    await until(() => node.joined() === names.length, 30_000, 'all have subscribed');
    await running.hawse.ready(30_000);
    await sleep(500);
    await node.grow(at);
    const done = await running.hawse.line('done', (l) => l.done, 20_000).catch(() => undefined);
    await sleep(1000); // for what comes twice
    const said = {};
    for (const name of names) {
      await running[name].stop();
      said[name] = running[name].lines.find((l) => l.stop) ?? { logs: 0, distinct: 0 };
    }
    return { said, done, lines: running.hawse.lines, mutedAt: node.mutedAt, want: node.expected() };
  } finally {
    for (const child of Object.values(running)) await child.stop();
    node.close();
  }
}

/** All of them, once each, in order, and every gap announced: anything else is a wrong result. */
function judge(name, run, gapsAtLeast) {
  const { logs, sum, disorder, gaps, healed, unhealable } = run.said.hawse;
  if (logs !== run.want.logs || sum !== run.want.sum || disorder !== 0)
    throw new LostEvents(`${name}: hawse got ${logs} of ${run.want.logs} logs, ${disorder} out of order, sum ${sum} instead of ${run.want.sum}`);
  if (gaps < gapsAtLeast || healed < 1 || unhealable > 0)
    throw new LostEvents(`${name}: ${gaps} gaps announced, ${healed} healed, ${unhealable} given up`);
}

function counts(report, place, runs, events) {
  report.figure(`hawse: logs of ${events}, once each, in order`, runs.map((r) => r.said.hawse.logs), { digits: 0, goal: events, least: true });
  for (const peer of place.peers.filter((p) => p !== 'ws'))
    report.figure(`${peer}: logs of ${events}`, runs.map((r) => r.said[peer].distinct), { digits: 0,
      note: `${median(runs.map((r) => r.said[peer].logs - r.said[peer].distinct))} doubled` });
}

async function times(place, name, events, at, gapsAtLeast, idle) {
  const runs = [];
  for (let run = 0; run < place.runs; run++) {
    runs.push(await live(place, events, at, idle));
    judge(name, runs.at(-1), gapsAtLeast);
  }
  return runs;
}

export async function gap(place, report) {
  const events = place.smoke ? 2000 : 20_000, cut = (node) => node.kill();
  const runs = await times(place, 'gap', events, { [Math.floor(events * 0.35) + 37]: cut, [Math.floor(events * 0.7) + 62]: cut }, 2, 2000);
  console.log(`gap: ${events} logs at ${RATE} a second, every connection cut twice`);
  counts(report, place, runs, events);
  report.figure('hawse: gaps announced', runs.map((r) => r.done.gaps), { digits: 0, goal: 2, note: 'one for each cut' });
  report.figure('hawse: logs told late', runs.map((r) => r.done.late), { digits: 0 });
}

/** How long after the silence began a gap was said, and that it was healed. */
function noticed(report, runs, goal) {
  const after = (what) => runs.map((r) => (r.lines.find((l) => l[what] && l.at_ns > r.mutedAt)?.at_ns - r.mutedAt) / 1e6);
  report.figure('hawse: gap announced after', after('gap'), { unit: 'ms', digits: 0 });
  report.figure('hawse: healed after', after('heal'), { unit: 'ms', digits: 0, ...goal });
}

async function silent(place, report, name, title, what, goal) {
  const events = place.smoke ? 2200 : 6000;
  const runs = await times(place, name, events, { 1030: (node) => node.mute(...what) }, 1, idleMs(place));
  console.log(`${name}: ${title}`);
  noticed(report, runs, goal);
  counts(report, place, runs, events);
}

export const freeze = (place, report) => silent(place, report, 'freeze', `data stops, TCP and pings go on; heads_idle_ms is ${idleMs(place)}`,
  ['heads', 'logs'], { goal: idleMs(place), note: 'the configured idle time' });

export async function drop(place, report) {
  await silent(place, report, 'drop', 'the subscription to logs ends without a word, heads go on', ['logs'], {});
  if (place.smoke) return;
  await silent(place, report, 'drop', `the subscription to heads ends without a word, logs go on; heads_idle_ms is ${idleMs(place)}`,
    ['heads'], {});
}
