import { buildGoRelay, startGoRelay } from '../support/go-relay'
import { requireOrSkip } from '../support/require'
import { approve, expectPaid, OUTSIDE } from './support/circle'
import { expectOver } from './support/leaks'
import { leftToLong } from './support/long'
import { expect, netTest } from './support/net-test'
import { expectJoined, noWebrtc } from './support/webrtc'

const built = buildGoRelay()
const skip = requireOrSkip('go', 'binary' in built, 'missing' in built ? built.missing : '')

/** milliseconds: longer than go-libp2p lets a circuit live, 2 minutes */
const OUTLIVES_MS = 150_000

/** The only relay is one of another make, with its own default limits; it forwards no gossip. */
const test = netTest.extend({
  netOptions: async ({}, use) => {
    if (!('binary' in built)) throw new Error(built.missing)
    const relay = await startGoRelay(built.binary)
    await use({ relays: 0, otherRelays: relay.addrs })
    await relay.stop()
  },
})
test.skip(skip, 'the relay of go-libp2p cannot be built')
const longTest = leftToLong('a session that outlives the circuits of a foreign relay: run by npm run test:long')
  ? test.skip
  : test

const wish = { to: OUTSIDE, sats: 20_000 }

test('two members who know only a relay of go-libp2p are joined directly, and pay', async ({ net, handmade }) => {
  const { everybody, ...made } = await handmade([90_000])
  const [anna, ben] = everybody
  await anna.propose(wish)
  if (!noWebrtc) {
    await expect(anna.participant('Ben')).toContainText('WebRTC', { timeout: 60_000 })
    await expectJoined(anna, ben)
  }
  await approve(ben)
  await expectPaid(net, everybody, wish)
  await expectOver(everybody, { ...made, relays: 1 })
})

longTest(
  'members who show nobody their address sign over its circuits, which it cuts after 2 minutes: the session outlives them',
  async ({ net, handmade }) => {
    test.setTimeout(180_000 + OUTLIVES_MS)
    const { everybody, ...made } = await handmade([90_000], {
      settings: member => member.setRelayOnly(),
    })
    const [anna, ben] = everybody
    await anna.propose(wish)
    await ben.openRequest()
    await anna.page.waitForTimeout(OUTLIVES_MS)
    await expect(anna.participant('Ben')).toContainText('relay', { timeout: 60_000 })
    await ben.approve()
    await expectPaid(net, everybody, wish)
    await expectOver(everybody, { ...made, relays: 1, direct: 0 })
  },
)
