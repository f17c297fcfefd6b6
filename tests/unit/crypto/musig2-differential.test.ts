import * as scure from '@scure/btc-signer/musig2.js'
import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import * as ours from '../../../services/core/crypto/musig2'
import { verifySignature } from '../../../services/core/crypto/signature'
import { toHex } from '../../../services/core/domain/bytes'
import type { Entropy } from '../../../services/ports/entropy'
import { createFakeEntropy } from '../../fakes/entropy'
import { times } from '../../support/long'

/** TANDEM_SEED repeats a run; each run has a seed of its own otherwise. */
const SEED = process.env.TANDEM_SEED ?? toHex(Uint8Array.from(randomBytes(8)))

/** [signers, sessions]: 200 sessions, the fewer the more signers, because their time grows with the signers. */
const SIZES = [43, 29, 22, 17, 14, 12, 11, 10, 9, 8, 7, 6, 6, 6].map(
  (sessions, i) => [i + 2, times(sessions, 20 * sessions)] as const,
)
const SESSIONS_PER_WALLET = 6
const MAX_TWEAKS = 4

/** Keys that sign together several times, and what our code keeps of them meanwhile. */
interface Wallet {
  readonly secretKeys: readonly Uint8Array[]
  readonly publicKeys: Uint8Array[]
  readonly agg: ours.KeyAgg
}

/** What one session is about, as each of the two sees it. */
interface Round {
  readonly message: Uint8Array
  readonly nonces: readonly ours.NoncePair[]
  readonly mine: ours.MusigSession
  readonly theirs: scure.Session
}

/** A number below `end`; that small numbers are a little likelier does no harm here. */
const below = (entropy: Entropy, end: number): number =>
  entropy.bytes(4).reduce((value, byte) => value * 256 + byte, 0) % end

/** In every third wallet one member is there twice. */
function makeWallet(entropy: Entropy, n: number): Wallet {
  const secretKeys = Array.from({ length: n }, () => entropy.bytes(32))
  if (below(entropy, 3) === 0) secretKeys[n - 1] = secretKeys[0]!
  const publicKeys = secretKeys.map(ours.individualPubkey)
  const i = below(entropy, n)
  expect(toHex(publicKeys[i]!)).toBe(toHex(scure.IndividualPubkey(secretKeys[i]!)))
  expect(ours.keySort(publicKeys).map(toHex)).toEqual(scure.sortKeys(publicKeys).map(toHex))
  return { secretKeys, publicKeys, agg: ours.keyAgg(publicKeys) }
}

const makeTweaks = (entropy: Entropy): ours.Tweak[] =>
  Array.from({ length: below(entropy, MAX_TWEAKS + 1) }, () => ({
    scalar: entropy.bytes(32),
    xOnly: below(entropy, 2) === 0,
  }))

/** Both make the same nonces of the same input, with and without the inputs that BIP327 leaves open. */
function compareNonces(entropy: Entropy, secretKey: Uint8Array, aggregateKey: Uint8Array, message: Uint8Array): void {
  const publicKey = ours.individualPubkey(secretKey)
  const random = entropy.bytes(32)
  const choice = below(entropy, 16)
  const given = <T>(bit: number, value: T): T | undefined => ((choice >> bit) & 1 ? value : undefined)
  const [key, aggregate, signed] = [given(0, secretKey), given(1, aggregateKey), given(2, message)]
  const extra = given(3, entropy.bytes(below(entropy, 80)))
  const mine = ours.nonceGen({
    random,
    publicKey,
    ...(key && { secretKey: key }),
    ...(aggregate && { aggregateKey: aggregate }),
    ...(signed && { message: signed }),
    ...(extra && { extra }),
  })
  const theirs = scure.nonceGen(publicKey, key, aggregate, signed, extra, random.slice())
  expect(toHex(mine.public)).toBe(toHex(theirs.public))
  expect(toHex(mine.secret)).toBe(toHex(theirs.secret))
}

