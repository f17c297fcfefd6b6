import { describe, expect, it } from 'vitest'
import { useParticipantWords } from '../../../composables/useParticipantWords'
import { enConnect } from '../../../locales/en-connect'
import { ConnectivityErrorType as T, type ConnectStep } from '../../../services/core/domain/connectivity'

const { participant } = useParticipantWords()
const STEPS: ReadonlyArray<ConnectStep | undefined> = [undefined, 'resolve', 'relay', 'sdp', 'ice', 'ping']
const cases = Object.values(T).flatMap(type =>
  STEPS.flatMap(step => [undefined, true, false].map(retryable => ({ type, step, retryable }))),
)
const said = (type: T, step?: ConnectStep, retryable?: boolean): string =>
  participant(
    {
      peerId: 'p',
      connected: false,
      state: 'failed',
      since: 0,
      errorType: type,
      ...(step ? { step } : {}),
      ...(retryable === undefined ? {} : { retryable }),
    },
    'Bob',
  ).sentence ?? ''

describe('what people are told when somebody cannot be reached', () => {
  it.each(cases)(
    '$type in step $step, retryable $retryable: what happened, and what to do',
    ({ type, step, retryable }) => {
      const sentence = said(type, step, retryable)
      expect(sentence).not.toBe(enConnect.errorUnknown.replace('{name}', 'Bob'))
      expect(sentence).toMatch(/^[A-Z].*[.]$/)
      expect(sentence).not.toMatch(/[{}]|undefined/)
      expect(sentence, 'names a next step').toMatch(/\b(retry|retrying|reload|check|ask|may run)\b/i)
    },
  )

  it('asks for no retry where none can help, and for a retry where one can', () => {
    expect(said(T.REJECTED, 'sdp', false)).not.toMatch(/retry/i)
    expect(said(T.NO_RELAY_ADDRESS, 'resolve', false)).not.toMatch(/retry/i)
    expect(said(T.WEBRTC_FAILED, 'resolve', false)).toMatch(/Reload the page/)
    for (const type of [T.PEER_NOT_FOUND, T.TIMEOUT, T.NETWORK_ERROR, T.WEBRTC_FAILED, T.NO_RELAY_ADDRESS])
      expect(said(type, undefined, true)).toMatch(/retry/i)
  })

  it('blames the relay, not the person, when the way dies at the relay', () => {
    expect(said(T.NETWORK_ERROR, 'relay', true)).toMatch(/^No relay on the way to Bob/)
    expect(said(T.NETWORK_ERROR, 'ping', true)).toMatch(/^The connection to Bob broke/)
  })

  it('every entry of the table is of a type and a step that exist', () => {
    const known = new Set<string>(
      Object.values(T).flatMap(type => [
        type,
        `${type}-again`,
        `${type}-final`,
        ...STEPS.map(step => `${type}-${step}`),
      ]),
    )
    expect(Object.keys(enConnect.error).filter(key => !known.has(key))).toEqual([])
  })
})
