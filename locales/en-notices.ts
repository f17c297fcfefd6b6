/** What is said above every page once a profile is open. */
export const enNotices = {
  asksToApprove: '{name} asks you to approve {what}',
  asksToTakeBack: '{name} asks you to take back {what}',
  practice: 'a practice signature',
  review: 'Review request',
  conflict: 'Open on another device',
  conflictText:
    'This profile is live on another device, which is newer. This one has stopped signing; your coins are safe. Lock it here, or there, to go on with one of them.',
  unreachable:
    'No relay answers, so the others cannot reach this browser. It is tried again by itself; your coins are safe.',
  seeConnections: 'See connections',
  wordsUnchecked: 'Your words are not checked yet',
  wordsUncheckedText: 'Without them this profile cannot be restored on another device.',
  checkThem: 'Check them in Settings',
  clock: {
    ahead: 'Your clock is {minutes} min ahead. Set it right, or proposals may expire early.',
    behind: 'Your clock is {minutes} min behind. Set it right, or proposals may expire early.',
  },
}
