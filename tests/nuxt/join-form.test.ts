import { afterEach, describe, expect, it, vi } from 'vitest'
import JoinForm from '../../components/wallet/JoinForm.vue'
import { err, ok } from '../../services/core/domain/result'
import { useVaultStore } from '../../stores/vault'
import { useWalletsStore } from '../../stores/wallets'
import { button, described, field, settle, show, type } from './support'

vi.mock('../../services/vault', () => ({
  vault: () => {
    throw new Error('no vault here')
  },
}))

const invite = {
  creatorName: 'Rosa',
  name: 'Garden club',
  network: 'regtest' as const,
  n: 4,
  expiresAt: Math.floor(Date.now() / 1000) + 3600,
}
const LINK = `http://localhost/#/join/${'A'.repeat(60)}`

/** The form with a wallets store that answers as told. */
async function form(
  payload: string,
  read: Awaited<ReturnType<ReturnType<typeof useWalletsStore>['readInvite']>>,
  joined: unknown = ok('draft-1'),
) {
  const calls = { join: vi.fn().mockResolvedValue(joined) }
  await show(JoinForm, { payload }, () => {
    useVaultStore().current = { id: 'p', name: 'Ann', createdAt: 0, wordsChecked: true }
    const store = useWalletsStore()
    store.readInvite = vi.fn().mockResolvedValue(read)
    store.join = calls.join
  })
  await settle()
  return calls
}

afterEach(() => {
  document.body.innerHTML = ''
})

describe('join', () => {
  it('asks for a link when there is none', async () => {
    const { join } = await form('', ok(invite))
    button('Join').click()
    await settle()
    expect(described(field('Invite link'))).toBe('Paste the invite link that you were sent.')
    expect(join).not.toHaveBeenCalled()
  })

  it.each([
    ['invite-damaged', undefined, 'not complete or was changed'],
    ['invite-other-network', 'signet', 'another network (signet)'],
    ['invite-expired', undefined, 'has expired'],
    ['invite-unknown-version', undefined, 'another version of Tandem'],
  ])('says what is wrong with an invite at its field: %s', async (code, detail, words) => {
    const { join } = await form('', err({ field: 'invite', code, detail }))
    await type(field('Invite link'), LINK)
    await settle()
    button('Join').click()
    await settle()
    expect(described(field('Invite link'))).toContain(words)
    expect(field('Invite link').value).toBe(LINK)
    expect(join).not.toHaveBeenCalled()
  })

  it('says who invites to what before joining, and joins under the own name', async () => {
    const { join } = await form('', ok(invite))
    await type(field('Invite link'), LINK)
    await settle()
    const invitation = document.querySelector('[aria-label="Invitation"]')?.textContent ?? ''
    for (const part of ['Rosa', 'Garden club', '4 members', 'local chain']) expect(invitation).toContain(part)
    expect(field('Your name').value).toBe('Ann')
    button('Join').click()
    await settle()
    expect(join).toHaveBeenCalledWith(LINK, 'Ann')
  })

  it('takes the payload of the route as the link', async () => {
    const { join } = await form('PAYLOAD', ok(invite))
    button('Join').click()
    await settle()
    expect(join).toHaveBeenCalledWith(expect.stringMatching(/#\/join\/PAYLOAD$/), 'Ann')
  })

  it('wants a name', async () => {
    const { join } = await form('PAYLOAD', ok(invite))
    await type(field('Your name'), ' ')
    button('Join').click()
    await settle()
    expect(described(field('Your name'))).toBe('Write the name the others will see.')
    expect(join).not.toHaveBeenCalled()
  })

  it('says what is wrong with link and name at once', async () => {
    const { join } = await form('', err({ field: 'invite', code: 'invite-damaged' }))
    await type(field('Invite link'), LINK)
    await type(field('Your name'), ' ')
    button('Join').click()
    await settle()
    expect(described(field('Invite link'))).toContain('not complete or was changed')
    expect(described(field('Your name'))).toBe('Write the name the others will see.')
    expect(join).not.toHaveBeenCalled()
  })

  it('shows a refusal of the join at the link', async () => {
    await form('PAYLOAD', ok(invite), err({ field: 'invite', code: 'invite-own' }))
    button('Join').click()
    await settle()
    expect(document.body.textContent).toContain('This is your own invite')
  })
})
