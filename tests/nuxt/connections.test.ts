import { afterEach, describe, expect, it, vi } from 'vitest'
import AttemptList from '../../components/settings/AttemptList.vue'
import ConnectionTest from '../../components/settings/ConnectionTest.vue'
import MemberReport from '../../components/settings/MemberReport.vue'
import NetworkSection from '../../components/settings/NetworkSection.vue'
import PrivacySection from '../../components/settings/PrivacySection.vue'
import type { ConnectionTest as Answer } from '../../services/core/domain/connection-test'
import type { Attempt, LinkReport } from '../../services/core/domain/diagnostics'
import { err, ok } from '../../services/core/domain/result'
import type { MemberView } from '../../services/core/domain/views'
import { useP2PStore } from '../../stores/p2p'
import { button, buttons, described, field, items, settle, show, type } from './support'

vi.mock('../../services/vault', () => ({
  vault: () => {
    throw new Error('no vault here')
  },
}))

const text = () => (document.body.textContent ?? '').replace(/\s+/g, ' ')
const press = async (name: string) => {
  button(name).click()
  await settle()
}

afterEach(() => {
  document.body.innerHTML = ''
})

describe('relays in the settings', () => {
  const relay = (n: number, more: object) =>
    ({ address: `/dns4/r${n}.example/tcp/443/wss/p2p/12D3KooWabcdef`, state: 'idle', origin: 'app', ...more }) as const
  const open = (actions: object = {}) =>
    show(NetworkSection, {}, () => {
      const store = useP2PStore()
      store.relays = [
        relay(1, { state: 'reserved', latencyMs: 23.4 }),
        relay(2, { origin: 'wallet' }),
        relay(3, { origin: 'own', state: 'unreachable' }),
      ]
      Object.assign(store, { measureRelays: async () => undefined }, actions)
    })

  it('shows state and round trip of each, where it comes from, and removes own ones only', async () => {
    const removeRelay = vi.fn(async () => ok(undefined))
    await open({ removeRelay })
    const [first, second, third] = items('Relays')
    expect(first).toContain('connected, 23 ms; comes with this app')
    expect(second).toContain(
      'in reserve; on your wallet’s signed list, which all members share; it cannot be removed here',
    )
    expect(third).toContain('not reachable; added by you')
    expect(buttons('Remove relay')).toHaveLength(1)
    expect(described(button('Remove relay'))).toContain('/dns4/r3.example')
    await press('Remove relay')
    expect(removeRelay).toHaveBeenCalledWith(relay(3, {}).address)
  })

  it('says at the field what is wrong with an address, and adds or tests a good one', async () => {
    const addRelay = vi
      .fn()
      .mockResolvedValueOnce(err({ field: 'relay', code: 'malformed' }))
      .mockResolvedValueOnce(ok(undefined))
    const testRelay = vi
      .fn()
      .mockResolvedValueOnce(ok({ state: 'reserved', latencyMs: 11.6 }))
      .mockResolvedValueOnce(ok({ state: 'unreachable' }))
    await open({ addRelay, testRelay })
    await type(field('Relay address'), 'wss://x')
    await press('Add relay')
    expect(described(field('Relay address'))).toContain('This is not a relay address')
    await press('Test relay')
    expect(text()).toContain('This relay answers and gives places. Round trip 12 ms.')
    await press('Test relay')
    expect(text()).toContain('This relay does not answer.')
    await press('Add relay')
    expect(field('Relay address').value).toBe('')
  })
})

describe('direct lines and privacy', () => {
  const open = (state: object = {}, actions: object = {}) =>
    show(PrivacySection, {}, () => {
      const store = useP2PStore()
      store.$patch(state)
      Object.assign(store, actions)
    })

  it('switches relay-only on, and back when it could not be stored', async () => {
    const setRelayOnly = vi
      .fn()
      .mockResolvedValueOnce(ok(undefined))
      .mockResolvedValueOnce(err({ field: 'settings', code: 'storage-failed' }))
    await open({}, { setRelayOnly })
    const box = document.querySelector<HTMLInputElement>('input[type=checkbox]')
    expect(document.querySelector(`label[for="${box?.id}"]`)?.textContent).toBe('Relay only')
    box?.click()
    await settle()
    expect(setRelayOnly).toHaveBeenCalledWith(true)
    box?.click()
    await settle()
    expect(text()).toContain('could not store the setting')
  })

  it('says whether direct lines are off or go through TURN', async () => {
    await open({ relayOnly: true, direct: false })
    expect(text()).toContain('No direct line is offered or answered.')
    useP2PStore().direct = true
    await settle()
    expect(text()).toContain('Direct lines go through your TURN servers only.')
  })

  it("asks a TURN server's user and password, and shows no password again", async () => {
    const addIceServer = vi
      .fn()
      .mockResolvedValueOnce(err({ field: 'ice', code: 'malformed' }))
      .mockResolvedValueOnce(err({ field: 'ice-user', code: 'empty' }))
      .mockResolvedValueOnce(ok(undefined))
    await open(
      {
        ice: [
          { url: 'stun:a', turn: false, fixed: true },
          { url: 'turn:b', turn: true, fixed: false },
        ],
      },
      { addIceServer },
    )
    expect(items('STUN and TURN servers')).toEqual([
      expect.stringContaining('STUN, comes with this app'),
      expect.stringContaining('TURN'),
    ])
    expect(buttons('Remove server')).toHaveLength(1)
    await type(field('STUN or TURN server'), 'nonsense')
    await press('Add server')
    expect(described(field('STUN or TURN server'))).toContain('It looks like stun:')
    await type(field('STUN or TURN server'), 'turn:turn.example')
    await settle()
    await press('Add server')
    expect(described(field('TURN user'))).toContain('asks for a user name')
    await type(field('TURN user'), 'ann')
    await type(field('TURN password'), 'secret')
    await press('Add server')
    expect(addIceServer).toHaveBeenLastCalledWith({ url: 'turn:turn.example', username: 'ann', credential: 'secret' })
    expect(field('STUN or TURN server').value).toBe('')
    expect(text()).not.toContain('secret')
  })
})

