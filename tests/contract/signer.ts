/**
 * What every Signer must do, whatever it runs in: one suite for the vault in-process and the vault behind the worker's
 * messages. Signing itself is proved in tests/unit/keyworker.
 */
import { beforeEach, describe, expect, it } from 'vitest'
import { ed25519 } from '@noble/curves/ed25519.js'
import { encodeExtendedKey, readExtendedKey } from '../../services/core/crypto/extended-key'
import { makeDescriptor } from '../../services/core/crypto/public-wallet'
import { openWallet } from '../../services/core/crypto/wallet-context'
import { fromHex, toHex } from '../../services/core/domain/bytes'
import { NETWORKS } from '../../services/core/domain/network'
import type { Result } from '../../services/core/domain/result'
import type { Statement } from '../../services/core/domain/statement'
import type { Aggregator, ProfileInfo, Signer, UnlockedProfile } from '../../services/ports/signer'
import { TEST_PASSWORD, TEST_WORDS } from '../fakes/vault'

type Vault = Signer & Aggregator

export interface SignerBrowser {
  /** a new tab of the same browser: same database, same locks */
  tab(): Vault
  /** everything written to the database so far, as one text of hex and strings */
  written(): Promise<string>
  /** flips one byte of a stored profile's sealed seed */
  tamper(profileId: string): Promise<void>
}

const value = <T>(result: Result<T, unknown>): T => {
  if (!result.ok) throw new Error(JSON.stringify(result.error))
  return result.value
}
const refused = (code: string) => ({ ok: false, error: { code } })
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

