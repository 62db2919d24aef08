// The futarchy plugin in a market on a real node: a proposal that a factory makes is told with
// the tokens that its contract has; its answer resolves it, and a reorganisation takes that back, and
// the proposal as well. An address without a contract is said. Prints TAP.
//   HAWSE_BIN=... HAWSE_PLUGIN_DIR=... node proposals.mjs
// Owns: one node, one market, one host.
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { startAnvil } from '../e2e/lib/anvil.mjs';
import { Hawse, configOf, programOf } from '../e2e/lib/hawse.mjs';
import { until } from '../e2e/lib/rig.mjs';
import { deployMarket } from './market.mjs';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const { ethers } = createRequire(path.join(HERE, '../e2e/package.json'))('ethers');
const CHAIN = 100;
const OPEN = 1;
const RESOLVED = 2;
const GONE = 3;
let count = 0;
let failed = 0;

function check(sentence, good, detail = '') {
  console.log(`${good ? '' : 'not '}ok ${++count} - proposals: ${sentence}`);
  if (!good) console.log(`# ${JSON.stringify(detail)}`);
  failed += !good;
}

const node = await startAnvil({ chainId: CHAIN, timestamp: 1_760_000_000 });
await node.call('evm_setAutomine', true);
const market = await deployMarket(node.url);
const provider = new ethers.JsonRpcProvider(node.url, undefined, { cacheTimeout: -1 });
provider.pollingInterval = 20;
const owner = await provider.getSigner(0);
const send = async (address, abi, name, args) => {
  const contract = new ethers.Contract(address, [`function ${abi}`], owner);
  return (await contract[name](...args)).wait();
};
const mine = () => node.call('evm_mine');
const FACTORY = [
  'function createProposal((string,address,address,string,string,uint256,uint32)) returns (address)',
  'function proposals(uint256) view returns (address)',
];
const PROPOSAL = [
  ...['conditionId', 'questionId'].map((name) => `function ${name}() view returns (bytes32)`),
  ...['collateralToken1', 'collateralToken2'].map((name) => `function ${name}() view returns (address)`),
  'function wrappedOutcome(uint256) view returns (address, bytes)',
];

/** What the proposal's own contract says of it, as it has to be told. */
async function factsOf(address) {
  const contract = new ethers.Contract(address, PROPOSAL, provider);
  const outcomes = await Promise.all([0, 1, 2, 3].map(async (i) => (await contract.wrappedOutcome(i))[0]));
  return [
    await contract.conditionId(),
    ...[await contract.collateralToken1(), await contract.collateralToken2(), ...outcomes].map(wide),
  ].join();
}

const { command, pluginDir } = programOf('hawse');
const subject = new Hawse(command);
const nobody = '0x00000000000000000000000000000000000000Ff';
const config = configOf({
  chainId: CHAIN,
  wsUrl: node.wsUrl,
  httpUrl: node.url,
  venue: {
    plugin: 'org.hawse.futarchy',
    settings: {
      factory: market.futarchyFactory,
      proposals: [nobody],
      conditional_tokens: market.conditionalTokens,
    },
  },
  pluginDir,
  stateDir: subject.folder,
});
config.instances.pools.allow = 'beta';
let ready = false;
const told = [];
subject.on('event', (event) => {
  if (event.src === 'chain' && event.t === 'evm.block') ready = true;
  if (event.t === 'position.proposal') told.push(event);
});
subject.start(config);
const wide = (address) => `0x${address.slice(2).toLowerCase().padStart(64, '0')}`;
/** The next record, which has to be of this state. */
const next = async (state) => {
  const from = told.length;
  await until(() => told.length > from, 10_000, `state ${state}`).catch(() => {});
  return told[from];
};

try {
  for (let i = 0; i < 100 && !ready; i++) {
    await mine();
    await until(() => ready, 200, '').catch(() => {});
  }
  const before = await provider.getBlockNumber();
  const announced = next(OPEN);
  const factory = new ethers.Contract(market.futarchyFactory, FACTORY, owner);
  const wanted = ['Another one?', market.company, market.sdai, 'trial', 'en', 1n, 0n];
  await (await factory.createProposal(wanted, { gasLimit: 12_000_000 })).wait();
  const proposal = await factory.proposals(1);
  const first = await announced;
  check('one that the factory makes is told, open', first?.state === OPEN && first.proposal === wide(proposal), first);
  check('with the tokens that its contract has',
    first && [first.condition, first.collateral0, first.collateral1, first.yes0, first.no0, first.yes1, first.no1].join() ===
      (await factsOf(proposal)),
    first);
  const question = await new ethers.Contract(proposal, PROPOSAL, provider).questionId();
  const answered = next(RESOLVED);
  await send(market.conditionalTokens, 'reportPayouts(bytes32,uint256[])', 'reportPayouts', [question, [1, 0]]);
  const second = await answered;
  check('its answer resolves it', second?.state === RESOLVED && second.payouts?.join() === '1,0', second);
  const reopened = next(OPEN);
  const height = await provider.getBlockNumber();
  await node.call('anvil_reorg', 1, []);
  await mine();
  const third = await reopened;
  check('an answer that leaves the chain opens it again', third?.state === OPEN && third.payouts?.join() === '0,0', third);
  const dropped = next(GONE);
  await node.call('anvil_reorg', height + 1 - before, []);
  await mine();
  const fourth = await dropped;
  check('a creation that leaves the chain takes it away', fourth?.state === GONE, fourth);
  const named = subject.errors.filter((line) => line.includes(nobody.toLowerCase()));
  check('an address without a contract is said, once so soon', named.length >= 1 && named.length <= 2 && named[0].includes('no such contract'), subject.errors);
} finally {
  const end = await subject.stop();
  check('the host stops gracefully', end.code === 0, subject.errors.slice(-20));
  provider.destroy();
  await node.stop?.();
}
console.log(`1..${count}`);
process.exit(failed ? 1 : 0);
