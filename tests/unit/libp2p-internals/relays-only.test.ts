import type { GossipSubComponents } from '@libp2p/gossipsub'
import type { Connection, Stream, StreamHandler, Topology } from '@libp2p/interface'
import { describe, expect, it } from 'vitest'
import { relaysOnly } from '../../../services/adapters/libp2p/internals/relays-only'

type Registrar = GossipSubComponents['registrar']

describe('a service that has to do with relays alone', () => {
  const relay = { id: 'relay' } as Connection
  const member = { id: 'member' } as Connection

  it('gets no stream and hears of no connection of anybody else', async () => {
    let handler: StreamHandler | undefined
    let topology: Topology | undefined
    const registrar = relaysOnly(
      {
        handle: async (_: string, handle: StreamHandler) => {
          handler = handle
        },
        register: async (_: string, given: Topology) => {
          topology = given
          return 'id'
        },
      } as unknown as Registrar,
      connection => connection === relay,
    )
    const heard: string[] = []
    await registrar.handle('/x', (_, connection) => {
      heard.push(`stream ${connection.id}`)
    })
    await registrar.register('/x', {
      onConnect: (_, connection) => {
        heard.push(`connection ${connection?.id ?? ''}`)
      },
    })
    let aborted = 0
    const stream = { abort: () => aborted++ } as unknown as Stream
    for (const connection of [relay, member]) {
      await handler?.(stream, connection)
      await topology?.onConnect?.({} as never, connection)
    }
    expect(heard).toEqual(['stream relay', 'connection relay'])
    expect(aborted).toBe(1)
  })
})
