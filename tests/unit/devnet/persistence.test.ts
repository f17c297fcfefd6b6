import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openRegtest } from '../../../devnet/engines/regtest/regtest'
import { memoryStore } from '../../../devnet/engines/regtest/store'
import { keyOf, spend, testNet, type TestNet } from './support'

const alice = keyOf(51)
const bob = keyOf(52)
let data: string
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'devnet-'))
})
afterEach(() => rmSync(data, { recursive: true, force: true }))

/** All that a wallet could tell two chains apart by. */
async function picture(net: TestNet): Promise<unknown> {
  const paths = [
    '/blocks/tip/hash',
    '/block-height/1',
    '/mempool',
    '/mempool/txids',
    ...[alice, bob].flatMap(({ address }) => [
      `/address/${address}`,
      `/address/${address}/utxo`,
      `/address/${address}/txs`,
    ]),
  ]
  return Promise.all(paths.map(async path => (await net.get(path)).text))
}

async function busy(net: TestNet): Promise<void> {
  const coin = await net.fund(alice, 100_000)
  const pay = (sats: number): Uint8Array =>
    spend({ key: alice, coins: [coin], outputs: [{ script: bob.script, sats }] })
  await net.fund(alice, 70_000)
  await net.send(pay(99_000))
  await net.send(pay(98_000))
  await net.dev('reorg', { depth: 1 })
  await net.fund(bob, 5_000, false)
}

describe('a kept chain', () => {
  it('is the same after a restart: tip, coins, mempool, faucet', async () => {
    const first = await testNet({ data })
    await busy(first)
    const before = await picture(first)
    const faucet = (await first.get('/dev/info')).text
    await first.close()
    const second = await testNet({ data })
    expect(await picture(second)).toEqual(before)
    expect((await second.get('/dev/info')).text).toBe(faucet)
    await second.dev('mine', { blocks: 1 })
    expect(await second.json('/mempool/txids')).toEqual([])
    expect(await second.json(`/address/${bob.address}/utxo`)).toHaveLength(2)
    await second.close()
  })

  it('begins anew with fresh', async () => {
    const first = await testNet({ data })
    const before = (await first.get('/block-height/1')).text
    await first.close()
    const second = await testNet({ data, fresh: true })
    expect((await second.get('/block-height/1')).text).not.toBe(before)
    await second.close()
  })

  it('cuts off a line that was not finished, wherever it was torn', async () => {
    const first = await testNet({ data })
    const coin = await first.fund(alice, 100_000)
    const before = await picture(first)
    const whole = readFileSync(join(data, 'chain.log')).length
    await first.send(spend({ key: alice, coins: [coin], outputs: [{ script: bob.script, sats: 99_000 }] }))
    await first.close()
    const log = join(data, 'chain.log')
    const full = readFileSync(log)
    for (const length of [whole + 1, whole + 9, Math.floor((whole + full.length) / 2), full.length - 1]) {
      writeFileSync(log, full)
      truncateSync(log, length)
      const again = await testNet({ data })
      expect(await picture(again)).toEqual(before)
      await again.close()
      expect(readFileSync(log)).toHaveLength(whole)
    }
  })

  it('refuses damage in the middle and a folder in use', async () => {
    const first = await testNet({ data })
    await expect(testNet({ data })).rejects.toThrow(/in use by process/)
    await first.close()
    const log = join(data, 'chain.log')
    const good = readFileSync(log)
    const bad = Buffer.from(good)
    bad[good.length >> 1] = (bad[good.length >> 1] ?? 0) ^ 1
    writeFileSync(log, bad)
    await expect(testNet({ data })).rejects.toThrow(/damaged. Start anew with --fresh/)
    writeFileSync(log, good)
    const again = await testNet({ data })
    await again.close()
    expect(existsSync(join(data, 'chain.lock'))).toBe(false)
  })
})

