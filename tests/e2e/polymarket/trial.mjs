// The great trial of the Polymarket venue: hawse beside the double while connections are killed and
// frozen, subscriptions dropped in silence, frames lost, doubled and broken, REST refuses, and other
// builds of the plugin take over in the middle of it (`hawse reload`). At the
// end every book that the tape tells must be the double's, every gap healed, nothing told between a
// gap and its healing, and every trade and every fill told once. Prints counts.
//
//   HAWSE_BIN=... HAWSE_PLUGIN_DIR=... node trial.mjs [--markets 100] [--seconds 35] [--rate 500]
//       [--seed 1] [--calm] [--wallet] [--trouble NAME]
// Exit codes: 0 no difference, 1 differences, 2 the trial could not be held.
import { parseArgs } from 'node:util';
import { Hawse, programOf } from '../lib/hawse.mjs';
import { Random } from '../lib/random.mjs';
import { Swaps } from '../lib/swaps.mjs';
import { Double } from './double.mjs';
import { OwnTape, SECRETS, accountOf, credential, troublesOf as ownTroublesOf, walletCredential } from './own.mjs';
import { Tape } from './tape.mjs';

const { values: args } = parseArgs({
  options: {
    markets: { type: 'string', default: '100' },
    seconds: { type: 'string', default: '35' },
    rate: { type: 'string', default: '500' },
    seed: { type: 'string', default: '1' },
    calm: { type: 'boolean', default: false },
    wallet: { type: 'boolean', default: false },
    trouble: { type: 'string' }, // this one alone, again and again
  },
});
const SETTLE_MS = 30_000;
const START_MS = 30_000;
/** What can only be found out by waiting needs peace after it; everything else comes thick. */
const PAUSE_MS = { freeze: 2000, silence: 5500, 'drop a subscription': 5500 };
const OWN_PAUSE_MS = {
  'user: freeze': 2500, 'user: half open': 2500, 'user: silence': 7000, 'user: lose a frame': 7000,
};
const SWAP_PAUSE_MS = { swap: 1500 };
const WALLETS = ['0x7C3Db723F1D4d8cB9C550095203b686cB11E5C6B', `0x${'ab'.repeat(20)}`];
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const random = new Random(args.seed);
const below = (n) => random.below(n);

function configOf(double, pluginDir, stateDir, metrics) {
  const stream = { ping_ms: 500, idle_ms: 4000, backoff_min_ms: 20, backoff_max_ms: 300 };
  return {
    hawse: 1,
    plugins: { path: [pluginDir] },
    state_dir: stateDir,
    http: { listen: metrics },
    instances: {
      poly: {
        plugin: 'org.hawse.polymarket',
        allow: 'beta',
        endpoints: {
          market: { url: double.marketUrl, ...stream },
          rtds: { url: double.feedUrl, ...stream },
          user: { url: double.userUrl, ...stream },
          clob: { url: double.rest, request_timeout_ms: 3000 },
          data: { url: double.rest, request_timeout_ms: 3000 },
        },
        grants: ['net', 'http', 'sign:polymarket-l1', 'sign:polymarket-l2'],
        credentials: { me: args.wallet ? walletCredential() : credential },
        settings: {
          account: 'me', account_ms: 1000,
          markets: double.markets.slice(0, double.markets.length / 2).map((one) => one.condition),
          assets: double.markets.slice(double.markets.length / 2).flatMap((one) => one.tokens),
          wallets: WALLETS,
          per_connection: Math.max(10, Math.ceil(double.markets.length / 3)),
          ping_ms: 300, pong_ms: 1200, dump_ms: 1500, audit_ms: 2000, poll_ms: 1000,
          trades_late_ms: 4000, trades_audit_ms: 6000,
          requests_per_second: 70,
        },
      },
      tape: {
        plugin: 'org.hawse.jsonl',
        links: { poly: 'poly' },
        settings: { sources: ['poly'] },
      },
    },
  };
}

/** What goes wrong, by name. Each happens to one random connection, or to all. */
function troublesOf(double) {
  const one = () => [...double.sessions][below(double.sessions.size)];
  return {
    kill: () => double.cut(one()),
    'kill all': () => double.sessions.forEach((session) => double.cut(session)),
    freeze: () => one() && (one().frozen = true),
    silence: () => one() && (one().silent = true),
    'drop a subscription': () => {
      const session = one();
      const assets = [...(session?.assets ?? [])];
      session?.assets.delete(assets[below(assets.length)]);
    },
    'lose a frame': () => (double.lose = 1),
    'double frames': () => {
      for (const { text, assets } of double.recent.slice(-20)) {
        for (const session of double.sessions) {
          if (assets.some((asset) => session.assets.has(asset))) {
            session.say(text);
          }
        }
      }
    },
    'break a frame': () => one()?.say('{"market":"0x5f65","price_changes":[{"asset_id":"7132'),
    'odd frames': () => {
      for (const text of ['[]', 'INVALID OPERATION', '{"event_type":"x"}', '{"a":1}', 'ping']) {
        one()?.say(text);
      }
    },
    'slow dump': () => {
      double.slowDumpMs = 800;
      double.cut(one());
      setTimeout(() => (double.slowDumpMs = 0), 1500);
    },
    'feed lost': () => double.listeners.forEach((client) => client.terminate()),
  };
}

