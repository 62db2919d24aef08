// Puts a futarchy market on a node: Conditional Tokens, Algebra pools with their router and quoter,
// Balancer's Vault with a weighted pool, all real, from npm; stand-ins of market.sol for the rest,
// and the executor of the strategy's own contracts. The node's first account deploys and owns all
// of it. Prices are sDAI for a company token.
// Owns: what is deployed, and its addresses. Must never: move a market that is there (moves.mjs).
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { deploySpotV3 } from './v3/market.mjs';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const require = createRequire(path.join(HERE, '../e2e/package.json'));
const ownRequire = createRequire(import.meta.url);
const { ethers } = require('ethers');
const solc = require('solc');

/** What a market is made with when nothing else is asked for; `depth` is company tokens a side. */
const PRICES = { yes: 140, no: 120, odds: 0.6, spot: 135 };
const DEPTH = 100;
export const ONE = 10n ** 18n;
const ZERO = ethers.ZeroAddress;
const LATE = 2n ** 40n;
const CORE = '@cryptoalgebra/v1-core/artifacts/contracts';
const PERIPHERY = '@cryptoalgebra/periphery/artifacts/contracts';
const BALANCER = '@balancer-labs/v2-deployments/dist/tasks';
const EXECUTOR = '../../plugins/strategies/futarchy-arb/contracts/Executor10.sol';
const FILES = {
  'market.sol': 'market.sol',
  'spot_v3.sol': 'spot_v3.sol',
  'Executor10.sol': EXECUTOR,
};

const done = async (sent) => (await sent).wait();
export const units = (value) => BigInt(Math.round(value * 1e9)) * 10n ** 9n;
const below = (a, b) => a.toLowerCase() < b.toLowerCase();

/** The node, its first account, and what it may deploy. */
class Site {
  static async open(url) {
    const site = new Site();
    const node = new ethers.JsonRpcProvider(url, undefined, { cacheTimeout: -1 });
    node.pollingInterval = 20;
    site.node = node;
    site.owner = new ethers.NonceManager(await node.getSigner(0));
    site.me = await site.owner.getAddress();
    site.compiled = compile();
    return site;
  }

  async deploy({ abi, bytecode }, ...args) {
    const contract = await new ethers.ContractFactory(abi, bytecode, this.owner).deploy(...args);
    await contract.waitForDeployment();
    return contract;
  }

  /** One of our own contracts. */
  make(name, ...args) {
    const { abi, evm } = this.compiled[name];
    return this.deploy({ abi, bytecode: `0x${evm.bytecode.object}` }, ...args);
  }
}

/** Contracts of this folder by name: {name: {abi, evm}}. */
export function compile(files = FILES) {
  const sources = Object.fromEntries(
    Object.entries(files).map(([name, file]) => [
      name,
      { content: readFileSync(path.join(HERE, file), 'utf8') },
    ]),
  );
  const settings = {
    optimizer: { enabled: true, runs: 200 },
    evmVersion: 'paris',
    outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object'] } },
  };
  const out = JSON.parse(
    solc.compile(JSON.stringify({ language: 'Solidity', sources, settings })),
  );
  const bad = (out.errors ?? []).filter((error) => error.severity === 'error');
  if (bad.length > 0) {
    throw new Error(bad.map((error) => error.formattedMessage).join('\n'));
  }
  return Object.assign({}, ...Object.values(out.contracts));
}

export function squareRoot(n) {
  let x = n;
  for (let y = (x + 1n) / 2n; y < x; y = (x + n / x) / 2n) {
    x = y;
  }
  return x;
}

