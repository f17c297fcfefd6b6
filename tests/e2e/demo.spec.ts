import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { openTabs } from './support/demo'
import { OWN_PROCESS, PASSWORD } from './support/member'
import { preparedWallet } from './support/prepared'
import { SITE } from './support/stack'
import { expect, test } from './support/test'

test('what `npm run demo` opens: three ready members of a funded wallet in three tabs of one browser', async ({
  stack,
  place,
  launched,
}) => {
  const prepared = await preparedWallet('three', await place())
  await stack.faucet(prepared.addresses[0] ?? '', 150_000)
  const members = await openTabs(stack.app, prepared, OWN_PROCESS)
  launched.push(...members)
  expect(members.map(({ name }) => name)).toEqual(['Anna', 'Ben', 'Cleo'])
  for (const member of members) await member.expectBalance(150_000)
})

test('what ships knows no prepared member, no password of theirs, and nothing that drives a browser', async ({
  place,
}) => {
  const { members } = await preparedWallet('three', await place())
  const files = readdirSync(SITE, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile())
  const shipped = files.map(file => readFileSync(join(file.parentPath, file.name), 'latin1'))
  const holds = (text: string) => shipped.some(file => file.includes(text))
  // the search finds what is there
  expect(holds('This password does not open the profile.')).toBe(true)
  for (const text of [PASSWORD, ...members.map(({ words }) => words), 'playwright', 'TANDEM_PREPARED', 'openTabs'])
    expect([text, holds(text)]).toEqual([text, false])
})
