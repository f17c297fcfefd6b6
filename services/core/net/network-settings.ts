import { bytesToUtf8 } from '@noble/ciphers/utils.js'
import type { Storage } from '../../ports/storage'
import { utf8ToBytes } from '../domain/bytes'
import { isRelayAddress } from '../domain/config'
import { checkIceServer, MAX_ICE_SERVERS, readIceSettings, type IceServer, type IceSettings } from '../domain/ice'
import { err, ok, type Result } from '../domain/result'
import { LIMITS } from '../wire/limits'

const RELAYS = 'relays'
const ICE = 'ice'

export interface SettingError {
  readonly field: string
  readonly code: string
}
type Changed = Promise<Result<void, SettingError>>

/**
 * What one profile chose for its connections, in its encrypted storage: relays beside those of config.json and the
 * wallets, STUN and TURN servers, relay-only. Credentials of TURN are secrets, so nothing of this is kept anywhere
 * else.
 */
export class NetworkSettings {
  #relays: readonly string[] = []
  #ice: IceSettings = { servers: [], relayOnly: false }

  private constructor(private readonly storage: Pick<Storage, 'get' | 'put'>) {}

  static async load(storage: Pick<Storage, 'get' | 'put'>): Promise<NetworkSettings> {
    const settings = new NetworkSettings(storage)
    const relays = await read(storage, RELAYS)
    if (relays.known && Array.isArray(relays.value))
      settings.#relays = relays.value.filter(isRelayAddress).slice(0, LIMITS.relays)
    const ice = await read(storage, ICE)
    // a record that cannot be read may have said relay-only: nobody's address is shown because of a damaged byte
    settings.#ice = ice.known ? readIceSettings(ice.value) : { servers: [], relayOnly: ice.damaged }
    return settings
  }

  get relays(): readonly string[] {
    return this.#relays
  }
  get ice(): IceSettings {
    return this.#ice
  }

  /** `others`: relays that are in the list already, by config.json or a wallet. */
  async addRelay(typed: string, others: readonly string[]): Changed {
    const address = typed.trim()
    if (!isRelayAddress(address)) return err({ field: 'relay', code: address === '' ? 'empty' : 'malformed' })
    if (this.#relays.includes(address) || others.includes(address)) return err({ field: 'relay', code: 'known' })
    if (this.#relays.length >= LIMITS.relays) return err({ field: 'relay', code: 'too-many' })
    return this.#save(RELAYS, [...this.#relays, address], list => {
      this.#relays = list
    })
  }

  removeRelay(address: string): Changed {
    return this.#save(
      RELAYS,
      this.#relays.filter(a => a !== address),
      list => {
        this.#relays = list
      },
    )
  }

  async addIceServer(typed: IceServer): Changed {
    const checked = checkIceServer(typed)
    if (!checked.ok) return checked
    if (this.#ice.servers.some(s => s.url === checked.value.url)) return err({ field: 'ice', code: 'known' })
    if (this.#ice.servers.length >= MAX_ICE_SERVERS) return err({ field: 'ice', code: 'too-many' })
    return this.#setIce({ ...this.#ice, servers: [...this.#ice.servers, checked.value] })
  }

  removeIceServer(url: string): Changed {
    return this.#setIce({ ...this.#ice, servers: this.#ice.servers.filter(s => s.url !== url) })
  }

  setRelayOnly(relayOnly: boolean): Changed {
    return this.#setIce({ ...this.#ice, relayOnly })
  }

  #setIce(ice: IceSettings): Changed {
    return this.#save(ICE, ice, value => {
      this.#ice = value
    })
  }

  /** What could not be stored is not in force: after a reload it would be gone without a word. */
  async #save<T>(key: string, value: T, then: (value: T) => void): Changed {
    try {
      await this.storage.put('settings', key, utf8ToBytes(JSON.stringify(value)))
    } catch {
      return err({ field: 'settings', code: 'storage-failed' })
    }
    then(value)
    return ok(undefined)
  }
}

type Stored = { readonly known: true; readonly value: unknown } | { readonly known: false; readonly damaged: boolean }

async function read(storage: Pick<Storage, 'get'>, key: string): Promise<Stored> {
  try {
    const bytes = await storage.get('settings', key)
    return bytes === undefined
      ? { known: false, damaged: false }
      : { known: true, value: JSON.parse(bytesToUtf8(bytes)) as unknown }
  } catch {
    return { known: false, damaged: true }
  }
}
