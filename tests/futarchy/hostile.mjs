// Puts the contracts of hostile.sol on a node.
//   node hostile.mjs URL ADDRESS...
// deploys a Liar for each address, and one of each other contract; prints their addresses as one
// line of JSON: {"liars": [...], "TakingToken": ..., ...}.
// Owns: what it deploys. Must never: be used where anybody's money is.
import { createRequire } from 'node:module';
import { compile } from './market.mjs';

const { ethers } = createRequire(new URL('../e2e/package.json', import.meta.url))('ethers');
const [url, ...wanted] = process.argv.slice(2);
const node = new ethers.JsonRpcProvider(url, undefined, { cacheTimeout: -1 });
node.pollingInterval = 20;
const owner = new ethers.NonceManager(await node.getSigner(0));
const contracts = compile({ 'hostile.sol': 'hostile.sol' });

async function deploy(name, ...args) {
  const { abi, evm } = contracts[name];
  const factory = new ethers.ContractFactory(abi, `0x${evm.bytecode.object}`, owner);
  const contract = await factory.deploy(...args);
  await contract.waitForDeployment();
  return contract.target;
}

const found = { liars: [] };
for (const address of wanted) {
  found.liars.push(await deploy('Liar', address));
}
for (const name of ['TakingToken', 'BoastingToken', 'ShoutingPool', 'Crowd']) {
  found[name] = await deploy(name);
}
console.log(JSON.stringify(found));
node.destroy();
