import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

/** `npm start` without its build: a site of one page, in a process of its own. */

interface Ready {
  ready: boolean
  app: string
  relay: string
  esplora: string
  pid: number
}

let folder: string
let running: ChildProcess[]
let blockers: Server[]
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tandem-start-'))
  mkdirSync(join(folder, 'site'))
  writeFileSync(join(folder, 'site/index.html'), '<title>Tandem</title>')
  running = []
  blockers = []
})
afterEach(() => {
  for (const child of running) child.kill('SIGKILL')
  for (const server of blockers) server.close()
  rmSync(folder, { recursive: true, force: true })
})

const start = (...options: string[]): ChildProcess => {
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', 'scripts/start.ts', '--data', join(folder, 'data'), '--site', join(folder, 'site'), ...options],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  running.push(child)
  return child
}

/** Output until `text` stands in it. */
async function until(child: ChildProcess, text: string): Promise<string> {
  let said = ''
  for await (const chunk of child.stdout ?? []) {
    said += String(chunk)
    if (said.includes(text)) return said
  }
  throw new Error(`ended without "${text}": ${said}`)
}
const ready = async (child: ChildProcess): Promise<Ready> => JSON.parse(await until(child, '\n')) as Ready

async function end(child: ChildProcess): Promise<number | null> {
  const gone = once(child, 'exit')
  child.kill('SIGINT')
  return ((await gone) as [number | null])[0]
}

/** A port that nobody has, and that stays free for a moment. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}

async function block(port: number): Promise<void> {
  const server = createServer().listen(port, '127.0.0.1')
  await once(server, 'listening')
  blockers.push(server)
}

const config = async (url: string) =>
  (await (await fetch(`${url}/config.json`)).json()) as {
    relays: string[]
    networks: { regtest: { esplora: string; genesis: string } }
    movedFrom?: string
  }

describe('npm start', () => {
  it('is ready in one line, serves app, relay and chain, and ends all of it by Ctrl-C', async () => {
    const port = await freePort()
    const child = start('--json', '--port', String(port))
    const at = await ready(child)
    expect(at).toEqual({
      ready: true,
      app: `http://127.0.0.1:${port}`,
      relay: expect.stringMatching(/^\/ip4\/127\.0\.0\.1\/tcp\/\d+\/ws\/p2p\/\w+$/),
      esplora: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      pid: child.pid,
    })
    expect(await (await fetch(at.app)).text()).toContain('Tandem')
    const { relays, networks, movedFrom } = await config(at.app)
    expect(relays).toEqual([at.relay])
    // Firefox opens no connection to this one
    for (const url of [at.app, at.relay, at.esplora]) expect(url).not.toContain('4190')
    expect(networks.regtest.esplora).toBe(at.esplora)
    expect(await (await fetch(`${at.esplora}/block-height/0`)).text()).toBe(networks.regtest.genesis)
    expect(movedFrom).toBeUndefined()
    expect(await end(child)).toBe(0)
    await expect(fetch(at.app)).rejects.toThrow()
    await expect(fetch(`${at.esplora}/blocks/tip/height`)).rejects.toThrow()
  })

  it('keeps chain and relay identity, until it is started afresh', async () => {
    const port = String(await freePort())
    const first = start('--json', '--port', port)
    const one = await ready(first)
    const block1 = await (await fetch(`${one.esplora}/block-height/1`)).text()
    await end(first)
    const second = start('--json', '--port', port)
    const two = await ready(second)
    expect(two.relay).toBe(one.relay)
    expect(await (await fetch(`${two.esplora}/block-height/1`)).text()).toBe(block1)
    await end(second)
    const third = start('--json', '--port', port, '--fresh')
    const three = await ready(third)
    expect(three.relay.split('/p2p/')[1]).not.toBe(one.relay.split('/p2p/')[1])
    expect(await (await fetch(`${three.esplora}/block-height/1`)).text()).not.toBe(block1)
    await end(third)
  })

  it('moves off a taken port, and terminal and app are told where profiles live', async () => {
    const port = await freePort()
    const usual = `http://127.0.0.1:${port}`
    const first = start('--json', '--port', String(port))
    await ready(first)
    await end(first)
    await block(port)
    const second = start('--port', String(port))
    const said = await until(second, 'Ctrl-C ends all of it')
    expect(said).toContain(`Profiles made at ${usual} are seen only there`)
    const moved = /Tandem is ready: +(\S+)/.exec(said)?.[1] ?? ''
    expect(moved).not.toBe(usual)
    expect((await config(moved)).movedFrom).toBe(usual)
    await end(second)
    expect(JSON.parse(readFileSync(join(folder, 'data/usual.json'), 'utf8'))).toEqual({ url: usual })
  })

  it('says in one line what is wrong with an option, and starts nothing', async () => {
    for (const options of [['--port', 'x'], ['--mine', '-1'], ['--nonsense']]) {
      const child = start(...options)
      let said = ''
      child.stderr?.on('data', (chunk: unknown) => {
        said += String(chunk)
      })
      const [code] = (await once(child, 'exit')) as [number]
      expect(code).toBe(1)
      expect(said.trim().split('\n')).toHaveLength(1)
      expect(said).toMatch(/^start: /)
    }
    expect(existsSync(join(folder, 'data'))).toBe(false)
  })
})
