import { defineNuxtPlugin } from '#app'
import { NETWORK_NAMES, NETWORKS } from '../services/core/domain/network'
import { useMuSig2Store } from '../stores/musig2'
import { useP2PStore } from '../stores/p2p'
import { useSettingsStore } from '../stores/settings'
import { useVaultStore } from '../stores/vault'
import { useWalletsStore } from '../stores/wallets'

/** Starts the services and lets the stores mirror what they report. */
export default defineNuxtPlugin(() => {
  const [vault, wallets, musig2, p2p, settings] = [
    useVaultStore(),
    useWalletsStore(),
    useMuSig2Store(),
    useP2PStore(),
    useSettingsStore(),
  ]
  // outside a secure context there is no WebCrypto: app.vue says so in one sentence, and nothing is started
  if (!globalThis.isSecureContext) return
  void import('../services/compose')
    .then(({ compose }) =>
      compose({
        config(result) {
          if (!result.ok) {
            settings.configError = result.error
            return
          }
          settings.movedFrom = result.value.movedFrom ?? null
          wallets.networks = NETWORK_NAMES.flatMap(name => {
            const network = result.value.networks[name]
            return network === undefined
              ? []
              : [{ name, local: NETWORKS[name].local, faucet: network.faucet !== undefined }]
          })
        },
        locked(reason) {
          vault._onLocked(reason)
          wallets._clear()
          musig2._clear()
          p2p._mirror({
            started: false,
            peerId: null,
            relays: [],
            ice: [],
            relayOnly: false,
            direct: true,
            peers: {},
            conflict: false,
            clockOffset: null,
          })
        },
        wallets: { changed: (list, drafts, finished) => wallets._mirror(list, drafts, finished) },
        musig2: { sessions: cards => musig2._mirrorSessions(cards) },
        p2p: event => p2p._onEvent(event),
        started: peerId => p2p._mirror({ started: true, peerId }),
        connections: view =>
          p2p._mirror({ relays: [...view.relays], ice: [...view.ice], relayOnly: view.relayOnly, direct: view.direct }),
      }),
    )
    .then(() => {
      if (settings.configError === null) return vault.load()
    })
})
