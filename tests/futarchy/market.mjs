// Puts a futarchy market on a node: Conditional Tokens, Algebra pools with their router and quoter,
// Balancer's Vault with a weighted pool, all real, from npm; stand-ins of market.sol for the rest,
// and the executor of the strategy's own contracts. Prints the addresses as JSON.
//   node market.mjs URL
// The node's first account deploys and owns all of it. Prices are sDAI for a company token.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const require = createRequire(path.join(HERE, '../e2e/package.json'));
const ownRequire = createRequire(import.meta.url);
const { ethers } = require('ethers');
const solc = require('solc');

const PRICES = { yes: 140, no: 120, odds: 0.6, spot: 135 };
const DEPTH = 100; // company tokens a side
const ONE = 10n ** 18n;
const ZERO = ethers.ZeroAddress;
const LATE = 2n ** 40n;
const CORE = '@cryptoalgebra/v1-core/artifacts/contracts';
const PERIPHERY = '@cryptoalgebra/periphery/artifacts/contracts';
const BALANCER = '@balancer-labs/v2-deployments/dist/tasks';
const EXECUTOR = '../../plugins/strategies/futarchy-arb/contracts/Executor10.sol';

const node = new ethers.JsonRpcProvider(process.argv[2], undefined, { cacheTimeout: -1 });
node.pollingInterval = 20;
const owner = new ethers.NonceManager(await node.getSigner(0));
const me = await owner.getAddress();

const done = async (sent) => (await sent).wait();
const units = (value) => BigInt(Math.round(value * 1e9)) * 10n ** 9n;
const below = (a, b) => a.toLowerCase() < b.toLowerCase();

async function deploy({ abi, bytecode }, ...args) {
  const contract = await new ethers.ContractFactory(abi, bytecode, owner).deploy(...args);
  await contract.waitForDeployment();
  return contract;
}

function compile() {
  const files = { 'market.sol': 'market.sol', 'Executor10.sol': EXECUTOR };
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
  const all = Object.assign({}, ...Object.values(out.contracts));
  return (name, ...args) =>
    deploy({ abi: all[name].abi, bytecode: `0x${all[name].evm.bytecode.object}` }, ...args);
}

function squareRoot(n) {
  let x = n;
  for (let y = (x + 1n) / 2n; y < x; y = (x + n / x) / 2n) {
    x = y;
  }
  return x;
}

/** Algebra's factory, router, quoter and positions; gives a function that makes pools. */
async function algebra(native) {
  const deployer = await deploy(require(`${CORE}/AlgebraPoolDeployer.sol/AlgebraPoolDeployer.json`));
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
  return { router, quoter, pool };
}

/** Balancer's Vault and its one pool, half company tokens and half sDAI. */
async function balancer(native, tokens, amounts) {
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
  return { vault, id };
}

const make = compile();
const native = await deploy(require('canonical-weth/build/contracts/WETH9.json'));
const sdai = await make('MarketSavings');
const company = await make('MarketToken', 'Company', 'COMPANY');
for (const token of [sdai, company]) {
  await done(token.mint(me, units(DEPTH * 100_000)));
}
const conditional = await deploy(
  ownRequire('@gnosis.pm/conditional-tokens-contracts/build/contracts/ConditionalTokens.json'),
);
const question = ethers.id('is the price right?');
await done(conditional.prepareCondition(me, question, 2));
const condition = await conditional.getConditionId(me, question, 2);
const wrapper = await make('MarketWrapper');
const proposal = await make(
  'MarketProposal',
  conditional.target,
  wrapper.target,
  condition,
  company.target,
  sdai.target,
);
const router = await make('MarketRouter', conditional.target, wrapper.target);
const outcomes = [];
for (let i = 0; i < 4; i++) {
  const [address] = await proposal.wrappedOutcome(i);
  outcomes.push(new ethers.Contract(address, company.interface, owner));
}
const [yesCompany, noCompany, yesSdai, noSdai] = outcomes;
for (const [token, amount] of [[sdai, DEPTH * 1000], [company, DEPTH * 8]]) {
  await done(token.approve(router.target, ethers.MaxUint256));
  await done(router.splitPosition(proposal.target, token.target, units(amount), { gasLimit: 3_000_000 }));
}
const swapr = await algebra(native.target);
const pools = {
  yes: await swapr.pool(yesCompany, yesSdai, PRICES.yes, DEPTH),
  no: await swapr.pool(noCompany, noSdai, PRICES.no, DEPTH),
  predYes: await swapr.pool(yesSdai, sdai, PRICES.odds, DEPTH * 60),
  predNo: await swapr.pool(noSdai, sdai, 1 - PRICES.odds, DEPTH * 60),
};
const sorted = [company, sdai].sort((a, b) => (below(a.target, b.target) ? -1 : 1));
const spot = await balancer(
  native.target,
  sorted,
  sorted.map((token) => units(DEPTH * 4 * (token === company ? 1 : PRICES.spot))),
);
const executor = await make('Executor10');
console.log(
  JSON.stringify({
    deployer: { address: me },
    futarchyRouter: router.target,
    proposal: proposal.target,
    conditionalTokens: conditional.target,
    conditionId: condition,
    sdai: sdai.target,
    company: company.target,
    yesCompany: yesCompany.target,
    noCompany: noCompany.target,
    yesSdai: yesSdai.target,
    noSdai: noSdai.target,
    swapRouter: swapr.router.target,
    quoter: swapr.quoter.target,
    pools,
    balancerVault: spot.vault.target,
    weightedPoolId: spot.id,
    executor: executor.target,
  }),
);
process.exit(0);
