import { expect, test } from './support/test'
import { noWebrtc } from './support/webrtc'

test('connections can be tested, looked at and reported', async ({ stack, circle }) => {
  test.skip(noWebrtc, 'one interface only')
  const {
    everybody: [anna],
  } = await circle('two')

  // from the member on the wallet page to everything about the line to him
  await anna.link('Connection to Ben').click()
  const line = anna.page.getByRole('list', { name: 'Members' }).getByRole('listitem').filter({ hasText: 'Ben' })
  await expect(line).toContainText('direct (WebRTC), end-to-end encrypted')
  const attempts = line
    .getByRole('list', { name: 'Attempts' })
    .getByRole('listitem')
    .filter({ hasText: 'connected' })
    .filter({ hasText: 'direct line' })
  await expect(attempts.first()).toContainText('opening the direct line')
  await expect(attempts.first()).toContainText('securing the direct line')
  await expect(attempts.first()).toContainText('Found here: own network')

  await anna.button('Test my connection').click()
  await expect(anna.main).toContainText('The others can reach this browser')
  const results = anna.page.getByRole('list', { name: 'Test results' })
  await expect(results).toContainText('a call from outside arrived')
  await expect(results).toContainText('Direct lines work within your own network.')
  await expect(results).toContainText('The chain server answers')

  await anna.button('Copy report').click()
  await expect(anna.button('Copy report')).toContainText('Copied')
  const report = await anna.page.evaluate(() => navigator.clipboard.readText())
  expect(JSON.parse(report)).toMatchObject({
    relays: [{ state: 'reserved' }],
    members: [{ member: 1, connection: 'webrtc' }],
    test: { verdict: 'reachable' },
  })
  expect(report).toContain('[loopback]')
  expect(report).not.toMatch(/\b\d{1,3}(\.\d{1,3}){3}\/|12D3KooW|Ben|Anna/)

  // a relay of one's own: wrong address, test, add, remove
  await anna.go('/settings')
  await anna.field('Relay address').fill('wss://relay.example')
  await anna.button('Add relay').click()
  await expect(anna.main).toContainText('This is not a relay address.')
  await anna
    .field('Relay address')
    .fill('/ip4/127.0.0.1/tcp/5399/ws/p2p/12D3KooWQYhTNQdmr3ArTeUHRYzFg94BKyTkoWBDWez9kSCVe2Xo')
  await anna.button('Test relay').click()
  await expect(anna.main).toContainText('This relay does not answer.')
  await anna.button('Add relay').click()
  const relays = anna.page.getByRole('list', { name: 'Relays' }).getByRole('listitem')
  await expect(relays).toHaveCount(2)
  await expect(relays.filter({ hasText: 'comes with this app' })).toContainText(/connected, \d+ ms/)
  await anna.button('Remove relay').click()
  await expect(relays).toHaveCount(1)
  await anna.field('Relay address').fill(stack.relay)
  await anna.button('Test relay').click()
  await expect(anna.main).toContainText('This relay answers and gives places.')

  // without a network the answer is honest
  await anna.context.setOffline(true)
  await anna.go('/diagnostics')
  await anna.button('Test my connection').click()
  await expect(anna.main).toContainText('This browser is offline')
})
