/**
 * The wallets door: shared wallets of the open profile, from invite to balance. It owns the records and follows the
 * chain; the signing door asks it for coins, facts and members. Long because it is the list of all use cases of a
 * wallet, a few lines each.
 */
import type { Chain, ChainError } from './ports/chain'
import type { Clock } from './ports/clock'
import type { Entropy } from './ports/entropy'
import type { Log } from './ports/log'
import type { Aggregator, Signer } from './ports/signer'
import type { Storage } from './ports/storage'
import type { AppConfig } from './core/domain/config'
import { toHex } from './core/domain/bytes'
import type { AccountKey, PeerId, Txid, WalletId } from './core/domain/ids'
import { NETWORKS, NETWORK_NAMES } from './core/domain/network'
import type { NetworkName } from './core/domain/network'
import { MEMBERS_MAX, MEMBERS_MIN } from './core/domain/policy'
import { createThrottle, SCREEN_MS } from './core/domain/throttle'
import { err, ok } from './core/domain/result'
import type { Result } from './core/domain/result'
import { cleanText } from './core/domain/text'
import type { DraftView, FieldError, MemberView, ReviewView, WalletView } from './core/domain/views'
import type { WalletRecord } from './core/domain/wallet'
import { createFollower } from './core/chain/follower'
import type { Follower } from './core/chain/follower'
import { decodeChainState, EMPTY_STATE, encodeChainState } from './core/chain/state'
import { balances, nextIndex, spendableCoins } from './core/chain/view'
import type { ChainCoin, WalletChain } from './core/chain/view'
import { scriptToAddress } from './core/crypto/address'
import { createWalletScripts } from './core/crypto/wallet-scripts'
import type { WalletScripts } from './core/crypto/wallet-scripts'
import { decodeWalletFile, encodeWalletFile, unwrapWalletFile, wrapWalletFile } from './core/roster/file'
import { parseInvite } from './core/roster/invite'
import type { Invite } from './core/roster/invite'
import { memberLabels, preverify } from './core/roster/join'
import type { Verify } from './core/roster/join'
import { changesOf, decodeChanges, encodeChanges, noteChanges } from './core/roster/changes'
import type { Before } from './core/roster/changes'
import { createLobby } from './core/roster/draft-runner'
import { safetyHash, safetyNumber } from './core/roster/safety'
import {
  checkRecord,
  confirmStatement,
  isActive,
  memberOfPeer,
  mergeRecord,
  recordClaims,
  recordMessage,
  wholeRecordClaims,
  withConfirmation,
  withOwnFile,
} from './core/roster/wallet-record'
import { readRecipient } from './core/spend/recipient'
import { decodeWalletRecord, encodeWalletRecord } from './core/wire/codec'
import { LIMITS } from './core/wire/limits'
import type { P2P } from './p2p'

/** satoshis of one click on "Get test coins" */
const TEST_COINS = 1_000_000n

export interface WalletsEvents {
  changed(wallets: WalletView[], drafts: DraftView[], finishedDrafts: Record<string, WalletId>): void
}

export interface WalletsDeps {
  readonly profileName: string
  readonly signer: Signer & Aggregator
  readonly storage: Storage
  readonly p2p: P2P
  readonly clock: Clock
  readonly entropy: Entropy
  readonly log: Log
  readonly events: WalletsEvents
  chain(network: NetworkName): Chain | undefined
  readonly networks: AppConfig['networks']
  /** relays of the configuration and of this profile */
  relays(): readonly string[]
  /** relays that open invites name: joiners look for the creator there */
  relaysWanted(relays: readonly string[]): void
  /** whole link for the fragment of an invite */
  link(fragment: string): string
}

interface Room {
  record: WalletRecord
  readonly scripts: WalletScripts
  readonly follower: Follower | undefined
  /** highest receive index that was shown here; -1 before the first */
  shown: number
  held: ReadonlySet<string>
  reservedChange: ReadonlySet<number>
  /** came from a wallet file on this device */
  readonly restored: boolean
  /** members who have changed since a person looked */
  before: readonly Before[]
  /** the signing door waits for a transaction to be seen */
  expecting: boolean
}

export type Wallets = ReturnType<typeof createWallets>

