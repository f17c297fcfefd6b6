import { generateKeyPair, publicKeyToProtobuf } from '@libp2p/crypto/keys'
import type { IdentifyComponents } from '@libp2p/identify'
import type { Connection, Stream } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { lpStream, streamPair } from '@libp2p/utils'
import { describe, expect, it } from 'vitest'
import { identifyClients } from '../../../services/adapters/libp2p/internals/identify-clients'

const text = (value: string): number[] => [...Buffer.from(value)]
const field = (number: number, bytes: readonly number[]): number[] => [
  (number << 3) | 2,
  ...(bytes.length < 128 ? [bytes.length] : [(bytes.length & 127) | 128, bytes.length >> 7]),
  ...bytes,
]
const log = Object.assign(() => undefined, { error: () => undefined, trace: () => undefined, newScope: () => log })

describe('what the relay keeps of what a client tells of itself', () => {
  async function asked(
    answer: readonly number[],
    status: () => string,
  ): Promise<{ kept: Array<Record<string, unknown>>; failed: string }> {
    const key = await generateKeyPair('Ed25519')
    const remotePeer = peerIdFromPrivateKey(key)
    const kept: Array<Record<string, unknown>> = []
    const [near, far] = await streamPair()
    const service = identifyClients({
      peerId: peerIdFromPrivateKey(await generateKeyPair('Ed25519')),
      nodeInfo: { userAgent: 'test' },
      logger: { forComponent: () => log },
      registrar: {},
      events: { addEventListener: () => undefined, safeDispatchEvent: () => true },
      peerStore: {
        patch: async (_: unknown, data: Record<string, unknown>) => {
          kept.push(data)
        },
      },
    } as unknown as IdentifyComponents)
    const asking = service.identify({
      remotePeer,
      newStream: async () => near as Stream,
      get status() {
        return status()
      },
    } as unknown as Connection)
    await lpStream(far).write(Uint8Array.from([...field(1, [...publicKeyToProtobuf(key.publicKey)]), ...answer]))
    await far.close()
    return {
      failed: await asking.then(
        () => '',
        (error: Error) => error.message,
      ),
      kept,
    }
  }

  const answer = [
    ...field(2, [4, 127, 0, 0, 1]),
    ...field(3, text('/meshsub/1.1.0')),
    ...field(3, text('/x'.repeat(65))),
    ...field(6, text('an agent')),
    ...field(8, [1, 2, 3]),
  ]

  it('is what it speaks, and neither where it is nor what it calls itself', async () => {
    const { kept, failed } = await asked(answer, () => 'open')
    expect(failed).toBe('')
    expect(kept).toHaveLength(1)
    expect(kept[0]).toMatchObject({ protocols: ['/meshsub/1.1.0'] })
    expect(kept[0]).not.toHaveProperty('addresses')
    expect(JSON.stringify(kept[0])).not.toContain('an agent')
  })

  it('is nothing when it has gone meanwhile: nobody would forget it', async () => {
    const { kept, failed } = await asked(answer, () => 'closed')
    expect(kept).toEqual([])
    expect(failed).toContain('has gone')
  })
})
