// The decision of futarchy-arb as a script would make it with viem: at a log of one of the market's pools it asks the node's
// quoters what a round of AMOUNT would gain either way, simulates the bundle and signs it. bench_futarchy.py runs it.
//   futarchy_viem.mjs URL SECRET       reads the market's addresses as a line of JSON, then prints "ready"
//   futarchy_viem.mjs address SECRET
// Owns nothing. Must never: be a model of how to trade; it has no limits, no journal, and forgets all when it ends.
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const require = createRequire(path.join(here, '../e2e/package.json'));
const { createPublicClient, decodeFunctionResult, encodeFunctionData, http, parseAbi, toHex, webSocket } = require('viem');
const { privateKeyToAccount } = require('viem/accounts');

const [, , url, secret] = process.argv;
const account = privateKeyToAccount(secret);
const AMOUNT = 300n * 10n ** 18n;
const SLIPPAGE = 1000n, PPM = 1000000n; // as the strategy's default
const abi = parseAbi([
  'struct Step { bytes32 poolId; uint256 assetInIndex; uint256 assetOutIndex; uint256 amount; bytes userData; }',
  'struct Funds { address sender; bool fromInternalBalance; address recipient; bool toInternalBalance; }',
  'struct Single { bytes32 poolId; uint8 kind; address assetIn; address assetOut; uint256 amount; bytes userData; }',
  'struct In { address tokenIn; address tokenOut; address recipient; uint256 deadline; uint256 amountIn; uint256 least; uint160 limit; }',
  'struct Out { address tokenIn; address tokenOut; uint24 fee; address recipient; uint256 deadline; uint256 amountOut; uint256 most; uint160 limit; }',
  'function quoteExactInputSingle(address, address, uint256, uint160) returns (uint256, uint16)',
  'function quoteExactOutputSingle(address, address, uint256, uint160) returns (uint256, uint16)',
  'function queryBatchSwap(uint8, Step[], address[], Funds) returns (int256[])',
  'function exactInputSingle(In) returns (uint256)',
  'function exactOutputSingle(Out) returns (uint256)',
  'function swap(Single, Funds, uint256, uint256) returns (uint256)',
  'function splitPosition(address, address, uint256)',
  'function mergePositions(address, address, uint256)',
  'function execute10(address[10], bytes[10], uint256)',
]);
const encode = (functionName, ...args) => encodeFunctionData({ abi, functionName, args });
const min = (a, b) => (a < b ? a : b);

class Script {
  constructor(at) {
    this.at = at;
    this.client = createPublicClient({ transport: http(url, { batch: true }) });
    this.single = createPublicClient({ transport: http(url) });
    this.push = createPublicClient({ transport: webSocket(url.replace('http', 'ws')) });
    this.funds = { sender: account.address, fromInternalBalance: false, recipient: account.address, toInternalBalance: false };
    this.outcomes = [['yesSdai', 'yesCompany'], ['noSdai', 'noCompany']].map((pair) => pair.map((name) => at[name]));
  }

  async ask(to, functionName, ...args) {
    const data = encode(functionName, ...args);
    const result = await this.client.request({ method: 'eth_call', params: [{ to, data }, 'latest'] });
    return decodeFunctionResult({ abi, functionName, data: result });
  }

  async quote(tokenIn, tokenOut, amount) {
    return amount === 0n ? 0n : (await this.ask(this.at.quoter, 'quoteExactInputSingle', tokenIn, tokenOut, amount, 0n))[0];
  }

  async cost(tokenIn, tokenOut, amount) {
    return (await this.ask(this.at.quoter, 'quoteExactOutputSingle', tokenIn, tokenOut, amount, 0n))[0];
  }

  async spot(companyIn, amount) {
    const assets = [this.at.company, this.at.sdai];
    const step = { poolId: this.at.weightedPoolId, assetInIndex: companyIn ? 0n : 1n, assetOutIndex: companyIn ? 1n : 0n, amount, userData: '0x' };
    const deltas = await this.ask(this.at.balancerVault, 'queryBatchSwap', 0, [step], assets, this.funds);
    return -deltas[companyIn ? 1 : 0];
  }

  async buy() {
    const bought = await Promise.all(this.outcomes.map(([sdai, company]) => this.quote(sdai, company, AMOUNT)));
    const company = min(...bought) * (PPM - SLIPPAGE) / PPM;
    const [paid, back] = await Promise.all([
      Promise.all(this.outcomes.map(([sdai, token]) => this.cost(sdai, token, company))), this.spot(true, company)]);
    const rest = paid[0] < paid[1] ? 0 : 1, left = AMOUNT - paid[rest];
    const sold = await this.quote(this.outcomes[rest][0], this.at.sdai, left);
    return { way: 'buy', company, paid, back, rest, left, sold, net: back + sold - AMOUNT };
  }

