/**
 * The vault: everything that knows a secret, assembled behind the Signer and Aggregator ports. It runs in the key
 * worker, and in-process in tests, with the same code.
 */
import { aggregateNonces, aggregatePartials, finalize } from '../../core/crypto/aggregate'
import { isXCoordinate } from '../../core/crypto/bip328'
import type { DescriptorError } from '../../core/crypto/descriptor-text'
import { checkEvidence } from '../../core/crypto/evidence'
import { statementHash } from '../../core/crypto/message-hash'
import { signHash, verifySignedMessage, verifySignedStatement } from '../../core/crypto/signature'
import { nameProposal } from '../../core/crypto/proposal-id'
import { openWallet, type WalletContext } from '../../core/crypto/wallet-context'
import { BoundedMap } from '../../core/domain/bounded-map'
import { toHex } from '../../core/domain/bytes'
import { NETWORKS } from '../../core/domain/network'
import { err, ok, type Result } from '../../core/domain/result'
import type { SignBody } from '../../core/wire/messages'
import type { Statement } from '../../core/domain/statement'
import type { Aggregator, Signer, SignerError, VaultError, WalletKeys } from '../../ports/signer'
import { Approvals } from './approvals'
import type { OwnWallet } from './keys'
import { listProfiles } from './profile-list'
import { Profiles, type Unlocked, type VaultDeps } from './profiles'
import { openFileWith, openWith, sealFileWith, sealWith } from './seal'

/** Rejection of the few calls whose answer has no room for an error. */
export class VaultLocked extends Error {
  override readonly name = 'VaultLocked'
  constructor() {
    super('the vault is locked')
  }
}

/** Descriptors whose aggregation is kept. */
const MAX_CONTEXTS = 64
const XCHACHA_NONCE = 24
const GCM_IV = 12

const vaultFail = (code: VaultError['code']): { readonly ok: false; readonly error: VaultError } => err({ code })
const signerFail = (code: SignerError['code'], detail: string): { readonly ok: false; readonly error: SignerError } =>
  err({ code, detail })

const contexts = new BoundedMap<string, WalletContext>(MAX_CONTEXTS)

/**
 * Opens each descriptor once: key aggregation is the dear part of everything that follows. All of it is public, so it
 * outlives a lock and is shared by vaults.
 */
function opened({ network, descriptor }: WalletKeys): Result<WalletContext, DescriptorError> {
  const name = `${network} ${descriptor}`
  const known = contexts.get(name)
  if (known !== undefined) return ok(known)
  const made = openWallet(network, descriptor)
  if (!made.ok) return made
  contexts.set(name, made.value)
  return made
}

function contextOf(wallet: WalletKeys): WalletContext | undefined {
  const context = opened(wallet)
  return context.ok ? context.value : undefined
}

/** What only its own call may sign, or only the member whom it names. */
function messageFault(
  own: OwnWallet,
  session: string,
  attempt: { readonly hub: number } | undefined,
  body: SignBody,
): string | undefined {
  switch (body.type) {
    case 'pubnonces':
    case 'partials':
      return 'made by its own call'
    case 'vote':
      return body.choice === 'yes' ? 'a yes goes through approve' : undefined
    case 'propose': {
      const named = nameProposal(own.context, body.proposal)
      if (!named.ok) return named.error.rule
      if (named.value.sessionId !== session) return 'session id'
      return body.proposal.proposer === own.context.members[own.index]?.accountKey ? undefined : 'proposer'
    }
    case 'begin':
    case 'nonces':
      return attempt?.hub === own.index ? undefined : 'not the hub of this attempt'
    case 'final':
    case 'fail':
    case 'cancel':
    case 'sync':
      return undefined
  }
}

/** A join names our own account and chain; the others only our key. */
function statementFault(
  account: Pick<Statement, 'accountKey'> & { readonly xpub: string },
  genesis: string,
  statement: Statement,
): boolean {
  if (statement.accountKey !== account.accountKey) return true
  return statement.type === 'join' && (statement.genesis !== genesis || statement.xpub !== account.xpub)
}

/**
 * The vault as one object.
 * Long because every call of the port stands here once: what it does is in the files beside it.
 */
