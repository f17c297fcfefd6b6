import { onScopeDispose, ref, shallowRef, watch } from 'vue'
import { useBuild } from './useBuild'
import { useP2PStore } from '../stores/p2p'
import { useWalletsStore } from '../stores/wallets'
import type { ConnectionTest } from '../services/core/domain/connection-test'
import type { LinkReport } from '../services/core/domain/diagnostics'

/** milliseconds between two looks at figures that are on the screen */
const LOOK_MS = 2_000
/** relays are asked less often: each answer is a message to a server */
const MEASURE_MS = 10_000

/** Runs `work` now and again `everyMs` after each time, until the returned function is called. */
function every(everyMs: number, work: () => Promise<void>): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined
  let over = false
  const round = async () => {
    await work()
    if (!over) timer = setTimeout(round, everyMs)
  }
  void round()
  return () => {
    over = true
    clearTimeout(timer)
  }
}

/** "Test my connection": its last answer, and whether it runs. It ends when the screen is left. */
export function useConnectionTest() {
  const store = useP2PStore()
  const result = shallowRef<ConnectionTest>()
  const running = ref(false)
  let controller: AbortController | undefined

  async function run() {
    controller?.abort()
    const mine = new AbortController()
    controller = mine
    running.value = true
    const answer = await store.testConnection(mine.signal)
    if (controller !== mine) return
    running.value = false
    if (answer !== undefined) result.value = answer
  }
  const cancel = () => controller?.abort()
  onScopeDispose(cancel)
  return { result, running, run, cancel }
}

/** Figures of the line to one member, renewed while `open` says that somebody looks. */
export function useLinkReport(peerId: () => string, open: () => boolean) {
  const store = useP2PStore()
  const report = shallowRef<LinkReport>()
  watch(
    [peerId, open],
    (_, __, clean) => {
      if (!open()) return
      clean(
        every(LOOK_MS, async () => {
          report.value = await store.report(peerId())
        }),
      )
    },
    { immediate: true },
  )
  return report
}

/** Keeps the latencies of the relays fresh while they are on the screen. */
export function useRelayLatency() {
  const store = useP2PStore()
  onScopeDispose(every(MEASURE_MS, () => store.measureRelays()))
}

/** The report that people copy. */
export function useHealthReport() {
  const store = useP2PStore()
  const wallets = useWalletsStore()
  const { version, commit } = useBuild()
  return (test: ConnectionTest | undefined, withAddresses: boolean) => {
    const peerIds = [...new Set(wallets.wallets.flatMap(w => w.members.filter(m => !m.self).map(m => m.peerId)))]
    const chains = wallets.wallets.map(w => ({
      network: w.network,
      state: w.chain.state,
      ...(w.chain.height === undefined ? {} : { height: w.chain.height }),
    }))
    const frame = {
      build: `${version} ${commit}`,
      browser: navigator.userAgent,
      at: new Date().toISOString(),
      clockOffsetMs: store.clockOffset,
      chains,
      ...(test ? { test } : {}),
    }
    return store.healthReport(peerIds, frame, withAddresses)
  }
}
