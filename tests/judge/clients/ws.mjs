// The npm package ws as an echo client, to compare with: node ws.mjs [--deflate] URL
// Taken from beside this file or from the end-to-end rig, if it is installed there; else exits 77.
import { createRequire } from 'node:module';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const places = ['./node_modules/', '../../e2e/node_modules/'].map(
  (p) => new URL(p, import.meta.url),
);
const place = places.find((p) => existsSync(new URL('ws/package.json', p)));
if (!place) {
  console.error('the package ws is not installed');
  process.exit(77);
}
const WebSocket = createRequire(fileURLToPath(place))('ws');

const url = process.argv.at(-1);
const socket = new WebSocket(url, {
  perMessageDeflate: process.argv.includes('--deflate'),
  maxPayload: 16 << 20,
  handshakeTimeout: 2000,
});
socket.on('message', (data, binary) => socket.send(data, { binary }));
socket.on('error', (error) => console.error(error.message));
socket.on('close', (code) => process.exit(code === 1006 ? 5 : 0));
