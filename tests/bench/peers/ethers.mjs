// Peer: ethers' WebSocketProvider.on with parseLog, heads beside it.
import { createRequire } from 'node:module';
import { ADDRESS, SWAP } from '../lib/frames.mjs';
import { stampOf, take, url } from './sink.mjs';
const { Interface, WebSocketProvider } = createRequire(new URL('../../e2e/package.json', import.meta.url))('ethers');

const provider = new WebSocketProvider(url);
const swaps = new Interface([SWAP]);
await provider.getNetwork(); // an event before its network is known makes it throw
provider.on('block', () => {});
provider.on({ address: ADDRESS }, (log) => {
  const { args } = swaps.parseLog(log);
  take(log.transactionHash, () => stampOf(args.amount0));
});
