// The flood: everything at once, as fast as it is taken. CPU time a message, messages a second, memory, beside the
// raw reader and the npm peers; then the same over TLS.
import { certificates } from '../../e2e/lib/certificates.mjs';
import { ratios, rounds } from '../lib/rounds.mjs';

// the slow ones get fewer messages: CPU time a message is what is compared
const SHARES = { raw: 1, hawse: 1, ws: 1 / 3, viem: 1 / 15, ethers: 1 / 50 };
const messagesOf = (place, name) => Math.round(place.messages * SHARES[name]);
const each = (r) => r.cpu_ns / r.of; // ns of CPU time a message
const rate = (r) => r.of / r.ns; // messages a ns

async function measure(place, names, tls) {
  const all = await rounds(place, names, (name) => ({ messages: messagesOf(place, name), mode: ['flood'], tls }));
  for (const name of names) for (const r of all[name]) r.of = messagesOf(place, name);
  return all;
}

export async function flood(place, report) {
  const names = ['raw', 'hawse', ...place.peers];
  const all = await measure(place, names);
  console.log(`flood: ${place.messages} messages for raw and hawse, fewer for the others`);
  for (const name of names) {
    report.figure(`${name}: CPU a message`, all[name].map((r) => each(r) / 1e3), { unit: 'us', digits: 3 });
    report.figure(`${name}: messages a second`, all[name].map((r) => rate(r) * 1e3), { unit: 'M', digits: 3 });
    report.figure(`${name}: peak memory`, all[name].map((r) => r.peak_kb / 1024),
      { unit: 'MB', digits: 1, goal: name === 'hawse' ? 12 : undefined });
  }
  const least = (name) => Math.min(...all[name].map(each));
  report.figure('hawse CPU / raw', ratios(all.hawse, all.raw, each), { goal: 2.4 });
  report.figure('hawse CPU / raw, least of all runs', least('hawse') / least('raw'), { goal: 2.4 });
  report.figure('hawse messages a second / raw (P9)', ratios(all.hawse, all.raw, rate), { goal: 0.6, least: true });
  for (const [peer, goal] of [['ws', 6], ['viem', 140], ['ethers', 380]])
    if (all[peer]) report.figure(`${peer} CPU / hawse`, ratios(all[peer], all.hawse, each), { goal, least: true, digits: 1 });
}

export async function tls(place, report) {
  const names = ['raw', 'hawse', ...place.peers.filter((name) => name === 'ws')], files = certificates(place.scratch);
  const plain = {}, secure = {};
  for (let run = 0; run < place.runs; run++) { // plain and TLS within one round
    for (const [all, option] of [[plain, undefined], [secure, files]]) {
      const one = await measure({ ...place, runs: 1 }, names, option);
      for (const name of names) (all[name] ??= []).push(...one[name]);
    }
  }
  console.log('TLS flood: plain and TLS in turns');
  for (const name of names) report.figure(`${name} over TLS: CPU a message`, secure[name].map((r) => each(r) / 1e3), { unit: 'us', digits: 3 });
  report.figure('hawse over TLS: peak memory', secure.hawse.map((r) => r.peak_kb / 1024), { unit: 'MB', digits: 1 });
  report.figure('raw TLS CPU / raw plain', ratios(secure.raw, plain.raw, each));
  report.figure('hawse TLS CPU / hawse plain', ratios(secure.hawse, plain.hawse, each), { goal: 1.6 });
  report.figure('hawse TLS CPU / raw TLS', ratios(secure.hawse, secure.raw, each));
  report.figure('hawse TLS messages a second / raw TLS (P8)', ratios(secure.hawse, secure.raw, rate), { goal: 0.8, least: true });
  if (secure.ws) report.figure('ws TLS CPU / hawse TLS (P8)', ratios(secure.ws, secure.hawse, each), { goal: 5, least: true });
}
