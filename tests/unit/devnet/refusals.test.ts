import { schnorr } from '@noble/curves/secp256k1.js'
import { Transaction } from '@scure/btc-signer'
import { RawTx } from '@scure/btc-signer/script.js'
import { taprootTweakPrivKey } from '@scure/btc-signer/utils.js'
import { hex } from '@scure/base'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { dustThreshold } from '../../../devnet/engines/script'
import { keyOf, rejection, spend, testNet, type CoinOf, type TestNet } from './support'

const alice = keyOf(21)
const bob = keyOf(22)

describe('what Bitcoin refuses', () => {
  let net: TestNet
  let coin: CoinOf

  beforeAll(async () => {
    net = await testNet()
    coin = await net.fund(alice, 1_000_000)
  })
  afterAll(() => net.close())

  const paying = (sats: number, extra: Partial<Parameters<typeof spend>[0]> = {}): Uint8Array =>
    spend({ key: alice, coins: [coin], outputs: [{ script: bob.script, sats }], ...extra })
  const refused = async (raw: Uint8Array | string): Promise<string> => {
    const { status, code, message } = rejection(await net.send(raw))
    expect(status).toBe(400)
    return `${code} ${message}`
  }

  it('refuses what is no transaction', async () => {
    const decode = '-22 TX decode failed. Make sure the tx has at least one input.'
    const good = hex.encode(paying(990_000))
    for (const body of ['', 'zz', 'abc', 'hello', good.slice(0, -2), `${good}00`, '00'.repeat(100)])
      expect(await refused(body)).toBe(decode)
  })

  it('refuses inputs that are missing or spent', async () => {
    const missing = '-25 bad-txns-inputs-missingorspent'
    expect(await refused(paying(990_000, { coins: [{ ...coin, txid: 'ab'.repeat(32) }] }))).toBe(missing)
    expect(await refused(paying(990_000, { coins: [{ ...coin, vout: 9 }] }))).toBe(missing)
    const other = await net.fund(alice, 50_000)
    expect((await net.send(paying(49_000, { coins: [other] }))).status).toBe(200)
    await net.dev('mine', { blocks: 1 })
    expect(await refused(paying(48_000, { coins: [other] }))).toBe(missing)
  })

  it('refuses to spend more than is there', async () => {
    // Signed rightly, so that nothing but the sum is wrong.
    const raw = RawTx.decode(paying(900_000))
    const outputs = raw.outputs.map(output => ({ ...output, amount: 1_000_001n }))
    const hash = Transaction.fromRaw(RawTx.encode({ ...raw, outputs })).preimageWitnessV1(0, [alice.script], 0, [
      1_000_000n,
    ])
    const witnesses = [[schnorr.sign(hash, taprootTweakPrivKey(alice.secret))]]
    expect(await refused(RawTx.encode({ ...raw, outputs, witnesses }))).toBe(
      '-26 bad-txns-in-belowout, value in (0.01) < value out (0.01000001)',
    )
  })

  it('refuses a fee below 1 sat/vB and one above the cap', async () => {
    // 111 virtual bytes: one key-path input, one output.
    expect(await refused(paying(1_000_000))).toBe('-26 min relay fee not met, 0 < 111')
    expect(await refused(paying(1_000_000 - 110))).toBe('-26 min relay fee not met, 110 < 111')
    const rich = await net.fund(alice, 200_000_000)
    expect(await refused(paying(100_000_000, { coins: [rich] }))).toBe(
      '-25 Fee exceeds maximum configured by user (e.g. -maxtxfee, maxfeerate)',
    )
    expect((await net.send(paying(1_000_000 - 111, { outputs: [{ script: bob.script, sats: 999_889 }] }))).status).toBe(
      200,
    )
    coin = await net.fund(alice, 1_000_000)
  })

  it('refuses dust', async () => {
    expect(
      [alice.script, hex.decode('0014'.padEnd(44, '1')), hex.decode(`76a914${'11'.repeat(20)}88ac`)].map(dustThreshold),
    ).toEqual([330n, 294n, 546n])
    const outputs = (sats: number) => [
      { script: alice.script, sats: 900_000 },
      { script: bob.script, sats },
    ]
    expect(await refused(paying(0, { outputs: outputs(329) }))).toBe('-26 dust')
  })

  it('refuses a coinbase that is not mature', async () => {
    const mined = JSON.parse((await net.dev('mine', { blocks: 1, address: alice.address })).text) as {
      blocks: string[]
      height: number
    }
    const [txid = ''] = await net.json<string[]>(`/block/${mined.blocks[0]}/txids`)
    const { vout } = await net.json<{ vout: { value: number }[] }>(`/tx/${txid}`)
    const reward = { txid, vout: 0, value: vout[0]?.value ?? 0 }
    const raw = paying(reward.value - 1_000, { coins: [reward] })
    expect(await refused(raw)).toBe('-26 bad-txns-premature-spend-of-coinbase, tried to spend coinbase at depth 1')
    await net.dev('mine', { blocks: 98 })
    expect(await refused(raw)).toBe('-26 bad-txns-premature-spend-of-coinbase, tried to spend coinbase at depth 99')
    await net.dev('mine', { blocks: 1 })
    expect((await net.send(raw)).status).toBe(200)
  })

  it('refuses what is not final: by height, by time, by relative lock', async () => {
    const height = Number((await net.get('/blocks/tip/height')).text)
    expect(await refused(paying(990_000, { lockTime: height + 1 }))).toBe('-26 non-final')
    expect(await refused(paying(990_000, { lockTime: Math.floor(Date.now() / 1000) + 86_400 }))).toBe('-26 non-final')
    const fresh = await net.fund(alice, 60_000)
    const locked = paying(59_000, { coins: [fresh], sequence: 2 })
    expect(await refused(locked)).toBe('-26 non-BIP68-final')
    expect(await refused(paying(59_000, { coins: [fresh], sequence: 0x400001 }))).toBe('-26 non-BIP68-final')
    await net.dev('mine', { blocks: 1 })
    expect((await net.send(locked)).status).toBe(200)
    const now = Number((await net.get('/blocks/tip/height')).text)
    const other = await net.fund(alice, 60_000)
    expect((await net.send(paying(59_000, { coins: [other], lockTime: now }))).status).toBe(200)
  })

  it('refuses what is too large, empty or malformed', async () => {
    const raw = RawTx.decode(paying(990_000))
    const output = raw.outputs[0]
    const input = raw.inputs[0]
    if (output === undefined || input === undefined) throw new Error('one of each')
    const many = RawTx.encode({ ...raw, outputs: Array.from({ length: 2_400 }, () => ({ ...output, amount: 400n })) })
    expect(await refused(many)).toBe('-26 tx-size')
    expect(await refused(RawTx.encode({ ...raw, outputs: [] }))).toBe('-26 bad-txns-vout-empty')
    expect(
      await refused(RawTx.encode({ ...raw, inputs: [input, input], witnesses: [...(raw.witnesses ?? []), []] })),
    ).toBe('-26 bad-txns-inputs-duplicate')
    expect(await refused(RawTx.encode({ ...raw, outputs: [{ ...output, amount: 2_100_000_000_000_001n }] }))).toBe(
      '-26 bad-txns-vout-toolarge',
    )
    expect(await refused(RawTx.encode({ ...raw, outputs: [{ ...output, amount: 1n << 63n }] }))).toBe(
      '-26 bad-txns-vout-negative',
    )
    expect(
      await refused(
        RawTx.encode({ ...raw, outputs: [output, output].map(each => ({ ...each, amount: 2_000_000_000_000_000n })) }),
      ),
    ).toBe('-26 bad-txns-txouttotal-toolarge')
    const coinbase = { ...input, txid: new Uint8Array(32), index: 0xffffffff, finalScriptSig: Uint8Array.of(1, 1) }
    expect(await refused(RawTx.encode({ ...raw, inputs: [coinbase] }))).toBe('-26 coinbase')
  })

  it('refuses what nodes do not relay', async () => {
    expect(await refused(paying(990_000, { version: 3 }))).toBe('-26 version')
    expect(await refused(paying(990_000, { outputs: [{ script: Uint8Array.of(0x51), sats: 990_000 }] }))).toBe(
      '-26 scriptpubkey',
    )
    const raw = RawTx.decode(paying(990_000))
    const annexed = RawTx.encode({
      ...raw,
      witnesses: (raw.witnesses ?? []).map(stack => [...stack, Uint8Array.of(0x50, 1)]),
    })
    expect(await refused(annexed)).toBe('-26 bad-witness-nonstandard')
    const [input] = raw.inputs
    if (input === undefined) throw new Error('one input')
    expect(await refused(RawTx.encode({ ...raw, inputs: [{ ...input, finalScriptSig: Uint8Array.of(0x61) }] }))).toBe(
      '-26 scriptsig-not-pushonly',
    )
    expect(await refused(RawTx.encode({ ...raw, inputs: [{ ...input, finalScriptSig: Uint8Array.of(0x51) }] }))).toBe(
      '-26 mandatory-script-verify-flag-failed (Witness requires empty scriptSig)',
    )
    expect(await refused(RawTx.encode({ ...raw, segwitFlag: false, witnesses: undefined }))).toBe(
      '-26 mandatory-script-verify-flag-failed (Witness program was passed an empty witness)',
    )
  })

  it('refuses a signature by another key', async () => {
    expect(await refused(paying(990_000, { key: bob }))).toBe(
      '-26 mandatory-script-verify-flag-failed (Invalid Schnorr signature)',
    )
  })

  it('has taken nothing of all that', async () => {
    expect((await net.json<{ count: number }>('/mempool')).count).toBe(1)
    expect(await net.json(`/tx/${coin.txid}/outspend/${coin.vout}`)).toEqual({ spent: false })
  })
})

