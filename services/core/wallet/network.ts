/** What wallets need of the network; core/net/peer-network.ts has it all. */
import type { ParticipantStatus } from '../domain/connectivity'
import type { AccountKey, PeerId, WalletId } from '../domain/ids'
import type { MessageOf } from '../net/inbound-streams'
import type { SigningNetwork } from '../signing/wallet-sessions'
import type { ProtocolName } from '../wire/messages'

/** How one member of a wallet can be reached now. */
export interface MemberReach {
  readonly accountKey: AccountKey
  readonly online: boolean
  /** unix milliseconds, by our clock, of the last announcement or answer */
  readonly lastSeen?: number
  readonly status?: ParticipantStatus
}

type Unsubscribe = () => void

export interface WalletNetwork extends SigningNetwork {
  readonly peerId: PeerId
  send<N extends ProtocolName>(peerId: PeerId, protocol: N, message: MessageOf[N]): Promise<boolean>
  isLinkUp(peerId: PeerId, protocol: ProtocolName): boolean
  onMessage<N extends ProtocolName>(
    protocol: N,
    handler: (peerId: PeerId, message: MessageOf[N]) => void | Promise<void>,
  ): Unsubscribe
  onLink(listener: (peerId: PeerId, protocol: ProtocolName, up: boolean) => void): Unsubscribe
  onEvent(listener: (event: { readonly type: string }) => void): Unsubscribe
  members(walletId: WalletId): readonly MemberReach[]
  /** Keeps a connection to this peer alive until the returned function is called. */
  watch(
    peerId: PeerId,
    options: {
      readonly relays: readonly string[]
      readonly unknown: boolean
      readonly links: readonly ProtocolName[]
    },
  ): () => void
  joinWallet(wallet: {
    readonly walletId: WalletId
    readonly groupSecret: string
    readonly self: AccountKey
    readonly relays: readonly string[]
    readonly members: ReadonlyArray<{ readonly accountKey: AccountKey; readonly peerId: PeerId }>
  }): void
  leaveWallet(walletId: WalletId): void
}
