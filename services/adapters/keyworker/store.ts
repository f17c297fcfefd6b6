/** The vault's own small database. It holds profiles, whose secrets are sealed, and sealed votes; nonces never. */
import { openDB, type DBSchema, type IDBPDatabase } from 'idb'
import type { ProfileRecord, VaultStore } from './ports'

interface Schema extends DBSchema {
  profiles: { key: string; value: ProfileRecord }
  /** key: profile id, space, session id */
  votes: { key: string; value: Uint8Array }
}

const NAME = 'tandem-vault'
const VERSION = 1

export function createVaultStore(name = NAME): VaultStore {
  let opening: Promise<IDBPDatabase<Schema>> | undefined
  const database = (): Promise<IDBPDatabase<Schema>> => {
    opening ??= openDB<Schema>(name, VERSION, {
      upgrade(db) {
        db.createObjectStore('profiles', { keyPath: 'id' })
        db.createObjectStore('votes')
      },
      // a newer version of the app in another tab waits for us: let go, the next call opens again
      blocking(_current, _blocked, event) {
        opening = undefined
        ;(event.target as IDBDatabase).close()
      },
      terminated() {
        opening = undefined
      },
    }).catch((error: unknown) => {
      opening = undefined
      throw error
    })
    return opening
  }
  const voteKey = (profile: string, session: string): string => `${profile} ${session}`
  return {
    profiles: async () => (await database()).getAll('profiles'),
    profile: async id => (await database()).get('profiles', id),
    async putProfile(record) {
      await (await database()).put('profiles', record)
    },
    vote: async (profile, session) => (await database()).get('votes', voteKey(profile, session)),
    // strict: a yes must be on disk before it is spoken
    async putVote(profile, session, sealed) {
      const tx = (await database()).transaction('votes', 'readwrite', { durability: 'strict' })
      await Promise.all([tx.store.put(sealed, voteKey(profile, session)), tx.done])
    },
  }
}
