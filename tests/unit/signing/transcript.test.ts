import { decode } from 'cborg'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { messageHash, pubnoncesHash, statementHash } from '../../../services/core/crypto/message-hash'
import { signHash } from '../../../services/core/crypto/signature'
import { musigSession, nonceAgg, nonceGen, partialSign, xOnlyKey } from '../../../services/core/crypto/musig2'
import { nameProposal, signingJob } from '../../../services/core/crypto/proposal-id'
import { toHex } from '../../../services/core/domain/bytes'
import type { Proposal } from '../../../services/core/domain/proposal'
import {
  encodeTranscript,
  Transcripts,
  transcriptStatement,
  type TranscriptEntry,
} from '../../../services/core/signing/runtime/transcript'
import { verifyTranscript } from '../../../services/core/signing/runtime/verify-transcript'
import { decodeSigned, encodeSigned } from '../../../services/core/wire/codec'
import { LIMITS } from '../../../services/core/wire/limits'
import type { SignBody, SignedMessage } from '../../../services/core/wire/messages'
import { entropyOf, Keys } from '../../../services/adapters/keyworker/keys'
import { buildSpend } from '../../../services/core/spend/build'
import { FakeClock } from '../../fakes/clock'
import { createFakeEntropy } from '../../fakes/entropy'
import { fund, NOW, TIP, wallet } from '../../fakes/spend-wallet'
import { createFakeStorage } from '../../fakes/storage'
import { TEST_WORDS } from '../../fakes/vault'
import type { Wire } from '../../../services/core/wire/cbor'
import { bounded, misshapen, mutated } from '../../support/fuzz'
import { LONG_LIMIT, times } from '../../support/long'

const keys = await Promise.all(TEST_WORDS.slice(0, 3).map(words => Keys.fromEntropy(entropyOf(words), '')))
const secrets = wallet.members.map(
  member =>
    keys.flatMap(k => k.member(wallet) ?? []).find(own => wallet.members[own.index]?.accountKey === member.accountKey)!
      .secretKey,
)
const keyOf = (m: number): string => wallet.members[m]!.accountKey
const proposal: Proposal = {
  kind: 'practice',
  walletId: wallet.id,
  proposer: keyOf(0),
  expiresAt: 1_800_086_400,
  note: '',
  salt: '02'.repeat(32),
  text: 'hello',
}
const attempt = { counter: 1, hub: 0 }

/** What is said of one proposal. */
function talk(of: Proposal) {
  const named = nameProposal(wallet, of)
  const job = signingJob(wallet, of)
  if (!named.ok || !job.ok) throw new Error('no proposal')
  const { inputs } = job.value
  const { sessionId: session, digest } = named.value

  function say(m: number, body: SignBody, inAttempt = true): SignedMessage {
    const unsigned = { sender: keyOf(m), walletId: wallet.id, session, ...(inAttempt ? { attempt } : {}), body }
    return { ...unsigned, signature: signHash(messageHash(unsigned), secrets[m]!, new Uint8Array(32)) }
  }

  /**
   * One attempt of three members; `spoil` changes what is said, `aggregates` and `partials` (of the last member) how
   * many of them.
   */
  function course(
    spoil: {
      wrongPartial?: number
      leftOut?: number
      twice?: number
      twiceFirst?: boolean
      aggregates?: number
      partials?: number
    } = {},
  ): SignedMessage[] {
    const pairs = secrets.map((secretKey, m) =>
      inputs.map(({ agg, message }, i) =>
        nonceGen({
          random: new Uint8Array(32).fill(16 * i + m + 1),
          publicKey: wallet.members[m]!.publicKey,
          secretKey,
          aggregateKey: xOnlyKey(agg),
          message,
        }),
      ),
    )
    const pubnonces = pairs.map((own, m) =>
      say(m, { type: 'pubnonces', digest, pubnonces: own.map(pair => pair.public) }),
    )
    const aggregates = inputs.map((_, i) => nonceAgg(pairs.map(own => own[i]!.public)))
    const hashes = pairs.map((own, m) =>
      pubnoncesHash(m === spoil.leftOut ? [new Uint8Array(66)] : own.map(pair => pair.public)),
    )
    const nonces = say(0, { type: 'nonces', digest, aggregates: aggregates.slice(0, spoil.aggregates), hashes })
    const noncesHash = messageHash(nonces)
    const partials = pairs.map((own, m) => {
      const sigs = own.map((pair, i) =>
        partialSign(musigSession(inputs[i]!.agg, aggregates[i]!, inputs[i]!.message), pair.secret, secrets[m]!),
      )
      if (m === spoil.wrongPartial) sigs[0]![31]! ^= 1
      return say(m, { type: 'partials', digest, noncesHash, partials: m === 2 ? sigs.slice(0, spoil.partials) : sigs })
    })
    const other =
      spoil.twice === undefined
        ? []
        : [say(spoil.twice, { type: 'pubnonces', digest, pubnonces: [pairs[0]![0]!.public] })]
    return [
      say(0, { type: 'propose', proposal: of }, false),
      ...[1, 2].map(m => say(m, { type: 'vote', digest, choice: 'yes' }, false)),
      say(0, { type: 'begin', digest }),
      ...(spoil.twiceFirst ? [...other, ...pubnonces] : [...pubnonces, ...other]),
      nonces,
      ...partials,
    ]
  }
  return { session, digest, say, course }
}
const { session, digest, say, course } = talk(proposal)

