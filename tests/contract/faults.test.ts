import { spawn, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { circuitRelayServer, circuitRelayTransport, type CircuitRelayService } from '@libp2p/circuit-relay-v2'
import { identify, type Identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2pOptions } from 'libp2p'
import { afterEach, describe, expect, it } from 'vitest'
import { useParticipantWords } from '../../composables/useParticipantWords'
import { ConnectivityErrorType as T, type ConnectStep } from '../../services/core/domain/connectivity'
import { classifyConnectivityError } from '../../services/core/net/classify'
import { circuitAddress } from '../../services/core/net/rendezvous'
import { RealNetwork, type Node } from '../support/real-network'
import { until } from '../support/until'

const { participant } = useParticipantWords()
const soon = (ms = 15_000): AbortSignal => AbortSignal.timeout(ms)

let network = new RealNetwork()
const undo: Array<() => unknown> = []
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
  await network.close()
  network = new RealNetwork()
})

/** What the real thing rejects with, and the step that was told last. */
async function failure(
  run: (onStep: (step: ConnectStep) => void) => Promise<unknown>,
): Promise<{ error: unknown; step?: ConnectStep }> {
  let step: ConnectStep | undefined
  try {
    await run(s => {
      step = s
    })
  } catch (error) {
    return { error, ...(step ? { step } : {}) }
  }
  throw new Error('nothing failed')
}

const dial = (from: Node, peerId: string, relay: string, signal = soon()) =>
  failure(onStep => from.transport.dial(peerId, circuitAddress(relay, peerId), { signal, onStep }))

/** Type, whether trying again helps, and what a person reads. */
function judged({ error, step }: { error: unknown; step?: ConnectStep }) {
  const { type, retryable, step: where } = classifyConnectivityError('p', error, step)
  return {
    type,
    retryable,
    sentence: participant(
      {
        peerId: 'p',
        connected: false,
        state: 'failed',
        since: 0,
        errorType: type,
        retryable,
        ...(where ? { step: where } : {}),
      },
      'Ben',
    ).sentence,
  }
}

type Services = { identify: Identify; relay?: CircuitRelayService }

/** A libp2p node as anybody may run one, with options that ours does not have. */
async function foreign(more: Libp2pOptions<Services> = {}) {
  const node = await createLibp2p({
    transports: [webSockets(), circuitRelayTransport()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify() },
    ...more,
    connectionGater: { denyDialMultiaddr: () => false, ...more.connectionGater },
  })
  undo.push(() => node.stop())
  return node
}

/** A member in a process of its own, which can be stopped as a whole. */
async function otherProcess(relays: readonly string[]): Promise<{ child: ChildProcess; peerId: string }> {
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', fileURLToPath(new URL('peer-process.ts', import.meta.url)), ...relays],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  )
  const gone = new Promise<void>(resolve => {
    child.once('exit', () => resolve())
  })
  undo.push(async () => {
    child.kill('SIGKILL')
    await gone
  })
  const peerId = await new Promise<string>((resolve, reject) => {
    child.stdout.once('data', (line: Buffer) => resolve(line.toString().trim()))
    child.once('exit', code => reject(new Error(`the other process ended with ${code}`)))
  })
  return { child, peerId }
}

