/** What people do with a wallet, and with one in the making. Refusals name the field of the form. */
import type { Chain, ChainError } from '../../ports/chain'
import type { Aggregator, Signer } from '../../ports/signer'
import type { Storage } from '../../ports/storage'
import type { Txid, WalletId } from '../domain/ids'
import { NETWORKS, type NetworkName } from '../domain/network'
import { MEMBERS_MAX, MEMBERS_MIN } from '../domain/policy'
import { err, ok, type Result } from '../domain/result'
import { cleanText } from '../domain/text'
import type { FieldError } from '../domain/views'
import { parseInvite, type Invite } from '../roster/invite'
import { confirmStatement, withConfirmation, withOwnFile } from '../roster/wallet-record'
import { LIMITS } from '../wire/limits'
import type { WalletDirectory } from './directory'
import { readWalletFile } from './file'
import type { OpenWallet } from './open-wallet'

/** satoshis of one click on "Get test coins" */
const TEST_COINS = 1_000_000n

const fault = (field: string, code: string, detail?: string): { readonly ok: false; readonly error: FieldError } =>
  err({ field, code, ...(detail === undefined ? {} : { detail }) })

export const unknownWallet = (): { readonly ok: false; readonly error: FieldError } => fault('wallet', 'unknown-wallet')

/** What an invite says, for the screen that asks whether to join. `networks`: those of the configuration. */
export function readInviteFor(
  text: string,
  networks: readonly NetworkName[],
  nowS: number,
): Result<Invite, FieldError> {
  const read = parseInvite(text, { now: nowS, available: networks })
  if (read.ok) return read
  const { error } = read
  return fault('invite', `invite-${error.code}`, 'network' in error ? error.network : undefined)
}

/** Begins a wallet. Gives the id of its draft. */
export async function createDraft(
  { drafts }: WalletDirectory,
  p: { readonly name: string; readonly network: NetworkName; readonly n: number },
  own: { readonly name: string; readonly networks: readonly NetworkName[]; readonly relays: readonly string[] },
): Promise<Result<string, FieldError>> {
  const name = cleanText(p.name, LIMITS.nameBytes)
  if (name === '') return fault('name', 'empty')
  if (!Number.isInteger(p.n) || p.n < MEMBERS_MIN || p.n > MEMBERS_MAX) return fault('n', 'members-range')
  if (!own.networks.includes(p.network)) return fault('network', 'network-unavailable')
  const relays = [...new Set(own.relays)].slice(0, LIMITS.relays)
  if (relays.length === 0) return fault('network', 'no-relay')
  return ok(await drafts.create({ name, network: p.network, n: p.n, myName: own.name, relays }))
}

/** Asks for a seat. Gives the id of the draft. */
export async function join(
  { drafts }: WalletDirectory,
  invite: Invite,
  myName: string,
  selfPeerId: string,
): Promise<Result<string, FieldError>> {
  const name = cleanText(myName, LIMITS.nameBytes)
  if (name === '') return fault('name', 'empty')
  // the same seed on another device is the same person, and has one seat
  if (invite.creatorPeerId === selfPeerId) return fault('invite', 'invite-own')
  return ok(await drafts.join(invite, name))
}

export async function closeRoster({ drafts }: WalletDirectory, draftId: string): Promise<Result<void, FieldError>> {
  await drafts.close(draftId)
  const draft = drafts.get(draftId)
  return draft?.role === 'creator' && draft.phase !== 'open' ? ok(undefined) : fault('roster', 'not-complete')
}

/** A joiner takes his entry back; a creator forgets his draft. */
export async function abandonDraft({ drafts }: WalletDirectory, draftId: string): Promise<void> {
  if (drafts.get(draftId)?.role === 'joiner') await drafts.tell(draftId, { type: 'leave' })
  else await drafts.remove(draftId)
}

/** Signs that the safety number equals what the others see. When it does not, nothing is signed. */
export async function confirmSafety(
  wallet: OpenWallet,
  matches: boolean,
  signer: Pick<Signer, 'signStatement'>,
): Promise<Result<void, FieldError>> {
  if (!matches) return ok(undefined)
  const { record } = wallet
  const own = record.roster.find(e => e.accountKey === record.self)
  if (own === undefined) return unknownWallet()
  const statement = confirmStatement(record, record.self)
  const signed = await signer.signStatement(record.network, own.origin, statement)
  if (!signed.ok) return fault('wallet', `signer-${signed.error.code}`)
  await wallet.update(withConfirmation(wallet.record, record.self, signed.value))
  return ok(undefined)
}

/** Puts away a wallet that is not active: no address of it was ever shown, so no coin can be in it. */
export async function giveUp(directory: WalletDirectory, wallet: OpenWallet): Promise<Result<void, FieldError>> {
  if (wallet.active) return fault('wallet', 'wallet-active')
  await directory.remove(wallet)
  return ok(undefined)
}

/** The saved file was read back: it is this wallet's. */
export async function checkFile(
  wallet: OpenWallet,
  text: string,
  signer: Parameters<typeof readWalletFile>[1],
): Promise<Result<true, FieldError>> {
  const read = await readWalletFile(text, signer)
  if (!read.ok) return read
  if (read.value.id !== wallet.id) return fault('file', 'other-wallet')
  await wallet.update(withOwnFile(wallet.record, false))
  return ok(true)
}

/** The file is put off: on the local chain only, where coins are worth nothing. */
export async function deferFile(wallet: OpenWallet): Promise<Result<void, FieldError>> {
  if (!NETWORKS[wallet.record.network].local) return fault('file', 'not-deferrable')
  await wallet.update(withOwnFile(wallet.record, true))
  return ok(undefined)
}

/** Opens the wallet of a file. That it was just read is proof that it was saved. */
export async function restoreFile(
  directory: WalletDirectory,
  text: string,
  d: {
    readonly signer: Parameters<typeof readWalletFile>[1] & Aggregator
    readonly storage: Storage
    readonly networks: readonly NetworkName[]
  },
): Promise<Result<WalletId, FieldError>> {
  const read = await readWalletFile(text, d.signer)
  if (!read.ok) return read
  const { id, network } = read.value
  if (!d.networks.includes(network)) return fault('file', 'other-network', network)
  if (directory.get(id) === undefined) {
    await d.storage.put('settings', `restored/${id}`, Uint8Array.of(1))
    await directory.add(withOwnFile(read.value, false))
  }
  return ok(id)
}

/** Test coins of a local chain, to the address that Receive shows. */
export async function faucet(wallet: OpenWallet): Promise<Result<Txid, FieldError>> {
  const give: Chain['faucet'] = wallet.chain?.faucet
  if (!wallet.active || give === undefined) return fault('faucet', 'no-faucet')
  const { address } = await wallet.receive.current(wallet.view)
  const sent = await give(address, TEST_COINS)
  if (!sent.ok) return chainFault('faucet', sent.error)
  await wallet.refresh()
  return sent
}

const chainFault = (field: string, error: ChainError) => fault(field, `chain-${error.code}`, error.detail)
