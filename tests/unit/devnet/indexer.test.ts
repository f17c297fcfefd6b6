import { describe, expect, it } from 'vitest'
import { blockDimensions, decodeHeader, type ChainBlock } from '../../../devnet/engines/block'
import { fromHex } from '../../../devnet/engines/bytes'
import type { Engine, EngineEvent } from '../../../devnet/engines/engine'
import { GENESIS } from '../../../devnet/engines/regtest/params'
import { parseTx, type ChainTx } from '../../../devnet/engines/transaction'
import { Indexer, scriptHash } from '../../../devnet/esplora/indexer'
import { keyOf, spend } from './support'

const alice = keyOf(81)
const bob = keyOf(82)
const headerBytes = fromHex(GENESIS.header)
const header = decodeHeader(headerBytes)
const tx = (raw: Uint8Array): ChainTx => parseTx(raw) as ChainTx
const root = tx(fromHex(GENESIS.coinbase))
const blockOf = (height: number, txs: readonly ChainTx[]): ChainBlock => ({
  hash: String(height).padStart(64, '0'),
  height,
  header,
  headerBytes,
  medianTime: header.time,
  txs,
  ...blockDimensions(txs),
})

/** An engine that says what a test tells it to, in orders that a real node may choose. */
function tellingEngine(): { engine: Engine; tell: (event: EngineEvent) => void } {
  let tell: (event: EngineEvent) => void = () => undefined
  const never = (): never => {
    throw new Error('the index asks an engine for nothing')
  }
  const engine: Engine = {
    genesis: GENESIS.hash,
    subscribe: listener => {
      tell = listener
      return () => undefined
    },
    submit: never,
    mine: never,
    reorg: never,
    pay: never,
    minerWallet: never,
    close: never,
  }
  return { engine, tell: event => tell(event) }
}

describe('the index', () => {
  const parent = tx(
    spend({
      key: alice,
      coins: [{ txid: root.txid, vout: 0, value: 5_000_000_000 }],
      outputs: [{ script: bob.script, sats: 4_999_999_000 }],
    }),
  )
  const child = tx(
    spend({
      key: bob,
      coins: [{ txid: parent.txid, vout: 0, value: 4_999_999_000 }],
      outputs: [{ script: alice.script, sats: 4_999_998_000 }],
    }),
  )

  it('keeps a waiting child in order while its parent is mined, undone and waits again', () => {
    const { engine, tell } = tellingEngine()
    const index = new Indexer(engine)
    const expectWhole = (): void => {
      expect(index.unspentOf(scriptHash(bob.script))).toEqual([])
      expect(index.unspentOf(scriptHash(alice.script))).toEqual([{ txid: child.txid, vout: 0, value: 4_999_998_000n }])
      expect(index.spendOf(parent.txid, 0)).toEqual({ txid: child.txid, vin: 0 })
      expect(index.tx(child.txid)).toMatchObject({ fee: 1_000n, block: undefined })
    }
    tell({ kind: 'connected', block: blockOf(0, [root]) })
    tell({ kind: 'entered', tx: parent })
    tell({ kind: 'entered', tx: child })
    expectWhole()
    const block = blockOf(1, [parent])
    tell({ kind: 'connected', block })
    expectWhole()
    expect(index.statsOf(scriptHash(bob.script))).toMatchObject({
      chain: { tx_count: 1, spent_txo_count: 0 },
      mempool: { tx_count: 1, spent_txo_count: 1 },
    })
    tell({ kind: 'disconnected', block })
    expect(index.tx(parent.txid)).toBeUndefined()
    tell({ kind: 'entered', tx: parent })
    expectWhole()
    expect(index.statsOf(scriptHash(bob.script))).toMatchObject({
      chain: { tx_count: 0 },
      mempool: { tx_count: 2, funded_txo_count: 1, spent_txo_count: 1 },
    })
  })

  it('frees an output when what spent it leaves', () => {
    const { engine, tell } = tellingEngine()
    const index = new Indexer(engine)
    tell({ kind: 'connected', block: blockOf(0, [root]) })
    tell({ kind: 'connected', block: blockOf(1, [parent]) })
    tell({ kind: 'entered', tx: child })
    tell({ kind: 'left', txid: child.txid })
    expect(index.unspentOf(scriptHash(bob.script))).toEqual([{ txid: parent.txid, vout: 0, value: 4_999_999_000n }])
    expect(index.spendOf(parent.txid, 0)).toBeUndefined()
    expect(index.mempool()).toEqual([])
  })
})
