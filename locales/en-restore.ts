/** Restoring a profile: fetched by whoever does. */
export const enRestore = {
  title: 'Restore a profile',
  lead: 'Your words give the profile back; your wallet files come next.',
  wordsHelp: '12 or 24 words, separated by spaces.',
  hasPassphrase: 'My words have a passphrase',
  passphrase: 'Passphrase of the words',
  restore: 'Restore',
  files: 'Now your wallet files',
  filesLead: 'Add each wallet file that you saved. You can also do this later in Settings.',
  addFile: 'Add wallet file',
  filesLabel: 'Wallet files',
  fileBack: 'The wallet is back.',
  open: 'Open my wallets',
}
