/**
 * What an app says when it refuses an input. `{name}` and the like are filled in by composables/useMessages.ts. A
 * sentence says what happened, what it means for the money, and what to do.
 */
export const en = {
  /** `field-code` first, `code` alone second */
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
} as const
