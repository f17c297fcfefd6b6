import { randomBytes } from 'node:crypto'
import { expect } from '@playwright/test'
import { nameProposal, sessionIdOf } from '../../../services/core/crypto/proposal-id'
import { parseTx, serializeTx } from '../../../services/core/crypto/transaction'
import type { Tx } from '../../../services/core/crypto/transaction'
import { openWallet } from '../../../services/core/crypto/wallet-context'
import type { SpendProposal } from '../../../services/core/domain/proposal'
import type { PaymentRequest } from '../../../services/core/spend/requests'
import { ScriptedMember } from '../../support/scripted-member'

/**
 * A member who does not run our app: the protocol in Node, over the real relay, with his own keys in his own hands. He
 * joins as anybody does, and then says and signs what he likes.
 */
export class Liar extends ScriptedMember {
  static override create(app: string): Promise<Liar> {
    return ScriptedMember.open(app, 'Mallory', (...made) => new Liar(...made))
  }

  private get context() {
    const opened = openWallet(this.record().network, this.record().descriptor)
    if (!opened.ok) throw new Error(opened.error.code)
    return opened.value
  }

  /** A correct payment over all available coins or a part of them; nothing is sent. */
  async draft(wish: Omit<PaymentRequest, 'walletId'>): Promise<SpendProposal> {
    await this.wallets.refresh(this.record().id)
    const walletId = this.record().id
    const built = await this.musig2.reviewSpend({ walletId, ...wish })
    if (!built.ok) throw new Error(`${built.error.field} ${built.error.code}`)
    return { ...built.value.draft, salt: randomBytes(32).toString('hex') }
  }

  /** The same proposal over a transaction that was changed. */
  withTx(proposal: SpendProposal, change: (tx: Tx) => Tx): SpendProposal {
    const tx = parseTx(proposal.tx)
    if (!tx.ok) throw new Error(tx.error.code)
    return { ...proposal, tx: serializeTx(change(tx.value)) }
  }

  /** scriptPubKey of a place in the wallet */
  script(branch: 0 | 1, index: number): Uint8Array {
    const output = this.context.output(branch, index)
    if (output === undefined) throw new Error('no such place')
    return output.script
  }

  /**
   * Sends a proposal to the named members as if it were sound, and presses on as if everybody had agreed. Gives its
   * session.
   */
  async propose(proposal: SpendProposal, to: readonly string[]): Promise<string> {
    const named = nameProposal(this.context, proposal)
    const digest = named.ok ? named.value.digest : randomBytes(32).toString('hex')
    const session = sessionIdOf(digest, proposal)
    const hub = this.record().roster.findIndex(entry => entry.accountKey === this.record().self)
    const pressing = [
      this.sign(session, { type: 'propose', proposal }),
      this.sign(session, { type: 'vote', digest, choice: 'yes' }),
      this.sign(session, { type: 'begin', digest }, { counter: 1, hub }),
    ]
    for (const name of to) {
      const peerId = this.peerIdOf(name)
      await expect
        .poll(() => this.p2p.isLinkUp(peerId, 'sign'), { message: `Mallory is linked with ${name}` })
        .toBe(true)
      for (const message of pressing) expect(await this.p2p.send(peerId, 'sign', message)).toBe(true)
    }
    return session
  }

  isLinked(name: string): boolean {
    return this.p2p.isLinkUp(this.peerIdOf(name), 'sign')
  }

  /** What came from others for this session that would let it go on: yes votes, nonces, signatures. */
  gained(session: string): string[] {
    return this.heard
      .filter(m => m.session === session && m.sender !== this.record().self)
      .map(m => (m.body.type === 'vote' ? `vote ${m.body.choice}` : m.body.type))
      .filter(what => ['vote yes', 'begin', 'pubnonces', 'nonces', 'partials', 'final'].includes(what))
  }
}
