import 'fake-indexeddb/auto'
import { IDBFactory } from 'fake-indexeddb'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { version } from '../../package.json'
import { createIndexedDbStorage, type IndexedDbStorage } from '../../services/adapters/indexeddb'
import { hashPassword } from '../../services/adapters/keyworker/platform'
import { createVaultStore } from '../../services/adapters/keyworker/store'
import { decodeSession } from '../../services/core/signing/runtime/store'
import { NetworkSettings } from '../../services/core/net/network-settings'
import { storedPeers } from '../../services/core/net/address-cache'
import { createFakeLog } from '../fakes/log'
import { TEST_PASSWORD, TEST_WORDS } from '../fakes/vault'
import { dumpDatabase, restoreDatabase, type Dump } from '../support/idb-dump'
import { circle, createWorld, fund, OUTSIDE, Person, until, type Disk, type World } from './people'

/**
 * What each release stores opens in every later build. A fixture is the two databases of one person as they lie on
 * disk, made by the real vault, the real storage and the real doors: a wallet, a draft, a finished and an open session,
 * their votes, the chain, settings, peers and transcripts. `npm run vectors:stored` writes the one of this version,
 * once; it is then kept as it is.
 */

const FOLDER = fileURLToPath(new URL('../vectors/tandem/stored', import.meta.url))
const RELAY = '/dns4/relay.example/tcp/443/wss/p2p/12D3KooWGP1JS9VugogNajdau4VfSfyM1BouCcYLHUcG5HBmzYpu'
const PEER = '12D3KooWAB2Er9q9KSMMFGe4pcYX7uSGxRE4zANQsqa66iLmfEHu'

/** What a person sees of it. */
interface Seen {
  readonly wallets: readonly unknown[]
  readonly drafts: readonly unknown[]
  readonly sessions: readonly unknown[]
  readonly relays: readonly string[]
  readonly peers: readonly unknown[]
  readonly transcript: boolean
}
interface Fixture {
  readonly profileId: string
  /** when it was made, unix milliseconds */
  readonly at: number
  readonly databases: Readonly<Record<string, Dump>>
  readonly seen: Seen
}

const opened: IndexedDbStorage[] = []
const people: Person[] = []
let log = createFakeLog()
const disk: Disk = {
  vaultStore: createVaultStore(),
  hash: hashPassword,
  storage(signer, profileId) {
    const storage = createIndexedDbStorage({
      profileId,
      log,
      seal: (context, plain) => signer.seal(context, plain),
      open: (context, sealed) => signer.open(context, sealed),
    })
    opened.push(storage)
    return storage
  },
}
beforeEach(() => {
  globalThis.indexedDB = new IDBFactory()
  log = createFakeLog()
})
afterEach(async () => {
  await Promise.all(people.splice(0).map(person => person.close()))
  await Promise.all(opened.splice(0).map(storage => storage.close()))
})

async function look(person: Person): Promise<Seen> {
  const storage = disk.storage(person.signer, person.profile.id)
  const done = person.sessions.find(s => s.view.state === 'confirmed')
  return {
    wallets: person.wallets.map(w => ({
      id: w.id,
      name: w.name,
      phase: w.phase,
      safetyNumber: w.safetyNumber.join(' '),
      members: w.members.map(m => m.name),
      balance: Object.fromEntries(Object.entries(w.balance).map(([name, sats]) => [name, String(sats)])),
    })),
    drafts: person.drafts.map(d => ({ name: d.name, state: d.state, seats: d.seats.map(s => s.name) })),
    sessions: person.sessions
      .map(s => ({
        id: s.id,
        state: s.view.state,
        code: s.spendCode.join(' '),
        sats: s.review?.recipients.map(r => String(r.sats)).join(' '),
      }))
      .sort((a, b) => (a.id < b.id ? -1 : 1)),
    relays: (await NetworkSettings.load(storage)).relays,
    peers: await storedPeers(storage).load(),
    transcript: done !== undefined && (await person.musig2.exportTranscript(done.id)).ok,
  }
}

