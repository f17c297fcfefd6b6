/** How a member is connected, or why not: fetched with the screens that show members. */
export const enConnect = {
  waiting: 'waiting',
  connecting: 'connecting',
  connected: 'connected',
  failed: 'not connected',
  you: 'this device',
  absent: 'not online',
  unreached: 'online, not reached from here yet',
  step: {
    resolve: 'looking for the browser',
    relay: 'knocking through a relay',
    sdp: 'agreeing on a direct line',
    ice: 'opening the direct line',
    ping: 'waiting for the answer',
    dtls: 'securing the direct line',
  },
  kind: { webrtc: 'WebRTC', relay: 'relay', direct: 'direct' },
  kindLong: {
    webrtc: 'a direct line between the two browsers',
    relay: 'encrypted, through a relay',
    direct: 'a direct line',
  },
  /** by type, `type-step` before it, `type-again` or `type-final` where trying again does or does not help */
  error: {
    peer_not_found: '{name}’s browser is not online. Ask {name} to open the wallet, then retry.',
    no_relay_address: 'There is no relay through which {name} could be reached. Check the relays in Settings.',
    'no_relay_address-again':
      'The relay has no room for this browser at the moment. Wait a minute and retry, or add another relay in Settings.',
    'timeout-resolve':
      '{name}’s browser could not be reached through a relay in time. Ask {name} to bring the tab to the front, check your network, then retry.',
    'timeout-relay':
      '{name}’s browser could not be reached through a relay in time. Ask {name} to bring the tab to the front, check your network, then retry.',
    'timeout-ping':
      '{name}’s browser is connected but does not answer; its tab may be asleep. Ask {name} to bring it to the front, then retry.',
    timeout: '{name}’s browser did not answer in time. Ask {name} to keep the tab open, then retry.',
    rejected:
      '{name}’s browser refused the connection. It may run another version of Tandem: ask {name} to reload the page.',
    'network_error-resolve':
      'No relay on the way to {name} can be reached. Check your network and the relays in Settings, then retry.',
    'network_error-relay':
      'No relay on the way to {name} can be reached. Check your network and the relays in Settings, then retry.',
    network_error: 'The connection to {name} broke. Check your network, then retry.',
    webrtc_failed: 'No direct line to {name} could be opened, and none through a relay. Retrying often helps.',
    'webrtc_failed-final':
      'This page has used up the direct lines that a browser gives it. Reload the page, then try again; nothing is lost.',
  },
  errorUnknown: '{name} cannot be reached right now. Retry in a moment.',
  /** one sentence for those who hear the screen */
  summary: '{n} of {all} connected.',
  summaryMissing: 'Not connected: {names}.',
  unknownMember: 'A member',
  sessionGone: 'This proposal is no longer here.',
  retry: 'Retry',
  participants: 'Participants',
  members: 'Members',
  ms: '{n} ms',
  seen: 'seen {ago}',
  connectionTo: 'Connection to {name}',
} as const
