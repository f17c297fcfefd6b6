import { afterEach, describe, expect, it, vi } from 'vitest'
import ProfilesPage from '../../pages/profiles.vue'
import { useVaultStore } from '../../stores/vault'
import { items, settle, show } from './support'

const profiles = vi.fn()
vi.mock('../../services/vault', () => ({ vault: () => ({ profiles }) }))

const profile = (id: string, name: string) => ({ id, name, createdAt: 0, wordsChecked: true })
const [ann, bob, cy] = [profile('p1', 'Ann'), profile('p2', 'Bob'), profile('p3', 'Cy')]

afterEach(() => {
  document.body.innerHTML = ''
  vi.resetAllMocks()
})

describe('the list of profiles', () => {
  it('is read anew after Lock and whenever the page is seen again', async () => {
    profiles.mockResolvedValue([ann, bob])
    const page = await show(ProfilesPage, {}, () => useVaultStore().$patch({ ready: true, profiles: [ann] }))
    await settle()
    expect(items('Profiles')).toEqual(['Ann', 'Bob'])
    profiles.mockResolvedValue([ann, bob, cy])
    document.dispatchEvent(new Event('visibilitychange'))
    await settle()
    expect(items('Profiles')).toEqual(['Ann', 'Bob', 'Cy'])
    page.unmount()
    document.dispatchEvent(new Event('visibilitychange'))
    window.dispatchEvent(new Event('focus'))
    expect(profiles).toHaveBeenCalledTimes(2)
  })

  it('waits for the first reading of the app', async () => {
    await show(ProfilesPage, {})
    await settle()
    expect(profiles).not.toHaveBeenCalled()
  })
})
