import { parseConfig } from './core/domain/config'
import type { AppConfig, ConfigError } from './core/domain/config'
import { NETWORKS } from './core/domain/network'
import { err } from './core/domain/result'
import type { Result } from './core/domain/result'
import type { Chain } from './ports/chain'
import type { UnlockedProfile } from './ports/signer'
import { createKeyworker } from './adapters/keyworker/client'
import { createBrowserClock, createBrowserEntropy, createBrowserLog, writeToConsole } from './adapters/system'
import { initVault } from './vault'
import type { ConnectionsView } from './connections'
import type { MuSig2Events } from './musig2'
import type { P2PEvent } from './p2p'
import type { WalletsEvents } from './wallets'

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

type KeyWorker = ReturnType<typeof createKeyworker>

/** The heavy modules, fetched when a profile opens. */
async function loadModules() {
  const [indexeddb, esplora, transport, probe, p2p, connections, networkSettings, wallets, musig2, curve] =
    await Promise.all([
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
  return {
    ...indexeddb,
    ...esplora,
    ...transport,
    ...probe,
    ...p2p,
    ...connections,
    ...networkSettings,
    ...wallets,
    ...musig2,
    ed25519: curve.ed25519,
  }
}

type Modules = Awaited<ReturnType<typeof loadModules>>

/** Builds storage, chain servers, network and the doors for one open profile. */
async function open(profile: UnlockedProfile, config: AppConfig, signer: KeyWorker, sinks: Sinks): Promise<Running> {
  const modules = await loadModules()
  void modules.persistStorage()
  const adapters = await createAdapters(modules, profile, config, signer)
  const doors = createDoors(modules, adapters, profile, config, signer, sinks)
  const { p2p, wallets, signing, connections } = doors

  // what is stored is shown before the network is up; a dead relay must not keep anybody from his wallet
  await wallets.start()
  void p2p.start().then(
    () => {
      sinks.started(p2p.peerId)
      connections.tell()
    },
    (error: unknown) => adapters.log.write('error', 'p2p.start-failed', { message: String(error) }),
  )
  const release = followPage({
    wake() {
      p2p.wake()
      wallets.wake()
    },
    offline: () => p2p.wake(),
    hide(persisted) {
      void signer.eraseNonces()
      // a page that is not kept says goodbye: the others need not wait for a timeout
      if (!persisted) void modules.stopP2P()
    },
  })
  return {
    async stop() {
      release()
      modules.stopConnections()
      signing.stop()
      wallets.stop()
      await modules.stopP2P()
      await adapters.storage.close()
    },
  }
}

async function createAdapters(modules: Modules, profile: UnlockedProfile, config: AppConfig, signer: KeyWorker) {
  const common = { clock: createBrowserClock(), entropy: createBrowserEntropy(), log: createBrowserLog() }
  writeToConsole(common.log, localStorage.getItem('tandem.log'), console)
  const storage = await modules.createIndexedDbStorage({
    profileId: profile.id,
    seal: (c, b) => signer.seal(c, b),
    open: (c, b) => signer.open(c, b),
    log: common.log,
  })
  const chains = new Map<string, Chain>()
  for (const [name, { esplora: base, faucet }] of Object.entries(config.networks)) {
    const maxConcurrent = NETWORKS[name as keyof typeof NETWORKS].local ? 4 : 2
    chains.set(name, modules.createEsplora({ ...common, base, faucet, maxConcurrent }))
  }
  // before the first connection: who wants no address shown has it hidden from the start
  const settings = await modules.NetworkSettings.load(storage)
  const transport = modules.createLibp2pTransport({
    ...common,
    peerKey: profile.peerKey,
    relays: [],
    ice: modules.effectiveIce(config.stun, settings.ice),
  })
  return { ...common, storage, chains, settings, transport, probe: modules.createLibp2pProbe(common) }
}

/** The doors know each other by what they are given here; they are asked for it after all of them stand. */
function createDoors(
  modules: Modules,
  adapters: Awaited<ReturnType<typeof createAdapters>>,
  profile: UnlockedProfile,
  config: AppConfig,
  signer: KeyWorker,
  sinks: Sinks,
) {
  const { settings, chains } = adapters
  const p2p = modules.initP2P({
    ...adapters,
    relays: [...new Set([...config.relays, ...settings.relays])],
    build: BUILD,
    onEvent: sinks.p2p,
    sign: async bytes => modules.ed25519.sign(bytes, profile.peerKey),
    allowed: (peerId, protocol) => wallets.directory.allowed(peerId, protocol),
  })
  const wallets = modules.initWallets({
    ...adapters,
    profileName: profile.name,
    signer,
    network: p2p,
    events: sinks.wallets,
    chain: name => chains.get(name),
    networks: config.networks,
    relays: () => [...config.relays, ...settings.relays],
    relaysWanted: relays => connections.setInvited(relays),
    link: fragment => `${location.href.replace(/#.*$/, '')}${fragment}`,
  })
  const { directory } = wallets
  const signing = modules.initMuSig2({
    clock: adapters.clock,
    network: p2p,
    events: sinks.musig2,
    sessions: () => directory.sessions(),
    onSessions: listener => directory.onSessions(listener),
  })
  const connections = modules.initConnections({
    ...adapters,
    p2p,
    app: config,
    walletRelays: () => directory.relays(),
    online: () => navigator.onLine,
    onChange: sinks.connections,
  })
  // one seed on two devices: the older run forgets its nonces and signs nothing more
  // (docs/protocol.md, "Reaching each other")
  p2p.onEvent(event => {
    if (event.type === 'newer-instance') void signer.eraseNonces().then(() => signing.suspend())
    // the word of one peer, maybe of a stranger with an invite: it stops what is signed with that peer alone
    if (event.type === 'superseded') void signing.suspend(event.by)
  })
  return { p2p, wallets, signing, connections }
}

/** What the browser tells of the page; the returned function ends it. */
function followPage(on: { wake(): void; offline(): void; hide(persisted: boolean): void }): () => void {
  const onSeen = () => {
    if (document.visibilityState === 'visible') on.wake()
  }
  const onHide = (event: PageTransitionEvent) => on.hide(event.persisted)
  document.addEventListener('visibilitychange', onSeen)
  document.addEventListener('resume', on.wake)
  globalThis.addEventListener('online', on.wake)
  // with the network gone it is the same question: who still answers
  globalThis.addEventListener('offline', on.offline)
  globalThis.addEventListener('pagehide', onHide)
  return () => {
    document.removeEventListener('visibilitychange', onSeen)
    document.removeEventListener('resume', on.wake)
    globalThis.removeEventListener('online', on.wake)
    globalThis.removeEventListener('offline', on.offline)
    globalThis.removeEventListener('pagehide', onHide)
  }
}
