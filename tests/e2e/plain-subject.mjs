// Stands in for hawse in fullpath.mjs: the plain client as a program with the same command line,
// configuration and tape. It proves that the trial can be passed, and that a failure there is
// hawse's own.
//   node plain-subject.mjs run CONFIG --quiet
import { readFileSync } from 'node:fs';
import { createPublicClient, http } from 'viem';
import { ABI } from './lib/algebra.mjs';
import { PlainClient } from './lib/client.mjs';

const config = JSON.parse(readFileSync(process.argv[3], 'utf8'));
const { endpoints } = config.instances.chain;
const httpUrl = endpoints.http.url ?? config.chains.world.providers[0].http.url;
const addresses = config.instances.pools.settings.pools;
const reader = createPublicClient({ transport: http(httpUrl, { batch: true }) });

async function stateOf(address) {
  const read = (functionName) => reader.readContract({ address, abi: ABI.pool, functionName });
  const [[price, tick, fee], liquidity] = await Promise.all([
    read('globalState'),
    read('liquidity'),
  ]);
  return [address, { sqrt_price: String(price), tick, liquidity: String(liquidity), fee }];
}

const states = new Map(await Promise.all(addresses.map(stateOf)));
const client = new PlainClient({
  wsUrl: endpoints.ws.url,
  addresses,
  states,
  silenceMs: endpoints.ws.idle_ms,
});
client.on('event', (event) => process.stdout.write(`${JSON.stringify(event)}\n`));
process.once('SIGTERM', async () => {
  await client.stop();
  client.sayStates();
  process.stdout.write('', () => process.exit(0));
});
await client.start();
