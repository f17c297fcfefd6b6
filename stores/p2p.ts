import { defineStore } from 'pinia'
import { markRaw } from 'vue'
import type { IceView, RelayView, ReportFrame } from '../services/connections'
import type { ParticipantStatus } from '../services/core/domain/connectivity'
import type { IceServer } from '../services/core/domain/ice'
import type { PeerId } from '../services/core/domain/ids'
import { err } from '../services/core/domain/result'
import type { P2PEvent } from '../services/p2p'

const door = async () => (await import('../services/p2p')).getP2P()
const connections = async () => (await import('../services/connections')).getConnections()
/** what every door answers when no profile is open */
const locked = (field: string) => err({ field, code: 'locked' })

/** Mirror of the network door. */
export const useP2PStore = defineStore('p2p', {
  state: () => ({
    started: false,
    peerId: null as string | null,
    relays: [] as RelayView[],
    /** STUN and TURN servers, without passwords */
    ice: [] as IceView[],
    relayOnly: false,
    /** direct lines are offered and answered */
    direct: true,
    /** milliseconds by which this clock differs from a member's, when it is over two minutes */
    clockOffset: null as number | null,
    /** the same profile is live on another device, which is newer */
    conflict: false,
    /** the connection to each peer, by peer id: screens join it to members */
    peers: {} as Record<PeerId, ParticipantStatus>,
  }),
  getters: {
    /** others can reach this browser: a relay holds a place for it */
    reachable: state => state.relays.some(r => r.state === 'reserved'),
  },
  actions: {
    async wake() {
      ;(await door())?.wake()
    },
    async addRelay(address: string) {
      return (await connections())?.addRelay(address) ?? locked('relay')
    },
    async removeRelay(address: string) {
      return (await connections())?.removeRelay(address) ?? locked('relay')
    },
    async testRelay(address: string) {
      return (await connections())?.testRelay(address) ?? locked('relay')
    },
    async measureRelays() {
      await (await connections())?.measureRelays()
    },
    async addIceServer(server: IceServer) {
      return (await connections())?.addIceServer(server) ?? locked('ice')
    },
    async removeIceServer(url: string) {
      return (await connections())?.removeIceServer(url) ?? locked('ice')
    },
    async setRelayOnly(relayOnly: boolean) {
      return (await connections())?.setRelayOnly(relayOnly) ?? locked('settings')
    },
    async testConnection(signal: AbortSignal) {
      return (await connections())?.testConnection(signal)
    },
    async report(peerId: string) {
      return (await connections())?.report(peerId)
    },
    async healthReport(peerIds: readonly string[], frame: ReportFrame, withAddresses: boolean) {
      return (await connections())?.healthReport(peerIds, frame, withAddresses)
    },
    _onEvent(event: P2PEvent) {
      switch (event.type) {
        case 'peer':
          this.peers = { ...this.peers, [event.status.peerId]: markRaw(event.status) }
          break
        case 'clock-offset':
          this.clockOffset = event.ok ? null : event.offsetMs
          break
        case 'superseded':
        case 'newer-instance':
          this.conflict = true
          break
        case 'relay':
        case 'addresses':
        case 'presence':
        case 'version':
        case 'offence':
      }
    },
    _mirror(
      patch: Partial<{
        started: boolean
        peerId: string | null
        relays: RelayView[]
        ice: IceView[]
        relayOnly: boolean
        direct: boolean
        clockOffset: number | null
        conflict: boolean
        peers: Record<PeerId, ParticipantStatus>
      }>,
    ) {
      this.$patch(patch)
    },
  },
})
