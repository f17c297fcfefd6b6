import { describe, expect, it } from 'vitest'
import { err, ok } from '../../../services/core/domain/result'
import { SessionRunner } from '../../../services/core/signing/runtime/runner'
import type { RunnerDeps } from '../../../services/core/signing/runtime/runner'
import { newSession } from '../../../services/core/signing/protocol/state'
import type { AttemptName } from '../../../services/core/domain/proposal'
import type { SignBody, SignedMessage } from '../../../services/core/wire/messages'
import { FakeClock } from '../../fakes/clock'
import { accountKey, spendProposal, START } from '../../fakes/session-harness'

/** A runner of the proposer of two, whose vault answers at once and whose disk answers when it is told to. */
function make() {
  const named = spendProposal()
  const clock = new FakeClock(START)
  const done: string[] = []
  let write = { resolve: (): void => {}, reject: (_error: Error): void => {} }
  const signed = (body: SignBody, attempt?: AttemptName): SignedMessage => ({
    sender: accountKey(0),
    walletId: named.proposal.walletId,
    session: named.sessionId,
    attempt,
    body,
    signature: new Uint8Array(64),
  })
  const broken: { code?: string } = {}
  const unused = () => {
    throw new Error('not in this test')
  }
  const deps: RunnerDeps = {
    clock,
    log: { write: () => undefined },
    signer: {
      signMessage: async (_keys: unknown, _session: unknown, attempt: AttemptName | undefined, body: SignBody) => {
        done.push(`sign ${body.type}`)
        return broken.code === undefined ? ok(signed(body, attempt)) : err({ code: broken.code, detail: '' })
      },
      makeNonces: async () => err({ code: 'locked', detail: '' }),
      eraseNonces: async () => undefined,
      approve: async () => {
        done.push('approve')
        return ok(signed({ type: 'vote', digest: named.digest, choice: 'yes' }))
      },
      retract: async () => {
        done.push('retract')
      },
    } as unknown as RunnerDeps['signer'],
    keys: { network: 'regtest', descriptor: '' },
    save: () =>
      new Promise<void>((resolve, reject) => {
        done.push('write')
        write = { resolve, reject }
      }),
    send: (_to, message) => {
      done.push(`send ${message.body.type}`)
    },
    verify: async () => {
      done.push('verify')
      return { kind: 'ok' }
    },
    broadcast: async () => err({ code: 'unreachable', detail: '', retryable: true }),
    offence: unused,
    stepped: () => undefined,
  }
  const runner = new SessionRunner(deps)
  runner.add(newSession(named, [accountKey(0), accountKey(1)], accountKey(0)))
  const tell = (fact: Parameters<typeof runner.tell>[1]) => void runner.tell(named.sessionId, fact)
  return {
    runner,
    clock,
    done,
    broken,
    tell,
    id: named.sessionId,
    write: { resolve: () => write.resolve(), reject: () => write.reject(new Error('full')) },
  }
}

/** The proposal stands, stored and sent; `done` starts anew. */
async function proposed() {
  const t = make()
  t.tell({ type: 'peers', connected: [1] })
  t.tell({ type: 'opened' })
  await t.clock.settle()
  t.write.resolve()
  await t.clock.settle()
  expect(t.done).toEqual(['verify', 'approve', 'sign propose', 'write', 'send propose'])
  t.done.length = 0
  return t
}

const yesOf = (t: Awaited<ReturnType<typeof proposed>>): SignedMessage => {
  const session = t.runner.get(t.id)
  if (session === undefined) throw new Error('no session')
  return {
    sender: accountKey(1),
    walletId: session.walletId,
    session: t.id,
    body: { type: 'vote', digest: session.digest, choice: 'yes' },
    signature: new Uint8Array(64),
  }
}

describe('the runner', () => {
  it('begins a question beside the write, and steps its answer behind it', async () => {
    const t = await proposed()
    t.tell({ type: 'message', from: 1, message: yesOf(t) })
    await t.clock.settle()
    expect(t.done, 'asked before the disk has answered; nothing is sent').toEqual(['sign begin', 'write'])
    t.write.resolve()
    await t.clock.settle()
    expect(t.done, 'the attempt is written before it is told').toEqual(['sign begin', 'write', 'verify', 'write'])
    t.write.resolve()
    await t.clock.settle()
    expect(t.done[4]).toBe('send begin')
  })

  it('does not begin an attempt when the last vote could not be stored', async () => {
    const t = await proposed()
    t.tell({ type: 'message', from: 1, message: yesOf(t) })
    await t.clock.settle()
    t.write.reject()
    await t.clock.settle()
    expect(t.done.filter(what => what.startsWith('send'))).toEqual([])
    expect(t.runner.get(t.id)?.votes[1], 'memory knows no more than the disk').toBeUndefined()
    expect(t.runner.get(t.id)?.live).toBeUndefined()
  })

  it('does not ask a vault that refuses again and again', async () => {
    const t = await proposed()
    t.broken.code = 'bad-proposal'
    t.tell({ type: 'message', from: 1, message: yesOf(t) })
    await t.clock.settle()
    t.write.resolve()
    await t.clock.settle()
    expect(t.done.filter(what => what === 'sign begin')).toEqual(['sign begin'])
    expect(t.runner.get(t.id)?.stopped).toBe('signer-bad-proposal')
  })

  it('lets the vault forget the yes before anything else about an end', async () => {
    const t = await proposed()
    t.tell({ type: 'user', action: 'cancel' })
    await t.clock.settle()
    expect(t.done.slice(0, 2)).toEqual(['retract', 'sign cancel'])
    t.runner.stop()
  })
})
