import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser } from '@playwright/test'
import { makeWallet } from './circle'
import { Member } from './member'
import type { Stored } from './member'

/**
 * Members as the screens made them, kept for the rest of the run. Making a wallet by hand takes a quarter of a minute;
 * a test whose subject it is not starts from a copy of these browsers' storage. Only the time before the test is saved:
 * a profile is still unlocked by its password, and everything after that is real.
 */
export const PREPARED = process.env.TANDEM_PREPARED ?? 'test-results/prepared'

/** Each kind begins with the members of the one that it names. */
const KINDS = {
  profiles: { names: ['Anna', 'Ben', 'Cleo'] },
  two: { names: ['Anna', 'Ben'], wallet: 'Boat' },
  three: { names: ['Anna', 'Ben', 'Cleo'], wallet: 'House' },
} as const

/** An active wallet that nobody has paid into. */
export type Kind = 'two' | 'three'

/** How many receive addresses of a wallet are shown before it is put aside: a test may have a coin on each. */
const ADDRESSES = 2

export interface PreparedMember {
  readonly name: string
  readonly words: string
  readonly stored: Stored
}

export interface Prepared {
  readonly wallet: string
  readonly addresses: readonly string[]
  readonly members: readonly PreparedMember[]
}

/** Where members are prepared: the app and the relays of the test that asks first, and a browser for contexts. */
export interface Place {
  readonly app: string
  readonly relayAddresses: readonly string[]
  readonly browser: Browser
}

/** Profiles without a wallet. They are bound to no relay. */
export function preparedProfiles(place: Place): Promise<readonly PreparedMember[]> {
  return once('profiles', place, async () => {
    const everybody = await Promise.all(KINDS.profiles.names.map(name => launch(place, name)))
    await Promise.all(everybody.map(member => member.createProfile()))
    return { wallet: '', addresses: [], members: await putAside(everybody) }
  }).then(({ members }) => members)
}

/** A wallet names the relays where its members meet: other relays, another wallet. */
export function preparedWallet(kind: Kind, place: Place): Promise<Prepared> {
  const { names, wallet } = KINDS[kind]
  const relays = createHash('sha256').update(place.relayAddresses.join()).digest('hex').slice(0, 8)
  return once(`${kind}-${relays}`, place, async () => {
    const profiles = await preparedProfiles(place)
    const everybody = await Promise.all(
      names.map(name =>
        launch(
          place,
          name,
          profiles.find(profile => profile.name === name),
        ),
      ),
    )
    await Promise.all(everybody.map(member => member.unlock()))
    await makeWallet(wallet, everybody)
    const [first] = everybody
    if (first === undefined) throw new Error('nobody')
    const addresses = [await first.receiveAddress()]
    while (addresses.length < ADDRESSES) addresses.push(await first.newAddress())
    return { wallet, addresses, members: await putAside(everybody) }
  })
}

/** Storage belongs to an origin: here it is that of the app of the test that asks. */
function moved(stored: Stored, app: string): Stored {
  const { origin } = new URL(app)
  return { ...stored, origins: stored.origins.map(each => ({ ...each, origin })) }
}

async function once(name: string, { app }: Place, make: () => Promise<Prepared>): Promise<Prepared> {
  const file = join(PREPARED, `${name}.json`)
  if (!existsSync(file)) {
    const made = await make()
    mkdirSync(PREPARED, { recursive: true })
    // in one step: whoever finds the file finds all of it
    writeFileSync(`${file}.new`, JSON.stringify(made))
    renameSync(`${file}.new`, file)
  }
  const prepared = JSON.parse(readFileSync(file, 'utf8')) as Prepared
  return { ...prepared, members: prepared.members.map(member => ({ ...member, stored: moved(member.stored, app) })) }
}

function launch({ app, browser }: Place, name: string, profile?: PreparedMember): Promise<Member> {
  return Member.launch(name, app, { shared: browser, stored: profile?.stored, words: profile?.words })
}

/** Locks, so that everything is stored, and takes what the browsers hold. */
function putAside(everybody: readonly Member[]): Promise<PreparedMember[]> {
  return Promise.all(
    everybody.map(async member => {
      await member.lock()
      const stored = await member.context.storageState({ indexedDB: true })
      await member.quit()
      return { name: member.name, words: member.words, stored }
    }),
  )
}
