// Makes blocks: signs transactions with local keys, sends them in order, mines them at the times
// of a clock of its own, and remembers what every height held, so that a reorganisation can carry
// transactions over.
// Owns: nonces, the clock, the list of blocks and every hash that was ever canonical.
// Must never: be used beside another producer on the same node, which would race it for nonces
// and blocks.
import { keccak256, stringToHex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { hex } from './anvil.mjs';

const FEE = { maxFeePerGas: 50_000_000_000n, maxPriorityFeePerGas: 1_000_000_000n };

/**
 * A local key with its next nonce. The keys are public by construction: worthless outside a
 * trial.
 */
export class Sender {
  constructor(chainId, label) {
    this.account = privateKeyToAccount(keccak256(stringToHex(`hawse end to end ${label}`)));
    this.address = this.account.address;
    this.chainId = chainId;
    this.nonce = 0;
  }

  /** A signed transaction with what a reorganisation needs to know about it. */
  async sign({ to, data, gas, value = 0n }) {
    const nonce = this.nonce++;
    const raw = await this.account.signTransaction({
      type: 'eip1559',
      chainId: this.chainId,
      nonce,
      to,
      data,
      gas,
      value,
      ...FEE,
    });
    return { raw, sender: this, nonce };
  }
}

export class Chain {
  constructor(node, { blockSeconds, startTime }) {
    this.node = node;
    this.blockSeconds = blockSeconds;
    this.time = startTime;
    this.senders = [];
    this.height = 0;
    /** height -> { hash, txs } of the canonical chain. */
    this.blocks = new Map();
    /** Every hash that was canonical at some time, with its height. */
    this.everCanonical = new Map();
  }

  async sender(label) {
    const sender = new Sender(this.node.chainId, label);
    await this.node.call('anvil_setBalance', sender.address, hex(10n ** 27n));
    this.senders.push(sender);
    return sender;
  }

  /** Sends the transactions in their order and mines them into one block. */
  async mine(txs = []) {
    await this.node.batch(
      txs.map((tx) => ['eth_sendRawTransaction', tx.raw]),
      200,
    );
    this.time += this.blockSeconds;
    await this.node.mine(this.time);
    const block = await this.node.block(this.height + 1);
    if (block === null || block.transactions.length !== txs.length) {
      throw new Error(
        `block ${this.height + 1} holds ${block?.transactions.length} transactions, ` +
          `${txs.length} were sent`,
      );
    }
    this.#remember(block, txs);
    return block;
  }

  #remember(block, txs) {
    const height = Number(block.number);
    this.height = height;
    this.blocks.set(height, { hash: block.hash, txs });
    this.everCanonical.set(block.hash, height);
  }

  /**
   * Reads the blocks from `first` on again after the node replaced them. `byHash` finds the
   * transaction that a block names; nonces are taken from the node, because dropped transactions
   * gave theirs back.
   */
  async refresh(first, byHash) {
    const top = await this.node.height();
    for (const height of [...this.blocks.keys()]) {
      if (height >= first) {
        this.blocks.delete(height);
      }
    }
    this.height = first - 1;
    const heights = Array.from({ length: Math.max(0, top - first + 1) }, (_, i) => first + i);
    const blocks = await this.node.batch(
      heights.map((h) => ['eth_getBlockByNumber', hex(h), false]),
    );
    for (const block of blocks) {
      this.#remember(
        block,
        block.transactions.map((hash) => byHash.get(hash)),
      );
      this.time = Number(block.timestamp);
    }
    await this.syncNonces();
  }

  async syncNonces() {
    const counts = await this.node.batch(
      this.senders.map((s) => ['eth_getTransactionCount', s.address, 'latest']),
    );
    counts.forEach((count, i) => {
      this.senders[i].nonce = Number(count);
    });
  }
}