const field = (name: string, code: string, detail?: string): FieldError => ({
  field: name,
  code,
  ...(detail === undefined ? {} : { detail }),
})
const chainField = (name: string, error: ChainError): FieldError => field(name, `chain-${error.code}`, error.detail)

/** What an invite says, for the screen that asks whether to join. `networks` are those of the configuration. */
export function readInviteFor(
  text: string,
  networks: readonly NetworkName[],
  nowS: number,
): Result<Invite, FieldError> {
  const read = parseInvite(text, { now: nowS, available: networks })
  if (read.ok) return read
  const { error } = read
  return err(field('invite', `invite-${error.code}`, 'network' in error ? error.network : undefined))
}

/** milliseconds from complete signatures to the first look for their transaction */
const EXPECT_MS = 400

export function createWallets(deps: WalletsDeps) {
  const { signer, storage, p2p, clock, log } = deps
  const rooms = new Map<WalletId, Room>()
  const syncListeners = new Set<(walletId: WalletId, news: boolean) => void>()
  const roomListeners = new Set<() => void>()
  /**
   * Everybody has confirmed and saved. A wallet file is older than the last confirmations: where it was restored, my
   * own confirmation and coins on the chain say the same, because no address is shown before; the other confirmations
   * come with the next member who is there.
   */
  const usable = ({ record, restored, follower }: Room) =>
    isActive(record) ||
    (restored && Object.hasOwn(record.confirmations, record.self) && (follower?.wallet.history.length ?? 0) > 0)

  const available = NETWORK_NAMES.filter(name => deps.networks[name] !== undefined)

  /** the holds of stored sessions are known: before that no coin may be shown as free, or taken */
  let holdsKnown = false
  const changed = createThrottle(
    clock,
    SCREEN_MS,
    () => holdsKnown && deps.events.changed([...rooms.values()].map(view), lobby.views(deps.link), lobby.finished()),
  )

  const lobby = createLobby({
    signer,
    storage,
    clock,
    log,
    entropy: deps.entropy,
    selfPeerId: p2p.peerId,
    send: (to, message) => void p2p.send(to, 'join', message),
    addWallet: async record => {
      if (!rooms.has(record.id)) await addRoom(record)
    },
    changed() {
      reach()
      changed()
    },
  })

  const watched = new Map<PeerId, () => void>()

  /** Tells the network door whom we want to be connected to, and over which relays. */
  function reach() {
    for (const { record } of rooms.values()) {
      p2p.joinWallet({
        walletId: record.id,
        groupSecret: record.groupSecret,
        self: record.self,
        relays: record.relayList.relays,
        members: record.roster.map(({ accountKey, peerId }) => ({ accountKey, peerId })),
      })
    }
    // people of a wallet in the making: the creator's browser, or members who have not taken the roster yet
    const wanted = new Map(lobby.wanted().map(w => [w.peerId, w]))
    for (const [peerId, release] of watched) {
      if (wanted.has(peerId)) continue
      watched.delete(peerId)
      release()
    }
    for (const [peerId, { relays, unknown }] of wanted)
      if (!watched.has(peerId)) watched.set(peerId, p2p.watch(peerId, { relays, unknown, links: ['join'] }))
    deps.relaysWanted(lobby.relays())
  }

  async function addRoom(record: WalletRecord) {
    await storage.put('wallets', record.id, encodeWalletRecord(record))
    await openRoom(record)
    reach()
    changed()
  }

  async function openRoom(record: WalletRecord) {
    const keys = { network: record.network, descriptor: record.descriptor }
    const [opened, storedChain, storedShown, restored, storedChanges] = await Promise.all([
      signer.openWallet(keys),
      storage.get('chain', record.id),
      storage.get('settings', `shown/${record.id}`),
      storage.get('settings', `restored/${record.id}`),
      storage.get('settings', `changes/${record.id}`),
    ])
    if (!opened.ok)
      return log.write('error', 'wallets.bad-descriptor', { wallet: record.id.slice(0, 8), code: opened.error.code })
    const scripts = createWalletScripts({
      ...keys,
      members: opened.value,
      derive: places => signer.deriveScripts(keys, places),
    })
    const chain = deps.chain(record.network)
    const room: Room = {
      record,
      scripts,
      held: new Set(),
      reservedChange: new Set(),
      expecting: false,
      restored: restored !== undefined,
      before: storedChanges === undefined ? [] : decodeChanges(storedChanges),
      shown: storedShown === undefined ? -1 : (storedShown[0] ?? 0) * 256 + (storedShown[1] ?? 0),
      follower:
        chain === undefined
          ? undefined
          : createFollower({
              chain,
              clock,
              genesis: record.genesis,
              local: NETWORKS[record.network].local,
              async scriptsAt(places) {
                const wallet = await scripts.at(places)
                return places.map(({ branch, index }) =>
                  toHex(wallet.output(branch, index)?.script ?? new Uint8Array()),
                )
              },
              initial: (storedChain && decodeChainState(storedChain)) ?? EMPTY_STATE,
              shown: () => room.shown,
              expecting: () => room.expecting,
              save: state => storage.put('chain', record.id, encodeChainState(state), 'relaxed'),
              changed(news) {
                for (const listener of syncListeners) listener(record.id, news)
                changed()
              },
            }),
    }
    rooms.set(record.id, room)
    if (isActive(record) || room.restored) void room.follower?.refresh()
    for (const listener of roomListeners) listener()
  }

  /** Stores a changed record, tells every member, and starts the chain once the wallet is active. */
  async function update(room: Room, record: WalletRecord) {
    const wasActive = isActive(room.record)
    // at once: what comes in while the store works is merged with this record, not with the one before it
    room.record = record
    await storage.put('wallets', record.id, encodeWalletRecord(record))
    for (const entry of record.roster)
      if (entry.accountKey !== record.self) void p2p.send(entry.peerId, 'wallet', recordMessage(record))
    if (!wasActive && isActive(record)) void room.follower?.refresh()
    reach()
    changed()
  }

  function members({ record, before }: Room): MemberView[] {
    const net = new Map(p2p.members(record.id).map(m => [m.accountKey, m]))
    const labels = memberLabels(record.roster)
    const changes = changesOf(before, record)
    return record.roster.map((entry): MemberView => {
      const self = entry.accountKey === record.self
      const { lastSeen, online, status: link } = net.get(entry.accountKey) ?? {}
      const change = changes.get(entry.accountKey)
      return {
        accountKey: entry.accountKey,
        name: labels.get(entry.accountKey) ?? entry.name,
        peerId: entry.peerId,
        self,
        confirmed: Object.hasOwn(record.confirmations, entry.accountKey),
        saved: record.saved.includes(entry.accountKey),
        ...(lastSeen === undefined ? {} : { lastSeen }),
        ...(online === undefined ? {} : { online }),
        ...(link === undefined ? {} : { link }),
        ...(change === undefined ? {} : { changed: change }),
      }
    })
  }

  function view(room: Room): WalletView {
    const { record, follower } = room
    const active = usable(room)
    return {
      id: record.id,
      name: record.name,
      network: record.network,
      local: NETWORKS[record.network].local,
      phase: active ? 'active' : 'confirming',
      members: members(room),
      safetyNumber: safetyNumber(safetyHash(record)),
      iConfirmed: Object.hasOwn(record.confirmations, record.self),
      iSaved: record.saved.includes(record.self),
      fileDeferred: record.fileDeferred,
      descriptor: record.descriptor,
      balance:
        follower === undefined
          ? { availableSats: 0n, pendingSats: 0n, heldSats: 0n }
          : balances(follower.wallet, room.held),
      history: follower?.wallet.history ?? [],
      chain: follower?.status ?? { state: 'unreachable', detail: 'network not configured' },
      createdAt: record.createdAt,
    }
  }

  function currentIndex(room: Room): number {
    const next = room.follower === undefined ? 0 : nextIndex(room.follower.wallet, 0, new Set())
    return Math.max(next ?? 0, room.shown)
  }

  async function show(room: Room, index: number) {
    if (index > room.shown) {
      room.shown = index
      await storage.put('settings', `shown/${room.record.id}`, Uint8Array.of(index >> 8, index & 255))
    }
    const wallet = await room.scripts.at([{ branch: 0, index }])
    return { address: wallet.output(0, index)?.address ?? '', index }
  }

  async function refreshAll() {
    await Promise.all([...rooms.values()].filter(r => usable(r)).map(r => r.follower?.refresh()))
  }

  p2p.onMessage('join', (from, message) => lobby.onMessage(from, message))
  p2p.onMessage('wallet', async (from, message) => {
    const room = rooms.get(message.walletId)
    const sender = room && memberOfPeer(room.record, from)
    if (room === undefined || sender === undefined) return
    let verify: Verify
    let seen: WalletRecord
    // another message may change what this one is measured by; records only grow, so this ends
    do {
      seen = room.record
      verify = await preverify(recordClaims(seen, message), (statement, signature) =>
        signer.verifyStatement(statement, signature),
      )
    } while (seen !== room.record)
    const merged = mergeRecord(room.record, sender.accountKey, message, verify, Math.floor(clock.now() / 1000))
    for (const note of merged.notes) log.write('info', `wallets.${note.kind}`, { wallet: room.record.id.slice(0, 8) })
    if (!merged.changed) return
    const before = noteChanges(room.before, merged.notes)
    const told = before.length > room.before.length
    room.before = before
    await Promise.all([
      update(room, merged.record),
      ...(told ? [storage.put('settings', `changes/${room.record.id}`, encodeChanges(before))] : []),
    ])
  })
  p2p.onLink((peerId, protocol, up) => {
    if (up && protocol === 'join') void lobby.onConnected(peerId)
    if (up && protocol === 'wallet') {
      for (const { record } of rooms.values())
        if (memberOfPeer(record, peerId) !== undefined) void p2p.send(peerId, 'wallet', recordMessage(record))
    }
  })
  p2p.onEvent(event => {
    if (event.type === 'peer' || event.type === 'presence') changed()
  })

  return {
    /** `holds` reads what stored sessions hold, once their wallets are there (`setHolds`). */
    async start(holds: () => Promise<void>) {
      for (const { key, value } of await storage.all('wallets')) {
        const record = decodeWalletRecord(value)
        if (record.ok) await openRoom(record.value)
        else log.write('error', 'wallets.unreadable-record', { key: key.slice(0, 8), code: record.error.code })
      }
      await lobby.load()
      await holds()
      holdsKnown = true
      reach()
      changed.now()
    },
    stop() {
      changed.stop()
      for (const room of rooms.values()) room.follower?.stop()
    },
    /** the page is visible or the network is back */
    wake: () => void refreshAll(),
    /** may this peer talk to us on this protocol */
    allowed: (peerId: PeerId, protocol: 'join' | 'wallet' | 'sign') =>
      protocol === 'join'
        ? lobby.mayTalk(peerId)
        : [...rooms.values()].some(r => memberOfPeer(r.record, peerId) !== undefined),
    relays: () => [...new Set([...rooms.values()].flatMap(r => [...r.record.relayList.relays]))],

    async createDraft(p: { name: string; network: NetworkName; n: number }): Promise<Result<string, FieldError>> {
      const name = cleanText(p.name, LIMITS.nameBytes)
      if (name === '') return err(field('name', 'empty'))
      if (!Number.isInteger(p.n) || p.n < MEMBERS_MIN || p.n > MEMBERS_MAX) return err(field('n', 'members-range'))
      if (!available.includes(p.network)) return err(field('network', 'network-unavailable'))
      const relays = [...new Set(deps.relays())].slice(0, LIMITS.relays)
      if (relays.length === 0) return err(field('network', 'no-relay'))
      return ok(await lobby.create({ name, network: p.network, n: p.n, myName: deps.profileName, relays }))
    },
    async join(text: string, myName: string): Promise<Result<string, FieldError>> {
      const invite = readInviteFor(text, available, Math.floor(clock.now() / 1000))
      if (!invite.ok) return invite
      const name = cleanText(myName, LIMITS.nameBytes)
      if (name === '') return err(field('name', 'empty'))
      // the same seed on another device is the same person, and has one seat
      if (invite.value.creatorPeerId === p2p.peerId) return err(field('invite', 'invite-own'))
      const draftId = await lobby.join(invite.value, name)
      // who has talked about another wallet of the creator is linked already, and no link will come up to ask over
      if (p2p.isLinkUp(invite.value.creatorPeerId, 'join')) void lobby.onConnected(invite.value.creatorPeerId)
      return ok(draftId)
    },
    admit: (draftId: string, accountKey: AccountKey) => lobby.tell(draftId, { type: 'admit', accountKey }),
    removeSeat: (draftId: string, accountKey: AccountKey) => lobby.tell(draftId, { type: 'remove', accountKey }),
    async closeRoster(draftId: string): Promise<Result<void, FieldError>> {
      await lobby.close(draftId)
      const draft = lobby.get(draftId)
      return draft?.role === 'creator' && draft.phase !== 'open' ? ok(undefined) : err(field('roster', 'not-complete'))
    },
    async abandon(draftId: string) {
      const draft = lobby.get(draftId)
      if (draft?.role === 'joiner') await lobby.tell(draftId, { type: 'leave' })
      else await lobby.remove(draftId)
    },

    async confirmSafety(walletId: WalletId, matches: boolean): Promise<Result<void, FieldError>> {
      const room = rooms.get(walletId)
      if (room === undefined) return err(field('wallet', 'unknown-wallet'))
      // nothing is signed; the screen says what it means and offers to give the wallet up
      if (!matches) return ok(undefined)
      const { record } = room
      const own = record.roster.find(e => e.accountKey === record.self)
      if (own === undefined) return err(field('wallet', 'unknown-wallet'))
      const signed = await signer.signStatement(record.network, own.origin, confirmStatement(record, record.self))
      if (!signed.ok) return err(field('wallet', `signer-${signed.error.code}`))
      await update(room, withConfirmation(room.record, record.self, signed.value))
      return ok(undefined)
    },
    /** Puts away a wallet that is not active: no address of it was ever shown, so no coin can be in it. */
    async giveUp(walletId: WalletId): Promise<Result<void, FieldError>> {
      const room = rooms.get(walletId)
      if (room === undefined || usable(room)) return err(field('wallet', 'wallet-active'))
      room.follower?.stop()
      rooms.delete(walletId)
      p2p.leaveWallet(walletId)
      await storage.delete('wallets', walletId)
      for (const [draftId, made] of Object.entries(lobby.finished())) if (made === walletId) await lobby.remove(draftId)
      reach()
      changed()
      return ok(undefined)
    },
    async exportFile(walletId: WalletId) {
      const room = rooms.get(walletId)
      if (room === undefined) return undefined
      const text = wrapWalletFile(room.record, await signer.sealFile(encodeWalletFile(room.record, [])))
      return {
        filename: `tandem-${room.record.name.replace(/[^\p{L}\p{N}]+/gu, '-').toLowerCase()}-${walletId.slice(0, 6)}.json`,
        bytes: new TextEncoder().encode(text),
      }
    },
    async checkFile(walletId: WalletId, bytes: Uint8Array): Promise<Result<true, FieldError>> {
      const room = rooms.get(walletId)
      const read = await readFile(bytes)
      if (!read.ok) return read
      if (room === undefined || read.value.id !== walletId) return err(field('file', 'other-wallet'))
      await update(room, withOwnFile(room.record, false))
      return ok(true)
    },
    async deferFile(walletId: WalletId): Promise<Result<void, FieldError>> {
      const room = rooms.get(walletId)
      if (room === undefined || !NETWORKS[room.record.network].local) return err(field('file', 'not-deferrable'))
      await update(room, withOwnFile(room.record, true))
      return ok(undefined)
    },
    async restoreFile(bytes: Uint8Array): Promise<Result<WalletId, FieldError>> {
      const read = await readFile(bytes)
      if (!read.ok) return read
      if (!available.includes(read.value.network)) return err(field('file', 'other-network', read.value.network))
      // a file that came from before the last confirmation knows nothing of itself: that it was just read back is proof
      // that it was saved
      if (!rooms.has(read.value.id)) {
        await storage.put('settings', `restored/${read.value.id}`, Uint8Array.of(1))
        await addRoom(withOwnFile(read.value, false))
      }
      return ok(read.value.id)
    },

    /** undefined before the wallet is active: coins must not come before everybody can sign */
    async receiveAddress(walletId: WalletId) {
      const room = rooms.get(walletId)
      return room === undefined || !usable(room) ? undefined : show(room, currentIndex(room))
    },
    /** the next one, at most 20 unused ones ahead: a restored wallet looks no further (BIP44) */
    async newAddress(walletId: WalletId) {
      const room = rooms.get(walletId)
      if (room === undefined || !usable(room)) return undefined
      const last = (room.follower?.wallet.lastUsed[0] ?? -1) + LIMITS.gapLimit
      return show(room, Math.min(currentIndex(room) + 1, last))
    },
    async faucet(walletId: WalletId): Promise<Result<Txid, FieldError>> {
      const room = rooms.get(walletId)
      const chain = room && deps.chain(room.record.network)
      if (room === undefined || !usable(room) || chain?.faucet === undefined) return err(field('faucet', 'no-faucet'))
      const sent = await chain.faucet((await show(room, currentIndex(room))).address, TEST_COINS)
      if (!sent.ok) return err(chainField('faucet', sent.error))
      await room.follower?.refresh()
      return sent
    },
    /** The output script of a recipient as typed, or why no coins may be sent there. */
    async readRecipient(walletId: WalletId, address: string): Promise<Result<Uint8Array, FieldError>> {
      const room = rooms.get(walletId)
      return room === undefined
        ? err(field('wallet', 'unknown-wallet'))
        : readRecipient(address, room.scripts.network, key => signer.isXCoordinate(key))
    },
    async feeEstimates(walletId: WalletId): Promise<{ fast: number; normal: number; slow: number }> {
      const room = rooms.get(walletId)
      const read = room && (await deps.chain(room.record.network)?.feeEstimates())
      const at = (target: number) => {
        const known =
          read?.ok === true ? [...read.value].filter(([blocks]) => blocks <= target).map(([, rate]) => rate) : []
        return Math.max(1, known.length > 0 ? Math.min(...known) : 1)
      }
      return { fast: at(2), normal: at(6), slow: at(144) }
    },
    /** A person has looked at what members have changed. */
    async changesSeen(walletId: WalletId) {
      const room = rooms.get(walletId)
      if (room === undefined) return
      room.before = []
      await storage.delete('settings', `changes/${walletId}`)
      changed()
    },
    async refresh(walletId: WalletId) {
      await rooms.get(walletId)?.follower?.refresh(true)
    },
    /** One transaction of the history, with every output; undefined when the server does not know it. */
    async txDetail(
      walletId: WalletId,
      txid: Txid,
    ): Promise<(Omit<ReviewView, 'note'> & { readonly height?: number; readonly time?: number }) | undefined> {
      const room = rooms.get(walletId)
      if (room?.follower === undefined) return undefined
      const known = room.follower.state.txs.get(txid)
      const asked = known === undefined ? await deps.chain(room.record.network)?.tx(txid) : undefined
      const tx = known ?? (asked?.ok === true ? asked.value : undefined)
      if (tx === undefined) return undefined
      const mine = new Set(room.follower.state.scripts.map(s => s.script))
      const spending = tx.vin.some(i => i.prevoutScript !== undefined && mine.has(i.prevoutScript))
      const outputs = tx.vout.map(o => ({
        address:
          scriptToAddress(
            Uint8Array.from(o.script.match(/../g) ?? [], h => Number.parseInt(h, 16)),
            NETWORKS[room.record.network],
          ) ?? o.script,
        sats: o.sats,
        own: mine.has(o.script),
      }))
      // of a payment to us ours are the recipients; of one by us ours are the change
      const recipients = outputs.filter(o => o.own !== spending)
      const total = recipients.reduce((sum, o) => sum + o.sats, 0n)
      const vsize = Math.ceil(tx.weight / 4)
      return {
        recipients,
        change: spending ? outputs.filter(o => o.own) : [],
        inputs: tx.vin.map(i => ({ txid: i.txid, vout: i.vout, sats: i.prevoutSats ?? 0n })),
        totalSats: total + tx.feeSats,
        feeSats: tx.feeSats,
        feeRate: Math.round((Number(tx.feeSats) / vsize) * 100) / 100,
        feePercent: total === 0n ? 0 : Number((tx.feeSats * 10_000n) / total) / 100,
        vsize,
        txid,
        ...(tx.confirmed === undefined ? {} : { height: tx.confirmed.height, time: tx.confirmed.time }),
      }
    },

    // for the signing door
    ids: () => [...rooms.keys()],
    record: (walletId: WalletId): WalletRecord | undefined => rooms.get(walletId)?.record,
    scripts: (walletId: WalletId): WalletScripts | undefined => rooms.get(walletId)?.scripts,
    isActive: (walletId: WalletId) => {
      const room = rooms.get(walletId)
      return room !== undefined && usable(room)
    },
    chainOf: (walletId: WalletId): Chain | undefined => {
      const room = rooms.get(walletId)
      return room && deps.chain(room.record.network)
    },
    chainView: (walletId: WalletId): WalletChain | undefined => rooms.get(walletId)?.follower?.wallet,
    coins: (walletId: WalletId): ChainCoin[] => {
      const room = rooms.get(walletId)
      return room?.follower === undefined || !holdsKnown ? [] : spendableCoins(room.follower.wallet, room.held)
    },
    nextChange: (walletId: WalletId): number | undefined => {
      const room = rooms.get(walletId)
      return room?.follower === undefined ? undefined : nextIndex(room.follower.wallet, 1, room.reservedChange)
    },
    sync: (walletId: WalletId) => rooms.get(walletId)?.follower?.refresh() ?? Promise.resolve(),
    /**
     * While a signed payment is not seen or confirmed the chain is asked more often, and soon: whoever broadcasts comes
     * first.
     */
    expect(walletId: WalletId, expecting: boolean) {
      const room = rooms.get(walletId)
      if (room === undefined || room.expecting === expecting) return
      room.expecting = expecting
      if (expecting) clock.after(EXPECT_MS, () => void room.follower?.refresh())
    },
    /** Outpoints and change indices of live sessions; balances follow. */
    setHolds(walletId: WalletId, held: ReadonlySet<string>, reservedChange: ReadonlySet<number>) {
      const room = rooms.get(walletId)
      if (room === undefined) return
      room.held = held
      room.reservedChange = reservedChange
      changed()
    },
    onSynced(listener: (walletId: WalletId, news: boolean) => void) {
      syncListeners.add(listener)
      return () => {
        syncListeners.delete(listener)
      }
    },
    onRooms(listener: () => void) {
      roomListeners.add(listener)
      return () => {
        roomListeners.delete(listener)
      }
    },
  }

  /** A wallet file of this profile, checked as a roster from outside is. */
  async function readFile(bytes: Uint8Array): Promise<Result<WalletRecord, FieldError>> {
    let text: string
    try {
      text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    } catch {
      return err(field('file', 'file-damaged'))
    }
    const unwrapped = unwrapWalletFile(text)
    if (!unwrapped.ok) return err(field('file', `file-${unwrapped.error.code}`))
    const opened = await signer.openFile(unwrapped.value.sealed)
    if (!opened.ok) return err(field('file', `file-${opened.error.code}`))
    const content = decodeWalletFile(opened.value)
    if (!content.ok) return err(field('file', `file-${content.error.code}`))
    const { record } = content.value
    const checked = checkRecord(
      record,
      await preverify(wholeRecordClaims(record), (statement, signature) =>
        signer.verifyStatement(statement, signature),
      ),
    )
    const own = record.roster.find(e => e.accountKey === record.self)
    if (!checked.ok || own === undefined || !(await signer.ownsAccount(record.network, own)))
      return err(field('file', 'file-damaged'))
    return ok(record)
  }
}

let current: Wallets | null = null

/** Sets the one current instance. */
export function initWallets(deps: WalletsDeps): Wallets {
  current = createWallets(deps)
  return current
}

/** The current instance; using it before `initWallets` is a mistake in the program. */
export function wallets(): Wallets {
  if (current === null) throw new TypeError('wallets: not initialized')
  return current
}

/**
 * Reads an invite while no profile is open: every network this build knows is taken, the rest is checked at joining.
 */
export function readInvite(
  text: string,
): Result<{ creatorName: string; name: string; network: NetworkName; n: number; expiresAt: number }, FieldError> {
  const read = readInviteFor(text, NETWORK_NAMES, Math.floor(Date.now() / 1000))
  if (!read.ok) return read
  const { creatorName, walletName, network, n, expiresAt } = read.value
  return ok({ creatorName, name: walletName, network, n, expiresAt })
}