/** Algebra's factory, router, quoter and positions; gives a function that makes pools. */
async function algebra(site, native) {
  const { me } = site;
  const deploy = (...args) => site.deploy(...args);
  const deployer = await deploy(
    require(`${CORE}/AlgebraPoolDeployer.sol/AlgebraPoolDeployer.json`),
  );
  const factory = await deploy(
    require(`${CORE}/AlgebraFactory.sol/AlgebraFactory.json`),
    deployer.target,
    me,
  );
  await done(deployer.setFactory(factory.target));
  const at = [factory.target, native, deployer.target];
  const router = await deploy(require(`${PERIPHERY}/SwapRouter.sol/SwapRouter.json`), ...at);
  const quoter = await deploy(require(`${PERIPHERY}/lens/Quoter.sol/Quoter.json`), ...at);
  const positions = await deploy(
    require(`${PERIPHERY}/NonfungiblePositionManager.sol/NonfungiblePositionManager.json`),
    factory.target,
    native,
    ZERO,
    deployer.target,
  );
  /** A pool of `size` base tokens a side at `price`, with a wide position and two narrow ones. */
  const pool = async (base, quote, price, size) => {
    const first = below(base.target, quote.target);
    const tokens = first ? [base, quote] : [quote, base];
    const ratio = first ? units(price) : (ONE * ONE) / units(price);
    const tick = Math.floor(Math.log(Number(ratio) / 1e18) / Math.log(1.0001));
    const snap = (n) => Math.floor(n / 60) * 60;
    const amounts = tokens.map((token) => units(token === base ? size : size * price));
    const root = squareRoot((ratio << 192n) / ONE);
    const names = tokens.map((token) => token.target);
    await done(positions.createAndInitializePoolIfNecessary(...names, root));
    for (const token of tokens) {
      await done(token.approve(positions.target, ethers.MaxUint256));
    }
    const ranges = [
      [-887220, 887220],
      [snap(tick - 3000), snap(tick + 3000)],
      [snap(tick - 600), snap(tick + 1200)],
    ];
    for (const range of ranges) {
      const wanted = [...names, ...range, ...amounts, 0, 0, me, LATE];
      await done(positions.mint(wanted, { gasLimit: 3_000_000 }));
    }
    return factory.poolByPair(...names);
  };
  return { factory, router, quoter, positions, pool };
}

/** Balancer's Vault and its one pool, half company tokens and half sDAI. */
async function balancer(site, native, tokens, amounts) {
  const { me, owner } = site;
  const deploy = (...args) => site.deploy(...args);
  const task = (name) => require(`${BALANCER}/${name}.json`);
  const authorizer = await deploy(task('20210418-authorizer/artifact/Authorizer'), me);
  const vault = await deploy(
    task('20210418-vault/artifact/Vault'),
    authorizer.target,
    native,
    7_776_000,
    2_592_000,
  );
  const fees = await deploy(
    task('20220725-protocol-fee-percentages-provider/artifact/ProtocolFeePercentagesProvider'),
    vault.target,
    ONE,
    ONE,
  );
  const factory = await deploy(
    task('20230206-weighted-pool-v3/artifact/WeightedPoolFactory'),
    vault.target,
    fees.target,
    '',
    '',
  );
  const names = tokens.map((token) => token.target);
  const receipt = await done(
    factory.create('spot', 'BPT', names, [ONE / 2n, ONE / 2n], [ZERO, ZERO], ONE / 333n, me, {
      gasLimit: 12_000_000,
    }),
  );
  const created = receipt.logs
    .map((log) => factory.interface.parseLog(log))
    .find((log) => log?.name === 'PoolCreated');
  const pool = new ethers.Contract(
    created.args[0],
    ['function getPoolId() view returns (bytes32)'],
    owner,
  );
  const id = await pool.getPoolId();
  for (const token of tokens) {
    await done(token.approve(vault.target, ethers.MaxUint256));
  }
  const most = [ethers.MaxUint256, ethers.MaxUint256];
  const data = ethers.AbiCoder.defaultAbiCoder().encode(['uint256', 'uint256[]'], [0, amounts]);
  await done(vault.joinPool(id, me, me, [names, most, data, false], { gasLimit: 3_000_000 }));
  return { vault, id, pool: pool.target };
}

