import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'

/** `npm run demo` where it cannot open its window. */
function demo(env: Record<string, string>) {
  const { status, stderr } = spawnSync(process.execPath, ['--import', 'tsx', 'scripts/demo.ts'], {
    encoding: 'utf8',
    env: { ...process.env, ...env },
  })
  return { status, said: stderr.trim().split('\n') }
}

test('without Chromium it says so in one sentence', () => {
  const { status, said } = demo({ CHROMIUM_PATH: '/nowhere/chromium' })
  expect(said).toEqual([expect.stringMatching(/^demo: no Chromium was found; .*CHROMIUM_PATH\.$/)])
  expect(status).toBe(1)
})

test.runIf(process.platform === 'linux')('without a display it says so in one sentence', () => {
  // any program will do: it must not come to its being started
  const { status, said } = demo({ CHROMIUM_PATH: process.execPath, DISPLAY: '', WAYLAND_DISPLAY: '' })
  expect(said).toEqual([expect.stringMatching(/^demo: there is no display .*\.$/)])
  expect(status).toBe(1)
})
