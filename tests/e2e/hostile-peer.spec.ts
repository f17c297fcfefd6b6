import { parseInvite } from '../../services/core/roster/invite'
import { LIMITS } from '../../services/core/wire/limits'
import type { Outcome } from '../support/hostile-page'
import { ScriptedMember } from '../support/scripted-member'
import { fund } from './support/circle'
import { Hostile } from './support/hostile'
import {
  atTheRate,
  flood,
  JOIN,
  offences,
  seatRequests,
  SIGN,
  signedFlood,
  slowLoris,
  streamAttacks,
  streamFlood,
  WALLET,
} from './support/hostile-attacks'
import type { Attacks } from './support/hostile-attacks'
import { leftToLong, LONG } from './support/long'
import { heapBytes, LONG_TASK_MS, storedRecords, watchTasks } from './support/main-thread'
import { OWN_PROCESS } from './support/member'
import { makeScriptedWallet, payTogether } from './support/scripted-circle'
import { expect, test } from './support/test'

leftToLong('peers that keep no rule: twenty times as much of everything is sent by npm run test:long')

/** what three payments and the open pages may add to the heap, bytes */
const KEPT_BYTES = 6_000_000

test('a member and strangers who keep no rule: nothing stalls, nothing grows, and an honest payment goes out meanwhile', async ({
  stack,
  profiles,
}) => {
  test.setTimeout(LONG ? 900_000 : 120_000)
  const [[anna], ben, mallory, hostile] = await Promise.all([
    profiles(['Anna'], { browser: () => OWN_PROCESS }),
    ScriptedMember.create(stack.app, 'Ben'),
    ScriptedMember.create(stack.app, 'Mallory'),
    Hostile.open(stack.app, stack.relay),
  ])
  // what the member of the other wallet proposes comes to him too, by way of Anna
  const pay = (sats: number) => payTogether('Boat', anna, ben, sats)
  try {
    await makeScriptedWallet('Boat', anna, [ben])
    await makeScriptedWallet('Table', anna, [ben, mallory])
    await fund(stack, 'Boat', [anna], [900_000])
    await anna.link('Wallets').first().click()
    const invite = parseInvite(await anna.createWallet('Raft', 5), { now: 0, available: ['regtest'] })
    if (!invite.ok) throw new Error(invite.error.code)
    await anna.openWallet('Boat')
    const target = ben.peerIdOf('Anna', 'Boat')
    const said = signedFlood(mallory, 'Table')
    // his app is closed: what speaks for him from now on is a program of his own
    await mallory.close()
    const member = await hostile.start(mallory.peerKey)
    await hostile.connect(member, target)

    // what the app fetches for its first payment is no doing of the others
    await pay(9_000)
    const before = { heap: await heapBytes(anna), stored: await storedRecords(anna) }
    const stopWatching = await watchTasks(anna, LONG_TASK_MS)
    const outcomes = new Map<string, Outcome>()
    const attack = async (peer: string, attacks: Attacks) => {
      for (const [name, what] of attacks)
        outcomes.set(`${peer === member ? 'member' : 'stranger'}: ${name}`, await hostile.attack(peer, target, what))
    }
    const [slow, loud] = await Promise.all([hostile.start(), hostile.start()])
    const slowly = attack(slow, [['a byte a second', slowLoris(JOIN)]])

    await test.step('a member of another wallet', async () => {
      const attacks = attack(member, [
        ['the widest proposals', { ...atTheRate(SIGN, said.widest), holdMs: 1_500 }],
        ['proposals at the rate', atTheRate(SIGN, said.proposals)],
        ['records at the rate', atTheRate(WALLET, said.records, LIMITS.messagesPerSecond)],
        ['votes', flood(SIGN, said.votes)],
        ['proposals', flood(SIGN, said.proposals)],
        ['evidence', flood(SIGN, said.evidence, 2 * LIMITS.messagesPerSecond)],
        ...streamFlood(SIGN),
      ])
      await pay(10_000)
      await attacks
    })

    await test.step('strangers with an invite', async () => {
      const seats = seatRequests(invite.value, loud)
      const attacks = Promise.all([
        attack(loud, [
          ['seats at the rate', atTheRate(JOIN, seats, LIMITS.messagesPerSecond / 2)],
          ['seats', flood(JOIN, seats, 50)],
        ]),
        // each is another stranger: for some of it he is let go
        (async () => {
          for (const one of [
            ...streamAttacks(JOIN),
            ...streamFlood(JOIN),
            ['what only members may say', flood(SIGN, said.votes)] as const,
          ])
            await attack(await hostile.start(), [one])
        })(),
        ...offences(JOIN).map(async offence => attack(await hostile.start(), [offence])),
      ])
      await pay(11_000)
      await attacks
      await slowly
    })

    const tasks = await stopWatching()
    const after = { heap: await heapBytes(anna), stored: await storedRecords(anna) }
    const sent = [...outcomes.values()].reduce((sum, outcome) => sum + outcome.bytes, 0)
    test.info().annotations.push({
      type: 'measured',
      description: `${(sent / 1e6).toFixed(0)} MB sent, heap ${(before.heap / 1e6).toFixed(1)} to ${(after.heap / 1e6).toFixed(1)} MB, tasks ${JSON.stringify(tasks)}`,
    })

    await test.step('what came of it', async () => {
      const all = (name: string) =>
        [...outcomes].filter(([key]) => key.endsWith(`: ${name}`)).map(([, outcome]) => outcome)
      for (const { opened } of all('unknown protocols')) expect(opened).toBe(0)
      // each of it came to something, but for what a member tried who had been let go for the floods before
      const late = [
        'member: many streams at once, and nothing on them',
        'member: proposals',
        'member: evidence',
        ...(LONG ? ['stranger: seats'] : []),
      ]
      for (const [name, { opened }] of outcomes)
        if (!name.endsWith('unknown protocols') && !late.includes(name))
          expect([name, opened > 0]).toEqual([name, true])
      // ended by the app each time; of zeros each sender has just been let go for an offence
      for (const name of [
        'a byte too much',
        'a length without end',
        'a byte a second',
        'votes',
        'proposals',
        'evidence',
        'seats',
        'what only members may say',
        'zeros, again and again',
      ]) {
        for (const { opened, ended } of all(name)) expect([name, ended]).toEqual([name, opened])
      }
      // served: what keeps the rate is read, and answered or ignored
      for (const name of [
        'the widest proposals',
        'proposals at the rate',
        'records at the rate',
        'seats at the rate',
      ]) {
        for (const { opened, ended } of all(name)) expect([name, opened - ended]).toEqual([name, 1])
      }
    })
    expect(
      tasks.filter(task => task.cpu >= LONG_TASK_MS),
      'tasks that kept the main thread',
    ).toEqual([])
    expect(after.heap - before.heap, 'of what was sent nothing is kept, however much it was').toBeLessThan(KEPT_BYTES)
    // the payments, what one proposer may have undecided, and what was proposed and taken back
    const sessions = 3 + LIMITS.undecidedPerProposer + said.widest.length / 2
    expect(after.stored).toEqual({
      ...before.stored,
      sessions: expect.any(Number),
      transcripts: after.stored.sessions,
      votes: expect.any(Number),
    })
    expect(after.stored.sessions).toBeLessThanOrEqual(sessions)
    expect(after.stored.votes).toBeLessThanOrEqual(sessions)
    expect(
      anna.console.filter(line => !line.includes('404')),
      'what the page wrote to its console',
    ).toEqual([])

    await test.step('the watch sees a task that is too long', async () => {
      const stop = await watchTasks(anna, LONG_TASK_MS)
      // so much work, not so much time: a busy machine gives a page less of its processor
      await anna.page.evaluate(() => {
        let sum = 0
        for (let i = 0; i < 400_000_000; i++) sum = (sum * 31 + i) | 0
        return sum
      })
      expect((await stop()).filter(task => task.cpu >= LONG_TASK_MS)).not.toEqual([])
    })
  } finally {
    await Promise.all([ben.close(), hostile.close()])
  }
})