describe('the answer of a connection test', () => {
  const answer = (more: Partial<Answer>): Answer => ({
    verdict: 'reachable',
    direct: 'host-only',
    relays: [{ address: 'r', state: 'reserved', latencyMs: 9.7, called: true }],
    candidates: { mdns: 2 },
    nat: 'host-only',
    chains: [{ network: 'regtest', ok: true, ms: 14 }],
    ms: 500,
    ...more,
  })

  it('is in plain words, with what was seen below', async () => {
    await show(ConnectionTest, { result: answer({}), running: false })
    expect(text()).toContain('The others can reach this browser')
    expect(items('Test results')).toEqual([
      'Relay connected, 10 ms; a call from outside arrived',
      expect.stringMatching(/^Direct lines .*Found: own network, name hidden \(2\)$/) as string,
      'Chain, regtest The chain server answers, 14 ms.',
    ])
  })

  it.each([
    ['offline', 'This browser is offline'],
    ['no-relay', 'Add one in Settings'],
    ['relay-unreachable', 'A firewall may block it'],
    ['relay-refused', 'full and refused a place'],
    ['no-place', 'test again in a moment'],
    ['not-called', 'Reload the page'],
    ['cancelled', 'The test was stopped'],
  ] as const)('says at %s what stands in the way and what to do', async (verdict, sentence) => {
    await show(ConnectionTest, { result: answer({ verdict }), running: false })
    expect(document.querySelector('[aria-live="polite"]')?.textContent).toContain(sentence)
  })

  it('can be stopped while it runs', async () => {
    const wrapper = await show(ConnectionTest, { running: true })
    await press('Stop the test')
    expect(wrapper.emitted('cancel')).toHaveLength(1)
    expect(buttons('Test my connection')).toHaveLength(0)
  })
})

describe("a member's line", () => {
  const attempt: Attempt = {
    id: 1,
    direction: 'outbound',
    via: 'webrtc',
    at: Date.now(),
    ms: 1_130,
    state: 'failed',
    nat: 'host-only',
    local: { mdns: 1 },
    remote: { host: 2 },
    error: 'TimeoutError: too late',
    steps: [
      { step: 'resolve', at: 0, ms: 0.2 },
      { step: 'relay', at: 0, ms: 30 },
      { step: 'sdp', at: 30, ms: 100 },
      { step: 'ice', at: 130, ms: 1_000 },
    ],
  }

  it('has each step with its time, the candidates, and the raw error', async () => {
    await show(AttemptList, { attempts: [attempt] })
    const [row = ''] = items('Attempts')
    expect(row).toContain('direct line, called: failed')
    for (const part of [
      'knocking through a relay30 ms',
      'opening the direct line1000 ms',
      '<1 ms',
      'own network, name hidden (1)',
      'own network (2)',
      'TimeoutError: too late',
    ])
      expect(row).toContain(part)
  })

  it('is looked at while it is open, and no longer', async () => {
    const report: LinkReport = {
      peerId: 'p',
      kind: 'webrtc',
      rttMs: 12.3,
      bytesSent: 4_096,
      bytesReceived: 25_000,
      openedAt: Date.now(),
      localCandidate: 'host',
      remoteCandidate: 'prflx',
      nat: 'host-only',
      attempts: [attempt],
    }
    const ask = vi.fn(async () => report)
    const member = {
      accountKey: '02aa',
      name: 'Ann',
      peerId: 'p',
      self: false,
      confirmed: true,
      saved: true,
    } as MemberView
    const closed = await show(MemberReport, { member }, () => {
      useP2PStore().report = ask
    })
    await settle()
    expect(ask).not.toHaveBeenCalled()
    closed.unmount()
    const opened = await show(MemberReport, { member, opened: true }, () => {
      useP2PStore().report = ask
    })
    await settle()
    await settle()
    expect(ask).toHaveBeenCalledTimes(1)
    for (const part of [
      'direct (WebRTC), end-to-end encrypted',
      '12 ms',
      '4096 B, 25 kB',
      'host to prflx',
      'own network only',
    ])
      expect(text()).toContain(part)
    opened.unmount()
  })
})
