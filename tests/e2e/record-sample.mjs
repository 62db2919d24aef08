// Records the sample that the quickstart replays: the notifications of one WebSocket, as a node
// of chain 100 sent them, about five minutes long, with pools of Algebra and of Balancer v2 on it. Blocks come every five seconds of real time
// unless --pace says otherwise.
//   node record-sample.mjs [--out FILE] [--blocks 60] [--pace 5000] [--seed 1]
// First line: what was recorded (chain, pools with tokens and state before the first frame, state
// at the end; of Balancer's pools also what the node answered to questions whose answers stay). At the
// end Balancer's pools have the balances again that they began with, to a unit or two, so that the
// sample can be played round after round.
// Then one line per frame: {"t_ms": milliseconds since the first frame, "frame": the frame as it
// came}.
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { once } from 'node:events';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import WebSocket from 'ws';
import { startAnvil, sleep } from './lib/anvil.mjs';
import { Market, TOPICS } from './lib/algebra.mjs';
import { BalancerMarket, BalancerTraffic } from './lib/balancer.mjs';
import { answersThatStay } from './lib/balancer-sample.mjs';
import { Chain } from './lib/chain.mjs';
import { Ledger, readStates } from './lib/ledger.mjs';
import { Random } from './lib/random.mjs';
import { reorganise } from './lib/reorg.mjs';
import { Traffic } from './lib/traffic.mjs';
import { NodeProxy } from './lib/wsproxy.mjs';

const GENESIS = 1_760_000_000;
const BLOCK_SECONDS = 5;
const SIZE_LIMIT = 1_000_000;
const here = path.dirname(fileURLToPath(import.meta.url));

const { values } = parseArgs({
  options: {
    out: {
      type: 'string',
      default: path.join(here, '../../packaging/quickstart/gnosis-sample.ndjson'),
    },
    blocks: { type: 'string', default: '60' },
    pace: { type: 'string', default: '5000' },
    seed: { type: 'string', default: '1' },
  },
});

/** Subscribes and keeps every notification with the time of its arrival. */
async function record(url, addresses) {
  const frames = [];
  const answers = new Map();
  const socket = new WebSocket(url, { perMessageDeflate: false });
  await once(socket, 'open');
  socket.on('message', (data) => {
    const text = String(data);
    const message = JSON.parse(text);
    if (message.method === 'eth_subscription') {
      frames.push({ at: performance.now(), text, message });
    } else {
      answers.set(message.id, message.result);
    }
  });
  const ask = async (id, ...params) => {
    socket.send(JSON.stringify({ jsonrpc: '2.0', id, method: 'eth_subscribe', params }));
    while (!answers.has(id)) {
      await sleep(5);
    }
    return answers.get(id);
  };
  const subscriptions = {
    newHeads: await ask(1, 'newHeads'),
    logs: await ask(2, 'logs', { address: addresses }),
  };
  return { frames, subscriptions, close: () => socket.close() };
}

const abs = (n) => (n < 0n ? -n : n);

const asToken = ({ symbol, decimals, address }) => ({
  symbol,
  decimals,
  address: address.toLowerCase(),
});

function count(frames) {
  const logs = frames.map((f) => f.message.params.result).filter((r) => r.topics);
  const of = (topic, removed) =>
    logs.filter((log) => log.topics[0] === topic && Boolean(log.removed) === removed).length;
  return {
    heads: frames.length - logs.length,
    logs: logs.length,
    removed: logs.filter((l) => l.removed).length,
    swaps: of(TOPICS.swap, false),
    mints: of(TOPICS.mint, false),
    burns: of(TOPICS.burn, false),
    fees: of(TOPICS.fee, false),
  };
}

const blocks = Number(values.blocks);
const pace = Number(values.pace);
const random = new Random(values.seed);
const node = await startAnvil({ chainId: 100, timestamp: GENESIS });
const chain = new Chain(node, { blockSeconds: BLOCK_SECONDS, startTime: GENESIS });
const market = await Market.deploy(chain, { pools: 6, traders: 12 });
const before = await readStates(market);
const named = (...symbols) => symbols.map((s) => market.tokens.find(({ symbol }) => symbol === s));
const [sdai] = named('sDAI');
const vault = await BalancerMarket.beside(
  market,
  [
    { kind: 'weighted', tokens: named('GNO', 'WXDAI') },
    {
      kind: 'stable',
      tokens: named('WXDAI', 'USDC', 'sDAI'),
      rated: sdai,
      rate: BigInt(Math.round(sdai.usd * 100)) * 10n ** 16n,
      cacheSeconds: 10n ** 9n, // a rate that runs out would be asked for at every block
    },
  ],
  new Random(`${values.seed} balancer`),
);
const vaultBefore = await vault.readStates();
const proxy = await NodeProxy.start(node);
const start = await chain.mine();
await proxy.told(start.hash);
const recording = await record(
  proxy.wsUrl,
  [...market.pools.map((pool) => pool.address), ...vault.addresses],
);
const asked = await answersThatStay(vault);
const traffic = new Traffic(market, random, { liquidityRate: 0.25, usd: [2, 9000] });
await traffic.sync();
const vaultTraffic = new BalancerTraffic(vault, vault.random);

