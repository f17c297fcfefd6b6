import { expect } from '@playwright/test'
import { Member } from './member'
import type { BrowserChoice, Stored } from './member'
import type { Prepared } from './prepared'

/** What Playwright's own type leaves out of the storage of an origin. */
interface Databases {
  readonly indexedDB: ReadonlyArray<{
    readonly name: string
    readonly stores: ReadonlyArray<{ readonly name: string; readonly records: readonly unknown[] }>
  }>
}
type Origin = Stored['origins'][number] & Databases

/** The profiles of several browsers in the storage of one. Each has a database of its own; the vault lists them all. */
function together(stored: readonly Stored[]): Stored {
  const origins = stored.flatMap(each => each.origins as Origin[])
  const [first] = origins
  if (first === undefined) throw new Error('nothing is stored')
  const databases = new Map<string, Databases['indexedDB'][number]>()
  for (const database of origins.flatMap(origin => origin.indexedDB)) {
    const known = databases.get(database.name)
    databases.set(
      database.name,
      known === undefined
        ? database
        : {
            ...known,
            stores: known.stores.map(store => ({
              ...store,
              records: [
                ...store.records,
                ...database.stores.filter(other => other.name === store.name).flatMap(other => other.records),
              ],
            })),
          },
    )
  }
  const origin: Origin = { ...first, indexedDB: [...databases.values()] }
  return { cookies: [], origins: [origin] }
}

/** Prepared members in tabs of one browser, each unlocked, on the page of their wallet and connected to the others. */
export async function openTabs(app: string, prepared: Prepared, browser: BrowserChoice): Promise<Member[]> {
  const [first, ...others] = prepared.members
  if (first === undefined) throw new Error('nobody')
  const stored = together(prepared.members.map(member => member.stored))
  const members = [await Member.launch(first.name, app, { browser, stored, words: first.words })]
  for (const { name } of others) members.push(await (members[0] as Member).tab(name))
  for (const member of members) {
    await member.chooseProfile()
    await member.unlock()
    await member.openWallet(prepared.wallet)
  }
  for (const member of members)
    for (const other of members)
      if (other !== member) await expect(member.memberRow(other.name)).toContainText('connected')
  return members
}
