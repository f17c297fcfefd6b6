/** Words of the pages about connections, which nobody needs on the first screen: fetched with those pages. */
export const enConnections = {
  relayOrigin: {
    app: 'comes with this app',
    wallet: 'on your wallet’s signed list, which all members share; it cannot be removed here',
    invite: 'from an open invite',
    own: 'added by you',
  },
  relayTest: {
    reserved: 'This relay answers and gives places.',
    refused: 'This relay answers but refuses a place: it is full, or closed to strangers. Try another one.',
    unreachable: 'This relay does not answer. Check the address, or ask whoever runs it.',
  },
  diagnostics: {
    /** can others reach this browser, and if not what to do */
    reach: {
      reachable: {
        title: 'The others can reach this browser',
        text: 'A call from outside came through a relay and was answered here.',
      },
      offline: {
        title: 'This browser is offline',
        text: 'Nothing answers and the browser says it has no network. Your coins are safe; connect to a network and test again.',
      },
      'no-relay': {
        title: 'Nobody can find this browser',
        text: 'No relay is set up. Add one in Settings, or ask whoever runs this address.',
      },
      'relay-unreachable': {
        title: 'The others cannot reach this browser',
        text: 'No relay answers. A firewall may block it, or the relay is down. Try another network, or add another relay in Settings.',
      },
      'relay-refused': {
        title: 'The others cannot reach this browser',
        text: 'The relay is full and refused a place. It is tried again by itself; adding another relay in Settings helps at once.',
      },
      'no-place': {
        title: 'Not reachable yet',
        text: 'The relay answers, but this browser has no place on it yet. It is tried again by itself; test again in a moment.',
      },
      'not-called': {
        title: 'The others cannot reach this browser',
        text: 'It has a place on a relay, but a call through it did not arrive. Reload the page; if that does not help, use another relay.',
      },
      cancelled: { title: 'The test was stopped', text: 'Nothing was changed.' },
    },
    direct: {
      off: 'Direct lines are switched off: members never see your IP address, and everything goes encrypted through relays.',
      'turn-only': 'Direct lines go through your TURN server only: members see its address, not yours.',
      'turn-failed':
        'Your TURN server gave no address, so everything goes through relays. Check its address, user and password.',
      missing: 'This browser has no WebRTC. Everything goes encrypted through relays, a little slower.',
      blocked:
        'WebRTC is blocked in this browser, perhaps by an extension or a policy. Everything goes encrypted through relays, a little slower.',
      'host-only':
        'Direct lines work within your own network. Beyond it the relays carry everything; a STUN server in Settings may allow more.',
      reflexive: 'Direct lines are likely to work, beyond your own network too: a STUN server answered over UDP.',
      'symmetric-likely':
        'Your router gives every peer another port (symmetric NAT likely). Direct lines mostly fail, and relays carry everything; a TURN server helps.',
    },
    nat: {
      none: 'nothing gathered yet',
      'host-only': 'own network only',
      reflexive: 'seen from outside by a STUN server',
      'symmetric-likely': 'symmetric NAT likely: another port for every peer',
      'relay-only': 'a TURN server’s address only',
    },
    candidate: {
      host: 'own network',
      mdns: 'own network, name hidden',
      srflx: 'seen from outside',
      prflx: 'learned on the way',
      relay: 'TURN server',
    },
    turn: {
      yes: 'The TURN server answers and gives addresses.',
      no: 'The TURN server gave no address. Check its address, user and password.',
    },
    called: { yes: 'a call from outside arrived', no: 'a call from outside did not arrive' },
    chainOk: 'The chain server answers.',
    via: { webrtc: 'direct line', relay: 'through a relay' },
    direction: { outbound: 'called', inbound: 'was called' },
    attempt: { running: 'under way', connected: 'connected', failed: 'failed' },
    kind: {
      webrtc: 'direct (WebRTC), end-to-end encrypted',
      relay: 'through a relay, end-to-end encrypted',
      direct: 'direct',
      none: 'no connection now',
    },
  },
} as const
