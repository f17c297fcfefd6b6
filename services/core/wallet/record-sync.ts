import type { Log } from '../../ports/log'
import type { Aggregator } from '../../ports/signer'
import type { Clock } from '../../ports/clock'
import type { PeerId } from '../domain/ids'
import type { WalletRecord } from '../domain/wallet'
import { noteChanges } from '../roster/changes'
import { preverify, type Verify } from '../roster/join'
import { memberOfPeer, mergeRecord, recordClaims } from '../roster/wallet-record'
import type { MessageOf } from '../net/inbound-streams'
import type { OpenWallet } from './open-wallet'

/**
 * Takes in what a member knows of the wallet's record (docs/protocol.md, "The wallet record"). Signatures are checked
 * in the vault's worker first; then everything that they prove is merged at once.
 */
export async function mergeFromPeer(
  wallet: OpenWallet,
  from: PeerId,
  message: MessageOf['wallet'],
  deps: { readonly signer: Pick<Aggregator, 'verifyStatement'>; readonly clock: Clock; readonly log: Log },
): Promise<void> {
  const sender = memberOfPeer(wallet.record, from)
  if (sender === undefined) return
  let verify: Verify
  let seen: WalletRecord
  // another message may change what this one is measured by; records only grow, so this ends
  do {
    seen = wallet.record
    verify = await preverify(recordClaims(seen, message), (statement, signature) =>
      deps.signer.verifyStatement(statement, signature),
    )
  } while (seen !== wallet.record)
  const merged = mergeRecord(wallet.record, sender.accountKey, message, verify, Math.floor(deps.clock.now() / 1000))
  for (const note of merged.notes) deps.log.write('info', `wallets.${note.kind}`, { wallet: wallet.id.slice(0, 8) })
  if (!merged.changed) return
  await Promise.all([wallet.noteChanges(noteChanges(wallet.changes, merged.notes)), wallet.update(merged.record)])
}
