import { expect, it, vi } from 'vitest'
import { createVault } from '../../../services/adapters/keyworker/vault'
import { connectVault, serveVault, type RpcPort } from '../../../services/adapters/keyworker/rpc'
import { signingJob } from '../../../services/core/crypto/proposal-id'
import type { AttemptName, Proposal } from '../../../services/core/domain/proposal'
import { toHex } from '../../../services/core/domain/bytes'
import { makeDescriptor } from '../../../services/core/crypto/public-wallet'
import { openWallet } from '../../../services/core/crypto/wallet-context'
import { encodeSigned } from '../../../services/core/wire/codec'
import type { SignedMessage } from '../../../services/core/wire/messages'
import { pubnoncesHash } from '../../../services/core/crypto/message-hash'
import type * as Musig2 from '../../../services/core/crypto/musig2'
import { FakeClock } from '../../fakes/clock'
import { createFakeEntropy } from '../../fakes/entropy'
import { cheapHash, createMemoryLocks, createMemoryVaultStore, TEST_PASSWORD, TEST_WORDS } from '../../fakes/vault'
import type { Recorded } from '../../e2e/support/recorder'
import { find, secretsOf, type Secret } from '../../e2e/support/secrets'
import { must } from '../../support/signing'

const SESSIONS = 256
const secretNonces: Uint8Array[] = []

vi.mock('../../../services/core/crypto/musig2', async original => {
  const real = await original<typeof Musig2>()
  return {
    ...real,
    nonceGen(input: Parameters<typeof real.nonceGen>[0]) {
      const pair = real.nonceGen(input)
      secretNonces.push(pair.secret.slice(0, 32), pair.secret.slice(32, 64))
      return pair
    },
  }
})

/** Texts and bytes anywhere in a message. */
function record(where: Recorded['where'], what: string, value: unknown): Recorded {
  const texts: string[] = []
  const bytes: string[] = []
  const walk = (item: unknown): void => {
    if (item instanceof Uint8Array) bytes.push(toHex(item))
    else if (typeof item === 'string') texts.push(item)
    else if (typeof item === 'object' && item !== null) for (const inner of Object.values(item)) walk(inner)
  }
  walk(value)
  return { where, what, texts, bytes }
}

