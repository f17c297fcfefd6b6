import { computed } from 'vue'
import { useP2PStore } from '../stores/p2p'
import { useSettingsStore } from '../stores/settings'

/** Preferences of this browser and the state of its network. */
export function useSettings() {
  const store = useSettingsStore()
  return {
    unit: computed(() => store.unit),
    setUnit: store.setUnit,
  }
}

export function useNetwork() {
  const store = useP2PStore()
  return {
    started: computed(() => store.started),
    peerId: computed(() => store.peerId),
    relays: computed(() => store.relays),
    ice: computed(() => store.ice),
    relayOnly: computed(() => store.relayOnly),
    direct: computed(() => store.direct),
    clockOffset: computed(() => store.clockOffset),
    reachable: computed(() => store.reachable),
    wake: store.wake,
    addRelay: store.addRelay,
    removeRelay: store.removeRelay,
    testRelay: store.testRelay,
    measureRelays: store.measureRelays,
    addIceServer: store.addIceServer,
    removeIceServer: store.removeIceServer,
    setRelayOnly: store.setRelayOnly,
  }
}
