// A spot pool of Balancer v3 beside the market's other pools: the real Vault, batch router and
// weighted pool, half sDAI and half a wrapper of the company token, both with rates, and a buffer
// of the wrapper; stand-ins of spot_v3.sol around them.
// Owns: what is deployed. Must never: move it.
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { contractsOfV3 } from './compile.mjs';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const require = createRequire(path.join(HERE, '../../e2e/package.json'));
const { ethers } = require('ethers');

const ONE = 10n ** 18n;
const ZERO = ethers.ZeroAddress;
const WINDOWS = [31_536_000, 2_592_000]; // seconds in which the Vault can be paused, and how long
const LEAST = { trade: 1_000_000n, wrap: 10_000n }; // as on public chains
const RATE = 1_034_567_890_123_456_789_012_345_678n; // company tokens for 10^27 of the wrapper
const FEE = 3n * 10n ** 15n;
const WITH_RATE = 1;
const GAS = { gasLimit: 8_000_000 };
const done = async (sent) => (await sent).wait();

/** The Vault is in three parts, each of which is made knowing where the first will be. */
async function deployVault(site, contracts) {
  const next = await site.owner.getNonce();
  const vault = ethers.getCreateAddress({ from: site.me, nonce: next + 4 });
  const authorizer = await site.make('SpotAuthorizer');
  const fees = await site.make('SpotFees', vault);
  const limits = [...WINDOWS, LEAST.trade, LEAST.wrap];
  const admin = await site.deploy(contracts.VaultAdmin, vault, ...limits);
  const extension = await site.deploy(contracts.VaultExtension, vault, admin.target);
  const made = await site.deploy(contracts.Vault, extension.target, authorizer.target, fees.target);
  if (made.target !== vault) {
    throw new Error(`the Vault is at ${made.target}, expected ${vault}`);
  }
  const abi = [...contracts.VaultExtension.abi.filter(({ type }) => type === 'function')];
  return new ethers.Contract(vault, abi, site.owner);
}

async function deployPool(site, contracts, vault, configs) {
  const half = { name: 'spot', symbol: 'BPT', numTokens: 2, version: '' };
  const pool = await site.deploy(
    contracts.WeightedPool,
    { ...half, normalizedWeights: [ONE / 2n, ONE / 2n], minTokenBalances: [ONE, ONE] },
    vault.target,
  );
  const roles = [ZERO, ZERO, ZERO];
  const manage = [false, false, false, false];
  const register = [pool.target, configs, FEE, 0, false, roles, ZERO, manage];
  await done(vault.registerPool(...register, GAS));
  return pool;
}

/** `amounts` of company tokens and of sDAI; gives addresses. */
export async function deploySpotV3(site, { company, sdai, native }, amounts, folder) {
  const contracts = contractsOfV3(folder);
  const vault = await deployVault(site, contracts);
  const permit2 = await site.make('SpotPermit2');
  const at = [vault.target, native.target, permit2.target, ''];
  const router = await site.deploy(contracts.BatchRouter, ...at);
  const wrapper = await site.make('SpotWrapper', company.target, RATE);
  const savings = await site.make('SpotSavingsRate', sdai.target);
  const seeder = await site.make('SpotSeeder', vault.target);
  await done(company.approve(wrapper.target, ethers.MaxUint256));
  await done(wrapper.deposit(4n * amounts.company, site.me));
  const shares = (amounts.company * 10n ** 27n) / RATE;
  const sides = [
    { token: wrapper, rate: wrapper.target, amount: shares },
    { token: sdai, rate: savings.target, amount: amounts.sdai },
  ].sort((a, b) => (a.token.target.toLowerCase() < b.token.target.toLowerCase() ? -1 : 1));
  const configs = sides.map(({ token, rate }) => [token.target, WITH_RATE, rate, true]);
  const pool = await deployPool(site, contracts, vault, configs);
  for (const { token, amount } of sides) {
    await done(token.transfer(seeder.target, amount));
  }
  const names = sides.map(({ token }) => token.target);
  const poured = sides.map(({ amount }) => amount);
  await done(seeder.pool(pool.target, names, poured, GAS));
  const buffer = [amounts.company / 10n, shares / 20n];
  await done(company.transfer(seeder.target, buffer[0]));
  await done(wrapper.transfer(seeder.target, buffer[1]));
  await done(seeder.buffer(wrapper.target, company.target, ...buffer, GAS));
  return {
    v3Vault: vault.target,
    v3Pool: pool.target,
    batchRouter: router.target,
    permit2: permit2.target,
    wrapper: wrapper.target,
  };
}