export function signerContract(name: string, openBrowser: () => Promise<SignerBrowser>): void {
  describe(`${name}: Signer contract`, () => {
    let browser: SignerBrowser
    let tab: Vault
    beforeEach(async () => {
      browser = await openBrowser()
      tab = browser.tab()
    })
    const create = async (who = 0, vault = tab, password = TEST_PASSWORD): Promise<ProfileInfo> =>
      value(
        await vault.createProfile({ name: `Member ${who}`, words: TEST_WORDS[who]!, password, wordsChecked: false }),
      )
    const unlock = async (profileId: string, vault = tab): Promise<UnlockedProfile> =>
      value(await vault.unlock({ profileId, password: TEST_PASSWORD, takeover: false }))

    it('profiles: made, listed in order, named cleanly', async () => {
      expect(await tab.profiles()).toEqual([])
      const made = value(
        await tab.createProfile({
          name: '  Ann  Lee ',
          words: TEST_WORDS[0],
          password: TEST_PASSWORD,
          wordsChecked: true,
        }),
      )
      expect(made).toMatchObject({ name: 'Ann Lee', wordsChecked: true })
      const second = await create(1)
      expect((await tab.profiles()).map(p => p.id).sort()).toEqual([made.id, second.id].sort())
      expect(await browser.tab().profiles(), 'another tab sees the same').toHaveLength(2)
    })

    it('words: checksum, count, case, spaces and composition', async () => {
      const make = (words: string) =>
        tab.createProfile({ name: 'A', words, password: TEST_PASSWORD, wordsChecked: true })
      for (const bad of [
        '',
        'zoo',
        TEST_WORDS[0].replace('yellow', 'thank'),
        `${TEST_WORDS[0]} legal`,
        TEST_WORDS[0].replace('legal', 'legale'),
        'abandon '.repeat(15),
      ]) {
        expect(await make(bad), bad).toEqual(refused('bad-words'))
      }
      const plain = value(await make(TEST_WORDS[0]))
      const messy = value(await make(`\u00a0 ${TEST_WORDS[0].toUpperCase().replaceAll(' ', ' \t\n ')} `))
      const key = (await unlock(plain.id)).peerKey
      await tab.lock()
      expect((await unlock(messy.id)).peerKey).toEqual(key)
    })

    it('the passphrase changes the seed, in either composition of its accents', async () => {
      const make = async (passphrase: string) =>
        unlock(
          value(
            await tab.createProfile({
              name: 'A',
              words: TEST_WORDS[0],
              passphrase,
              password: TEST_PASSWORD,
              wordsChecked: true,
            }),
          ).id,
        )
      const composed = await make('caf\u00e9')
      const decomposed = await make('cafe\u0301')
      const none = await make('')
      expect(decomposed.peerKey).toEqual(composed.peerKey)
      expect(none.peerKey).not.toEqual(composed.peerKey)
      expect(ed25519.getPublicKey(none.peerKey)).toHaveLength(32)
    })

    it('name and password rules', async () => {
      const make = (name_: string, password: string) =>
        tab.createProfile({ name: name_, words: TEST_WORDS[0], password, wordsChecked: true })
      expect(await make('  ', TEST_PASSWORD)).toEqual(refused('empty-name'))
      expect(await make('A', 'seven77')).toEqual(refused('weak-password'))
      expect((await make('A', 'eight888')).ok).toBe(true)
      expect(await tab.profiles()).toHaveLength(1)
    })

    it('a wrong password loses nothing', async () => {
      const { id } = await create()
      for (const takeover of [false, true])
        expect(await tab.unlock({ profileId: id, password: 'wrong horse', takeover })).toEqual(
          refused('wrong-password'),
        )
      expect(await tab.unlock({ profileId: 'ab'.repeat(16), password: TEST_PASSWORD, takeover: false })).toEqual(
        refused('unknown-profile'),
      )
      expect((await unlock(id)).id).toBe(id)
      expect(await tab.revealWords('wrong horse')).toEqual(refused('wrong-password'))
      expect(value(await tab.revealWords(TEST_PASSWORD))).toBe(TEST_WORDS[0])
    })

    it('a tampered record does not open', async () => {
      const { id } = await create()
      await browser.tamper(id)
      expect(await tab.unlock({ profileId: id, password: TEST_PASSWORD, takeover: false })).toEqual(
        refused('wrong-password'),
      )
    })

    it('word check: every given word must be right; it is remembered', async () => {
      const { id } = await create()
      await unlock(id)
      const words = TEST_WORDS[0].split(' ')
      const right = [2, 7, 11].map(position => ({ position, word: words[position]! }))
      expect(value(await tab.checkWords([...right.slice(0, 2), { position: 5, word: 'zoo' }]))).toBe(false)
      expect(value(await tab.checkWords([...right.slice(0, 2), { position: 12, word: 'zoo' }]))).toBe(false)
      expect(value(await tab.checkWords([])), 'nothing given is nothing shown').toBe(false)
      expect(
        value(await tab.checkWords(right.slice(0, 1))),
        'one word alone would be asked for until it is found',
      ).toBe(false)
      expect(value(await tab.checkWords([right[0]!, right[0]!, right[0]!])), 'nor one word three times').toBe(false)
      expect((await tab.profiles())[0]!.wordsChecked).toBe(false)
      expect(
        value(await tab.checkWords([{ position: 2, word: ` ${words[2]!.toUpperCase()} ` }, ...right.slice(1)])),
      ).toBe(true)
      expect((await tab.profiles())[0]!.wordsChecked).toBe(true)
    })

    it('word check: after many wrong answers there are no right ones', async () => {
      const { id } = await create()
      await unlock(id)
      const words = TEST_WORDS[0].split(' ')
      for (let i = 0; i < 20; i++)
        expect(value(await tab.checkWords([0, 1, 2].map(position => ({ position, word: 'zoo' }))))).toBe(false)
      expect(value(await tab.checkWords([0, 1, 2].map(position => ({ position, word: words[position]! }))))).toBe(false)
    })

    it('locked: every call says so', async () => {
      const wallet = { network: 'regtest', descriptor: '' } as const
      const reasons: string[] = []
      const off = tab.onLocked(reason => reasons.push(reason))
      const { id } = await create()
      await unlock(id)
      const account = await tab.newAccount('regtest')
      const sealed = await tab.seal('a', utf8('x'))
      await tab.lock()
      await tab.lock()
      expect(reasons).toEqual(['user'])
      off()
      expect(await tab.checkWords([])).toEqual(refused('locked'))
      expect(await tab.revealWords(TEST_PASSWORD)).toEqual(refused('locked'))
      expect(await tab.open('a', sealed)).toEqual(refused('locked'))
      expect(await tab.openFile(sealed)).toEqual(refused('locked'))
      await expect(tab.seal('a', utf8('x'))).rejects.toThrow('locked')
      await expect(tab.sealFile(utf8('x'))).rejects.toThrow('locked')
      await expect(tab.newAccount('regtest')).rejects.toThrow('locked')
      expect(await tab.ownsAccount('regtest', account)).toBe(false)
      expect(
        await tab.signStatement('regtest', account.origin, {
          type: 'confirm',
          walletId: id,
          accountKey: account.accountKey,
          safetyHash: '',
        }),
      ).toMatchObject(refused('locked'))
      expect(await tab.signMessage(wallet, 'ab'.repeat(32), undefined, { type: 'cancel', reason: '' })).toMatchObject(
        refused('locked'),
      )
      await tab.eraseNonces()
      await tab.retract('ab'.repeat(32))
    })

    it('one tab at a time: open elsewhere, takeover locks the other', async () => {
      const { id } = await create()
      const other = browser.tab()
      const reasons: string[] = []
      tab.onLocked(reason => reasons.push(reason))
      await unlock(id)
      expect(await other.unlock({ profileId: id, password: TEST_PASSWORD, takeover: false })).toEqual(
        refused('open-elsewhere'),
      )
      expect(
        await other.unlock({ profileId: id, password: 'wrong horse', takeover: true }),
        'no takeover by a wrong password',
      ).toEqual(refused('wrong-password'))
      expect(reasons).toEqual([])
      value(await other.unlock({ profileId: id, password: TEST_PASSWORD, takeover: true }))
      await expect.poll(() => reasons).toEqual(['takeover'])
      expect(await tab.revealWords(TEST_PASSWORD)).toEqual(refused('locked'))
      expect(value(await other.revealWords(TEST_PASSWORD))).toBe(TEST_WORDS[0])
      await other.lock()
      await unlock(id)
    })

    it('several profiles may be open in several tabs', async () => {
      const [a, b] = [await create(0), await create(1)]
      const other = browser.tab()
      const keys = [(await unlock(a.id)).peerKey, (await unlock(b.id, other)).peerKey]
      expect(keys[0]).not.toEqual(keys[1])
    })

    it('seal binds profile and context', async () => {
      const [a, b] = [await create(0), await create(1)]
      await unlock(a.id)
      const sealed = await tab.seal('wallets/1', utf8('secret'))
      expect(value(await tab.open('wallets/1', sealed))).toEqual(utf8('secret'))
      expect(await tab.seal('wallets/1', utf8('secret')), 'fresh every time').not.toEqual(sealed)
      expect(await tab.open('wallets/2', sealed)).toEqual(refused('bad-file'))
      for (let i = 0; i < sealed.length; i += 7)
        expect(
          await tab.open(
            'wallets/1',
            sealed.map((byte, at) => (at === i ? byte ^ 1 : byte)),
          ),
          `byte ${i}`,
        ).toEqual(refused('bad-file'))
      expect(await tab.open('wallets/1', new Uint8Array())).toEqual(refused('bad-file'))
      await unlock(b.id)
      expect(await tab.open('wallets/1', sealed)).toEqual(refused('bad-file'))
    })

    it('a wallet file opens with the same words anywhere and with no others', async () => {
      const { id } = await create(0)
      await unlock(id)
      const file = await tab.sealFile(utf8('wallet'))
      const elsewhere = (await openBrowser()).tab()
      const same = await create(0, elsewhere, 'another password')
      value(await elsewhere.unlock({ profileId: same.id, password: 'another password', takeover: false }))
      expect(value(await elsewhere.openFile(file))).toEqual(utf8('wallet'))
      const newer = file.slice()
      newer[4] = 2
      for (const bad of [
        newer,
        file.slice(0, -1),
        file.slice(0, 20),
        file.map((byte, i) => (i === 40 ? byte ^ 1 : byte)),
        new Uint8Array(),
      ])
        expect(await elsewhere.openFile(bad)).toEqual(refused('bad-file'))
      const other = await create(1)
      await unlock(other.id)
      expect(await tab.openFile(file)).toEqual(refused('bad-file'))
    })

    it('accounts are fresh, own, and only theirs sign statements', async () => {
      const { id } = await create()
      await unlock(id)
      const [one, two] = [await tab.newAccount('regtest'), await tab.newAccount('regtest')]
      expect(one.accountKey).not.toBe(two.accountKey)
      expect(one.origin.path).toMatch(/^87h\/1h\/\d+h$/)
      expect(one.xpub).toMatch(/^tpub/)
      expect(makeDescriptor('regtest', [one, two]).ok).toBe(true)
      expect(await tab.ownsAccount('regtest', one)).toBe(true)
      expect(await tab.ownsAccount('regtest', { ...one, xpub: two.xpub })).toBe(false)
      expect(await tab.ownsAccount('regtest', { ...one, origin: two.origin })).toBe(false)
      expect(await tab.ownsAccount('regtest', { ...one, origin: { ...one.origin, fingerprint: '00000000' } })).toBe(
        false,
      )
      const join: Statement = {
        type: 'join',
        draftId: 'ab'.repeat(32),
        genesis: NETWORKS.regtest.genesis,
        ...one,
        peerId: '12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp',
        name: 'Ann',
        proofNumber: 1,
      }
      const signature = value(await tab.signStatement('regtest', one.origin, join))
      expect(await tab.verifyStatement(join, signature)).toBe(true)
      expect(await tab.verifyStatement({ ...join, name: 'Bob' }, signature)).toBe(false)
      expect(await tab.verifyStatement({ ...join, accountKey: two.accountKey }, signature)).toBe(false)
      expect(await tab.verifyStatement(join, 'zz')).toBe(false)
      for (const wrong of [
        { ...join, accountKey: two.accountKey },
        { ...join, genesis: NETWORKS.signet.genesis },
        { ...join, xpub: two.xpub },
      ]) {
        expect(await tab.signStatement('regtest', one.origin, wrong)).toMatchObject(refused('not-a-member'))
      }
      // the path of the peer key, or anything else outside BIP87, never signs
      for (const path of ['1952542308h/1h', '87h/0h/1h', '87h/1h/1', '87h/1h/1h/0h', '87h/1h/4294967296h']) {
        expect(await tab.signStatement('regtest', { ...one.origin, path }, join)).toMatchObject(refused('not-a-member'))
      }
      expect(
        await tab.signStatement('regtest', one.origin, { ...join, name: 'x'.repeat(200) }),
        "outside the wire's bounds",
      ).toMatchObject(refused('bad-proposal'))
    })

    it('computes the public half of a wallet, locked or not', async () => {
      const { id } = await create()
      await unlock(id)
      const accounts = [
        await tab.newAccount('regtest'),
        await tab.newAccount('regtest'),
        await tab.newAccount('regtest'),
      ]
      await tab.lock()
      const keys = { network: 'regtest' as const, descriptor: value(makeDescriptor('regtest', accounts)) }
      const wallet = value(openWallet(keys.network, keys.descriptor))
      expect(value(await tab.openWallet(keys))).toEqual(
        [...accounts].sort((a, b) => (a.accountKey < b.accountKey ? -1 : 1)),
      )
      const places = [
        [0, 0],
        [1, 5],
        [0, 2 ** 31],
        [0, 2 ** 31 - 1],
        [0, Number.NaN],
      ] as const
      const expected = places.map(([branch, index]) => wallet.output(branch, index)?.script)
      expect(expected.map(script => script?.length)).toEqual([34, 34, undefined, 34, undefined])
      expect(
        await tab.deriveScripts(
          keys,
          places.map(([branch, index]) => ({ branch, index })),
        ),
      ).toEqual(expected)
    })

    it('opens no wallet from a damaged text, nor from one whose keys are no points', async () => {
      const { id } = await create()
      await unlock(id)
      const [one, two] = [await tab.newAccount('regtest'), await tab.newAccount('regtest')]
      const descriptor = value(makeDescriptor('regtest', [one, two]))
      const off = { ...readExtendedKey(two.xpub)!, publicKey: Uint8Array.of(2, ...new Uint8Array(32).fill(255)) }
      const offDescriptor = value(
        makeDescriptor('regtest', [one, { ...two, accountKey: toHex(off.publicKey), xpub: encodeExtendedKey(off) }]),
      )
      for (const [text, code] of [
        ['', 'syntax'],
        [descriptor.slice(0, -1), 'checksum'],
        [offDescriptor, 'bad-key'],
      ] as const) {
        const keys = { network: 'regtest' as const, descriptor: text }
        expect(await tab.openWallet(keys), text).toEqual(refused(code))
        expect(await tab.deriveScripts(keys, [{ branch: 0, index: 0 }])).toEqual([undefined])
      }
      expect(await tab.openWallet({ network: 'signet', descriptor })).toMatchObject({ ok: true })
    })

    it('knows the x-coordinates of points', async () => {
      const x = (hex: string) => tab.isXCoordinate(fromHex(hex))
      expect(await x('79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798')).toBe(true)
      for (const none of [
        'eefdea4cdb677750a420fee807eacf21eb9898ae79b9768766e4faa04a2d4a34',
        'ff'.repeat(32),
        '00'.repeat(32),
        '',
        '02'.repeat(33),
      ])
        expect(await x(none), none).toBe(false)
    })

    it('nothing secret is written in clear', async () => {
      const { id } = await create()
      const { peerKey } = await unlock(id)
      await tab.newAccount('regtest')
      const written = await browser.written()
      expect(written, 'the search can find what is there').toContain('Member 0')
      const hex = (bytes: Uint8Array): string => [...bytes].map(byte => byte.toString(16).padStart(2, '0')).join('')
      for (const secret of [
        'legal winner',
        hex(utf8('legal winner')),
        TEST_PASSWORD,
        hex(utf8(TEST_PASSWORD)),
        hex(peerKey),
        '7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f',
      ])
        expect(written).not.toContain(secret)
    })
  })
}