  async sell() {
    const company = await this.spot(false, AMOUNT) * (PPM - SLIPPAGE) / PPM;
    const back = await Promise.all(this.outcomes.map(([sdai, token]) => this.quote(token, sdai, company)));
    const rest = back[0] > back[1] ? 0 : 1, merged = min(...back), left = back[rest] - merged;
    const sold = await this.quote(this.outcomes[rest][0], this.at.sdai, left);
    return { way: 'sell', company, back, merged, rest, left, sold, net: merged + sold - AMOUNT };
  }

  calls(f, deadline) {
    const { router, at } = { router: this.at.futarchyRouter, at: this.at };
    const below = (n) => n * (PPM - SLIPPAGE) / PPM;
    const swapIn = (tokenIn, tokenOut, amountIn, least) => [at.swapRouter, encode('exactInputSingle',
      { tokenIn, tokenOut, recipient: account.address, deadline, amountIn, least, limit: 0n })];
    const vault = (assetIn, assetOut, amount, least) => [at.balancerVault, encode('swap',
      { poolId: at.weightedPoolId, kind: 0, assetIn, assetOut, amount, userData: '0x' }, this.funds, least, deadline)];
    const spare = f.left > 10n ** 15n ? [swapIn(this.outcomes[f.rest][0], at.sdai, below(f.left), 1n)] : [];
    if (f.way === 'buy') {
      return [[router, encode('splitPosition', at.proposal, at.sdai, AMOUNT)],
        ...this.outcomes.map(([tokenIn, tokenOut]) => [at.swapRouter, encode('exactOutputSingle',
          { tokenIn, tokenOut, fee: 0, recipient: account.address, deadline, amountOut: f.company, most: AMOUNT, limit: 0n })]),
        [router, encode('mergePositions', at.proposal, at.company, f.company)],
        vault(at.company, at.sdai, f.company, below(f.back)), ...spare];
    }
    return [vault(at.sdai, at.company, AMOUNT, f.company),
      [router, encode('splitPosition', at.proposal, at.company, f.company)],
      ...this.outcomes.map(([tokenOut, tokenIn], i) => swapIn(tokenIn, tokenOut, f.company, below(f.back[i]))),
      [router, encode('mergePositions', at.proposal, at.sdai, below(f.merged))], ...spare];
  }

  bundle(calls) {
    const filled = Array.from({ length: 10 }, (_, i) => calls[i] ?? ['0x0000000000000000000000000000000000000000', '0x']);
    return encode('execute10', filled.map(([to]) => to), filled.map(([, data]) => data), BigInt(calls.length));
  }

  /** What the account would have more; throws when the bundle reverts. */
  async simulate(data) {
    const balance = { from: account.address, to: this.at.sdai, input: `0x70a08231${account.address.slice(2).padStart(64, '0')}` };
    const code = `0xef0100${this.at.executor.slice(2)}`;
    const [block] = await this.single.request({ method: 'eth_simulateV1', params: [{
      blockStateCalls: [{ stateOverrides: { [account.address]: { code } },
        calls: [balance, { from: account.address, to: account.address, input: data, gas: toHex(3000000) }, balance] }],
      validation: false }, 'latest'] });
    if (block.calls[1].status !== '0x1') throw new Error('reverts');
    return { gain: BigInt(block.calls[2].returnData) - BigInt(block.calls[0].returnData), gas: BigInt(block.calls[1].gasUsed) };
  }

  async trade() {
    const [flows, block, nonce] = await Promise.all([Promise.allSettled([this.buy(), this.sell()]),
      this.client.getBlock(), this.client.getTransactionCount({ address: account.address })]);
    const best = flows.filter((f) => f.status === 'fulfilled').map((f) => f.value).sort((a, b) => (a.net < b.net ? 1 : -1))[0];
    if (!best || best.net <= 10n ** 16n) return;
    const data = this.bundle(this.calls(best, block.timestamp + 60n));
    const { gain, gas } = await this.simulate(data);
    if (gain <= 0n) return;
    const authorization = await account.signAuthorization({ contractAddress: this.at.executor, chainId: 100, nonce: nonce + 1 });
    const raw = await account.signTransaction({ type: 'eip7702', chainId: 100, nonce, to: account.address, data, gas: gas * 13n / 10n + 60000n,
      maxFeePerGas: block.baseFeePerGas * 2n + 10n ** 9n, maxPriorityFeePerGas: 10n ** 9n, authorizationList: [authorization] });
    const hash = await this.single.request({ method: 'eth_sendRawTransaction', params: [raw] });
    await this.single.waitForTransactionReceipt({ hash, pollingInterval: 100 });
  }

  async run() {
    let busy = false;
    const address = [...Object.values(this.at.pools), this.at.balancerVault];
    const { unsubscribe } = await this.push.transport.subscribe({
      params: ['logs', { address }],
      onData: async () => {
        if (busy) return;
        busy = true;
        try { await this.trade(); } catch (error) { console.error(error.message.split('\n')[0]); }
        busy = false;
      },
    });
    console.log('ready');
    process.on('SIGTERM', () => unsubscribe().then(() => process.exit(0)));
  }
}

if (url === 'address') {
  console.log(account.address);
} else {
  for await (const line of createInterface({ input: process.stdin })) {
    await new Script(JSON.parse(line)).run();
    break;
  }
}