/** Ben's databases after some time with a wallet of three. */
async function live(): Promise<Fixture> {
  const world = createWorld()
  const { everybody, walletId } = await circle(world, 3)
  const [anna, before, cleo] = everybody as [Person, Person, Person]
  await fund(world, everybody, walletId, [60_000n, 70_000n])
  await before.close()
  const made = await before.signerOn(disk).createProfile({
    name: 'Ben',
    words: TEST_WORDS[1],
    password: TEST_PASSWORD,
    wordsChecked: true,
  })
  if (!made.ok) throw new Error(made.error.code)
  const ben = await Person.reopened(world, 'Ben', disk, before.storage)
  people.push(anna, ben, cleo)
  await until(() => ben.wallet?.balance.availableSats === 130_000n, 'Ben is back')

  const pay = { walletId, recipient: OUTSIDE, feeRate: 2 }
  const first = await anna.musig2.proposeSpend({ ...pay, amountSats: 50_000n, note: 'new sails' })
  for (const person of [ben, cleo]) {
    await until(() => person.session(first.sessionId!)?.view.canApprove, `${person.name} may approve`)
    expect((await person.musig2.approve(first.sessionId!)).ok).toBe(true)
  }
  for (const person of people)
    await until(() => person.session(first.sessionId!)?.view.state === 'broadcast', `${person.name}: broadcast`)
  world.chain.mine(1)
  for (const person of people) {
    await person.walletsDoor.refresh(walletId)
    await until(() => person.session(first.sessionId!)?.view.state === 'confirmed', `${person.name}: confirmed`)
  }
  const second = await anna.musig2.proposeSpend({ ...pay, amountSats: 20_000n })
  await until(() => ben.session(second.sessionId!)?.view.canApprove, 'Ben may approve again')
  expect((await ben.musig2.approve(second.sessionId!)).ok).toBe(true)
  await ben.walletsDoor.newAddress(walletId)
  expect((await ben.walletsDoor.createDraft({ name: 'Shed', network: 'regtest', n: 2 })).ok).toBe(true)
  const storage = disk.storage(ben.signer, ben.profile.id)
  expect(await (await NetworkSettings.load(storage)).addRelay(RELAY, [])).toEqual({ ok: true, value: undefined })
  await storedPeers(storage).save({ peerId: PEER, relays: [RELAY], at: 1_700_000_000_000 })
  await until(() => ben.drafts.length === 1, 'the draft')
  const seen = await look(ben)
  const { id } = ben.profile
  for (const person of people.splice(0)) await person.close()
  await Promise.all(opened.splice(0).map(one => one.close()))
  const databases: Record<string, Dump> = {}
  for (const name of ['tandem-vault', `tandem-${id}`]) databases[name] = await dumpDatabase(name)
  return { profileId: id, at: Date.now(), databases, seen }
}

async function reopen(fixture: Fixture): Promise<Person> {
  for (const [name, dump] of Object.entries(fixture.databases)) await restoreDatabase(name, dump)
  // the same moment, and a chain server that does not answer: what is stored is what is seen
  const world = createWorld()
  world.clock.ahead = fixture.at - Date.now()
  const offline: World = {
    ...world,
    chain: {
      ...world.chain,
      view: () => {
        const view = world.chain.view()
        view.fail({ code: 'unreachable', detail: 'offline', retryable: true }, { count: 1_000_000 })
        return view
      },
    },
  }
  const person = await Person.reopened(offline, 'Ben', disk)
  people.push(person)
  return person
}

const fixtures = (existsSync(FOLDER) ? readdirSync(FOLDER) : []).filter(name => name.endsWith('.json'))

describe('what is stored', () => {
  const file = join(FOLDER, `${version}.json`)
  it.runIf(process.env.TANDEM_WRITE_STORED === '1' && !existsSync(file))('is kept for later builds', async () => {
    const fixture = await live()
    mkdirSync(FOLDER, { recursive: true })
    writeFileSync(file, `${JSON.stringify(fixture, undefined, 1)}\n`)
  })

  it('is there for this version', () => {
    expect(readdirSync(FOLDER)).toContain(`${version}.json`)
  })

  it.each(fixtures)('by %s opens, with all that is in it', async name => {
    const fixture = JSON.parse(readFileSync(join(FOLDER, name), 'utf8')) as Fixture
    const ben = await reopen(fixture)
    expect(await ben.signer.revealWords(TEST_PASSWORD)).toEqual({ ok: true, value: TEST_WORDS[1] })
    const wanted = fixture.seen.sessions.length
    await until(() => ben.sessions.length === wanted && ben.wallets.length > 0 && ben.drafts.length > 0, 'all is there')
    await until(() => ben.sessions.every(s => s.review !== null), 'all is drawn')
    expect(await look(ben)).toEqual(fixture.seen)
    expect(log.events().filter(event => /damaged|unreadable|newer/.test(event))).toEqual([])
    // the yes that was stored is given again, and no other is made
    const open = ben.sessions.find(s => s.view.state !== 'confirmed')!
    expect([open.view.canApprove, open.view.canWithdraw]).toEqual([false, true])
    const bytes = await disk.storage(ben.signer, ben.profile.id).get('sessions', open.id)
    const session = decodeSession(bytes ?? new Uint8Array())
    if (!session.ok) throw new Error(session.error.code)
    const { network, descriptor } = ben.wallet!
    const yes = await ben.signer.approve({ network, descriptor }, session.value.proposal)
    expect(yes).toMatchObject({ ok: true, value: { session: open.id, body: { type: 'vote', choice: 'yes' } } })
    const stored = JSON.stringify(fixture.databases['tandem-vault'])
    expect(JSON.stringify(await dumpDatabase('tandem-vault'))).toBe(stored)
  })
})
