import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { isRelayAddress, parseConfig } from '../../../services/core/domain/config'
import { NETWORKS } from '../../../services/core/domain/network'

const ID = '12D3KooWNhKbr5QqgwqpQ33jzkx4UAWVaarysgppMzBrUcQieRP2'
const RELAY = `/ip4/127.0.0.1/tcp/4190/ws/p2p/${ID}`
const good = () => ({
  version: 1,
  relays: [RELAY],
  stun: [] as unknown,
  networks: {
    regtest: {
      esplora: 'http://127.0.0.1:4195/',
      genesis: NETWORKS.regtest.genesis,
      faucet: 'http://127.0.0.1:4195/dev/faucet',
    },
  } as Record<string, unknown>,
})
const code = (json: unknown) => {
  const read = parseConfig(json)
  return read.ok ? 'ok' : read.error.code
}

describe('config.json', () => {
  it('is taken whole, without a trailing slash on the server', () => {
    const read = parseConfig(good())
    expect(read.ok && read.value.networks.regtest?.esplora).toBe('http://127.0.0.1:4195')
    expect(read.ok && read.value.relays).toEqual([RELAY])
  })

  it('as it ships is sound', () => {
    expect(code(JSON.parse(readFileSync('public/config.json', 'utf8')))).toBe('ok')
  })

  it.each([
    ['no object', [], 'not-json'],
    ['null', null, 'not-json'],
    ['another version', { ...good(), version: 2 }, 'version'],
    ['a misspelt field', { ...good(), relay: [] }, 'unknown-field'],
    ['relays that are no list', { ...good(), relays: RELAY }, 'relays'],
    ['a relay without a peer id', { ...good(), relays: ['/ip4/127.0.0.1/tcp/1/ws'] }, 'relays'],
    ['too many relays', { ...good(), relays: Array.from({ length: 17 }, () => RELAY) }, 'relays'],
    ['an unknown network', { ...good(), networks: { testnet3: good().networks['regtest'] } }, 'networks'],
    ['mainnet', { ...good(), networks: { mainnet: good().networks['regtest'] } }, 'mainnet'],
    ['no network', { ...good(), networks: {} }, 'no-network'],
    ['the genesis of another network', { ...good(), networks: { signet: good().networks['regtest'] } }, 'genesis'],
    [
      'a server that is no URL',
      { ...good(), networks: { regtest: { esplora: 'localhost', genesis: NETWORKS.regtest.genesis } } },
      'esplora',
    ],
    [
      'a script URL',
      { ...good(), networks: { regtest: { esplora: 'javascript:alert(1)', genesis: NETWORKS.regtest.genesis } } },
      'esplora',
    ],
    [
      'a faucet that is no URL',
      { ...good(), networks: { regtest: { esplora: 'http://x', genesis: NETWORKS.regtest.genesis, faucet: 7 } } },
      'faucet',
    ],
    ['STUN that is no list', { ...good(), stun: 'stun:x' }, 'stun'],
    ['STUN with a web address', { ...good(), stun: ['https://x'] }, 'stun'],
  ])('refuses %s and says where', (_what, json, expected) => {
    expect(code(json)).toBe(expected)
  })

  it('names the relay address that is wrong', () => {
    const read = parseConfig({ ...good(), relays: [RELAY, 'nonsense'] })
    expect(!read.ok && read.error.detail).toBe('nonsense')
    expect(isRelayAddress(RELAY)).toBe(true)
  })
})
