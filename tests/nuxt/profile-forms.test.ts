import { afterEach, describe, expect, it, vi } from 'vitest'
import NewProfile from '../../components/settings/NewProfile.vue'
import ProfileList from '../../components/settings/ProfileList.vue'
import RestoreProfile from '../../components/settings/RestoreProfile.vue'
import { err, ok } from '../../services/core/domain/result'
import { useVaultStore } from '../../stores/vault'
import { useWalletsStore } from '../../stores/wallets'
import { button, buttons, described, field, items, settle, show, type } from './support'

const WORDS = 'legal winner thank year wave sausage worth useful able winner thank yellow'
const vault = {
  profiles: vi.fn(),
  newWords: vi.fn(),
  createProfile: vi.fn(),
  unlock: vi.fn(),
  lock: vi.fn(),
  checkWords: vi.fn(),
  revealWords: vi.fn(),
}
vi.mock('../../services/vault', () => ({ vault: () => vault }))

const profile = (id: string, name: string) => ({ id, name, createdAt: 0, wordsChecked: true })
const local = (yes: boolean) => () => {
  useWalletsStore().networks = yes
    ? [{ name: 'regtest', local: true, faucet: true }]
    : [{ name: 'signet', local: false, faucet: false }]
}

async function fill(name: string, password: string, repeat = password) {
  await type(field('Your name'), name)
  await type(field('Password'), password)
  await type(field('Repeat password'), repeat)
}

afterEach(() => {
  document.body.innerHTML = ''
  sessionStorage.clear()
  localStorage.clear()
  vi.resetAllMocks()
})

describe('new profile', () => {
  it('says at each field what is missing, and makes nothing', async () => {
    await show(NewProfile, {}, local(true))
    button('New profile').click()
    await settle()
    expect(described(field('Your name'))).toBe('Write the name the others will see.')
    expect(described(field('Password'))).toContain('at least 8 characters')
    await fill('Ann', 'long enough', 'something else')
    button('New profile').click()
    await settle()
    expect(described(field('Repeat password'))).toBe('The two passwords differ.')
    expect(vault.newWords).not.toHaveBeenCalled()
  })

  async function toWords(isLocal: boolean) {
    vault.newWords.mockResolvedValue(WORDS)
    vault.profiles.mockResolvedValue([profile('p1', 'Ann')])
    vault.createProfile.mockResolvedValue(ok(profile('p1', 'Ann')))
    vault.unlock.mockResolvedValue(ok(profile('p1', 'Ann')))
    const wrapper = await show(NewProfile, {}, local(isLocal))
    await fill(' Ann ', 'long enough')
    button('New profile').click()
    await settle()
    return wrapper
  }

  it('shows the words; a wrong one at the check is named and makes nothing', async () => {
    const wrapper = await toWords(false)
    expect(items('Recovery words')).toEqual(WORDS.split(' '))
    button('I have written them down').click()
    await settle()
    const asked = [...document.querySelectorAll('label')]
      .map(l => l.textContent?.trim() ?? '')
      .filter(t => t.startsWith('Word '))
    expect(asked).toHaveLength(3)
    button('Check words').click()
    await settle()
    expect(described(field(asked[0] as string))).toContain('not the right one')
    expect(vault.createProfile).not.toHaveBeenCalled()
    for (const label of asked) await type(field(label), WORDS.split(' ')[Number(label.slice(5)) - 1] as string)
    button('Check words').click()
    await settle()
    expect(vault.createProfile).toHaveBeenCalledWith({
      name: 'Ann',
      words: WORDS,
      password: 'long enough',
      wordsChecked: true,
    })
    expect(wrapper.emitted('done')).toHaveLength(1)
  })

  it('lets the check wait on the local chain only', async () => {
    await toWords(false)
    expect(buttons('Do this later')).toHaveLength(0)
    document.body.innerHTML = ''
    await toWords(true)
    button('Do this later').click()
    await settle()
    expect(vault.createProfile).toHaveBeenCalledWith(expect.objectContaining({ wordsChecked: false }))
  })
})

describe('unlock', () => {
  const two = () => {
    useVaultStore().$patch({ ready: true, profiles: [profile('p1', 'Ann'), profile('p2', 'Bob')] })
  }

  it('says that a password is wrong at the field and keeps what was typed', async () => {
    vault.unlock.mockResolvedValue(err({ code: 'wrong-password' }))
    const wrapper = await show(ProfileList, {}, two)
    await type(field('Password'), 'not this one')
    button('Unlock').click()
    await settle()
    expect(described(field('Password'))).toContain('does not open the profile')
    expect(field('Password').value).toBe('not this one')
    expect(wrapper.emitted('done')).toBeUndefined()
  })

  it('offers takeover for a profile that is open in another tab', async () => {
    vault.unlock.mockResolvedValueOnce(err({ code: 'open-elsewhere' })).mockResolvedValueOnce(ok(profile('p2', 'Bob')))
    const wrapper = await show(ProfileList, {}, two)
    button('Bob').click()
    await settle()
    await type(field('Password'), 'long enough')
    button('Unlock').click()
    await settle()
    expect(document.querySelector('[role="alert"]')?.textContent).toContain('Bob is open in another tab')
    button('Take over here').click()
    await settle()
    expect(vault.unlock).toHaveBeenLastCalledWith({ profileId: 'p2', password: 'long enough', takeover: true })
    expect(wrapper.emitted('done')).toHaveLength(1)
  })
})

describe('restore', () => {
  it('refuses a number of words that cannot be, at the field', async () => {
    await show(RestoreProfile, {}, local(true))
    await fill('Ann', 'long enough')
    await type(field('Recovery words'), 'legal winner thank')
    button('Restore').click()
    await settle()
    expect(described(field('Recovery words'))).toContain('not valid recovery words')
    expect(vault.createProfile).not.toHaveBeenCalled()
  })

  it('cleans the words, and puts a refusal of the vault at the field', async () => {
    vault.createProfile.mockResolvedValue(err({ code: 'bad-words' }))
    await show(RestoreProfile, {}, local(true))
    await fill('Ann', 'long enough')
    await type(field('Recovery words'), `  ${WORDS.toUpperCase().replaceAll(' ', '\n ')} `)
    button('Restore').click()
    await settle()
    expect(vault.createProfile).toHaveBeenCalledWith(expect.objectContaining({ words: WORDS, wordsChecked: true }))
    expect(described(field('Recovery words'))).toContain('not valid recovery words')
  })
})
