import { expect, test } from './support/test'
import { expectPaid, fund, makeWallet, OUTSIDE } from './support/circle'
import { observeMadePeers, type MadePeer } from './support/peer-connections'

test('two members who show nobody their address spend together over the relay', async ({ stack, profiles }) => {
  const peers: Array<() => readonly MadePeer[]> = []
  const [anna, ben] = await profiles(['Anna', 'Ben'], {
    observe: async context => {
      peers.push(await observeMadePeers(context))
    },
  })
  const made = () => peers.flatMap(list => list())
  for (const member of [anna, ben]) {
    await member.go('/settings')
    await member.page.getByRole('checkbox', { name: 'Relay only' }).check()
    await expect(member.main).toContainText('No direct line is offered or answered.')
    // it is kept: a new visit begins with it
    await member.page.reload()
    await member.unlock()
    await expect(member.page.getByRole('checkbox', { name: 'Relay only' })).toBeChecked()
    await member.link('Wallets').first().click()
  }
  await makeWallet('Boat', [anna, ben])
  await fund(stack, 'Boat', [anna, ben], [100_000])
  await anna.review({ to: OUTSIDE, sats: 60_000 })
  await anna.button('Propose').click()
  await expect(anna.status).toContainText('Waiting for approvals')
  await ben.openRequest()
  await ben.approve()
  await expectPaid(stack, [anna, ben], { to: OUTSIDE, sats: 60_000 })

  await anna.go('/diagnostics')
  const line = anna.page.getByRole('list', { name: 'Members' }).getByRole('listitem').filter({ hasText: 'Ben' })
  await line.getByText('Ben').click()
  await expect(line).toContainText('through a relay, end-to-end encrypted')
  // the test of one's own connection keeps to it as well
  await anna.button('Test my connection').click()
  await expect(anna.main).toContainText('The others can reach this browser')
  await expect(anna.page.getByRole('list', { name: 'Test results' })).toContainText('Direct lines are switched off')
  expect(made(), 'RTCPeerConnections that the browsers made').toEqual([])

  // with a TURN server WebRTC is tried through that alone: no own address is gathered, whether it answers or not
  await anna.go('/settings')
  await anna.field('STUN or TURN server').fill('turn:127.0.0.1:9?transport=udp')
  await anna.field('TURN user').fill('anna')
  await anna.field('TURN password').fill('not a secret')
  await anna.button('Add server').click()
  await expect(anna.main).toContainText('Direct lines go through your TURN servers only.')
  await anna.go('/diagnostics')
  await anna.button('Test my connection').click()
  await expect(anna.page.getByRole('list', { name: 'Test results' })).toContainText('Your TURN server gave no address')
  await expect.poll(() => made().length, { message: 'the TURN server was tried' }).toBeGreaterThan(0)
  expect(made().filter(peer => peer.policy !== 'relay' || peer.candidates.some(kind => kind !== 'relay'))).toEqual([])
})
