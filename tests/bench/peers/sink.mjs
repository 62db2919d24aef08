// What the npm peers share: the options they are started with, and the account of what they received, which is the
// one of counter.c: a sum over the logs in order, CPU time from the first log to the last, delays.
export const options = JSON.parse(process.argv[2]);
export const url = `ws${options.tls ? 's' : ''}://127.0.0.1:${options.port}/`;

let seen = 0, sum = 0, begin, beginNs;
const delays = [], distinct = new Set();

process.on('SIGTERM', () => process.exit(0));
process.on('exit', () => console.log(JSON.stringify({ stop: true, logs: seen, distinct: distinct.size }))); // also when it fails

function finish() {
  const used = process.cpuUsage(begin), ns = Number(process.hrtime.bigint() - beginNs);
  const out = { done: true, logs: seen, sum: sum >>> 0, cpu_ns: (used.user + used.system) * 1000, ns };
  if (delays.length > 0) {
    delays.sort((a, b) => a - b);
    const at = (share) => delays[Math.floor((delays.length - 1) * share)] / 1e3;
    out.latency_us = { n: delays.length, p50: at(0.5), p99: at(0.99), p999: at(0.999), max: at(1) };
  }
  console.log(JSON.stringify(out));
}

/** The sender's stamp in a decoded amount. */
export const stampOf = (amount) => Number(BigInt.asUintN(64, amount));

/** One log: its transaction hash, and a function that finds the sender's stamp in it. */
export function take(transactionHash, stamp) {
  if (seen++ === 0) {
    begin = process.cpuUsage();
    beginNs = process.hrtime.bigint();
  }
  sum = (Math.imul(sum, 31) + transactionHash.charCodeAt(65)) | 0;
  if (options.every > 0 && seen > options.skip && seen % options.every === 0) delays.push(Number(process.hrtime.bigint()) - stamp());
  if (options.distinct) distinct.add(transactionHash);
  if (seen === options.logs && !options.distinct) finish();
}
