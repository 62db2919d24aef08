// Notifications of a Solana node in the whole plugin, and the same bytes in the official clients
// (@solana/web3.js: parsed, validated, handed to a callback; where tests/bench/solana is installed, its
// successor @solana/kit, up to the caller's loop; the socket is left out on all sides).
//   bench_solana.mjs BUILD [--rounds 50]
// Frames: one of each kind of the quickstart's sample, as a real runtime sent them.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const require = createRequire(path.join(here, '../solana/package.json'));
const web3 = require('@solana/web3.js');
const rounds = Number(process.argv[process.argv.indexOf('--rounds') + 1] ?? 50) || 50;
const FRAMES = 1000;
const DIGITS = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';

const [header, ...lines] = readFileSync(path.join(here, '../../packaging/quickstart/solana-sample.ndjson'), 'utf8').trim().split('\n');
const { accounts, subscriptions } = JSON.parse(header);
const mint = subscriptions.at(-1).key;
const raw = (method) => lines.find((line) => line.includes(`"${method}"`)).replace(/^.*?"frame":/, '').slice(0, -1);
const templates = {
  slotNotification: raw('slotNotification').replace(/"parent":\d+/, '"parent":PARENT').replace(/"root":\d+/, '"root":1').replace(/"slot":\d+/, '"slot":SLOT').replace(/"subscription":\d+/, '"subscription":0'),
  accountNotification: raw('accountNotification').replace(/"slot":\d+/, '"slot":SLOT').replace(/"subscription":\d+/, '"subscription":1'),
  logsNotification: raw('logsNotification').replace(/"slot":\d+/, '"slot":SLOT').replace(/("signature":"[^"]*)[^"]{4}"/, '$1SIGN"').replace(/"subscription":\d+/, '"subscription":2'),
};

// ---- the plugin ----

const folder = mkdtempSync(path.join(tmpdir(), 'hawse-bench-'));
const file = path.join(folder, 'frames');
const settings = JSON.stringify({ commitment: 'confirmed', accounts: [accounts[0].pubkey], logs: [mint] });
writeFileSync(file, [settings, ...Object.values(templates)].join('\n') + '\n');
const out = execFileSync(path.join(process.argv[2], 'tests/bench/bench-solana'), [file, String(rounds)], { encoding: 'utf8' });
rmSync(folder, { recursive: true });
const ours = Object.fromEntries(out.trim().split('\n').map((line) => {
  const [, name, bytes, ns, published, all] = /^(\w+) (\d+) bytes (\d+) ns, (\d+) of (\d+)/.exec(line);
  return [name, { bytes: Number(bytes), ns: Number(ns), good: published === all }];
}));

// ---- the official client ----

const handlers = { slotNotification: '_wsOnSlotNotification', accountNotification: '_wsOnAccountNotification', logsNotification: '_wsOnLogsNotification' };
const sign = (slot) => [0, 1, 2, 3].map((i) => DIGITS[Math.floor(slot / 58 ** i) % 58]).join('');
/** A function that makes the next FRAMES frames, each of a slot of its own. */
function maker(name) {
  let slot = 1000;
  return () => Array.from({ length: FRAMES }, () => {
    slot++;
    return templates[name].replace('SLOT', slot).replace('PARENT', slot - 1).replace('SIGN', sign(slot));
  });
}

function client(name) {
  const connection = new web3.Connection('http://127.0.0.1:1', { wsEndpoint: 'ws://127.0.0.1:1' });
  let told = 0;
  const callback = () => { told++; };
  for (const id of [0, 1, 2]) connection._subscriptionCallbacksByServerSubscriptionId[id] = new Set([callback]);
  const times = [];
  const framesOf = maker(name);
  for (let r = 0; r < rounds; r++) {
    const frames = framesOf();
    const begin = process.cpuUsage();
    for (const frame of frames) connection[handlers[name]](JSON.parse(frame).params);
    const { user, system } = process.cpuUsage(begin); // its collector's threads included
    times.push((user + system) * 1000 / FRAMES);
  }
  times.sort((a, b) => a - b);
  return { ns: Math.round(times[rounds >> 1]), good: told === rounds * FRAMES };
}

// ---- its successor ----

const kit = existsSync(path.join(here, 'solana/node_modules/@solana/kit')) ? await import('./solana/kit.mjs') : undefined;
async function successor(name) {
  const subscription = Object.keys(templates).indexOf(name);
  const account = name === 'logsNotification' ? mint : accounts[0].pubkey;
  const { ns, told } = await kit.measure(name, subscription, account, maker(name), rounds);
  return { ns, good: told === rounds * FRAMES };
}

let failed = false;
for (const name of Object.keys(templates)) {
  const clients = [['@solana/web3.js', client(name)], ...(kit ? [['@solana/kit', await successor(name)]] : [])];
  const good = ours[name]?.good && clients.every(([, theirs]) => theirs.good);
  failed ||= !good;
  const beside = clients.map(([who, { ns }]) => `${who} ${ns} ns, ${(ns / ours[name].ns).toFixed(1)} times`).join('; ');
  console.log(`${good ? '' : 'NOT ALL TOLD '}${name}, ${ours[name].bytes} bytes: hawse ${ours[name].ns} ns, ${beside}`);
}
process.exit(failed ? 1 : 0);
