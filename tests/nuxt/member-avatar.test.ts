import { afterEach, describe, expect, it, vi } from 'vitest'
import MemberAvatar from '../../components/people/MemberAvatar.vue'
import DraftTable from '../../components/wallet/DraftTable.vue'
import type { DraftView, SeatView } from '../../services/core/domain/views'
import { items, show } from './support'

vi.mock('../../services/vault', () => ({
  vault: () => {
    throw new Error('no vault here')
  },
}))

afterEach(() => {
  document.body.innerHTML = ''
})

const ANN = `02${'a1'.repeat(32)}`
const BOB = `03${'b2'.repeat(32)}`

/** What is drawn for a person: the shape alone, whatever its size and ring. */
async function drawing(props: { accountKey?: string; name?: string; size?: number; ring?: 'connected' }) {
  const wrapper = await show(MemberAvatar, props)
  const shape = [...wrapper.element.querySelectorAll('svg > circle[fill]:not([fill="none"]), svg > g')]
    .map(e => e.outerHTML)
    .join('')
  const letters = wrapper.element.querySelector('[data-letters]')?.getAttribute('data-letters')
  return { shape, letters, text: wrapper.text() }
}

describe('MemberAvatar', () => {
  it('is one shape per account key, whatever the name, the size and the connection', async () => {
    const { shape } = await drawing({ accountKey: ANN })
    expect(shape).toContain('<g')
    expect((await drawing({ accountKey: ANN, name: 'Ann', size: 20, ring: 'connected' })).shape).toBe(shape)
    expect((await drawing({ accountKey: BOB, name: 'Ann' })).shape).not.toBe(shape)
  })

  it('draws letters and no shape as long as no key is known', async () => {
    const ann = await drawing({ name: 'Ann of  the garden' })
    expect(ann).toMatchObject({ letters: 'AO', text: '' })
    expect(ann.shape).not.toContain('<g')
    expect((await drawing({ name: '🌻' })).letters).toBe('🌻')
    expect((await drawing({})).letters).toBeUndefined()
  })
})

describe('the table of a wallet in the making', () => {
  const seats: SeatView[] = [
    { name: 'Ann', state: 'creator' },
    { name: 'Bob', accountKey: BOB, state: 'self' },
  ]
  const draft: DraftView = {
    id: '00',
    role: 'joiner',
    name: 'Boat',
    network: 'regtest',
    n: 3,
    creatorName: 'Ann',
    state: 'admitted',
    seats,
    expiresAt: 0,
  }

  it('shows a joiner the own shape, and no shape for those whose key comes with the roster', async () => {
    const own = await drawing({ accountKey: BOB })
    document.body.innerHTML = ''
    await show(DraftTable, { draft })
    expect(items('Seats')).toEqual(['Anninvites', 'Bobyou', 'Free seat'])
    const drawn = [...document.querySelectorAll('[aria-label="Seats"] li')].map(li => ({
      shape: li.querySelector('svg')?.innerHTML ?? '',
      letters: li.querySelector('[data-letters]')?.getAttribute('data-letters'),
    }))
    expect(drawn[0]).toMatchObject({ letters: 'A' })
    expect(drawn[0]?.shape).not.toContain('<g')
    expect(drawn[1]?.shape).toContain(/<g.*<\/g>/s.exec(own.shape)?.[0])
    expect(drawn[1]?.letters).toBeUndefined()
  })
})
