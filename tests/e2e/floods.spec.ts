import { randomBytes } from 'node:crypto'
import type { Attack, RawAttack } from '../support/hostile-page'
import { ScriptedMember } from '../support/scripted-member'
import { fund } from './support/circle'
import { Hostile } from './support/hostile'
import { heapBytes, LONG_TASK_MS, watchTasks } from './support/main-thread'
import { OWN_PROCESS } from './support/member'
import { makeScriptedWallet, payTogether } from './support/scripted-circle'
import { expect, test } from './support/test'

/** what the payments and the open pages may add to the heap, bytes */
const KEPT_BYTES = 6_000_000
/** milliseconds until which a line that breaks a rule must have been closed, on however busy a machine */
const HOLD_MS = 20_000

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')
const UNKNOWN = '/tandem/none/1'
/** Nothing of ours is spoken on these: libp2p itself serves them, to anybody. */
const floods = (relayed: boolean): readonly Attack[] =>
  [
    { protocol: '/ipfs/ping/1.0.0', streams: 8, atOnce: 8, then: [base64(randomBytes(32))], times: 5_000 },
    { protocol: '/ipfs/ping/1.0.0', streams: 150, atOnce: 8, then: [base64(randomBytes(32))] },
    { protocol: '/ipfs/id/1.0.0', streams: 150, atOnce: 8 },
    { protocol: UNKNOWN, streams: 150, atOnce: 50 },
  ].map(attack => ({ ...attack, relayed, once: true }))
/** Below libp2p: what its WebRTC takes for frames, or for a number. */
const RAW: ReadonlyArray<readonly [string, RawAttack]> = [
  ['a text that is a number', { channels: 1, messages: [{ text: '1000000000' }], holdMs: HOLD_MS }],
  ['a text', { channels: 1, messages: [{ text: 'hello' }], holdMs: HOLD_MS }],
  [
    'frames of nothing, many in one message',
    { channels: 1, messages: [{ bytes: base64(new Uint8Array(16_000)) }], times: 100, holdMs: HOLD_MS },
  ],
  [
    'a message that is too large',
    { channels: 1, messages: [{ bytes: base64(new Uint8Array(200_000).fill(0x7f)) }], holdMs: HOLD_MS },
  ],
  [
    'a frame that is too large',
    {
      channels: 1,
      messages: [{ bytes: base64(Uint8Array.of(0x80, 0x80, 0x40, ...new Uint8Array(1_000))) }],
      holdMs: HOLD_MS,
    },
  ],
  [
    'a length in more bytes than it needs',
    {
      channels: 1,
      messages: [{ bytes: base64(Uint8Array.of(0x82, 0, 5, 6, 0xfd, 0x7f, ...new Uint8Array(16_000))) }],
      times: 10,
      holdMs: HOLD_MS,
    },
  ],
  [
    'small messages',
    { channels: 4, messages: [{ bytes: base64(Uint8Array.of(1, 0)) }], times: 20_000, holdMs: HOLD_MS },
  ],
]
/**
 * One message with as many proposals of a protocol as it can hold, each an empty line. It is no flood: its stream ends,
 * and that is all.
 */
const PROPOSALS: RawAttack = {
  channels: 4,
  messages: [
    {
      bytes: base64(
        Uint8Array.of(0x83, 0x7d, 0x12, 0x80, 0x7d, ...Array.from({ length: 8_000 }, () => [1, 0x0a]).flat()),
      ),
    },
  ],
  times: 10,
  holdMs: 1_000,
}

test('strangers who flood what lies below our protocol: they are let go, and a payment goes out meanwhile', async ({
  stack,
  profiles,
}) => {
  test.setTimeout(120_000)
  const [[anna], ben, hostile] = await Promise.all([
    profiles(['Anna'], { browser: () => OWN_PROCESS }),
    ScriptedMember.create(stack.app, 'Ben'),
    Hostile.open(stack.app, stack.relay),
  ])
  const pay = (sats: number) => payTogether('Boat', anna, ben, sats)
  try {
    await makeScriptedWallet('Boat', anna, [ben])
    await fund(stack, 'Boat', [anna], [900_000])
    const target = ben.peerIdOf('Anna', 'Boat')
    await pay(9_000)
    const heap = await heapBytes(anna)
    const stopWatching = await watchTasks(anna, LONG_TASK_MS)
    const kept: string[] = []

    for (const relayed of [false, true]) {
      await test.step(relayed ? 'over streams through the relay' : 'over streams', async () => {
        const flooding = (async () => {
          for (const attack of floods(relayed)) {
            const { opened } = await hostile.attack(await hostile.start(), target, attack)
            expect([attack.protocol, opened > 0]).toEqual([attack.protocol, attack.protocol !== UNKNOWN])
          }
        })()
        await pay(relayed ? 10_000 : 11_000)
        await flooding
      })
    }
    await test.step('over channels', async () => {
      const flooding = (async () => {
        await hostile.raw(await hostile.start(), target, PROPOSALS)
        for (const [name, attack] of RAW) {
          if (!(await hostile.raw(await hostile.start(), target, attack))) kept.push(name)
        }
      })()
      await pay(12_000)
      await flooding
    })

    const tasks = await stopWatching()
    test.info().annotations.push({
      type: 'measured',
      description: `heap ${(((await heapBytes(anna)) - heap) / 1e6).toFixed(1)} MB more, tasks ${JSON.stringify(tasks)}`,
    })
    expect(kept, 'lines that were left open').toEqual([])
    expect(
      tasks.filter(task => task.cpu >= LONG_TASK_MS),
      'tasks that kept the main thread',
    ).toEqual([])
    expect((await heapBytes(anna)) - heap, 'of what was sent nothing is kept').toBeLessThan(KEPT_BYTES)
    expect(
      anna.console.filter(line => !line.includes('404')),
      'what the page wrote to its console',
    ).toEqual([])
  } finally {
    await Promise.all([ben.close(), hostile.close()])
  }
})