describe('replacement and chains of unconfirmed transactions', () => {
  let net: TestNet
  beforeAll(async () => {
    net = await testNet()
  })
  afterAll(() => net.close())
  const pay = (coins: readonly CoinOf[], sats: number, key = alice, to = bob): Uint8Array =>
    spend({ key, coins, outputs: [{ script: to.script, sats }], sequence: 0xffffffff })

  it('replaces by a higher fee and rate, with all that hung on the old one', async () => {
    const coin = await net.fund(alice, 100_000)
    const { text: first } = await net.send(pay([coin], 99_000))
    const { text: child } = await net.send(pay([{ txid: first, vout: 0, value: 99_000 }], 98_000, bob, alice))
    // The old two pay 2000 together; the new one must pay 111 more than that for its own relay.
    expect(rejection(await net.send(pay([coin], 99_001))).message).toMatch(
      /^insufficient fee, rejecting replacement [0-9a-f]{64}; new feerate/,
    )
    expect(rejection(await net.send(pay([coin], 98_500))).message).toMatch(
      /less fees than conflicting txs; 0.000015 < 0.00002$/,
    )
    expect(rejection(await net.send(pay([coin], 97_890))).message).toMatch(
      /not enough additional fees to relay; 0.0000011 < 0.00000111$/,
    )
    const replaced = await net.send(pay([coin], 97_889))
    expect(replaced.status).toBe(200)
    for (const gone of [first, child]) expect((await net.get(`/tx/${gone}`)).status).toBe(404)
    expect(await net.json('/mempool/txids')).toEqual([replaced.text])
    expect(await net.json(`/tx/${coin.txid}/outspend/${coin.vout}`)).toEqual({
      spent: true,
      txid: replaced.text,
      vin: 0,
      status: { confirmed: false },
    })
  })

  it('refuses a replacement that brings in a new unconfirmed coin or spends what it replaces', async () => {
    const coin = await net.fund(alice, 100_000)
    const young = await net.fund(alice, 100_000, false)
    const { text: first } = await net.send(pay([coin], 99_000))
    expect(rejection(await net.send(pay([coin, young], 150_000))).message).toMatch(/^replacement-adds-unconfirmed/)
    const own = { txid: first, vout: 0, value: 99_000 }
    const both = RawTx.decode(
      spend({ key: alice, coins: [coin, own], outputs: [{ script: alice.script, sats: 100_000 }] }),
    )
    expect(rejection(await net.send(RawTx.encode(both))).message).toMatch(/^bad-txns-spends-conflicting-tx/)
  })

  it('stops a chain at 25 and mines it whole', async () => {
    let coin = await net.fund(alice, 1_000_000)
    for (let i = 1; i <= 25; i += 1) {
      const got = await net.send(pay([coin], coin.value - 200, alice, alice))
      expect(got.status, got.text).toBe(200)
      coin = { txid: got.text, vout: 0, value: coin.value - 200 }
    }
    expect(rejection(await net.send(pay([coin], coin.value - 200, alice, alice))).message).toMatch(
      /^too-long-mempool-chain/,
    )
    await net.dev('mine', { blocks: 1 })
    expect((await net.json<{ count: number }>('/mempool')).count).toBe(0)
    expect((await net.json<{ confirmed: boolean }>(`/tx/${coin.txid}/status`)).confirmed).toBe(true)
  })
})
