/** A wallet as the screens show it: plain data, made anew after each change. */
import { NETWORKS } from '../domain/network'
import type { MemberView, WalletView } from '../domain/views'
import { balances } from '../chain/view'
import { changesOf } from '../roster/changes'
import { memberLabels } from '../roster/join'
import { safetyHash, safetyNumber } from '../roster/safety'
import type { MemberReach } from './network'
import type { OpenWallet } from './open-wallet'

const NO_BALANCE = { availableSats: 0n, pendingSats: 0n, heldSats: 0n }

/** `reach`: how each of the other members can be reached now. */
export function walletView(wallet: OpenWallet, reach: readonly MemberReach[]): WalletView {
  const { record, follower, active } = wallet
  return {
    id: record.id,
    name: record.name,
    network: record.network,
    local: NETWORKS[record.network].local,
    phase: active ? 'active' : 'confirming',
    members: memberViews(wallet, reach),
    safetyNumber: safetyNumber(safetyHash(record)),
    iConfirmed: Object.hasOwn(record.confirmations, record.self),
    iSaved: record.saved.includes(record.self),
    fileDeferred: record.fileDeferred,
    descriptor: record.descriptor,
    balance: follower === undefined ? NO_BALANCE : balances(follower.wallet, wallet.sessions.holds.outpoints),
    history: follower?.wallet.history ?? [],
    chain: follower?.status ?? { state: 'unreachable', detail: 'network not configured' },
    createdAt: record.createdAt,
  }
}

function memberViews({ record, changes }: OpenWallet, reach: readonly MemberReach[]): MemberView[] {
  const byKey = new Map(reach.map(m => [m.accountKey, m]))
  const labels = memberLabels(record.roster)
  const changed = changesOf(changes, record)
  return record.roster.map((entry): MemberView => {
    const { lastSeen, online, status: link } = byKey.get(entry.accountKey) ?? {}
    const change = changed.get(entry.accountKey)
    return {
      accountKey: entry.accountKey,
      name: labels.get(entry.accountKey) ?? entry.name,
      peerId: entry.peerId,
      self: entry.accountKey === record.self,
      confirmed: Object.hasOwn(record.confirmations, entry.accountKey),
      saved: record.saved.includes(entry.accountKey),
      ...(lastSeen === undefined ? {} : { lastSeen }),
      ...(online === undefined ? {} : { online }),
      ...(link === undefined ? {} : { link }),
      ...(change === undefined ? {} : { changed: change }),
    }
  })
}