export function createVault(deps: VaultDeps): Signer & Aggregator {
  const profiles: Profiles = new Profiles(deps, () => approvals.forget())
  const approvals = new Approvals(deps, () => profiles.current, contextOf)
  const openOrThrow = (): Unlocked => {
    if (profiles.current === undefined) throw new VaultLocked()
    return profiles.current
  }
  const sealPurpose = (open: Unlocked, context: string): string => `tandem/seal/1 ${open.record.id} ${context}`

  return {
    profiles: () => listProfiles(deps.store),
    createProfile: p => profiles.create(p),
    unlock: p => profiles.unlock(p),
    lock: async () => profiles.lock(),
    checkWords: words => profiles.checkWords(words),
    revealWords: password => profiles.revealWords(password),
    onLocked: listener => profiles.onLocked(listener),

    async seal(context, plain) {
      const open = openOrThrow()
      return sealWith(open.storageKey, deps.entropy.bytes(GCM_IV), sealPurpose(open, context), plain)
    },
    async open(context, sealed) {
      const open = profiles.current
      if (open === undefined) return vaultFail('locked')
      const plain = await openWith(open.storageKey, sealPurpose(open, context), sealed)
      return plain === undefined ? vaultFail('bad-file') : ok(plain)
    },
    async sealFile(plain) {
      const key = openOrThrow().keys.fileKey()
      const sealed = sealFileWith(key, deps.entropy.bytes(XCHACHA_NONCE), plain)
      key.fill(0)
      return sealed
    },
    async openFile(sealed) {
      const key = profiles.current?.keys.fileKey()
      if (key === undefined) return vaultFail('locked')
      const plain = openFileWith(key, sealed)
      key.fill(0)
      return plain === undefined ? vaultFail('bad-file') : ok(plain)
    },

    async newAccount(network) {
      const [a = 0, b = 0, c = 0, d = 0] = deps.entropy.bytes(4)
      return openOrThrow().keys.accountAt(network, (a & 0x7f) * 0x100_0000 + b * 0x1_0000 + c * 0x100 + d)
    },
    async ownsAccount(network, account) {
      return profiles.current?.keys.owns(network, account) ?? false
    },
    async signStatement(network, origin, statement) {
      if (profiles.current === undefined) return signerFail('locked', '')
      const account = profiles.current.keys.account(network, origin)
      if (account === undefined) return signerFail('not-a-member', 'no account of this seed')
      try {
        if (statementFault(account.info, NETWORKS[network].genesis, statement))
          return signerFail('not-a-member', 'the statement names another account or chain')
        return ok(toHex(signHash(statementHash(statement), account.secretKey, deps.entropy.bytes(32))))
      } catch (error) {
        return signerFail('bad-proposal', error instanceof Error ? error.message : 'not encodable')
      } finally {
        account.secretKey.fill(0)
      }
    },
    async signMessage(wallet, session, attempt, body) {
      const open = profiles.current
      if (open === undefined) return signerFail('locked', '')
      const context = contextOf(wallet)
      const own = context && open.keys.member(context)
      if (own === undefined) return signerFail('not-a-member', 'own key is not in this descriptor')
      const fault = messageFault(own, session, attempt, body)
      if (fault !== undefined) return signerFail('bad-proposal', fault)
      try {
        return ok(approvals.sign(own, session, attempt, body))
      } catch (error) {
        return signerFail('bad-proposal', error instanceof Error ? error.message : 'not encodable')
      }
    },

    approve: (wallet, proposal) => approvals.approve(wallet, proposal),
    retract: session => approvals.retract(session),
    makeNonces: (wallet, proposal, attempt) => approvals.makeNonces(wallet, proposal, attempt),
    makePartials: (wallet, proposal, nonces) => approvals.makePartials(wallet, proposal, nonces),
    eraseNonces: async session => approvals.eraseNonces(session),

    async openWallet(wallet) {
      const context = opened(wallet)
      return context.ok
        ? ok(context.value.members.map(({ accountKey, origin, xpub }) => ({ accountKey, origin, xpub })))
        : err({ code: context.error.code })
    },
    async deriveScripts(wallet, places) {
      const context = contextOf(wallet)
      return places.map(({ branch, index }) => context?.output(branch, index)?.script)
    },
    isXCoordinate: async key => isXCoordinate(key),
    async aggregateNonces(wallet, pubnonces) {
      const context = contextOf(wallet)
      return context === undefined ? err({ member: 0, input: 0 }) : aggregateNonces(context, pubnonces)
    },
    async aggregatePartials(wallet, proposal, pubnonces, partials) {
      const context = contextOf(wallet)
      return context === undefined ? err({ input: 0 }) : aggregatePartials(context, proposal, pubnonces, partials)
    },
    async finalize(wallet, proposal, signatures) {
      const context = contextOf(wallet)
      return context === undefined ? err({ input: 0 }) : finalize(context, proposal, signatures)
    },
    async checkEvidence(wallet, proposal, claim) {
      const context = contextOf(wallet)
      try {
        return context !== undefined && checkEvidence(context, proposal, claim)
      } catch {
        // a proposal outside the wire's bounds: nothing is proven
        return false
      }
    },
    async verifyMessage(message) {
      try {
        return verifySignedMessage(message)
      } catch {
        return false
      }
    },
    async verifyStatement(statement, signature) {
      try {
        return verifySignedStatement(statement, signature)
      } catch {
        return false
      }
    },
  }
}
