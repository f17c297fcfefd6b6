import { parseConfig } from './core/domain/config'
import type { AppConfig, ConfigError } from './core/domain/config'
import { NETWORKS } from './core/domain/network'
import { err } from './core/domain/result'
import type { Result } from './core/domain/result'
import type { Chain } from './ports/chain'
import type { UnlockedProfile } from './ports/signer'
import { createKeyworker } from './adapters/keyworker/client'
import { createBrowserClock, createBrowserEntropy, createBrowserLog } from './adapters/system'
import { initVault } from './vault'
import type { Connections, ConnectionsView } from './connections'
import type { MuSig2, MuSig2Events } from './musig2'
import type { P2PEvent } from './p2p'
import type { Wallets, WalletsEvents } from './wallets'

/** Where doors report to; the plugin hands them on to the stores. */
export interface Sinks {
  config(result: Result<AppConfig, ConfigError>): void
  locked(reason: 'user' | 'takeover'): void
  wallets: WalletsEvents
  musig2: MuSig2Events
  p2p(event: P2PEvent): void
  /** the network is up under this peer id */
  started(peerId: string): void
  connections(view: ConnectionsView): void
}

/** named to other members in `hello` */
const BUILD = 'tandem/0.1.0'

/** What runs while a profile is open. */
interface Running {
  stop(): Promise<void>
}

let running: Running | null = null

async function readConfig(): Promise<Result<AppConfig, ConfigError>> {
  let text: string
  try {
    const response = await fetch('./config.json', { cache: 'no-store' })
    if (!response.ok) return err({ code: 'unreachable', detail: `status ${response.status}` })
    text = await response.text()
  } catch (error) {
    return err({ code: 'unreachable', detail: error instanceof Error ? error.message : String(error) })
  }
  try {
    return parseConfig(JSON.parse(text))
  } catch {
    return err({ code: 'not-json', detail: text.slice(0, 80) })
  }
}

/** Starts the app: configuration and vault at once, everything else when a profile opens. */
export async function compose(sinks: Sinks): Promise<void> {
  const config = await readConfig()
  sinks.config(config)
  if (!config.ok) return
  const signer = createKeyworker()
  initVault({
    signer,
    async opened(profile) {
      running = await open(profile, config.value, signer, sinks)
    },
    async closed(reason) {
      const was = running
      running = null
      await was?.stop()
      sinks.locked(reason)
    },
  })
}