function openRound(entropy: Entropy, wallet: Wallet): Round {
  const { publicKeys, secretKeys } = wallet
  const tweaks = makeTweaks(entropy)
  const agg = ours.applyTweaks(wallet.agg, tweaks)
  const message = entropy.bytes(below(entropy, 4) === 0 ? below(entropy, 200) : 32)
  compareNonces(entropy, secretKeys[below(entropy, secretKeys.length)]!, ours.xOnlyKey(agg), message)
  const nonces = publicKeys.map((publicKey, i) => {
    const random = entropy.bytes(32)
    return i % 2 === 0
      ? ours.nonceGen({ random, publicKey })
      : scure.nonceGen(publicKey, undefined, undefined, undefined, undefined, random)
  })
  const pubnonces = nonces.map(nonce => nonce.public)
  const aggnonce = ours.nonceAgg(pubnonces)
  expect(toHex(aggnonce)).toBe(toHex(scure.nonceAggregate(pubnonces)))
  const [scalars, modes] = [tweaks.map(t => t.scalar), tweaks.map(t => t.xOnly)]
  const theirs = new scure.Session(aggnonce, publicKeys, message, scalars, modes)
  return { message, nonces, mine: ours.musigSession(agg, aggnonce, message), theirs }
}

/**
 * Two members are looked at closely: our partial signature is verified by them, and theirs by us. The partial
 * signatures of the rest are theirs; a wrong one would spoil the signature.
 */
function signRound(entropy: Entropy, wallet: Wallet, round: Round): Uint8Array[] {
  const { nonces, mine, theirs } = round
  const n = nonces.length
  const [a, b] = [below(entropy, n), below(entropy, n)]
  return wallet.secretKeys.map((secretKey, i) => {
    const { secret, public: pubnonce } = nonces[i]!
    const copy = secret.slice()
    const partial = theirs.sign(secret, secretKey, true)
    if (i === b) expect(ours.partialVerify(mine, i, partial, pubnonce)).toBe(true)
    if (i !== a) return partial
    const own = ours.partialSign(mine, copy, secretKey)
    expect(toHex(own)).toBe(toHex(partial))
    expect(
      theirs.partialSigVerify(
        own,
        nonces.map(nonce => nonce.public),
        i,
      ),
    ).toBe(true)
    return own
  })
}

/** Both refuse a partial signature with one bit changed. */
function refuseAnotherPartial({ nonces, mine, theirs }: Round, partials: readonly Uint8Array[], i: number): void {
  const wrong = Uint8Array.from(partials[i]!, (byte, at) => (at === 31 ? byte ^ 1 : byte))
  expect(ours.partialVerify(mine, i, wrong, nonces[i]!.public)).toBe(false)
  expect(
    theirs.partialSigVerify(
      wrong,
      nonces.map(nonce => nonce.public),
      i,
    ),
  ).toBe(false)
}

/**
 * Our MuSig2 against another implementation, over whole sessions: keys, nonces, partial signatures, the signature. The
 * two share the curve (@noble/curves), and nothing above it.
 */
describe(`MuSig2 and @scure/btc-signer, TANDEM_SEED=${SEED}`, () => {
  it('are compared over 200 sessions', () => {
    expect(SIZES.reduce((sum, [, sessions]) => sum + sessions, 0)).toBe(times(200, 4_000))
  })

  it.each(SIZES)('%i signers, %i sessions', (n, sessions) => {
    const entropy = createFakeEntropy(`${SEED}/${n}`)
    let wallet = makeWallet(entropy, n)
    for (let session = 0; session < sessions; session++) {
      if (session % SESSIONS_PER_WALLET === 0) wallet = makeWallet(entropy, n)
      const round = openRound(entropy, wallet)
      const partials = signRound(entropy, wallet, round)
      const signature = ours.partialSigAgg(round.mine, partials)
      expect(toHex(signature)).toBe(toHex(round.theirs.partialSigAgg(partials)))
      expect(verifySignature(signature, round.message, ours.xOnlyKey(round.mine.agg))).toBe(true)
      if (session === 0) refuseAnotherPartial(round, partials, below(entropy, n))
    }
  })
})
