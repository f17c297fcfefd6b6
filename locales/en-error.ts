/** The page that stands in place of one that failed or does not exist. */
export const enError = {
  missing: 'This page does not exist',
  missingText: 'The address leads nowhere.',
  stopped: 'This page stopped',
  stoppedText:
    'Something in the app failed. Your coins are safe: keys and wallets are stored, and a proposal goes on where it was.',
  home: 'Go to my wallets',
}
