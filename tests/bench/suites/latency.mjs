// Delays in open loop: the sender keeps its rate whatever the receiver does, and stamps each message with the time at
// which it was due, so that a receiver that holds it up pays for it. And bursts: a block's worth of logs at once.
import { certificates } from '../../e2e/lib/certificates.mjs';
import { ratios, rounds } from '../lib/rounds.mjs';
import { median } from '../lib/report.mjs';

const SECONDS = 3, WARM_SECONDS = 1;
const RATES = [
  [1_000, ['raw', 'hawse', 'hawse spin', 'ws']],
  [2_000, ['raw', 'hawse', 'viem', 'ethers']], // what the slow ones can hold,
  [10_000, ['raw', 'hawse', 'hawse spin', 'ws']],
  [50_000, ['raw', 'hawse', 'hawse spin']],
];

const quantiles = ({ p50, p99, p999, max }) => `p99 ${p99.toFixed(0)}, p99.9 ${p999.toFixed(0)}, max ${max.toFixed(0)} us`;

function show(report, name, list) {
  const of = (key) => median(list.map((r) => r.latency_us[key]));
  const note = quantiles({ p50: 0, p99: of('p99'), p999: of('p999'), max: of('max') });
  report.figure(`${name}: p50`, list.map((r) => r.latency_us.p50), { unit: 'us', digits: 1, note });
}

export async function latency(place, report) {
  const wanted = place.smoke ? [10_000] : place.rates;
  for (const [rate, who] of RATES.filter(([rate]) => !wanted || wanted.includes(rate))) {
    const names = who.filter((name) => place.peers.includes(name) || !['ws', 'viem', 'ethers'].includes(name));
    const messages = Math.min(place.messages, rate * (WARM_SECONDS + SECONDS));
    const warm = messages / (WARM_SECONDS + SECONDS) * WARM_SECONDS;
    const all = await rounds(place, names, () => ({ messages, mode: ['paced', rate], skip: Math.round(warm), every: 1 }));
    console.log(`latency: ${rate} messages a second, one write each, open loop`);
    for (const name of names) show(report, name, all[name]);
    report.figure('the sender itself was late: p99', all.raw.map((r) => r.late_us.p99), { unit: 'us', digits: 1 });
    const goals = rate === 10_000 ? { p50: 1.1, p99: 2 } : {};
    for (const key of ['p50', 'p99'])
      report.figure(`hawse ${key} / raw ${key}`, ratios(all.hawse, all.raw, (r) => r.latency_us[key]), { goal: goals[key] });
    report.figure('hawse p50 - raw p50 (P10)', all.hawse.map((r, i) => r.latency_us.p50 - all.raw[i].latency_us.p50),
      { unit: 'us', goal: rate === 10_000 ? 2 : undefined });
    report.figure('hawse CPU a message / raw', ratios(all.hawse, all.raw, (r) => r.cpu_ns));
    if (all['hawse spin'])
      report.figure('hawse busy-poll: p50', all['hawse spin'].map((r) => r.latency_us.p50),
        { unit: 'us', digits: 1, goal: rate === 10_000 ? 10 : undefined });
    if (all.ws && rate === 10_000)
      report.figure('hawse p99 / ws p99', ratios(all.hawse, all.ws, (r) => r.latency_us.p99), { goal: 0.33 });
  }
}

export async function burst(place, report) {
  const bursts = place.smoke ? 10 : 100, size = 301, every = 300; // a head and its logs
  const names = ['raw', 'hawse', 'hawse spin', ...place.peers];
  const trial = { messages: bursts * size, mode: ['burst', size, place.smoke ? 20 : 100], skip: bursts / 10 * every, every };
  const all = await rounds(place, names, () => trial);
  const tls = certificates(place.scratch), secure = await rounds(place, ['raw', 'hawse'], () => ({ ...trial, tls }));
  console.log(`burst: ${every} logs at once, ${bursts} times; until the last callback`);
  for (const name of names) show(report, name, all[name]);
  const of = (r) => r.latency_us.p50;
  for (const name of ['raw', 'hawse']) show(report, `${name} over TLS`, secure[name]);
  report.figure('hawse / raw', ratios(all.hawse, all.raw, of));
  report.figure('hawse / raw, both over TLS (P12)', ratios(secure.hawse, secure.raw, of), { goal: 1.15 });
  for (const [peer, goal] of [['ws', 2.5], ['viem', 40], ['ethers', undefined]])
    if (all[peer]) report.figure(`${peer} / hawse${goal ? ' (P12)' : ''}`, ratios(all[peer], all.hawse, of), { goal, least: true });
}
