// Peer: npm ws with JSON.parse, the usual way to receive a subscription in Node.
import { createRequire } from 'node:module';
import { LOGS_ID } from '../lib/frames.mjs';
import { take, url } from './sink.mjs';
const WebSocket = createRequire(new URL('../../e2e/package.json', import.meta.url))('ws');

const socket = new WebSocket(url, { perMessageDeflate: false });
socket.on('open', () => {
  for (const [id, params] of [[1, ['newHeads']], [2, ['logs', {}]]])
    socket.send(JSON.stringify({ jsonrpc: '2.0', id, method: 'eth_subscribe', params }));
});
socket.on('message', (data) => {
  const { params } = JSON.parse(data);
  if (params?.subscription === LOGS_ID) {
    const { result } = params;
    take(result.transactionHash, () => parseInt(result.data.slice(50, 66), 16));
  }
});
