// The laboratory of the AMM trial: a node, contracts on it, many questions in one call, and the
// SDK's formulas beside them.
// Owns: the node and the program that answers with the SDK's formulas.
// Must never: reach past loopback, or decide what is asked (the kinds' files do).
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import {
  decodeAbiParameters,
  decodeFunctionResult,
  encodeDeployData,
  encodeFunctionData,
} from 'viem';
import { guardChild, hex, startAnvil } from '../lib/anvil.mjs';

const require = createRequire(import.meta.url);
const GAS = hex(900_000_000);
const REVERT_WITH_TEXT = '0x08c379a0';

/** Compiles Prober.sol: contract name -> { abi, bytecode, runtime }. */
export function compileHelpers() {
  const solc = require('solc');
  const content = readFileSync(new URL('Prober.sol', import.meta.url), 'utf8');
  const input = {
    language: 'Solidity',
    sources: { 'Prober.sol': { content } },
    settings: {
      optimizer: { enabled: true },
      outputSelection: { '*': { '*': ['abi', 'evm.bytecode', 'evm.deployedBytecode'] } },
    },
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input)));
  const errors = (output.errors ?? []).filter((one) => one.severity === 'error');
  if (errors.length > 0) {
    throw new Error(errors.map((one) => one.formattedMessage).join('\n'));
  }
  return Object.fromEntries(
    Object.entries(output.contracts['Prober.sol']).map(([name, { abi, evm }]) => [
      name,
      {
        abi,
        bytecode: `0x${evm.bytecode.object}`,
        runtime: `0x${evm.deployedBytecode.object}`,
      },
    ]),
  );
}

/** Lines in, lines out, in order. */
export class Quoter {
  #waiting = [];

  constructor(program) {
    this.child = spawn(program, { stdio: ['pipe', 'pipe', 'inherit'] });
    guardChild(this.child);
    createInterface({ input: this.child.stdout }).on('line', (line) => {
      const group = this.#waiting[0];
      group.lines.push(line);
      if (group.lines.length === group.count) {
        this.#waiting.shift();
        group.resolve(group.lines);
      }
    });
    this.child.on('exit', (code) =>
      this.#waiting.forEach(({ reject }) => reject(new Error(`quoter ended with ${code}`))),
    );
  }

  ask(lines) {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ lines: [], count: lines.length, resolve, reject });
      this.child.stdin.write(`${lines.join('\n')}\n`);
    });
  }
}

export class Lab {
  static async start(program) {
    const lab = new Lab();
    lab.helpers = compileHelpers();
    lab.node = await startAnvil({ chainId: 100, timestamp: 1_760_000_000 });
    [lab.owner] = await lab.node.call('eth_accounts');
    lab.quoter = new Quoter(program);
    lab.prober = await lab.deploy(lab.helpers.Prober);
    return lab;
  }

  async #transact(fields) {
    const tx = { from: this.owner, gas: hex(30_000_000), ...fields };
    const hash = await this.node.call('eth_sendTransaction', tx);
    await this.node.call('evm_mine');
    const receipt = await this.node.call('eth_getTransactionReceipt', hash);
    if (receipt?.status !== '0x1') {
      const why = await this.node.call('eth_call', tx, 'latest').catch((error) => error.message);
      throw new Error(`a transaction of the laboratory was reverted: ${why}`);
    }
    return receipt;
  }

  async deploy({ abi, bytecode }, args = []) {
    const data = encodeDeployData({ abi, bytecode, args });
    return (await this.#transact({ data })).contractAddress;
  }

  send(to, abi, functionName, args = []) {
    return this.#transact({ to, data: encodeFunctionData({ abi, functionName, args }) });
  }

  async read(to, abi, functionName, args = [], from = undefined) {
    const data = encodeFunctionData({ abi, functionName, args });
    const answer = await this.node.call('eth_call', { to, data, from }, 'latest');
    return decodeFunctionResult({ abi, functionName, data: answer });
  }

  /** Tokens with these decimals, by ascending address: { address, decimals }. */
  async tokens(decimals) {
    const made = [];
    for (const n of decimals) {
      made.push({ address: await this.deploy(this.helpers.Token, [n]), decimals: n });
    }
    return made.sort((a, b) => (BigInt(a.address) < BigInt(b.address) ? -1 : 1));
  }

  /**
   * Many calls in one: [[to, data], ...] -> [{ good, data }, ...]. With `as` the calls come from
   * that address, whose code is replaced for the moment.
   */
  async ask(calls, as = this.prober) {
    const { abi, runtime } = this.helpers.Prober;
    const data = encodeFunctionData({
      abi,
      functionName: 'ask',
      args: [calls.map(([to]) => to), calls.map(([, one]) => one)],
    });
    const overrides = as === this.prober ? [] : [{ [as]: { code: runtime } }];
    const request = { to: as, data, from: this.owner, gas: GAS };
    const answer = await this.node.call('eth_call', request, 'latest', ...overrides);
    const [good, answers] = decodeFunctionResult({ abi, functionName: 'ask', data: answer });
    return answers.map((one, i) => ({ good: good[i], data: one }));
  }

  async stop() {
    this.quoter.child.stdin.end();
    await this.node.stop();
  }
}

export const word = (value) => BigInt.asUintN(256, BigInt(value)).toString(16).padStart(64, '0');

/** The i-th 32-byte word of an answer. */
export const wordAt = (data, i) => BigInt(`0x${data.slice(2 + 64 * i, 66 + 64 * i)}`);
export const signed = (value, bits = 256) => BigInt.asIntN(bits, value);

/** The text of a revert, or null when there is none. */
export function revertText(data) {
  if (!data.startsWith(REVERT_WITH_TEXT)) {
    return null;
  }
  return decodeAbiParameters([{ type: 'string' }], `0x${data.slice(10)}`)[0];
}

/** An integer of any size up to 2^bits, evenly spread over sizes. */
export function anySize(random, bits, least = 0) {
  const size = least + random.below(bits - least + 1);
  let value = 0n;
  for (let at = 0; at < size; at += 32) {
    value = (value << 32n) | BigInt(random.u32());
  }
  return size === 0 ? 0n : BigInt.asUintN(size, value) | (1n << BigInt(size - 1));
}

/** Counts what agreed; keeps the first differences in words. */
export class Score {
  constructor(name) {
    this.name = name;
    this.compared = 0;
    this.reverts = 0;
    this.differences = [];
  }

  compare(question, chain, ours) {
    this.compared++;
    if (chain.startsWith('revert') || chain.startsWith('BAL#')) {
      this.reverts++;
    }
    if (chain !== ours) {
      this.differences.push(`${this.name}: ${question}\n    chain ${chain}\n    ours  ${ours}`);
    }
  }
}
