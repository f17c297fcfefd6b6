/** The list of profiles, apart from the vault: the first screen shows it before the curve code is fetched. */
import type { ProfileInfo } from '../../ports/signer'
import type { ProfileRecord, VaultStore } from './ports'

/** The part of a record that is no secret. */
export const infoOf = ({ id, name, createdAt, wordsChecked }: ProfileRecord): ProfileInfo => ({
  id,
  name,
  createdAt,
  wordsChecked,
})

/** Oldest first. Rejects when the store does. */
export async function listProfiles(store: VaultStore): Promise<ProfileInfo[]> {
  const records = await store.profiles()
  return records.map(infoOf).sort((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1))
}
