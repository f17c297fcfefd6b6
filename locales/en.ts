/**
 * Every sentence that stands for a code or a state. `{name}` and the like are filled in by composables/useMessages.ts.
 * A sentence says what happened, what it means for the money, and what to do.
 */
export const en = {
  /** refusals of an input: `field.code` first, `code` alone second */
  field: {
    'wrong-password': 'This password does not open the profile. Try again; nothing is lost.',
    'bad-words':
      'These are not valid recovery words. Check their spelling and order: 12 or 24 words, in English, as you wrote them down.',
    'words-wrong': 'At least one of these words is not the right one. Look at your note again.',
    'empty-name': 'Write the name the others will see.',
    'name-empty': 'Write a name.',
    'name-too-long': 'This name is too long. Use at most 64 characters.',
    'weak-password': 'Use at least 8 characters. The password protects your words on this device.',
    'password-mismatch': 'The two passwords differ.',
    'unknown-profile': 'This profile is no longer in this browser. Restore it with its words.',
    'open-elsewhere': 'This profile is open in another tab. Close it there, or take it over here.',
    locked: 'The profile is locked. Unlock it and try again.',
    'storage-failed':
      'This browser could not store the data. Free some space or leave private browsing, then try again.',
    'newer-version':
      'This profile was stored by a newer version of Tandem. Reload this page to update, then try again; nothing was changed.',
    'bad-file': 'This file does not open with this profile. It is damaged, or belongs to other words.',
    'file-damaged': 'This file is damaged or is not a wallet file. Choose another one.',
    'file-newer-version':
      'This file was made by a newer version of Tandem. Reload this page to update, then try again.',
    'file-other-wallet': 'This file belongs to another wallet. Choose the file you just saved.',
    'file-other-network': 'This wallet lives on another network ({detail}), which this app is not set up for.',
    'file-bad-file': 'This file does not open with this profile. It is damaged, or belongs to other words.',
    'file-too-large': 'This file is too large to be a wallet file.',
    'file-not-deferrable': 'On this network the wallet file must be saved before the wallet opens.',

    'invite-empty': 'Paste the invite link that you were sent.',
    'invite-damaged':
      'This invite link is not complete or was changed on its way. Copy the whole link and paste it again.',
    'invite-unknown-version':
      'This invite was made by another version of Tandem. Reload this page to update, then try again.',
    'invite-other-network': 'This invite is for another network ({detail}), which this app is not set up for.',
    'invite-expired': 'This invite has expired. Ask for a new one.',
    'invite-bad-relay': 'This invite names a relay that cannot be used. Ask for a new one.',
    'invite-own': 'This is your own invite. Send it to the others.',
    'duplicate-key': 'Two seats at this table belong to the same person. Each member needs a profile of their own.',
    'duplicate-peer': 'This profile already sits at this table. Each member needs a profile of their own.',
    'bad-proof':
      'The list of members could not be proven, so this device refused it. No coins are involved; make the wallet anew.',
    'bad-entry':
      'An entry in the list of members is not valid, so this device refused it. No coins are involved; make the wallet anew.',
    'own-entry':
      'Your own seat was left out or changed, so this device refused the list. No coins are involved; ask the creator.',
    'members-range': 'A wallet has 2 to 15 members.',
    'network-unavailable': 'This network is not set up in this app.',
    'no-relay': 'No relay is connected, so nobody could join. Wait a moment, or add one in Settings.',
    'roster-not-complete': 'Not everyone is here yet.',

    'recipient-empty': 'Paste the address that should be paid.',
    'address-empty': 'Paste the address that should be paid.',
    'address-malformed': 'This is not a Bitcoin address. Copy it again from where you got it.',
    'address-checksum': 'A character of this address is wrong or missing. Copy it again from where you got it.',
    'address-wrong-network': 'This address belongs to another network. Coins sent there would not arrive.',
    'address-unsupported': 'This kind of address cannot be paid yet.',
    'recipient-unsupported': 'This kind of address cannot be paid yet.',
    'recipient-too-many': 'There are too many recipients for one payment.',
    'amount-empty': 'Write how much should be paid.',
    'amount-malformed': 'This is not an amount. Use digits, and a point for decimals of BTC.',
    'amount-ambiguous':
      'It is not clear where the decimals of this amount begin. Use a point for decimals and spaces between thousands.',
    'amount-too-many-decimals': 'A bitcoin has at most 8 decimals.',
    'amount-zero': 'The amount must be more than zero.',
    'amount-negative': 'The amount must be more than zero.',
    'amount-too-large': 'This is more bitcoin than there can be.',
    'amount-dust': 'This amount is too small to be sent: the network would not take it.',
    'session-too-many-live':
      'This wallet has as many open proposals as it can hold. Finish or cancel one first. Nothing has been sent.',
    'session-too-many-undecided':
      'Four of your proposals are still waiting for an answer. Cancel one first. Nothing has been sent.',
    'session-storage-failed':
      'This browser could not store the proposal, so it was not sent. Free some space and try again; your coins are safe.',
    'session-not-yet-seen':
      'The chain server does not show all coins of this payment yet. Nothing has been sent; try again in a moment.',
    'coins-review-again': 'A coin of this payment is no longer free. Nothing has been sent. Review it again.',
    'amount-insufficient-funds': 'The wallet does not hold enough available coins for this amount and its fee.',
    'amount-too-many-coins': 'This payment needs too many small coins at once. Send a smaller amount first.',
    'coins-empty': 'The wallet has no available coins yet.',
    'coins-held': 'One of these coins is held for another proposal. Finish or cancel that one first.',
    'coins-unconfirmed': 'One of these coins still waits for its first block.',
    'no-change-address': 'Too many open payments wait for their change. Finish or cancel one first.',
    'feeRate-empty': 'Choose a fee rate or write your own.',
    'feeRate-malformed': 'This is not a fee rate. Use a number such as 2 or 1.5.',
    'feeRate-ambiguous': 'Use a point for decimals, such as 1.5.',
    'feeRate-too-low': 'This fee rate is too low: the network would not take the payment. Use at least 1 sat/vB.',
    'feeRate-too-high': 'This fee is far higher than needed. Nothing was proposed; choose a lower rate.',
    'feeRate-bump-too-low':
      'To take the place of the earlier payment the fee must be higher: use at least {detail} sat/vB.',
    'feeRate-bump-no-coins':
      'At this rate the fee is more than the change of the earlier payment and the free coins of the wallet. Choose a lower rate.',
    'not-sent': 'This payment waits for no block any more, so nothing can take its place.',
    'coins-gone': 'The coins of this payment are spent already. See the history.',
    'being-replaced':
      'A payment that is to take the place of this one is already there. Answer that one, or speed that one up.',
    'built-on':
      'A later payment is built on this one and would be lost with it, so it is left as it is. Speed up the later one, or wait for the next block.',
    'note-too-long': 'This note is too long. Use at most 500 characters.',
    'note-bad-text': 'This note has characters that cannot be shown to everyone. Write it in plain text.',

    'relay-empty': 'Paste the address of a relay.',
    'ice-empty': 'Write the address of a STUN or TURN server.',
    'ice-malformed':
      'This is not a STUN or TURN address. It looks like stun:stun.example:3478 or turn:turn.example:3478.',
    'ice-known': 'This server is already in the list.',
    'ice-too-many': 'At most 8 servers can be listed.',
    'ice-user-empty': 'A TURN server asks for a user name.',
    'ice-user-too-long': 'This user name is too long.',
    'ice-credential-empty': 'A TURN server asks for a password.',
    'ice-credential-too-long': 'This password is too long.',
    'settings-storage-failed':
      'This browser could not store the setting, so nothing was changed. Free some space and try again.',
    'relay-malformed': 'This is not a relay address. It looks like /dns4/relay.example/tcp/443/wss/p2p/12D3Koo…',
    'relay-known': 'This relay is already in the list.',
    'relay-too-many': 'At most 16 relays can be listed.',
    'chain-unreachable': 'The chain server does not answer. Your coins are safe; try again in a moment.',
    'chain-rate-limited': 'The chain server asks for patience. Try again in a minute.',
    'chain-server-error': 'The chain server is in trouble. Your coins are safe; try again in a moment.',
    'chain-bad-answer':
      'The chain server gave an answer that cannot be trusted, so it was ignored. Your coins are safe.',
    'chain-wrong-network': 'The chain server speaks for another network, so nothing is read from it.',
    'chain-rejected': 'The chain server refused this. Nothing was sent.',
    'no-faucet': 'Test coins are handed out on the local chain only.',
    'too-late': 'This is no longer possible: the proposal has moved on.',
    'may-still-go-out': 'The other payment that wants these coins may still go out, so this one cannot be approved.',
    'too-many-live': 'There are too many open proposals in this wallet. Finish or cancel one first.',
    'too-many-undecided': 'Too many of your proposals wait for answers. Finish or cancel one first.',
    'unknown-wallet': 'This wallet is not in this profile, or not active yet.',
    'unknown-session': 'This proposal is not known here.',
    unknown: 'This did not work. Nothing has been sent; try again.',
  },
  connect: {
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
  },
  session: {
    title: {
      proposed: 'Waiting for approvals',
      signing: 'Signing together',
      released: 'May still go out',
      signed: 'Signed, about to be sent',
      broadcast: 'Sent, waiting for a block',
      confirmed: 'Paid',
      declined: 'Declined',
      withdrawn: 'Approval withdrawn',
      cancelled: 'Cancelled',
      expired: 'Expired',
      failed: 'Not completed',
      replaced: 'Replaced',
      conflicted: 'Overtaken by another payment',
    },
    sentence: {
      proposed: 'Everyone must approve before anything is sent.',
      signing: 'All have approved. The browsers are signing together; keep this page open.',
      released:
        'Your signature is out. This payment may still go out until its coins are spent, so do not pay the same thing again.',
      signed: 'The payment is signed by all and is being sent.',
      broadcast: 'The payment is in the network and waits for the next block.',
      confirmed: 'The payment is in a block and final.',
      declined: '{by} declined. Nothing has been sent and the coins are free.',
      withdrawn: '{by} withdrew the approval. Nothing has been sent and the coins are free.',
      cancelled: '{by} cancelled the proposal. Nothing has been sent and the coins are free.',
      expired: 'The proposal was not approved in time. Nothing has been sent and the coins are free.',
      failed: 'The proposal ended before it could be sent. Nothing has been sent and your coins are safe.',
      replaced: 'Another payment with a higher fee took its place. This one will not go out.',
      conflicted: 'Another payment spent the same coins first. This one will not go out.',
    },
    waitingForYou: 'Your answer is asked for.',
    waitingFor: 'Waiting for {names}.',
    partial:
      '{names} {get} the request as soon as {come} online. Nothing can be paid before everyone has approved; your coins are held until then, or until you cancel.',
    locked: '{names} must unlock the profile before signing can go on.',
    steps: {
      asked: 'Asked',
      approved: 'Approved',
      nonces: 'Ready to sign',
      signatures: 'Signed',
      sent: 'Sent',
      confirmed: 'Confirmed',
    },
    /** beside the button: what pressing it does */
    means: {
      decline: 'Declining ends this request for everybody. Nothing is sent.',
      withdraw: 'Withdrawing ends this request for everybody. Nothing is sent.',
      cancel: 'Cancelling ends this proposal for everybody. Nothing is sent.',
    },
    beingReplaced: 'Sent, may be replaced',
    vote: { yes: 'approved', no: 'declined', withdraw: 'withdrew', none: 'has not answered' },
  },
  verdict: {
    'not-yet-seen': {
      input:
        'Your own view of the chain does not show one of these coins yet. This is checked again by itself; nobody is to blame.',
      chain: 'The chain server does not answer, so this proposal cannot be checked yet. It is tried again by itself.',
    },
    wrong: 'Do not approve. This proposal breaks a rule: {rule} Your coins are safe.',
    rule: {
      'malformed-transaction': 'its transaction cannot be read.',
      version: 'its transaction has an unexpected version.',
      sequence: 'its transaction could not be replaced later.',
      locktime: 'its transaction is locked to a later block.',
      'no-inputs': 'it spends no coins.',
      'too-many-inputs': 'it spends too many coins at once.',
      'duplicate-input': 'it spends the same coin twice.',
      'inputs-mismatch': 'its list of coins does not fit its transaction.',
      'not-ours': 'it spends a coin that is not of this wallet.',
      'input-amount': 'it states a wrong amount for a coin.',
      'input-script': 'it states a wrong owner for a coin.',
      'input-spent': 'it spends a coin that is already spent.',
      'input-immature': 'it spends a newly mined coin that cannot be spent yet.',
      'change-not-ours': 'it sends the change to somebody else.',
      'change-branch': 'it sends the change to an address kept for receiving.',
      'change-index': 'it sends the change to an address that a restore would not find.',
      'change-reused': 'it sends the change to an address that was used before.',
      'output-dust': 'it makes a coin too small to be spent.',
      'output-nonstandard': 'it pays to something that is not a usual address.',
      'no-recipient': 'it pays nobody.',
      overspend: 'it pays more than its coins hold.',
      'fee-too-low': 'its fee is too low for the network.',
      'fee-too-high': 'its fee is far too high.',
      'replaces-unknown': 'it wants to replace a payment that is already in a block.',
      'replaces-no-shared-input': 'it claims to replace a payment but does not use all of its coins.',
      'replaces-fee': 'it claims to replace a payment but pays too little for that.',
      'note-too-long': 'its note is too long.',
      expiry: 'its time limit is out of bounds.',
      proposer: 'it was not made by the member it names.',
      'practice-text': 'its practice text is out of bounds.',
      equivocation: 'its proposer sent something different to another member.',
    },
  },
  chain: {
    idle: '',
    syncing: 'Reading the chain',
    synced: '',
    unreachable: 'The chain server does not answer. Your coins are safe; the balance may be out of date.',
    'wrong-network': 'The chain server speaks for another network. Nothing is read from it; check the configuration.',
    reset: 'This local chain was reset. The wallet looks for its coins again.',
  },
  faucet: {
    underway: 'Test coins are on their way. They count as available after the next block.',
    arrived: 'The test coins have arrived.',
  },
  draft: {
    gathering: 'The table fills up.',
    'waiting-for-creator': '{creator} is away. This page joins by itself when {creator} is back; keep it open.',
    asked: '{creator} has been asked to admit you.',
    admitted: 'You have a seat. Waiting for the others.',
    removed: '{creator} has removed you from this table.',
    full: 'All seats were taken before you came.',
    expired: 'This invite has expired. Ask {creator} for a new one.',
    refused: 'The members’ list did not fit what you were invited to, so this device refused it. Your coins are safe.',
    closing: 'Everyone is here. The members’ list is being handed round.',
  },
  seat: { self: 'you', creator: 'invites', asking: 'asks for a seat', admitted: 'has a seat' },
  relay: {
    idle: 'in reserve',
    connecting: 'connecting',
    reserved: 'connected',
    refused: 'full, refused a place',
    unreachable: 'not reachable',
    'no-place': 'answers, no place yet',
  },
  config: {
    unreachable:
      'The app could not read its settings (config.json). Your coins are safe. Reload the page, or ask whoever runs this address to put the file beside it.',
    'not-json':
      'The app’s settings (config.json) are damaged. Your coins are safe; ask whoever runs this address to repair the file.',
    version:
      'The app’s settings (config.json) are of another version than this app. Your coins are safe; ask whoever runs this address to renew them.',
    mainnet:
      'The app’s settings (config.json) name the main network. This version of Tandem is for test networks only.',
    'no-network':
      'The app’s settings (config.json) name no network, so no wallet can be read. Ask whoever runs this address to add one.',
    genesis:
      'The app’s settings (config.json) name a wrong first block for a network. Nothing is read from it; ask whoever runs this address to correct it.',
    unknown:
      'The app’s settings (config.json) have a mistake: {detail}. Your coins are safe; ask whoever runs this address to correct it.',
  },
  clock: 'Your clock is {minutes} min {direction}. Set it right, or proposals may expire early.',
} as const
