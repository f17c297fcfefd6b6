import { expect, test } from './support/test'
import { fund, OUTSIDE } from './support/circle'
import { Liar } from './support/liar'
import type { Member } from './support/member'
import type { Stack } from './support/stack'

const AMOUNT = 20_000n

/** Two honest people in browsers and a member who is no app of ours, in one active wallet with two coins. */
async function makeTable(stack: Stack, anna: Member, ben: Member, liar: Liar) {
  const link = await anna.createWallet('Table', 3)
  await ben.join(link)
  await anna.admit('Ben')
  await liar.join(link)
  await anna.admit(liar.name)
  await anna.closeRoster()
  for (const member of [anna, ben]) {
    await member.confirmSafety()
    await member.saveWalletFileLater()
  }
  await liar.confirm()
  for (const member of [anna, ben]) await expect(member.group('Available balance')).toBeVisible()
  return fund(stack, 'Table', [anna, ben], [50_000, 70_000])
}

/** The session's page names the rule and offers no Approve. */
async function expectRefused(member: Member, session: string, rule: string) {
  await member.page.goto(`${member.app}/#/sessions/${session}`)
  await expect(member.main).toContainText(`Do not approve. This proposal breaks a rule: ${rule} Your coins are safe.`)
  await expect(member.button('Approve')).toHaveCount(0)
  await expect(member.link('Review request')).toHaveCount(0)
}

test('a proposer who lies is found out on every honest screen, and no signature leaves', async ({
  stack,
  profiles,
}) => {
  const [[anna, ben], liar] = await Promise.all([profiles(['Anna', 'Ben']), Liar.create(stack.app)])
  const honest = [anna, ben]
  const names = ['Anna', 'Ben']
  const sessions: string[] = []
  const addresses = await makeTable(stack, anna, ben, liar)
  /** Declining ends the session, so that the next lie stands alone. */
  const decline = async (session: string) => {
    await anna.decline()
    for (const member of honest) {
      await member.page.goto(`${member.app}/#/sessions/${session}`)
      await expect(member.status).toContainText('Declined')
    }
  }
  try {
    await test.step('a wrong input amount', async () => {
      const proposal = await liar.draft({ recipient: OUTSIDE, amountSats: AMOUNT, feeRate: 2 })
      const session = await liar.propose(
        { ...proposal, inputs: proposal.inputs.map(input => ({ ...input, amountSats: input.amountSats + 5_000n })) },
        names,
      )
      sessions.push(session)
      for (const member of honest) await expectRefused(member, session, 'it states a wrong amount for a coin.')
      await decline(session)
    })

    await test.step('change where nobody would look for it', async () => {
      const proposal = await liar.draft({ recipient: OUTSIDE, amountSats: AMOUNT, feeRate: 2 })
      const [own] = proposal.ownOutputs
      if (own === undefined) throw new Error('no change')
      const far = liar.withTx(proposal, tx => ({
        ...tx,
        outputs: tx.outputs.map((out, i) => (i === own.vout ? { ...out, script: liar.script(1, 5_000) } : out)),
      }))
      const session = await liar.propose({ ...far, ownOutputs: [{ ...own, index: 5_000 }] }, names)
      sessions.push(session)
      for (const member of honest)
        await expectRefused(member, session, 'it sends the change to an address that a restore would not find.')
      await decline(session)
    })

    await test.step('a spent input', async () => {
      const stale = await liar.draft({ recipient: OUTSIDE, amountSats: 0n, all: true, feeRate: 2 })
      await anna.openWallet('Table')
      await anna.propose({ to: OUTSIDE, sats: 30_000 })
      await ben.openRequest()
      await ben.approve()
      await liar.approveWaiting()
      const sound = anna.page.url().split('/sessions/')[1] ?? ''
      for (const member of honest) await expect(member.status).toContainText('Sent, waiting for a block')
      await stack.mine()
      for (const member of honest) await expect(member.status).toContainText('Paid')
      // his ears work: of a sound payment he hears the yes and more
      expect(liar.gained(sound)).toEqual(expect.arrayContaining(['vote yes', 'begin', 'nonces']))
      const session = await liar.propose(stale, names)
      sessions.push(session)
      for (const member of honest) await expectRefused(member, session, 'it spends a coin that is already spent.')
      await decline(session)
    })

    const before = await Promise.all(addresses.map(address => stack.utxos(address)))
    await test.step('different payments to two members', async () => {
      const one = await liar.draft({ recipient: OUTSIDE, amountSats: AMOUNT, feeRate: 2 })
      const other = await liar.draft({ recipient: OUTSIDE, amountSats: AMOUNT + 1n, feeRate: 2 })
      const pair = [await liar.propose(one, ['Anna']), await liar.propose(other, ['Ben'])]
      sessions.push(...pair)
      for (const member of honest) {
        for (const session of pair)
          await expectRefused(member, session, 'its proposer sent something different to another member.')
      }
    })

    await test.step('change that is claimed as ours and is not: the form is refused, and he is disconnected', async () => {
      const proposal = await liar.draft({ recipient: OUTSIDE, amountSats: AMOUNT, feeRate: 2 })
      const session = await liar.propose(
        { ...proposal, ownOutputs: proposal.ownOutputs.map(own => ({ ...own, vout: 1 - own.vout })) },
        names,
      )
      sessions.push(session)
      for (const name of names)
        await expect.poll(() => liar.isLinked(name), { message: `${name} has closed the line` }).toBe(false)
      for (const member of honest) {
        await expect(member.link('Review request')).toHaveCount(0)
        await member.page.goto(`${member.app}/#/sessions/${session}`)
        await expect(member.main).toContainText('This proposal is not known here')
      }
    })

    for (const session of sessions) expect(liar.gained(session)).toEqual([])
    expect(await Promise.all(addresses.map(address => stack.utxos(address)))).toEqual(before)
  } finally {
    await liar.close()
  }
})
