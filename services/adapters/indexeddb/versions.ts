import { utf8ToBytes } from '../../core/domain/bytes'
import { SCHEMA_VERSIONS, STORES, type StoreName } from '../../ports/storage'

export type Versions = Readonly<Record<StoreName, number>>

/** What was stored before there were versions, or does not tell a version, is the first one. */
const FIRST = 1

export function readVersions(stored: unknown): Versions {
  let told: Readonly<Record<string, unknown>> = {}
  try {
    const parsed: unknown = stored instanceof Uint8Array ? JSON.parse(new TextDecoder().decode(stored)) : undefined
    if (typeof parsed === 'object' && parsed !== null) told = parsed as Readonly<Record<string, unknown>>
  } catch {
    // damaged: as if it had never been written
  }
  const versionOf = (store: StoreName): number => {
    const version = told[store]
    return typeof version === 'number' && Number.isSafeInteger(version) && version >= FIRST ? version : FIRST
  }
  return Object.fromEntries(STORES.map(store => [store, versionOf(store)])) as Record<StoreName, number>
}

export const writeVersions = (versions: Versions): Uint8Array => utf8ToBytes(JSON.stringify(versions))

/** A store that a newer version of the app has written. */
export const newerStore = (versions: Versions): StoreName | undefined =>
  STORES.find(store => versions[store] > SCHEMA_VERSIONS[store])
