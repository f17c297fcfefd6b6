import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from '@playwright/test'
import { requireOrSkip } from '../../support/require'
import { endProgram } from './programs'
import { answersStun } from './stun'

export const noTurn = requireOrSkip(
  'turn',
  spawnSync('turnserver', ['--version']).error === undefined,
  'no TURN server was found: install coturn',
)

export interface TurnServer {
  readonly url: string
  readonly username: string
  readonly credential: string
  close(): Promise<void>
}

/** coturn on that address, with one user; it keeps nothing. */
export async function startTurn(host: string, port = 3478): Promise<TurnServer> {
  const folder = mkdtempSync(join(tmpdir(), 'tandem-turn-'))
  const [username, credential] = ['member', 'not a secret']
  const child = spawn(
    'turnserver',
    [
      '-n',
      '--listening-ip',
      host,
      '--relay-ip',
      host,
      '--listening-port',
      String(port),
      '--lt-cred-mech',
      '--realm',
      'tandem.test',
      '--user',
      `${username}:${credential}`,
      '--no-cli',
      '--no-tls',
      '--no-dtls',
      '--no-stdout-log',
      '--log-file',
      '/dev/null',
      '--pidfile',
      join(folder, 'pid'),
      '--userdb',
      join(folder, 'db'),
    ],
    { stdio: 'ignore' },
  )
  await expect
    .poll(async () => child.exitCode === null && (await answersStun(host, port)), {
      message: 'the TURN server answers',
    })
    .toBe(true)
  return {
    url: `turn:${host}:${port}?transport=udp`,
    username,
    credential,
    async close() {
      await endProgram(child)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