/** Builds storage, chain servers, network and the doors for one open profile. The heavy modules are fetched here. */
async function open(
  profile: UnlockedProfile,
  config: AppConfig,
  signer: ReturnType<typeof createKeyworker>,
  sinks: Sinks,
): Promise<Running> {
  const [
    { createIndexedDbStorage, persistStorage },
    { createEsplora },
    { createLibp2pTransport },
    { createLibp2pProbe },
    { initP2P, stopP2P },
    { initConnections, effectiveIce, stopConnections },
    { NetworkSettings },
    { initWallets },
    { initMuSig2 },
    { ed25519 },
  ] = await Promise.all([
    import('./adapters/indexeddb'),
    import('./adapters/esplora'),
    import('./adapters/libp2p/transport'),
    import('./adapters/libp2p/probe'),
    import('./p2p'),
    import('./connections'),
    import('./core/net/network-settings'),
    import('./wallets'),
    import('./musig2'),
    import('@noble/curves/ed25519.js'),
  ])
  const clock = createBrowserClock()
  const entropy = createBrowserEntropy()
  const log = createBrowserLog()
  void persistStorage()

  const storage = await createIndexedDbStorage({
    profileId: profile.id,
    seal: (c, b) => signer.seal(c, b),
    open: (c, b) => signer.open(c, b),
    log,
  })
  const chains = new Map<string, Chain>()
  for (const [name, network] of Object.entries(config.networks)) {
    chains.set(
      name,
      createEsplora({
        base: network.esplora,
        faucet: network.faucet,
        maxConcurrent: NETWORKS[name as keyof typeof NETWORKS].local ? 4 : 2,
        clock,
        entropy,
        log,
      }),
    )
  }
  // before the first connection: who wants no address shown has it hidden from the start
  const settings = await NetworkSettings.load(storage)

  const transport = createLibp2pTransport({
    peerKey: profile.peerKey,
    relays: [],
    ice: effectiveIce(config.stun, settings.ice),
    clock,
    entropy,
    log,
  })
  let allowed: Wallets['allowed'] = () => false
  // one seed on two devices: the older run forgets its nonces and signs nothing more (docs/protocol.md, "Reaching each
  // other")
  const onP2P = (event: P2PEvent) => {
    if (event.type === 'newer-instance') void signer.eraseNonces().then(() => late.signing?.suspend())
    // the word of one peer, maybe of a stranger with an invite: it stops what is signed with that peer, and nothing
    // else
    if (event.type === 'superseded') void late.signing?.suspend(event.by)
    sinks.p2p(event)
  }
  const late: { signing?: MuSig2; connections?: Connections } = {}
  const p2p = initP2P({
    transport,
    clock,
    entropy,
    log,
    storage,
    relays: [...new Set([...config.relays, ...settings.relays])],
    build: BUILD,
    onEvent: onP2P,
    sign: async bytes => ed25519.sign(bytes, profile.peerKey),
    allowed: (peerId, protocol) => allowed(peerId, protocol),
  })
  const wallets = initWallets({
    profileName: profile.name,
    signer,
    storage,
    p2p,
    clock,
    entropy,
    log,
    events: sinks.wallets,
    chain: name => chains.get(name),
    networks: config.networks,
    relays: () => [...config.relays, ...settings.relays],
    relaysWanted: relays => late.connections?.setInvited(relays),
    link: fragment => `${location.href.replace(/#.*$/, '')}${fragment}`,
  })
  allowed = wallets.allowed
  const signing = initMuSig2({ signer, storage, p2p, wallets, clock, entropy, log, events: sinks.musig2 })
  const connections = initConnections({
    p2p,
    settings,
    probe: createLibp2pProbe({ clock, entropy, log }),
    chains,
    clock,
    app: config,
    walletRelays: () => wallets.relays(),
    online: () => navigator.onLine,
    onChange: sinks.connections,
  })
  late.connections = connections

  // what is stored is shown before the network is up; a dead relay must not keep anybody from his wallet
  await wallets.start(() => signing.load())
  late.signing = signing
  await signing.start()
  void p2p.start().then(
    () => {
      sinks.started(p2p.peerId)
      connections.tell()
    },
    (error: unknown) => log.write('error', 'p2p.start-failed', { message: String(error) }),
  )

  const onWake = () => {
    p2p.wake()
    wallets.wake()
  }
  const onSeen = () => {
    if (document.visibilityState === 'visible') onWake()
  }
  // with the network gone it is the same question: who still answers
  const onOffline = () => {
    p2p.wake()
  }
  document.addEventListener('visibilitychange', onSeen)
  document.addEventListener('resume', onWake)
  globalThis.addEventListener('online', onWake)
  globalThis.addEventListener('offline', onOffline)
  const onHide = (event: PageTransitionEvent) => {
    void signer.eraseNonces()
    // a page that is not kept says goodbye: the others need not wait for a timeout
    if (!event.persisted) void stopP2P()
  }
  globalThis.addEventListener('pagehide', onHide)

  return {
    async stop() {
      document.removeEventListener('visibilitychange', onSeen)
      document.removeEventListener('resume', onWake)
      globalThis.removeEventListener('online', onWake)
      globalThis.removeEventListener('offline', onOffline)
      globalThis.removeEventListener('pagehide', onHide)
      stopConnections()
      signing.stop()
      wallets.stop()
      await stopP2P()
      await storage.close()
    },
  }
}