const listed = (messages: readonly SignedMessage[]): TranscriptEntry[] =>
  messages.map((message, i) => ({ at: 1_000 + i, message: encodeSigned(message) }))

function file(list: readonly TranscriptEntry[], of = session, exporter = 1): Uint8Array {
  const unsigned = { session: of, exporter: keyOf(exporter), complete: true, entries: list }
  const signature = toHex(
    signHash(statementHash(transcriptStatement(wallet.id, unsigned)), secrets[exporter]!, new Uint8Array(32)),
  )
  return encodeTranscript({ version: 1, network: 'regtest', descriptor: wallet.descriptor, ...unsigned, signature })
}

const findings = (messages: readonly SignedMessage[]) => {
  const report = verifyTranscript(file(listed(messages), messages[0]!.session))
  if (!report.ok) throw new Error(report.error.code)
  return report.value.findings
}

describe('a transcript proves by itself', () => {
  it('nothing against members who kept to the rules', () => {
    expect(findings(course())).toEqual([])
    expect(findings(course({ twice: 1 })), 'a disk that was set back makes other nonces').toEqual([])
    expect(findings(course({ twice: 1, twiceFirst: true })), 'whichever the hub took').toEqual([])
    expect(verifyTranscript(file(listed(course())))).toMatchObject({
      ok: true,
      value: { exporter: 1, members: wallet.members.map(m => m.accountKey), proposal },
    })
  })

  it('who sent a wrong partial signature, who said two things, whom a hub left out, who sent wrong signatures', () => {
    expect(findings(course({ wrongPartial: 2 }))).toEqual([{ kind: 'wrong-partial', member: 2, input: 0, attempt }])
    expect(
      findings(course({ wrongPartial: 2, twice: 2, twiceFirst: true })),
      'by the nonce that it was made with',
    ).toEqual([{ kind: 'wrong-partial', member: 2, input: 0, attempt }])
    const said = course()
    const [nonces, one] = (['nonces', 'pubnonces'] as const).map(type => said.find(m => m.body.type === type)!.body)
    expect(
      nonces?.type === 'nonces' &&
        one?.type === 'pubnonces' &&
        findings([...said, say(0, { ...nonces, aggregates: one.pubnonces })]),
    ).toEqual([{ kind: 'said-two-things', member: 0, type: 'nonces', attempt }])
    expect(findings(course({ leftOut: 2 }))).toMatchObject([{ kind: 'left-out', hub: 0, member: 2 }])
    expect(findings([...course(), say(2, { type: 'final', digest, signatures: [new Uint8Array(64)] }, false)])).toEqual(
      [{ kind: 'wrong-final', member: 2 }],
    )
  })

  it('nothing against a member by what the hub alone left out, which has an input without an aggregate', () => {
    const coins = [fund(0, 40_000n), fund(1, 30_000n)].map(made => made.coin)
    const built = buildSpend({
      wallet,
      coins,
      held: new Set(),
      recipients: [{ script: Uint8Array.from([0, 20, ...new Uint8Array(20)]), amountSats: 50_000n }],
      feeRate: 3,
      changeIndex: 0,
      tip: TIP,
      entropy: createFakeEntropy(),
      proposer: keyOf(0),
      expiresAt: NOW,
      note: '',
    })
    if (!built.ok) throw new Error(built.error.code)
    const spend = talk(built.value.proposal)
    expect(findings(spend.course())).toEqual([])
    expect(findings(spend.course({ aggregates: 1 }))).toEqual([])
    expect(findings(spend.course({ partials: 1 }))).toEqual([{ kind: 'wrong-partial', member: 2, input: 1, attempt }])
  })

  it('and is refused when an entry is changed, moved, taken out, of another session or by nobody of the wallet', () => {
    const list = listed(course())
    const signed = file(list)
    const code = (entries: readonly TranscriptEntry[]) => {
      const report = verifyTranscript(file(entries))
      return report.ok ? undefined : report.error
    }
    // with the signature of the whole list, as one who holds no key of the exporter could make it
    for (const changed of [list.slice(1), list.slice(0, -1), [list[1]!, list[0]!, ...list.slice(2)]]) {
      const unsigned = { session, exporter: keyOf(1), complete: true, entries: changed }
      const signature = toHex(
        signHash(
          statementHash(transcriptStatement(wallet.id, { ...unsigned, entries: list })),
          secrets[1]!,
          new Uint8Array(32),
        ),
      )
      expect(
        verifyTranscript(
          encodeTranscript({ version: 1, network: 'regtest', descriptor: wallet.descriptor, ...unsigned, signature }),
        ),
      ).toEqual({ ok: false, error: { code: 'chain' } })
    }
    // the exporter itself can put in nothing that others did not sign
    expect(
      code([...list, { at: 2_000, message: encodeSigned({ ...say(0, { type: 'begin', digest }), sender: keyOf(2) }) }]),
    ).toEqual({ code: 'entry', entry: list.length })
    expect(
      code([
        ...list,
        { at: 2_000, message: encodeSigned({ ...say(0, { type: 'begin', digest }), session: '00'.repeat(32) }) },
      ]),
    ).toEqual({ code: 'entry', entry: list.length })
    expect(code([...list, { at: 1, message: list[0]!.message }])).toEqual({ code: 'order', entry: list.length })
    expect(verifyTranscript(signed.slice(0, -1))).toEqual({ ok: false, error: { code: 'unreadable' } })
    expect(verifyTranscript(new Uint8Array())).toEqual({ ok: false, error: { code: 'unreadable' } })
  })
})