describe('each fault, caused with real nodes, has its type, says whether to try again, and what to do', () => {
  it('the relay is down', async () => {
    const relay = await network.relay()
    const [relayAddress = ''] = relay.addrs
    const [a, b] = [network.make([]), network.make([])]
    await a.p2p.start()
    await relay.close()
    expect(judged(await dial(a, b.transport.peerId, relayAddress))).toEqual({
      type: T.NETWORK_ERROR,
      retryable: true,
      sentence: 'No relay on the way to Ben can be reached. Check your network and the relays in Settings, then retry.',
    })
  })

  it('the relay is full', async () => {
    const relay = await network.relay({ limits: { reservations: 1 } })
    await network.node(relay.addrs)
    const late = network.make(relay.addrs)
    await late.p2p.start()
    await until(() => late.transport.relays()[0]?.state === 'refused', 'the refusal')
    expect(judged({ error: late.transport.relays()[0]?.error })).toEqual({
      type: T.NO_RELAY_ADDRESS,
      retryable: true,
      sentence:
        'The relay has no room for this browser at the moment. Wait a minute and retry, or add another relay in Settings.',
    })
  })

  it('the peer is at the relay but holds no place', async () => {
    const {
      addrs: [relay = ''],
    } = await network.relay()
    const a = await network.node([relay])
    const visitor = await foreign()
    await visitor.dial(multiaddr(relay))
    expect(judged(await dial(a, visitor.peerId.toString(), relay))).toMatchObject({
      type: T.PEER_NOT_FOUND,
      retryable: true,
    })
  })

  it('the peer has gone', async () => {
    const relay = await network.relay()
    const [address = ''] = relay.addrs
    const [a, b] = await Promise.all([network.node([address]), network.node([address])])
    await b.p2p.stop()
    await until(() => relay.reservations() === 1, 'the relay noticing')
    expect(judged(await dial(a, b.transport.peerId, address))).toEqual({
      type: T.PEER_NOT_FOUND,
      retryable: true,
      sentence: 'Ben’s browser is not online. Ask Ben to open the wallet, then retry.',
    })
  })

  it('the peer is frozen, to a dial', async () => {
    const {
      addrs: [relay = ''],
    } = await network.relay()
    const a = await network.node([relay])
    const b = await otherProcess([relay])
    b.child.kill('SIGSTOP')
    expect(judged(await dial(a, b.peerId, relay))).toMatchObject({ type: T.TIMEOUT, retryable: true })
  })

  it('the peer is frozen, to a ping over a connection that was there and to a gate; awake it is reached', async () => {
    const {
      addrs: [relay = ''],
    } = await network.relay()
    const a = await network.node([relay])
    const b = await otherProcess([relay])
    const link = await a.transport.dial(b.peerId, circuitAddress(relay, b.peerId), { signal: soon() })
    b.child.kill('SIGSTOP')
    expect(
      judged({ ...(await failure(() => a.transport.ping(link.id, { signal: soon(2_000) }))), step: 'ping' }),
    ).toEqual({
      type: T.TIMEOUT,
      retryable: true,
      sentence:
        'Ben’s browser is connected but does not answer; its tab may be asleep. Ask Ben to bring it to the front, then retry.',
    })
    const [failed] = (await a.p2p.ensureConnected([{ peerId: b.peerId }], { connectivityTimeoutMs: 3_000 })).failed
    expect(failed).toMatchObject({ errorType: T.TIMEOUT, retryable: true })
    expect(a.p2p.counters().operations).toBe(0)
    b.child.kill('SIGCONT')
    expect((await a.p2p.ensureConnected([{ peerId: b.peerId }])).connected).toEqual([b.peerId])
  })

  it('a gater of our own denies the dial', async () => {
    const {
      addrs: [relay = ''],
    } = await network.relay()
    const strict = await foreign({ connectionGater: { denyDialMultiaddr: () => true } })
    expect(judged(await failure(() => strict.dial(multiaddr(relay))))).toEqual({
      type: T.REJECTED,
      retryable: false,
      sentence:
        'Ben’s browser refused the connection. It may run another version of Tandem: ask Ben to reload the page.',
    })
  })

  it('the relay does not let us through to the peer', async () => {
    const guarded = await foreign({
      addresses: { listen: ['/ip4/127.0.0.1/tcp/0/ws'] },
      services: { identify: identify(), relay: circuitRelayServer() },
      connectionGater: { denyOutboundRelayedConnection: () => true },
    })
    const relay = guarded.getMultiaddrs()[0]?.toString() ?? ''
    const [a, b] = await Promise.all([network.node([relay]), network.node([relay])])
    expect(judged(await dial(a, b.transport.peerId, relay))).toMatchObject({ type: T.REJECTED, retryable: false })
  })

  it('the peer refuses relayed connections, of which the relay tells no more than that it did not get through', async () => {
    const {
      addrs: [relay = ''],
    } = await network.relay()
    const a = await network.node([relay])
    const closed = await foreign({
      addresses: { listen: [`${relay}/p2p-circuit`] },
      connectionGater: { denyInboundRelayedConnection: () => true },
    })
    await until(() => closed.getMultiaddrs().length > 0, 'its place')
    expect(judged(await dial(a, closed.peerId.toString(), relay))).toEqual({
      type: T.NETWORK_ERROR,
      retryable: true,
      sentence: 'The connection to Ben broke. Check your network, then retry.',
    })
  })

  it('the peer does not speak the protocol', async () => {
    const {
      addrs: [relay = ''],
    } = await network.relay()
    const [a, b] = await Promise.all([network.node([relay]), network.node([relay])])
    const link = await a.transport.dial(b.transport.peerId, circuitAddress(relay, b.transport.peerId), {
      signal: soon(),
    })
    expect(
      judged({
        ...(await failure(() => a.transport.open(link.id, '/tandem/nobody/1', { signal: soon() }))),
        step: 'ping',
      }),
    ).toMatchObject({ type: T.REJECTED, retryable: false })
  })

  it("what stands at the relay's address is no relay", async () => {
    const plain = await foreign({ addresses: { listen: ['/ip4/127.0.0.1/tcp/0/ws'] } })
    const address = plain.getMultiaddrs()[0]?.toString() ?? ''
    const [a, b] = [network.make([]), network.make([])]
    await a.p2p.start()
    expect(judged(await dial(a, b.transport.peerId, address))).toMatchObject({ type: T.NETWORK_ERROR, retryable: true })
  })

  it('the relay cuts a circuit at its limit of bytes', async () => {
    const {
      addrs: [relay = ''],
    } = await network.relay({ limits: { circuitBytes: 16_384 } })
    const [a, b] = await Promise.all([network.node([relay]), network.node([relay])])
    b.transport.handle('/tandem/sink/1', channel => {
      void (async () => {
        for await (const frame of channel.frames()) void frame
      })().catch(() => undefined)
    })
    const link = await a.transport.dial(b.transport.peerId, circuitAddress(relay, b.transport.peerId), {
      signal: soon(),
    })
    const channel = await a.transport.open(link.id, '/tandem/sink/1', { signal: soon() })
    const cut = await failure(async () => {
      for (let i = 0; i < 1_000; i++) {
        await channel.send(new Uint8Array(4_096))
        await new Promise(resolve => {
          setTimeout(resolve, 5)
        })
      }
    })
    expect(judged({ ...cut, step: 'ping' })).toEqual({
      type: T.NETWORK_ERROR,
      retryable: true,
      sentence: 'The connection to Ben broke. Check your network, then retry.',
    })
    await until(() => a.transport.connections(b.transport.peerId).length === 0, 'the end of the connection')
    expect(
      judged({ ...(await failure(() => a.transport.ping(link.id, { signal: soon() }))), step: 'ping' }),
    ).toMatchObject({ type: T.NETWORK_ERROR, retryable: true })
  })

  it('a protocol is not meant for a limited connection', async () => {
    const {
      addrs: [relay = ''],
    } = await network.relay()
    const b = await network.node([relay])
    const a = await foreign()
    const connection = await a.dial(multiaddr(circuitAddress(relay, b.transport.peerId)))
    expect(judged(await failure(() => connection.newStream('/tandem/sign/1')))).toMatchObject({
      type: T.NETWORK_ERROR,
      retryable: true,
    })
  })

  it('the dial is given up', async () => {
    const {
      addrs: [relay = ''],
    } = await network.relay()
    const [a, b] = await Promise.all([network.node([relay]), network.node([relay])])
    const controller = new AbortController()
    const dialling = dial(a, b.transport.peerId, relay, controller.signal)
    controller.abort()
    expect(judged(await dialling)).toMatchObject({ type: T.NETWORK_ERROR, retryable: true })
    expect(a.transport.connections(b.transport.peerId)).toEqual([])
  })

  it('there is no relay in the list', async () => {
    const a = network.make([])
    await a.p2p.start()
    const [failed] = (await a.p2p.ensureConnected([{ peerId: network.make([]).transport.peerId }])).failed
    expect(failed).toMatchObject({ errorType: T.NO_RELAY_ADDRESS, retryable: false })
  })

  it('the gate names each by its own reason, and keeps who is there', async () => {
    const relay = await network.relay()
    const [address = ''] = relay.addrs
    const [a, b] = await Promise.all([network.node([address]), network.node([address])])
    const gone = network.make([])
    const frozen = await otherProcess([address])
    frozen.child.kill('SIGSTOP')
    const result = await a.p2p.ensureConnected(
      [b.transport.peerId, gone.transport.peerId, frozen.peerId].map(peerId => ({ peerId })),
      { connectivityTimeoutMs: 8_000 },
    )
    expect(result.connected).toEqual([b.transport.peerId])
    expect(result.failed).toMatchObject([
      { peerId: gone.transport.peerId, errorType: T.PEER_NOT_FOUND, retryable: true },
      { peerId: frozen.peerId, errorType: T.TIMEOUT, retryable: true },
    ])
  })
})
