import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { processesOf, untilGone } from '../../support/processes'
import { until } from '../../support/until'

/** writes into a folder, again and again, for half a second after its parent's death */
const CHILD = `
  const { writeFileSync } = require('node:fs'), { ppid } = process
  let left = 100
  setInterval(() => {
    writeFileSync(process.argv[1] + '/written', String(left))
    if (process.ppid !== ppid && left-- === 0) process.exit()
  }, 5)`
const PARENT = `require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(CHILD)}, process.argv[1]], { stdio: 'ignore' }); setInterval(() => {}, 1000)`

describe.skipIf(!existsSync('/proc'))('the processes of a program', () => {
  it('the folder of a program whose child outlives it can be removed once all of them are gone', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'tandem-processes-'))
    const parent = spawn(process.execPath, ['-e', PARENT, dir], { stdio: 'ignore' })
    await until(() => existsSync(join(dir, 'written')), 'the child writes')

    const all = processesOf(dir)
    expect(all).toHaveLength(2)
    expect(all[0]?.pid).toBe(parent.pid)
    const gone = new Promise(resolve => parent.once('exit', resolve))
    parent.kill('SIGKILL')
    await gone
    expect(processesOf(dir)).toHaveLength(1)
    await untilGone(all)
    expect(processesOf(dir)).toEqual([])
    rmSync(dir, { recursive: true })
    expect(existsSync(dir)).toBe(false)
  })
})
