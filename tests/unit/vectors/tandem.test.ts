import { readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { toHex, fromHex } from '../../../services/core/domain/bytes'
import { decodeFrame, encodeFrame, encodeStatement } from '../../../services/core/wire/codec'
import { verifySignedStatement } from '../../../services/core/crypto/signature'
import { parseInvite } from '../../../services/core/roster/invite'
import { checkRecord } from '../../../services/core/roster/wallet-record'
import type { Statement } from '../../../services/core/domain/statement'
import type { WalletRecord } from '../../../services/core/domain/wallet'
import type { ProtocolName } from '../../../services/core/wire/messages'
import { buildVectors, revive, toText, type Vectors } from './build'

const file = (name: string): URL => new URL(`../../vectors/tandem/${name}.json`, import.meta.url)
const read = (name: keyof Vectors): unknown => JSON.parse(readFileSync(file(name), 'utf8'), revive)
const built = buildVectors()

// scripts/tandem-vectors.ts sets it, after a change of the protocol that was meant
if (process.env.TANDEM_WRITE_VECTORS === '1') {
  for (const [name, value] of Object.entries(built)) writeFileSync(file(name), toText(value))
}

describe('own vectors', () => {
  it.each(Object.keys(built) as Array<keyof Vectors>)('%s.json says what the code does', name => {
    expect(readFileSync(file(name), 'utf8')).toBe(toText(built[name]))
  })

  it('every frame decodes to its message and back', () => {
    const messages = read('messages') as Record<ProtocolName, Array<{ message: never; frame: string }>>
    for (const protocol of ['join', 'wallet', 'sign'] as const) {
      expect(messages[protocol].length).toBeGreaterThan(1)
      for (const { message, frame } of messages[protocol]) {
        expect(decodeFrame(protocol, fromHex(frame))).toEqual({ ok: true, value: message })
        expect(toHex(encodeFrame(protocol, message))).toBe(frame)
      }
    }
  })

  it('statements carry good signatures, the record agrees with itself, the invite is read', () => {
    const { record, statements } = read('wallet') as {
      record: WalletRecord
      statements: Array<{ statement: Statement; encoded: string; signature: string }>
    }
    for (const { statement, encoded, signature } of statements) {
      expect(toHex(encodeStatement(statement))).toBe(encoded)
      expect(verifySignedStatement(statement, signature)).toBe(true)
    }
    expect(checkRecord(record, verifySignedStatement).ok).toBe(true)
    const { invite, payload } = read('invite') as { invite: { expiresAt: number }; payload: string }
    expect(parseInvite(payload, { now: invite.expiresAt - 1, available: ['regtest'] })).toEqual({
      ok: true,
      value: invite,
    })
  })
})
