// The flood: everything at once, as fast as it is taken. CPU time a message, messages a second, memory, beside the
// raw reader and the npm peers; then the same over TLS.
import { certificates } from '../../e2e/lib/certificates.mjs';
import { runTrial } from '../lib/trial.mjs';
import { median } from '../lib/report.mjs';

const SIZES = { raw: 1, hawse: 1, ws: 1 / 3, viem: 1 / 15, ethers: 1 / 50 };

/** Rounds with every subject in each, so that what else the machine does meets all alike. */
export async function rounds(place, names, trialOf) {
  const all = Object.fromEntries(names.map((name) => [name, []]));
  for (let run = 0; run < place.runs; run++)
    for (const name of names) all[name].push(await runTrial(place, name, trialOf(name)));
  return all;
}

const cpuNs = (r, name, place) => r.cpu_ns / Math.round(place.messages * SIZES[name]);

/** Ratios of the runs of one round, since only those shared the machine's mood. */
export const ratios = (a, b, of) => a.map((one, i) => of(one) / of(b[i]));

export async function flood(place, report) {
  const names = ['raw', 'hawse', ...place.peers];
  const all = await rounds(place, names, (name) => ({ messages: Math.round(place.messages * SIZES[name]), mode: ['flood'] }));
  for (const name of names) for (const r of all[name]) r.each = cpuNs(r, name, place);
  console.log(`flood: ${place.messages} messages for raw and hawse, fewer for the others`);
  for (const name of names) {
    const list = all[name];
    report.figure(`${name}: CPU a message`, list.map((r) => r.each / 1e3), { unit: 'us', digits: 3 });
    report.figure(`${name}: messages a second`, list.map((r) => Math.round(place.messages * SIZES[name]) / r.ns * 1e3), { unit: 'M/s', digits: 3 });
    report.figure(`${name}: peak memory`, list.map((r) => r.peak_kb / 1024), { unit: 'MB', digits: 1, goal: name === 'hawse' ? 12 : undefined });
  }
  const of = (r) => r.each;
  report.figure('hawse CPU / raw', ratios(all.hawse, all.raw, of), { goal: 2.4 });
  report.figure('hawse messages/s / raw (P9)', ratios(all.hawse, all.raw, (r) => 1 / r.ns), { goal: 0.6, least: true });
  for (const [peer, goal] of [['ws', 6], ['viem', 140], ['ethers', 380]])
    if (all[peer]) report.figure(`${peer} CPU / hawse`, ratios(all[peer], all.hawse, of), { goal, least: true, digits: 1 });
  const least = (name) => Math.min(...all[name].map(of));
  report.figure('hawse CPU / raw, least of all runs', least('hawse') / least('raw'), { goal: 2.4 });
  return all;
}

export async function tls(place, report) {
  const files = certificates(place.scratch);
  const names = ['raw', 'hawse', ...place.peers.filter((p) => p === 'ws')];
  const both = { plain: {}, secure: {} };
  for (const name of names) { both.plain[name] = []; both.secure[name] = []; }
  for (let run = 0; run < place.runs; run++) {
    for (const name of names) {
      const messages = Math.round(place.messages * SIZES[name]);
      for (const [kind, tls] of [['plain', undefined], ['secure', files]]) {
        const r = await runTrial(place, name, { messages, mode: ['flood'], tls });
        both[kind][name].push({ ...r, each: r.cpu_ns / messages, rate: messages / r.ns });
      }
    }
  }
  console.log('TLS flood: plain and TLS in turns');
  const of = (r) => r.each;
  for (const name of names) report.figure(`${name} over TLS: CPU a message`, both.secure[name].map((r) => r.each / 1e3), { unit: 'us', digits: 3 });
  report.figure('hawse TLS / hawse plain', ratios(both.secure.hawse, both.plain.hawse, of), { goal: 1.6 });
  report.figure('hawse TLS messages/s / raw TLS (P8)', ratios(both.secure.hawse, both.secure.raw, (r) => r.rate), { goal: 0.8, least: true });
  report.figure('hawse TLS CPU / raw TLS', ratios(both.secure.hawse, both.secure.raw, of));
  report.figure('raw TLS / raw plain', ratios(both.secure.raw, both.plain.raw, of));
  if (both.secure.ws) report.figure('ws TLS CPU / hawse TLS', ratios(both.secure.ws, both.secure.hawse, of), { goal: 5, least: true });
  report.figure('hawse over TLS: peak memory', median(both.secure.hawse.map((r) => r.peak_kb / 1024)), { unit: 'MB', digits: 1 });
}
