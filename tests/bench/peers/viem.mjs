// Peer: viem's watchEvent with its decoding, heads beside it.
import { createRequire } from 'node:module';
import { ADDRESS, SWAP } from '../lib/frames.mjs';
import { stampOf, take, url } from './sink.mjs';
const { createPublicClient, parseAbiItem, webSocket } = createRequire(new URL('../../e2e/package.json', import.meta.url))('viem');

const client = createPublicClient({ transport: webSocket(url) });
client.watchBlockNumber({ onBlockNumber: () => {} });
client.watchEvent({ address: ADDRESS, event: parseAbiItem(SWAP), onLogs: (logs) => {
  for (const log of logs) take(log.transactionHash, () => stampOf(log.args.amount0));
} });
