// Compiles contracts.sol, or the file that is named, with the pinned compiler: {"Token": {"code": "0x...", "functions": {"mint(address,uint256)":
// "40c10f19"}}, ...} on stdout.
import fs from 'node:fs'
import { createRequire } from 'node:module'

const require = createRequire(new URL('../e2e/package.json', import.meta.url))
const solc = require('solc')
const source = fs.readFileSync(process.argv[2] ?? new URL('contracts.sol', import.meta.url), 'utf8')
const output = JSON.parse(solc.compile(JSON.stringify({
  language: 'Solidity',
  sources: { 'contracts.sol': { content: source } },
  settings: {
    optimizer: { enabled: true, runs: 1 },
    outputSelection: { '*': { '*': ['evm.bytecode.object', 'evm.methodIdentifiers'] } },
  },
})))
const errors = (output.errors ?? []).filter((e) => e.severity === 'error')
if (errors.length > 0) {
  console.error(errors.map((e) => e.formattedMessage).join('\n'))
  process.exit(1)
}
const contracts = Object.entries(output.contracts['contracts.sol'])
console.log(JSON.stringify(Object.fromEntries(contracts.map(([name, c]) =>
  [name, { code: '0x' + c.evm.bytecode.object, functions: c.evm.methodIdentifiers }]))))
