import { defineStore } from 'pinia'
import { markRaw } from 'vue'
import type { ParticipantStatus } from '../services/core/domain/connectivity'
import type { P2PEvent } from '../services/p2p'

const door = async () => (await import('../services/p2p')).getP2P()

export interface RelayView {
  readonly address: string
  readonly state: 'idle' | 'connecting' | 'reserved' | 'refused' | 'unreachable'
  /** comes with config.json or the wallet's signed list; not removable here */
  readonly fixed: boolean
}

/** Mirror of the network door. */
export const useP2PStore = defineStore('p2p', {
  state: () => ({
    started: false,
    peerId: null as string | null,
    relays: [] as RelayView[],
    /** milliseconds by which this clock differs from a member's, when it is over two minutes */
    clockOffset: null as number | null,
    /** the same profile is live on another device, which is newer */
    conflict: false,
    links: {} as Record<string, ParticipantStatus>,
  }),
  getters: {
    /** others can reach this browser: a relay holds a place for it */
    reachable: state => state.relays.some(r => r.state === 'reserved'),
  },
  actions: {
    async wake() {
      (await door())?.wake()
    },
    async addRelay(address: string) {
      return (await import('../services/compose')).addRelay(address)
    },
    async removeRelay(address: string) {
      return (await import('../services/compose')).removeRelay(address)
    },
    _onEvent(event: P2PEvent) {
      switch (event.type) {
        case 'peer':
          this.links = { ...this.links, [event.status.peerId]: markRaw(event.status) }
          break
        case 'clock-offset':
          this.clockOffset = event.ok ? null : event.offsetMs
          break
        case 'superseded': case 'newer-instance':
          this.conflict = true
          break
        case 'relay': case 'addresses': case 'presence': case 'version': case 'offence':
      }
    },
    _mirror(patch: Partial<{ started: boolean; peerId: string | null; relays: RelayView[]; clockOffset: number | null; conflict: boolean; links: Record<string, ParticipantStatus> }>) {
      this.$patch(patch)
    },
  },
})
