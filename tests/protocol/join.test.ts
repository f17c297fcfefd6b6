import { afterEach, expect, it } from 'vitest'
import { circle, createWorld, until } from './people'
import type { Person } from './people'

const people: Person[] = []

afterEach(async () => {
  await Promise.all(people.splice(0).map(p => p.close()))
})

it('who is connected to somebody already asks for a seat in the next wallet of that person as well', async () => {
  const { everybody } = await circle(createWorld(), 2)
  people.push(...everybody)
  const [anna, ben] = everybody as [Person, Person]
  const draft = await anna.walletsDoor.createDraft({ name: 'Barn', network: 'regtest', n: 2 })
  const link = await until(() => anna.drafts.find(d => d.name === 'Barn')?.inviteLink, 'invite link')
  expect((await ben.walletsDoor.join(link, ben.name)).ok).toBe(true)
  const seat = await until(
    () => anna.drafts.find(d => d.name === 'Barn')?.seats.find(s => s.state === 'asking'),
    'Ben asks',
  )
  await anna.walletsDoor.admit(draft.ok ? draft.value : '', seat.accountKey!)
  expect((await anna.walletsDoor.closeRoster(draft.ok ? draft.value : '')).ok).toBe(true)
  await until(() => ben.wallets.length === 2, 'both wallets')
})