it(`no secret nonce, key or word crosses the worker's boundary, is stored, sent or logged in ${SESSIONS} sessions`, async () => {
  const records: Recorded[] = []
  const consoles = (['log', 'info', 'warn', 'error', 'debug'] as const).map(level =>
    vi.spyOn(console, level).mockImplementation((...args: unknown[]) => {
      records.push(record('console', level, args))
    }),
  )
  const clock = new FakeClock()

  const people = await Promise.all(
    [0, 1].map(async who => {
      const store = createMemoryVaultStore()
      const ends = [0, 1].map(() => new Set<(event: { data: unknown }) => void>())
      const methods = new Map<number, string>()
      const [inside, outside] = [0, 1].map((side): RpcPort => ({
        postMessage(message) {
          const data = structuredClone(message) as { id?: number; method?: string }
          if (side === 1 && data.id !== undefined && data.method !== undefined) methods.set(data.id, data.method)
          records.push(record(side === 1 ? 'to worker' : 'from worker', methods.get(data.id ?? -1) ?? 'locked', data))
          queueMicrotask(() => {
            for (const listener of ends[1 - side]!) listener({ data })
          })
        },
        addEventListener: (_type, listener) => void ends[side]!.add(listener),
      })) as [RpcPort, RpcPort]
      serveVault(inside, async () =>
        createVault({
          store,
          locks: createMemoryLocks(),
          hash: cheapHash,
          entropy: createFakeEntropy(`leaks ${who}`),
          clock,
        }),
      )
      const { vault } = connectVault(outside)
      const made = must(
        await vault.createProfile({
          name: `Member ${who}`,
          words: TEST_WORDS[who]!,
          password: TEST_PASSWORD,
          wordsChecked: true,
        }),
      )
      must(await vault.unlock({ profileId: made.id, password: TEST_PASSWORD, takeover: false }))
      return { who, vault, store, account: await vault.newAccount('regtest') }
    }),
  )
  people.sort((a, b) => (a.account.accountKey < b.account.accountKey ? -1 : 1))
  const descriptor = must(
    makeDescriptor(
      'regtest',
      people.map(p => p.account),
    ),
  )
  const context = must(openWallet('regtest', descriptor))
  const keys = { network: 'regtest' as const, descriptor }
  const stream = (message: SignedMessage): SignedMessage => {
    records.push({ where: 'storage', what: 'stream', texts: [], bytes: [toHex(encodeSigned(message))] })
    return message
  }
  const attempt: AttemptName = { counter: 1, hub: 0 }
  for (let i = 0; i < SESSIONS; i++) {
    const proposal: Proposal = {
      kind: 'practice',
      walletId: context.id,
      proposer: people[0]!.account.accountKey,
      expiresAt: Math.floor(clock.now() / 1000) + 86_400,
      note: '',
      salt: i.toString(16).padStart(64, '0'),
      text: `practice ${i}`,
    }
    const { digest, sessionId } = must(signingJob(context, proposal))
    const pubnonces = []
    for (const { vault } of people) {
      stream(must(await vault.approve(keys, proposal)))
      const { body } = stream(must(await vault.makeNonces(keys, proposal, attempt)))
      if (body.type === 'pubnonces') pubnonces.push(body.pubnonces)
    }
    const aggregates = must(await people[0]!.vault.aggregateNonces(keys, pubnonces))
    const nonces = stream(
      must(
        await people[0]!.vault.signMessage(keys, sessionId, attempt, {
          type: 'nonces',
          digest,
          aggregates,
          hashes: pubnonces.map(pubnoncesHash),
        }),
      ),
    )
    // some end before they are signed
    for (const { vault } of people) if (i % 7 !== 0) stream(must(await vault.makePartials(keys, proposal, nonces)))
    if (i % 7 === 0) await people[1]!.vault.retract(sessionId)
  }
  for (const { store } of people)
    for (const written of store.writes) records.push(record('indexeddb of the worker', 'vault', written))
  for (const spy of consoles) spy.mockRestore()

  expect(secretNonces).toHaveLength(SESSIONS * 2 * 2)
  const nonces: Secret[] = secretNonces.map((value, i) => ({ name: `secret nonce ${i}`, value }))
  const own = people.flatMap(({ who, account }) => secretsOf(TEST_WORDS[who]!, TEST_PASSWORD, [account.origin.path]))
  // cheap first: bytes alone, by all of their 32-byte windows
  const wanted = new Map(nonces.map(({ name, value }) => [toHex(value as Uint8Array), name]))
  const windows = (list: readonly Recorded[]): string[] =>
    list.flatMap(r =>
      [...r.bytes, ...r.texts.flatMap(text => text.toLowerCase().match(/[0-9a-f]{64,}/g) ?? [])].flatMap(hex => {
        const hits: string[] = []
        for (let at = 0; at + 64 <= hex.length; at += 2) {
          const name = wanted.get(hex.slice(at, at + 64))
          if (name !== undefined) hits.push(`${name} in ${r.where} ${r.what}`)
        }
        return hits
      }),
    )
  expect(records.length).toBeGreaterThan(SESSIONS * 16)
  expect(windows(records)).toEqual([])
  expect(find(records, own)).toEqual([])
  // in every spelling: base64, decimals; a sample of the nonces against everything
  expect(
    find(
      records,
      nonces.filter((_, i) => i % 32 === 0),
    ),
  ).toEqual([])

  // what is planted is found, wherever it is
  const planted = (what: unknown): Recorded[] => [...records, record('console', 'log', what)]
  expect(windows(planted(new Uint8Array([1, ...secretNonces[77]!, 2])))).toEqual(['secret nonce 77 in console log'])
  expect(windows(planted(`k=${toHex(secretNonces[5]!)}`))).toEqual(['secret nonce 5 in console log'])
  expect(find(planted(Buffer.from(secretNonces[32]!).toString('base64')), nonces.slice(32, 33))).toEqual([
    'secret nonce 32 in console log',
  ])
  expect(find(planted(TEST_WORDS[0]), own)).toEqual(['words in console log'])
}, 120_000)
