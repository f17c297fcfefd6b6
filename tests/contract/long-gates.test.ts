import { networkInterfaces } from 'node:os'
import { expect, it } from 'vitest'
import { startRelay } from '../../relay/server'
import { Circle, gate, servePage } from '../bench/circle'
import { findChromium } from '../support/chromium'
import { times } from '../support/long'
import { requireOrSkip } from '../support/require'

/** Cold gates in a row, none of which may fail; the long test makes 200. */
const GATES = times(3, 200)

const skip =
  requireOrSkip(
    'chromium',
    findChromium() !== undefined,
    'no Chromium found: set CHROMIUM_PATH or run npx playwright install chromium',
  ) ||
  requireOrSkip(
    'webrtc',
    Object.values(networkInterfaces())
      .flat()
      .some(i => i?.internal === false),
    'two browsers need a network interface besides lo for ICE',
  )

it.skipIf(skip)(
  `${GATES} gates of three browsers in a row, each from nothing, without a failure and all over WebRTC`,
  async () => {
    const relays = [await startRelay({ host: '127.0.0.1', port: 0 }), await startRelay({ host: '127.0.0.1', port: 0 })]
    const site = await servePage()
    const circle = await Circle.open(
      site.url,
      3,
      relays.flatMap(r => r.addrs),
    )
    try {
      for (let i = 0; i < GATES; i++) {
        const { first, others } = await circle.start(i)
        const { failed, kinds } = await gate(first, others)
        expect(failed, `gate ${i + 1}`).toEqual([])
        expect(kinds, `gate ${i + 1}`).toEqual(['webrtc', 'webrtc'])
        await circle.stop()
      }
    } finally {
      await circle.close()
      site.close()
      for (const relay of relays) await relay.close()
    }
  },
  120_000 + GATES * 10_000,
)