async function traffic(double, tally, fills, swaps) {
  const begun = Date.now();
  const plans = [
    { troubles: troublesOf(double), pauses: PAUSE_MS, next: begun + 1000, turn: 0 },
    { troubles: ownTroublesOf(double.account, below), pauses: OWN_PAUSE_MS, next: begun + 1000, turn: 0 },
    { troubles: { swap: () => swaps.begin() }, pauses: SWAP_PAUSE_MS, next: begun + 1500, turn: 0 },
  ];
  const until = begun + Number(args.seconds) * 1000;
  const step = 10;
  while (Date.now() < until) {
    for (let i = 0; i < (Number(args.rate) * step) / 1000; i++) {
      if (below(50) === 0) {
        double.randomTrade();
      } else {
        double.randomChange();
      }
    }
    if (below(20) === 0) {
      const wallet = WALLETS[below(2)];
      const late = { lateMs: below(1500), repeats: 1 + below(3) };
      fills.push(double.fill(wallet, late));
      if (below(5) === 0) {
        fills.push(double.fill(wallet, { ...late, same: fills.at(-1) }));
      }
    }
    if (below(5) === 0) {
      double.account.step();
    }
    if (below(300) === 0) {
      double.announce();
    }
    if (below(400) === 0) {
      double.refineTick();
    }
    for (const plan of plans.filter((one) => !args.calm && Date.now() >= one.next)) {
      const names = Object.keys(plan.troubles).filter((one) => one === (args.trouble ?? one));
      if (names.length === 0) {
        plan.next = until;
        continue;
      }
      const name = names[plan.turn++ % names.length];
      plan.troubles[name]();
      tally[name] = (tally[name] ?? 0) + 1;
      plan.next = Date.now() + (plan.pauses[name] ?? 250);
    }
    await sleep(step);
  }
}

/** All that is not as it should be, of the venue and of the account. */
const verdict = (double, tape, own, fills) => [
  ...tape.differences(double, fills), ...own.differences(double.account),
];

async function settle(double, tape, own, fills) {
  const until = Date.now() + SETTLE_MS;
  const begun = Date.now();
  while (Date.now() < until) {
    await sleep(250);
    if (verdict(double, tape, own, fills).length === 0) {
      break;
    }
  }
  return Date.now() - begun;
}

async function metricsOf(address) {
  const text = await (await fetch(`http://${address}/metrics`)).text();
  return Object.fromEntries(
    [...text.matchAll(/^hawse_plugin_(\w+)\{[^}]*\} (\d+)/gm)].map((one) => [one[1], Number(one[2])]),
  );
}

async function main() {
  const { command, pluginDir } = programOf('hawse');
  const double = new Double({ markets: Number(args.markets), random: below });
  await double.start();
  double.refusals = args.calm ? 0 : 15;
  double.account = accountOf(double, below);
  const tape = new Tape();
  const own = new OwnTape();
  const hawse = new Hawse(command);
  hawse.on('event', (event) => {
    tape.take(event);
    own.take(event);
  });
  hawse.on('garbage', (line) => tape.garbage.push(line));
  const metrics = `127.0.0.1:${20000 + (process.pid % 20000)}`;
  const swaps = new Swaps(hawse, pluginDir, 'poly', 'polymarket');
  hawse.start(swaps.prepare(configOf(double, pluginDir, `${hawse.folder}/state`, metrics)));
  const assets = double.markets.length * 2;
  for (let i = 0; i < START_MS / 50 && tape.books.size < assets; i++) {
    await sleep(50);
    hawse.mustRun();
  }
  if (tape.books.size < assets) {
    throw new Error(`${tape.books.size} of ${assets} books came\n${hawse.errors.join('\n')}`);
  }
  const tally = {};
  const fills = [];
  await traffic(double, tally, fills, swaps);
  await swaps.last;
  double.refusals = 0;
  const settled = await settle(double, tape, own, fills);
  const counters = await metricsOf(metrics);
  const memory = hawse.memory();
  const ended = await hawse.stop();
  double.stop();
  const wrong = [...verdict(double, tape, own, fills), ...swaps.failures];
  if (!args.calm && !args.trouble && swaps.done === 0) {
    wrong.push('no swap was made');
  }
  if (hawse.errors.some((line) => Object.values(SECRETS).some((one) => line.includes(one)))) {
    wrong.push('a secret stands in the log');
  }
  if (ended.code !== 0) {
    wrong.push(`hawse ended with ${JSON.stringify(ended)}`);
  }
  console.log(`assets ${assets}, frames ${double.counts.frames}, troubles ${JSON.stringify(tally)}`);
  console.log(`double ${JSON.stringify(double.counts)}`);
  console.log(`tape ${JSON.stringify(tape.counts)}, trades told late ${tape.late}, settled after ${settled} ms`);
  console.log(`account ${JSON.stringify({ ...own.counts, ...double.account.logins })}`);
  console.log(`swapped ${swaps.done} times, events waited for ${swaps.longestUs} us at most`);
  console.log(`hawse ${JSON.stringify(counters)}, peak ${memory.peak.toFixed(0)} MiB`);
  wrong.slice(0, 20).forEach((line) => console.log(`  ${line}`));
  console.log(`${wrong.length} differences`);
  if (wrong.length > 0) {
    console.log(hawse.errors.slice(-10).join('\n'));
  }
  return wrong.length === 0 ? 0 : 1;
}

main().then(
  (code) => process.exit(code),
  (error) => {
    console.error(error);
    process.exit(2);
  },
);