const reorgAt = Math.floor(blocks * 0.65);
const missedSlotAt = Math.floor(blocks * 0.35);
const begun = performance.now();
let slots = 0;
for (let i = 0; i < blocks; i++) {
  if (i === missedSlotAt) {
    slots++;
    chain.time += BLOCK_SECONDS; // nobody proposed: the next block comes a slot later
  }
  // a block is seen a little after its slot begins
  const due = ++slots * pace + random.between(0, pace / 10);
  const txs = await traffic.block(random.between(2, 8));
  txs.push(...(await vaultTraffic.swaps(vault.random.between(0, 3))));
  await sleep(Math.max(0, begun + due - performance.now()));
  await chain.mine(txs);
  if (i === reorgAt) {
    await sleep(pace / 4);
    const done = await reorganise(chain, random, { depth: 2, move: 0.3, drop: 0.1 });
    console.log(done.told);
    await traffic.sync();
  }
}
await sleep(Math.max(0, begun + ++slots * pace - performance.now()));
await vault.mine(await vault.restore(vaultBefore));
await proxy.told(chain.blocks.get(chain.height).hash);
await sleep(500); // the last frames are on their way

const ledger = await Ledger.read(chain, market, Number(start.number) + 1);
const { frames, subscriptions } = recording;
const ofVault = new Set(vault.addresses.map((address) => address.toLowerCase()));
const fromVault = ({ message }) => ofVault.has(message.params.result.address?.toLowerCase());
const seen = count(frames.filter((frame) => !fromVault(frame)));
const vaultLogs = frames.filter(fromVault).map(({ message }) => message.params.result);
const vaultSwaps = vaultLogs.filter((log) => !log.removed && vault.decodeSwap(log));
const vaultAfter = await vault.readStates();
const restored = vault.pools.every(({ id, assets, address }) => {
  const [was, is] = [vaultBefore, vaultAfter].map((states) => states.get(id).balances.split(','));
  // where a rate is in between, an exact amount is rounded by a unit
  return assets.every((asset, i) => asset === address || abs(BigInt(was[i]) - BigInt(is[i])) < 3n);
});
const header = {
  format: 'hawse-websocket-sample',
  version: 1,
  chain_id: 100,
  block_seconds: BLOCK_SECONDS,
  subscriptions,
  start: { number: Number(start.number), hash: start.hash, timestamp: Number(start.timestamp) },
  pools: market.pools.map((pool) => ({
    address: pool.address.toLowerCase(),
    token0: asToken(pool.token0),
    token1: asToken(pool.token1),
    tick_spacing: 60,
    state: before.get(pool.address.toLowerCase()),
  })),
  balancer: {
    vault: vault.vault.toLowerCase(),
    pools: vault.pools.map(({ id, kind, address, assets }) => ({
      id,
      kind,
      address: address.toLowerCase(),
      tokens: assets.map((asset) => asset.toLowerCase()),
      balances: vaultBefore.get(id).balances.split(','),
    })),
    calls: asked,
  },
  end: {
    number: ledger.head.number,
    hash: ledger.head.hash,
    frames: frames.length,
    ...seen,
    canonical_logs: ledger.logs.size,
    canonical_swaps: ledger.swaps.size,
    vault_logs: vaultLogs.length,
    vault_swaps: vaultSwaps.length,
    states: Object.fromEntries(ledger.states),
  },
};
const text =
  [
    JSON.stringify(header),
    ...frames.map((f) => `{"t_ms":${Math.round(f.at - frames[0].at)},"frame":${f.text}}`),
  ].join('\n') + '\n';
recording.close();
await proxy.stop();
await node.stop();
if (seen.logs - 2 * seen.removed !== ledger.logs.size || text.length > SIZE_LIMIT || !restored) {
  console.error(
    `not written: ${seen.logs} logs with ${seen.removed} removed against ${ledger.logs.size} ` +
      `canonical ones, ${text.length} bytes of ${SIZE_LIMIT} allowed, ` +
      `Balancer's balances ${restored ? 'restored' : 'not as before'}`,
  );
  process.exit(1);
}
writeFileSync(values.out, text);
console.log(
  JSON.stringify({
    out: values.out,
    bytes: text.length,
    ...seen,
    swapsCanonical: ledger.swaps.size,
    vaultSwaps: vaultSwaps.length,
  }),
);
