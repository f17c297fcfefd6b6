/** Words of small things that many pages use, the first screen not among them. */
export const enCommon = {
  back: 'Back',
  wallets: 'Wallets',
  wallet: 'Wallet',
  members: 'Members',
  localChain: 'local chain',
  copied: 'Copied',
  copyByHand: 'Select and copy by hand',
  notCopied: 'Could not copy',
  chooseFile: '{label}: choose file',
  txid: 'Transaction id',
  copyTxid: 'Copy id',
  tryAgain: 'Try again',
}