describe('keeping it', () => {
  const open = () => {
    const parts = { storage: createFakeStorage(), clock: new FakeClock() }
    const kept = () =>
      new Transcripts({
        ...parts,
        onError: error => {
          throw error
        },
      })
    return { ...parts, kept }
  }

  it('each message once, in the order of its arrival, also over a restart; no state comparison, nothing of sessions that are not open', async () => {
    const { clock, storage, kept } = open()
    const first = kept()
    await first.open(session, true)
    const [propose, vote, ...rest] = course()
    for (const message of [
      propose!,
      vote!,
      propose!,
      say(1, { type: 'sync', digest, state: 'proposed', have: [], locked: false, reply: false }, false),
    ])
      first.note(message)
    await clock.advance(5_000)
    const again = kept()
    await again.open(session, false)
    for (const message of [vote!, rest[0]!]) again.note(message)
    again.note({ ...propose!, session: '07'.repeat(32) })
    const { entries, complete } = await again.entries(session)
    expect(
      entries.map(e => {
        const m = decodeSigned(e.message)
        return m.ok && m.value.body.type
      }),
    ).toEqual(['propose', 'vote', 'vote'])
    expect(complete).toBe(true)
    again.stop()
    await clock.settle()
    again.forget(session)
    await clock.settle()
    expect(await storage.all('transcripts')).toEqual([])
  })

  it('what was kept and cannot be read is missing, and is said to be', async () => {
    const { storage, clock, kept } = open()
    await storage.put('transcripts', session, new Uint8Array([1, 2, 3]))
    expect(await kept().entries(session)).toEqual({ entries: [], complete: false })
    const errors: unknown[] = []
    const broken = new Transcripts({
      clock,
      storage: { ...storage, get: () => Promise.reject(new Error('disk')) },
      onError: error => errors.push(error),
    })
    expect((await broken.entries(session)).complete).toBe(false)
    expect(errors).toHaveLength(1)
    expect((await kept().entries('09'.repeat(32))).complete).toBe(true)
  })

  it('and not more than its bound, which it says', async () => {
    const { kept } = open()
    const transcripts = kept()
    await transcripts.open(session, true)
    const big = (n: number) => say(1, { type: 'fail', code: `c${n}`, evidence: [new Uint8Array(50_000)] })
    for (let n = 0; n < 20; n++) transcripts.note(big(n))
    const { entries, complete } = await transcripts.entries(session)
    expect(complete).toBe(false)
    expect(entries.reduce((sum, e) => sum + e.message.length, 0)).toBeLessThanOrEqual(LIMITS.transcriptBytes)
    transcripts.stop()
  })
})

describe('reading a transcript is total', LONG_LIMIT, () => {
  const said = [
    ...course({ wrongPartial: 2, leftOut: 1, twice: 1 }),
    say(2, { type: 'final', digest, signatures: [new Uint8Array(64)] }, false),
  ]
  const codes = ['unreadable', 'wallet', 'exporter', 'chain', 'entry', 'order']

  it('a file with anything changed is refused: its signature is over all of it', () => {
    const sound = file(listed(said))
    fc.assert(
      fc.property(fc.oneof(mutated([sound]), misshapen([decode(sound) as Wire])), bytes => {
        const report = bounded(() => verifyTranscript(bytes))
        if (report.ok ? !Buffer.from(bytes).equals(sound) : !codes.includes(report.error.code))
          throw new Error(JSON.stringify(report))
      }),
      { numRuns: times(200, 10_000) },
    )
  })

  it('whatever a member puts together and signs gives a report or a fault', () => {
    const message = fc.oneof(
      fc.constantFrom(...said.map(encodeSigned)),
      mutated(said.map(encodeSigned)).filter(bytes => bytes.length > 0),
    )
    fc.assert(
      fc.property(fc.array(message, { maxLength: 8 }), messages => {
        const report = bounded(() => verifyTranscript(file(messages.map((bytes, i) => ({ at: i, message: bytes })))))
        if (!report.ok && !codes.includes(report.error.code)) throw new Error(JSON.stringify(report))
      }),
      { numRuns: times(50, 2_000) },
    )
  })
})
