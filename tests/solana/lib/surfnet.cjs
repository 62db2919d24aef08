// Runs Surfpool in a process of its own, so that it can be frozen or ended. Prints its addresses as
// one line of JSON; ends with its input or on SIGTERM.
const { Surfnet } = require('@solana/surfpool-linux-x64-gnu');

const net = Surfnet.startWithConfig(JSON.parse(process.argv[2]));
console.log(JSON.stringify({
  rpc: net.rpcUrl, ws: net.wsUrl, secret: Buffer.from(net.payerSecretKey).toString('hex'),
}));
const end = () => {
  net.stop();
  process.exit(0);
};
process.on('SIGTERM', end);
process.stdin.on('end', end).resume();
setInterval(() => net.drainEvents(), 200);
