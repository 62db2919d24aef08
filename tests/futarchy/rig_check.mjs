// Is the rig what it says? Prices, ticks, seeds, the order of traders, and the whole life of a
// proposal, looked up with the contracts' own functions. Prints TAP.
//   node rig_check.mjs
// Owns the rig it starts. Must never: judge hawse (arb.py does).
import { createRequire } from 'node:module';
import { sleep } from '../e2e/lib/anvil.mjs';
import { FutarchyRig } from './rig.mjs';
import { POOLS } from './moves.mjs';
import { randomMarket, SCENARIOS } from './scenarios.mjs';
import { rootAtTick } from './ticks.mjs';

const require = createRequire(new URL('../e2e/package.json', import.meta.url));
const { ethers } = require('ethers');
const FIVE = 5n * 10n ** 18n;
const EVERY_KIND = [
  'shallow',
  'usual',
  'deep',
  'one-sided',
  'tick border',
  'no gap',
  'spot above',
  'spot below',
];
let checks = 0;
let bad = 0;

function check(name, good, found = '') {
  checks++;
  bad += good ? 0 : 1;
  if (!good) {
    console.log(`# found ${JSON.stringify(found)}`);
  }
  console.log(`${good ? 'ok' : 'not ok'} ${checks} - ${name}`);
}

const near = (a, b, part) => Math.abs(a / b - 1) < part;
const erc = new ethers.Interface([
  'function balanceOf(address) view returns (uint256)',
  'function symbol() view returns (string)',
  'function decimals() view returns (uint8)',
]);
const proposals = new ethers.Interface([
  'function wrappedOutcome(uint256) view returns (address, bytes)',
  'function conditionId() view returns (bytes32)',
  'function marketsCount() view returns (uint256)',
  'function getConditionId(address,bytes32,uint256) view returns (bytes32)',
  'function payoutDenominator(bytes32) view returns (uint256)',
  'function splitPosition(address,address,uint256)',
  'function mergePositions(address,address,uint256)',
  'function redeemPositions(address,address,uint256)',
  'event NewProposal(address indexed proposal, string name, bytes32 condition, bytes32 question)',
]);

async function read(rig, face, to, name, ...args) {
  const data = face.encodeFunctionData(name, args);
  const answer = await rig.node.call('eth_call', { to, data }, 'latest');
  return face.decodeFunctionResult(name, answer)[0];
}

async function height(rig) {
  return Number(await rig.node.call('eth_blockNumber'));
}

/** What a swap costs some time after a scenario began; fees follow at the first swap of a block. */
async function feeAfter(rig, name, seconds) {
  await rig.do('scenario', { name });
  for (let i = 0; i < 3; i++) {
    await rig.node.call('evm_increaseTime', seconds);
    await rig.moves.atOnce(() => rig.moves.swapPool('yes', true, 0.001));
  }
  return (await rig.moves.state('yes')).fee;
}

async function scenarios(rig) {
  for (const [name, describe] of Object.entries(SCENARIOS)) {
    for (const gap of [0.04, -0.04]) {
      const wanted = describe(gap);
      await rig.do('scenario', { name, gap });
      const found = await rig.do('prices');
      const off = Object.keys(POOLS).filter(
        (pool) => !near(found[pool], wanted.pools[pool].price, 1e-8),
      );
      check(`${name}, gap ${gap}: prices are the planned ones`, off.length === 0, found);
      check(`${name}, gap ${gap}: so is the spot price`, near(found.spot, wanted.spot.price, 1e-6));
    }
  }
  const depth = async (name) => {
    await rig.do('scenario', { name });
    return (await rig.moves.state('yes')).liquidity;
  };
  const [thin, normal, large] = [await depth('thin'), await depth('normal'), await depth('large')];
  check('thin, normal and large differ by depth', thin * 100n < normal && normal * 10n < large);
  const calm = await feeAfter(rig, 'normal', 2 * 86400);
  const excited = await feeAfter(rig, 'volatile', 60);
  check('after the volatile market swaps cost more', excited > calm, [calm, excited]);
}

/** What a market is, in the contracts' own numbers. */
async function fingerprint(rig) {
  const states = [];
  for (const name of Object.keys(POOLS)) {
    const { root, tick, liquidity } = await rig.moves.state(name);
    states.push(root, tick, liquidity);
  }
  return states.join();
}

async function seeds(rig) {
  const seen = new Set(Array.from({ length: 200 }, (_, i) => randomMarket(i).kinds).flat());
  const missing = EVERY_KIND.filter((kind) => !seen.has(kind));
  check('200 seeds have every kind of market', missing.length === 0, missing);
  const before = await height(rig);
  await rig.do('random', { seed: 3 });
  check('a market comes in one block', (await height(rig)) === before + 1);
  const first = await fingerprint(rig);
  await rig.do('random', { seed: 8 });
  const other = await fingerprint(rig);
  await rig.do('random', { seed: 3 });
  check('a seed gives the same market, whatever was there', (await fingerprint(rig)) === first);
  check('another seed gives another', other !== first);
  const wrong = [];
  for (let seed = 20; seed < 40; seed++) {
    const market = randomMarket(seed);
    await rig.do('random', { seed });
    const found = await rig.do('prices');
    if (!near(found.spot, market.spot.price, 1e-5)) {
      wrong.push([seed, found.spot, market.spot.price]);
    }
  }
  check('spot prices of 20 seeds are the planned ones', wrong.length === 0, wrong);
}

