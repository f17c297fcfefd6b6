import { afterEach, describe, expect, it, vi } from 'vitest'
import MemberList from '../../components/wallet/MemberList.vue'
import type { MemberView } from '../../services/core/domain/views'
import { items, show } from './support'

vi.mock('../../services/vault', () => ({
  vault: () => {
    throw new Error('no vault here')
  },
}))

const member = (name: string, more: Partial<MemberView> = {}): MemberView => ({
  accountKey: `02${name}`,
  name,
  peerId: `peer-${name}`,
  self: false,
  confirmed: true,
  saved: true,
  ...more,
})
const link = (state: 'connected' | 'connecting' | 'failed', more = {}) => ({
  peerId: 'p',
  connected: state === 'connected',
  state,
  since: 0,
  ...more,
})

afterEach(() => {
  document.body.innerHTML = ''
})

describe('the members of a wallet', () => {
  it('are told apart: this device, connected by which kind, being connected, heard but not reached, away', async () => {
    const lastSeen = Date.now() - 5 * 60_000
    await show(MemberList, {
      members: [
        member('Ann', { self: true }),
        member('Ben', { online: true, link: link('connected', { connectionType: 'webrtc', rttMs: 12 }) }),
        member('Cem', { online: true, link: link('connected', { connectionType: 'relay' }) }),
        member('Dora', { link: link('connecting') }),
        member('Eve', { online: true, lastSeen, link: link('failed') }),
        member('Finn', { online: false, lastSeen, link: link('failed') }),
        member('Gil'),
      ],
    })
    expect(items('Members').map(text => text.replace(/^\W*/, ''))).toEqual([
      expect.stringMatching(/Ann.*this device/) as string,
      expect.stringMatching(/Ben.*connected, WebRTC, 12 ms/) as string,
      expect.stringMatching(/Cem.*connected, relay/) as string,
      expect.stringMatching(/Dora.*connecting/) as string,
      expect.stringMatching(/Eve.*online, not reached from here yet, seen 5 min/) as string,
      expect.stringMatching(/Finn.*not online, seen 5 min/) as string,
      expect.stringMatching(/Gil.*not online$/) as string,
    ])
  })
})