describe('a disk that is full', () => {
  it('leaves every kind of step undone', async () => {
    let full = false
    const store = {
      ...memoryStore(),
      append: () => {
        if (full) throw new Error('ENOSPC')
      },
    }
    const engine = openRegtest({ store })
    const paid = await engine.pay(alice.script, 100_000n)
    await engine.mine(2)
    const waiting = await engine.pay(bob.script, 50_000n)
    if (!paid.ok || !waiting.ok) throw new Error('the faucet pays')
    const seen = (): string => {
      const facts: string[] = []
      engine.subscribe(event =>
        facts.push(
          event.kind === 'connected' ? event.block.hash : event.kind === 'entered' ? event.tx.txid : event.kind,
        ),
      )()
      return facts.join()
    }
    const before = seen()
    full = true
    await expect(engine.mine(1)).rejects.toThrow('ENOSPC')
    await expect(engine.pay(alice.script, 70_000n)).rejects.toThrow('ENOSPC')
    await expect(engine.reorg(2, true)).rejects.toThrow('ENOSPC')
    await expect(engine.reorg(2, false)).rejects.toThrow('ENOSPC')
    expect(seen()).toBe(before)
    full = false
    expect(await engine.reorg(2, true)).toMatchObject({ kept: [paid.txid], dropped: [] })
    await engine.close()
  })
})

describe('the command', () => {
  const start = (...options: string[]) => {
    const child = spawn(process.execPath, ['--import', 'tsx', 'devnet/main.ts', '--json', ...options], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    return { child, line: async () => (await lines.next()).value as string | undefined }
  }
  const post = (url: string, body: unknown) => fetch(url, { method: 'POST', body: JSON.stringify(body) })

  it('prints one ready line, moves off a taken port, ends by Ctrl-C', async () => {
    const squatter = createServer().listen(0, '127.0.0.1')
    await once(squatter, 'listening')
    const { port } = squatter.address() as { port: number }
    const { child, line } = start('--data', data, '--port', String(port))
    const ready = JSON.parse((await line()) ?? '') as { ready: boolean; url: string; genesis: string; pid: number }
    expect(ready).toMatchObject({
      ready: true,
      pid: child.pid,
      genesis: '0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206',
    })
    expect(Number(new URL(ready.url).port)).toBeGreaterThan(port)
    // An open connection must not keep it alive.
    await post(`${ready.url}/dev/fault`, { kind: 'hang' })
    const hanging = fetch(`${ready.url}/blocks/tip/height`).then(
      () => 'answered',
      () => 'cut',
    )
    expect((await fetch(`${ready.url}/dev/info`)).status).toBe(200)
    child.kill('SIGINT')
    expect(await once(child, 'exit')).toEqual([0, null])
    expect(await hanging).toBe('cut')
    expect(await line()).toBeUndefined()
    squatter.close()
  })

  it('has lost nothing that was answered when it is killed', async () => {
    const first = start('--data', data, '--port', '0')
    const { url } = JSON.parse((await first.line()) ?? '') as { url: string }
    const { txid } = (await (
      await post(`${url}/dev/faucet`, { address: alice.address, sats: 12_345, mine: false })
    ).json()) as { txid: string }
    const mined = (await (await post(`${url}/dev/mine`, { blocks: 3 })).json()) as { tip: string }
    const waiting = (await (
      await post(`${url}/dev/faucet`, { address: alice.address, sats: 999, mine: false })
    ).json()) as { txid: string }
    first.child.kill('SIGKILL')
    await once(first.child, 'exit')
    const again = await testNet({ data })
    expect((await again.get('/blocks/tip/hash')).text).toBe(mined.tip)
    expect(await again.json(`/tx/${txid}/status`)).toMatchObject({ confirmed: true })
    expect(await again.json('/mempool/txids')).toEqual([waiting.txid])
    await again.close()
  })

  it('says in one line what is wrong with an option', async () => {
    const { child } = start('--port', 'x')
    const [line] = (await once(createInterface({ input: child.stderr }), 'line')) as [string]
    expect(line).toBe('--port must be a number from 0 to 65535.')
    await once(child, 'exit')
    expect(child.exitCode).toBe(1)
  })
})