/** Conditional Tokens with one proposal, its outcomes split and held by the owner. */
async function futarchy(site, tokens, depth) {
  const { company, sdai } = tokens;
  const conditional = await site.deploy(
    ownRequire('@gnosis.pm/conditional-tokens-contracts/build/contracts/ConditionalTokens.json'),
  );
  const wrapper = await site.make('MarketWrapper');
  const at = [conditional.target, wrapper.target];
  const factory = await site.make('MarketFactory', ...at, site.me);
  const router = await site.make('MarketRouter', ...at);
  const wanted = ['Is the price right?', company.target, sdai.target, 'trial', 'en', 1n, 0n];
  await done(factory.createProposal(wanted, { gasLimit: 12_000_000 }));
  const proposal = new ethers.Contract(
    await factory.proposals(0),
    site.compiled.MarketProposal.abi,
    site.owner,
  );
  const outcomes = [];
  for (let i = 0; i < 4; i++) {
    const [address] = await proposal.wrappedOutcome(i);
    outcomes.push(new ethers.Contract(address, company.interface, site.owner));
  }
  for (const [token, amount] of [
    [sdai, depth * 1000],
    [company, depth * 8],
  ]) {
    await done(token.approve(router.target, ethers.MaxUint256));
    const split = [proposal.target, token.target, units(amount)];
    await done(router.splitPosition(...split, { gasLimit: 3_000_000 }));
  }
  return { conditional, wrapper, factory, router, proposal, outcomes };
}

/** Deploys all of it on the node at `url` and gives the addresses. `v3`: a folder for what is
 * compiled, with a spot pool of Balancer v3 as well. */
export async function deployMarket(url, { prices = PRICES, depth = DEPTH, v3 } = {}) {
  const site = await Site.open(url);
  const native = await site.deploy(require('canonical-weth/build/contracts/WETH9.json'));
  const sdai = await site.make('MarketSavings', native.target);
  const company = await site.make('MarketToken', 'Company', 'COMPANY');
  for (const token of [sdai, company]) {
    await done(token.mint(site.me, units(depth * 100_000)));
  }
  const market = await futarchy(site, { company, sdai }, depth);
  const [yesCompany, noCompany, yesSdai, noSdai] = market.outcomes;
  const swapr = await algebra(site, native.target);
  const pools = {
    yes: await swapr.pool(yesCompany, yesSdai, prices.yes, depth),
    no: await swapr.pool(noCompany, noSdai, prices.no, depth),
    predYes: await swapr.pool(yesSdai, sdai, prices.odds, depth * 60),
    predNo: await swapr.pool(noSdai, sdai, 1 - prices.odds, depth * 60),
  };
  const sorted = [company, sdai].sort((a, b) => (below(a.target, b.target) ? -1 : 1));
  const amounts = sorted.map((token) => units(depth * 4 * (token === company ? 1 : prices.spot)));
  const spot = await balancer(site, native.target, sorted, amounts);
  const amountsV3 = { company: units(depth * 4), sdai: units(depth * 4 * prices.spot) };
  const spotV3 = v3 ? await deploySpotV3(site, { company, sdai, native }, amountsV3, v3) : {};
  const executor = await site.make('Executor10');
  const [conditionId, questionId] = [
    await market.proposal.conditionId(),
    await market.proposal.questionId(),
  ];
  site.node.destroy();
  return {
    chainId: 100,
    deployer: { address: site.me },
    oracle: site.me,
    futarchyRouter: market.router.target,
    futarchyFactory: market.factory.target,
    proposal: market.proposal.target,
    conditionalTokens: market.conditional.target,
    wrapped1155Factory: market.wrapper.target,
    conditionId,
    questionId,
    wxdai: native.target,
    sdai: sdai.target,
    company: company.target,
    yesCompany: yesCompany.target,
    noCompany: noCompany.target,
    yesSdai: yesSdai.target,
    noSdai: noSdai.target,
    algebraFactory: swapr.factory.target,
    swapRouter: swapr.router.target,
    quoter: swapr.quoter.target,
    positionManager: swapr.positions.target,
    pools,
    balancerVault: spot.vault.target,
    weightedPool: spot.pool,
    weightedPoolId: spot.id,
    executor: executor.target,
    ...spotV3,
  };
}