async function edges(rig) {
  for (const edge of [-1, 0, 1]) {
    await rig.do('plant', { pools: { yes: { price: 150, size: 10, edge } } });
    const { root, tick } = await rig.moves.state('yes');
    const at = 60 * Math.round(tick / 60); // from above the pool counts an edge as crossed
    const sides = { [-1]: [at - 1], 0: [at - 1, at], 1: [at] }[edge];
    check(`edge ${edge}: the pool's own tick says so`, sides.includes(tick), tick);
    check(`edge ${edge}: and its price is exactly there`, root === rootAtTick(at) + BigInt(edge));
  }
  for (const sides of ['down', 'up']) {
    await rig.do('plant', { pools: { yes: { price: 150, size: 100, sides } } });
    const { liquidity } = await rig.moves.state('yes');
    await rig.do('plant', { pools: { yes: { price: 150, size: 100 } } });
    const whole = (await rig.moves.state('yes')).liquidity;
    check(`liquidity on one side (${sides}) is not at the price`, liquidity * 1000n < whole);
  }
}

async function traders(rig) {
  const [, other] = await rig.node.call('eth_accounts');
  await rig.node.call('evm_setAutomine', false);
  const sent = await rig.node.call('eth_sendTransaction', { from: other, to: other, value: '0x1' });
  await rig.do('adversary', { hurts: 'buy' });
  await rig.node.call('evm_mine');
  await rig.node.call('evm_setAutomine', true);
  const { transactions } = await rig.node.call('eth_getBlockByNumber', 'latest', false);
  const last = transactions.indexOf(sent);
  check('an adversary is first in its block', transactions.length === 2 && last === 1);
}

async function act(rig, name, token, gas = 1_500_000) {
  const args = [rig.at.proposal, rig.at[token], FIVE];
  const data = proposals.encodeFunctionData(name, args);
  const sent = await rig.node.call('eth_sendTransaction', {
    from: rig.at.deployer.address,
    to: rig.at.futarchyRouter,
    data,
    gas: `0x${gas.toString(16)}`,
  });
  for (let tries = 0; tries < 200; tries++) {
    const receipt = await rig.node.call('eth_getTransactionReceipt', sent);
    if (receipt) {
      return receipt.status === '0x1';
    }
    await sleep(10);
  }
  throw new Error(`${name} ${sent} was not mined`);
}

async function holds(rig, names) {
  const me = rig.at.deployer.address;
  return Promise.all(names.map((name) => read(rig, erc, rig.at[name], 'balanceOf', me)));
}

async function life(rig) {
  const names = ['sdai', 'yesSdai', 'noSdai'];
  const change = async (what, token) => {
    const before = await holds(rig, names);
    const went = await act(rig, what, token);
    const after = await holds(rig, names);
    return `${went} ${after.map((one, i) => (one - before[i]) / (FIVE / 5n)).join()}`;
  };
  const { at } = rig;
  const split = await change('splitPosition', 'sdai');
  check('a split takes collateral and gives both', split === 'true -5,5,5', split);
  const merged = await change('mergePositions', 'sdai');
  check('a merge takes both and gives collateral', merged === 'true 5,-5,-5', merged);
  const early = await change('redeemPositions', 'sdai');
  check('nothing is redeemed before the end', early === 'false 0,0,0', early);
  await rig.do('resolve', { yes: true });
  const condition = [at.conditionalTokens, 'payoutDenominator', at.conditionId];
  const ended = await read(rig, proposals, ...condition);
  check('then its condition has an outcome', ended === 1n, String(ended));
  const redeemed = await change('redeemPositions', 'sdai');
  check('and the side that won pays', redeemed === 'true 5,-5,0', redeemed);
}

async function factory(rig) {
  const { at } = rig;
  await rig.do('propose', { name: 'Another one?' });
  const logs = await rig.node.call('eth_getLogs', {
    address: at.futarchyFactory,
    fromBlock: '0x0',
    topics: [proposals.getEvent('NewProposal').topicHash],
  });
  const made = logs.map((log) => proposals.parseLog(log).args);
  check('the factory tells of both proposals', made.length === 2 && made[0][0] === at.proposal);
  const [address, name, condition, question] = made[1];
  const own = await read(rig, proposals, address, 'conditionId');
  const args = [at.oracle, question, 2];
  const real = await read(rig, proposals, at.conditionalTokens, 'getConditionId', ...args);
  check('a proposal has the condition of its question', own === condition && own === real, made[1]);
  const outcomes = [];
  for (let i = 0; i < 4; i++) {
    const token = await read(rig, proposals, address, 'wrappedOutcome', i);
    outcomes.push(await read(rig, erc, token, 'symbol'));
  }
  const wanted = 'YES_COMPANY,NO_COMPANY,YES_sDAI,NO_sDAI';
  check(`"${name}" has four outcome tokens, in order`, outcomes.join() === wanted, outcomes);
}

const began = Date.now();
const rig = await FutarchyRig.start();
console.log(`# deployed in ${Date.now() - began} ms`);
try {
  for (const part of [scenarios, seeds, edges, traders, life, factory]) {
    await part(rig);
  }
} finally {
  await rig.stop();
}
console.log(`# ${Date.now() - began} ms`);
console.log(`1..${checks}`);
process.exit(bad ? 1 : 0);
