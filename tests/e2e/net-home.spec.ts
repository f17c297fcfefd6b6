import type { Member } from './support/member'
import { approve, expectPaid, OUTSIDE } from './support/circle'
import { LONG, leftToLong } from './support/long'
import { expectOver } from './support/leaks'
import { Home, noNamespaces, type Nat } from './support/namespaces'
import { expect, expectReached, netTest } from './support/net-test'
import type { NetFixtures } from './support/net-test'
import { INTERNET_HOST } from './support/stack'
import { startStun } from './support/stun'
import { noTurn, startTurn, type TurnServer } from './support/turn'
import { expectJoined } from './support/webrtc'

/**
 * Servers on the internet, with STUN; members at home, each behind a router of his own. `turn`: a server that only
 * those use who add it.
 */
interface AtHome {
  homes: (nat: Nat) => Home
  turn: TurnServer
  neighbours: (at: readonly Home[], settings?: (member: Member) => Promise<void>) => ReturnType<NetFixtures['handmade']>
}

const test = netTest.extend<AtHome>({
  netOptions: async ({}, use) => {
    const stun = await startStun(INTERNET_HOST)
    await use({ host: INTERNET_HOST, stun: [stun.url] })
    await stun.close()
  },
  turn: async ({}, use) => {
    const turn = await startTurn(INTERNET_HOST)
    await use(turn)
    await turn.close()
  },
  homes: async ({}, use) => {
    const made: Home[] = []
    await use(nat => {
      const home = Home.make(made.length + 1, nat)
      made.push(home)
      return home
    })
    for (const home of made) home.remove()
  },
  neighbours: async ({ net, handmade }, use) =>
    use((at, settings) => handmade([200_000], { browser: i => at[i]?.browser(net.app), settings })),
})

const longTest = leftToLong('symmetric routers, relay only through TURN, and a pulled cable: run by npm run test:long')
  ? test.skip
  : test

const wish = { to: OUTSIDE, sats: 20_000 }

test('two homes with different routers are joined directly; then UDP is blocked, and the session goes on over the relay', async ({
  net,
  homes,
  neighbours,
}) => {
  test.skip(noNamespaces, 'no network namespaces')
  const [first, second] = [homes('cone'), homes('cone')]
  const { everybody, ...made } = await neighbours([first, second])
  const [anna, ben] = everybody
  await anna.propose(wish)
  await expect(anna.participant('Ben')).toContainText('WebRTC', { timeout: 60_000 })
  await expectJoined(anna, ben)

  first.blockUdp()
  await expect(anna.participant('Ben')).toContainText('relay', { timeout: 60_000 })
  await expect(anna.participant('Ben')).toContainText('connected')
  await ben.openRequest()
  await expect(ben.participant('Anna')).toContainText('relay')
  await ben.approve()
  await expectPaid(net, everybody, wish)

  // where UDP is allowed again, the direct line comes back in the background
  first.allowUdp()
  await anna.openWallet(made.wallet)
  await anna.go('/diagnostics')
  await anna.button('Connect again').click()
  await anna.openWallet(made.wallet)
  await expect(anna.memberRow('Ben')).toContainText('WebRTC', { timeout: 60_000 })
  await expectOver(everybody, { ...made, relays: 1 })
})

longTest('two homes with symmetric routers sign over the relay from the start', async ({ net, homes, neighbours }) => {
  test.skip(noNamespaces, 'no network namespaces')
  const { everybody, ...made } = await neighbours([homes('symmetric'), homes('symmetric')])
  const [anna, ben] = everybody
  await anna.propose(wish)
  await expect(anna.participant('Ben')).toContainText('relay')
  await ben.openRequest()
  await expect(ben.participant('Anna')).toContainText('relay')
  await ben.approve()
  await expectPaid(net, everybody, wish)
  await expectOver(everybody, { ...made, relays: 1, direct: 0 })
})

test.describe('with TURN', () => {
  test.skip(noNamespaces || noTurn, 'no network namespaces, or no TURN server')

  test('two homes with symmetric routers are joined by WebRTC through the TURN server that both have added', async ({
    net,
    homes,
    turn,
    neighbours,
  }) => {
    const { everybody, ...made } = await neighbours([homes('symmetric'), homes('symmetric')], member =>
      member.addTurn(turn),
    )
    const [anna, ben] = everybody
    await anna.propose(wish)
    await expect(anna.participant('Ben')).toContainText('WebRTC', { timeout: 60_000 })
    await expectJoined(anna, ben, 'relay')
    await approve(ben)
    await expectPaid(net, everybody, wish)

    if (LONG) {
      // who shows nobody his address goes on through it, and so does the other: now it is both ends
      for (const member of everybody) await member.setRelayOnly()
      await expectReached(everybody, made.wallet, 'WebRTC')
      await expectJoined(anna, ben, 'relay', 'both')
    }
    await expectOver(everybody, { ...made, relays: 1 })
  })
})

longTest(
  'a member’s cable is pulled in the middle and put back: away is shown, then back, and the session goes on',
  async ({ net, homes, neighbours }) => {
    test.skip(noNamespaces, 'no network namespaces')
    const at = [homes('cone'), homes('cone')]
    const { everybody, ...made } = await neighbours(at)
    const [anna, ben] = everybody
    await anna.propose(wish)
    await ben.openRequest()
    at[1]?.unplug()
    await expect(anna.participant('Ben')).toContainText('not connected', { timeout: 40_000 })
    await ben.approve()
    at[1]?.plug()
    await expect(anna.participant('Ben')).toContainText('WebRTC', { timeout: 90_000 })
    await expectPaid(net, everybody, wish)
    await expectOver(everybody, { ...made, relays: 1 })
  },
)
