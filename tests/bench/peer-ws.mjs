// Peer: npm ws with JSON.parse, the usual way to receive a subscription in Node.   peer-ws.mjs PORT MESSAGES
import { createRequire } from 'node:module';
import path from 'node:path';
const require = createRequire(path.join(process.cwd(), 'package.json'));
const WebSocket = require('ws');
const [port, want] = process.argv.slice(2).map(Number);
const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { perMessageDeflate: false });
let seen = 0, fields = 0, begin;
socket.on('open', () => {
  for (const [id, params] of [[1, ['newHeads']], [2, ['logs', {}]]]) socket.send(JSON.stringify({ jsonrpc: '2.0', id, method: 'eth_subscribe', params }));
  begin = process.cpuUsage();
});
socket.on('message', (data) => {
  const j = JSON.parse(data);
  if (j.method) { seen++; fields += j.params.result.data?.length ?? 0; }
  if (seen === want) {
    const used = process.cpuUsage(begin);
    console.log(JSON.stringify({ cpu_us: (used.user + used.system) / want, rss_kb: process.resourceUsage().maxRSS, fields }));
    process.exit(0);
  }
});
