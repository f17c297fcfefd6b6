/**
 * RTCPeerConnections of this page, all transports together: locking a profile and opening another does not give any back. The last ten
 * of Chromium's 500 are not touched.
 */
const MOST = 490

let made = 0

export const linesMade = (): number => made

/** One more, for a dial or for somebody who dials us; throws when there are none left, before the library makes it. */
export function takeLine(): void {
  if (made >= MOST) throw Object.assign(new Error('this page has used up its WebRTC connections'), { name: 'DirectLinesSpentError' })
  made++
}

/** The library asked for the configuration of lines that it then did not make. */
export function giveBack(count: number): void {
  made -= count
}
