import type { BrowserContext, Page } from '@playwright/test'

/** The protocol whose streams carry the messages of a spend. */
const SIGN = '/tandem/sign/1'

/**
 * Something that came to stand on the screen, or was clicked; `at` in milliseconds since 1970, comparable between the
 * browsers of one machine.
 */
export interface Sighting {
  readonly key: string
  readonly at: number
}

/** Sums over the data channels of one protocol since the page was opened, both directions. */
export interface Traffic {
  readonly bytes: number
  readonly messages: number
}

interface Bench {
  readonly seen: Sighting[]
  readonly traffic: () => Record<string, Traffic>
}

/**
 * Puts observers into every page of a browser, before the app's own code. They only look: times come from the page's
 * own clock at the event or the DOM change itself, so that what drives the browser adds nothing to them.
 *
 * Keys: `click:<text of the button>`, `status:<first line of the status>`, `request:<address of a request>`, `gate:<its
 * headline>`, `notice:<title>`. Traffic: payload of data channels (below it come DTLS, SCTP and UDP, which are not
 * counted), filed by the protocol that the channel negotiated; messages are the frames of that protocol, without the
 * negotiation.
 */
export async function observe(context: BrowserContext): Promise<void> {
  await context.addInitScript(() => {
    const now = () => performance.timeOrigin + performance.now()
    const seen: Sighting[] = []
    const note = (key: string, at: number) => {
      seen.push({ key, at })
      if (seen.length > 5_000) seen.splice(0, 1_000)
    }

    document.addEventListener(
      'click',
      event => {
        const button = event.target instanceof Element ? event.target.closest('button') : null
        // the event's own time: when the browser was given the click, not when this listener had its turn
        if (button !== null) note(`click:${button.innerText.trim()}`, performance.timeOrigin + event.timeStamp)
      },
      true,
    )

    const firstLine = (element: Element) => (element.firstElementChild ?? element).textContent?.trim() ?? ''
    let shown = new Set<string>()
    const look = () => {
      const at = now()
      const keys = new Set<string>()
      for (const status of document.querySelectorAll('[role=status]')) keys.add(`status:${firstLine(status)}`)
      for (const link of document.querySelectorAll('a[href*="#/sessions/"]'))
        if (link.textContent?.trim() === 'Review request') keys.add(`request:${link.getAttribute('href') ?? ''}`)
      for (const title of document.querySelectorAll('section[aria-label=Connections] h2'))
        keys.add(`gate:${title.textContent ?? ''}`)
      for (const title of document.querySelectorAll('.notice p:first-child'))
        keys.add(`notice:${title.textContent ?? ''}`)
      for (const key of keys) if (!shown.has(key)) note(key, at)
      shown = keys
    }
    new MutationObserver(look).observe(document, { subtree: true, childList: true, characterData: true })

    /** Cuts a stream of bytes into parts with their length before them (unsigned varint). */
    const cutter = (take: (part: Uint8Array) => void) => {
      let held = new Uint8Array()
      return (chunk: Uint8Array) => {
        const joined = new Uint8Array(held.length + chunk.length)
        joined.set(held)
        joined.set(chunk, held.length)
        held = joined
        for (;;) {
          let length = 0
          let at = 0
          let byte = 0x80
          while (byte >= 0x80 && at < held.length) {
            byte = held[at] ?? 0
            length += (byte & 0x7f) * 2 ** (7 * at)
            at++
          }
          if (byte >= 0x80 || held.length < at + length) return
          const part = held.slice(at, at + length)
          held = held.slice(at + length)
          take(part)
        }
      }
    }

    interface Line {
      protocol?: string
      bytes: number
      messages: number
    }
    const lines = new Map<RTCDataChannel, Line>()
    const decoder = new TextDecoder()
    /**
     * One direction of a channel: protobuf envelopes (field 2 is payload), in them the frames of negotiation and
     * protocol.
     */
    const direction = (line: Line) => {
      const frames = cutter(frame => {
        const text = frame.length < 80 && frame.at(-1) === 0x0a ? decoder.decode(frame).trim() : ''
        if (text.startsWith('/multistream/')) return
        if (/^\/[\w./-]+$/.test(text)) line.protocol ??= text
        else line.messages++
      })
      const envelopes = cutter(envelope => {
        let at = 0
        while (at < envelope.length) {
          const tag = envelope[at++] ?? 0
          let value = 0
          let shift = 1
          let byte = 0x80
          while (byte >= 0x80 && at < envelope.length) {
            byte = envelope[at++] ?? 0
            value += (byte & 0x7f) * shift
            shift *= 128
          }
          if ((tag & 7) !== 2) continue
          if (tag >> 3 === 2) frames(envelope.subarray(at, at + value))
          at += value
        }
      })
      return (bytes: Uint8Array) => {
        line.bytes += bytes.length
        envelopes(bytes)
      }
    }
    const bytesOf = (data: unknown): Uint8Array => {
      if (data instanceof ArrayBuffer) return new Uint8Array(data)
      return ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array()
    }
    const senders = new Map<RTCDataChannel, (bytes: Uint8Array) => void>()
    const watch = (channel: RTCDataChannel) => {
      if (lines.has(channel)) return
      const line: Line = { bytes: 0, messages: 0 }
      lines.set(channel, line)
      senders.set(channel, direction(line))
      const receive = direction(line)
      channel.addEventListener('message', event => receive(bytesOf(event.data)))
    }
    const { createDataChannel } = RTCPeerConnection.prototype
    const { send } = RTCDataChannel.prototype
    RTCPeerConnection.prototype.createDataChannel = function (...args) {
      const channel = createDataChannel.apply(this, args)
      watch(channel)
      return channel
    }
    RTCDataChannel.prototype.send = function (data: never) {
      senders.get(this)?.(bytesOf(data))
      send.call(this, data)
    }
    window.RTCPeerConnection = new Proxy(window.RTCPeerConnection, {
      construct(target, args: [RTCConfiguration?]) {
        const peer = new target(...args)
        peer.addEventListener('datachannel', event => watch(event.channel))
        return peer
      },
    })

    const traffic = () => {
      const sums: Record<string, Traffic> = {}
      for (const line of lines.values()) {
        const sum = sums[line.protocol ?? ''] ?? { bytes: 0, messages: 0 }
        sums[line.protocol ?? ''] = { bytes: sum.bytes + line.bytes, messages: sum.messages + line.messages }
      }
      return sums
    }
    Object.assign(window, { tandemBench: { seen, traffic } satisfies Bench })
  })
}

/** Everything seen since `since` (milliseconds since 1970). */
export async function sightings(page: Page, since: number): Promise<Sighting[]> {
  const all = await page.evaluate(() => (window as unknown as { tandemBench: Bench }).tandemBench.seen)
  return all.filter(entry => entry.at >= since)
}

/**
 * What went over the streams of the signing protocol so far; pings, presence and `hello` of other protocols are not in
 * it.
 */
export async function signTraffic(page: Page): Promise<Traffic> {
  const sums = await page.evaluate(() => (window as unknown as { tandemBench: Bench }).tandemBench.traffic())
  return sums[SIGN] ?? { bytes: 0, messages: 0 }
}

/** The first time that `key` was seen. */
export const firstAt = (list: readonly Sighting[], key: string | RegExp): number | undefined =>
  list.find(entry => (typeof key === 'string' ? entry.key === key : key.test(entry.key)))?.at

/** Now, on the same clock as sightings. */
export const now = (): number => performance.timeOrigin + performance.now()
