// Compiles Balancer v3 from the sources in its packages, once: each contract alone, by a process of
// its own, into the folder it is given. By itself:
//   node compile.mjs FOLDER [CONTRACT]
// Minutes of one CPU and 0.3 GB for each contract; what is there already is left alone.
// Owns: the folder's files. Must never: be run twice at once on one folder.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const require = createRequire(import.meta.url);
const VAULT = '@balancer-labs/v3-vault/contracts';
const SOURCES = {
  Vault: `${VAULT}/Vault.sol`,
  VaultExtension: `${VAULT}/VaultExtension.sol`,
  VaultAdmin: `${VAULT}/VaultAdmin.sol`,
  BatchRouter: `${VAULT}/BatchRouter.sol`,
  WeightedPool: '@balancer-labs/v3-pool-weighted/contracts/WeightedPool.sol',
};

/** Permit2 is on no registry; of it the router wants these. */
const PERMIT2 = `// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;
interface IAllowanceTransfer {
    struct PermitDetails { address token; uint160 amount; uint48 expiration; uint48 nonce; }
    struct PermitBatch { PermitDetails[] details; address spender; uint256 sigDeadline; }
    function permit(address owner, PermitBatch memory batch, bytes calldata signature) external;
    function transferFrom(address from, address to, uint160 amount, address token) external;
}
`;
const OWN = {
  'permit2/src/interfaces/IAllowanceTransfer.sol': PERMIT2,
  'permit2/src/interfaces/IPermit2.sol': `// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;
import { IAllowanceTransfer } from "./IAllowanceTransfer.sol";
interface IPermit2 is IAllowanceTransfer {}
`,
};

function read(name) {
  const file = path.join(HERE, 'node_modules', name);
  return OWN[name] ?? (existsSync(file) ? readFileSync(file, 'utf8') : null);
}

function compile(name) {
  const solc = require('solc');
  const source = SOURCES[name];
  const settings = {
    viaIR: true,
    evmVersion: 'cancun',
    optimizer: { enabled: true, runs: 500 },
    outputSelection: { [source]: { [name]: ['abi', 'evm.bytecode.object'] } },
  };
  const input = { language: 'Solidity', sources: { [source]: { content: read(source) } }, settings };
  const found = (wanted) => {
    const contents = read(wanted);
    return contents === null ? { error: `${wanted} is in no package` } : { contents };
  };
  const out = JSON.parse(solc.compile(JSON.stringify(input), { import: found }));
  const bad = (out.errors ?? []).filter((error) => error.severity === 'error');
  if (bad.length > 0) {
    throw new Error(bad.map((error) => error.formattedMessage).join('\n'));
  }
  const { abi, evm } = out.contracts[source][name];
  return { abi, bytecode: `0x${evm.bytecode.object}` };
}

/** All of them, from the folder or compiled into it. */
export function contractsOfV3(folder) {
  mkdirSync(folder, { recursive: true });
  const found = {};
  for (const name of Object.keys(SOURCES)) {
    const file = path.join(folder, `${name}.json`);
    if (!existsSync(file)) {
      execFileSync(process.execPath, [fileURLToPath(import.meta.url), folder, name]);
    }
    found[name] = JSON.parse(readFileSync(file, 'utf8'));
  }
  return found;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [folder, name] = process.argv.slice(2);
  if (name) {
    const file = path.join(folder, `${name}.json`);
    writeFileSync(`${file}.new`, JSON.stringify(compile(name)));
    renameSync(`${file}.new`, file);
  } else {
    contractsOfV3(folder);
  }
}
