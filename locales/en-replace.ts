/**
 * Words of one payment in the place of another that waits for a block, or was not completed in time, which nobody needs
 * on the first screen: fetched with the pages of payments.
 */
export const enReplace = {
  title: { 'speed-up': 'Speed up', 'take-back': 'Take back', 'pay-again': 'Pay again' },
  lead: {
    'speed-up': 'The recipients get the same. Only the fee is higher, so that a block takes the payment sooner.',
    'take-back':
      'All coins of the payment come back to this wallet, less a fee that is higher than the earlier one. It works only as long as no block holds the payment.',
    'pay-again':
      'The first was not completed in time. The recipients get the same, and the same coins are spent, so that it can never be paid twice.',
  },
  rate: 'What the miners get for each byte of the payment, in sats per vbyte.',
  higher: 'It must be higher than before.',
  oneOfTwo: 'Everyone is asked again, because this is another payment. Only one of the two can happen, never both.',
  replacesLabel: 'Replaces',
  feeRate: 'Fee rate',
  fees: 'Fees',
  feeBefore: 'Fee of the earlier payment',
  feeNew: 'New fee',
  costsMore: 'Costs more',
  comesBack: 'Comes back to this wallet',
  review: 'Review',
  tooLate: 'Nothing can take the place of this payment now.',
  see: 'See the payment',
  seeEarlier: 'See the earlier payment',
  seeOther: 'See the other payment',
  /** for one payment in the place of another: what a co-signer must know before all else */
  replaces: {
    faster:
      'This replaces the payment of {amount} sent before, to pay the same with a higher fee. Only one of the two can happen.',
    back: 'This takes back the payment of {amount} sent before: its coins come back to this wallet. Only one of the two can happen.',
    other:
      'This replaces the payment of {amount} sent before, and does not pay the same. Only one of the two can happen.',
    unknown: 'This replaces a payment that this device does not know. Only one of the two can happen.',
  },
  /** the same once it is in a block */
  replacedIt: 'It took the place of the payment of {amount} sent before, which will not happen.',
  beingReplaced: 'Another payment is to take the place of this one. Only one of the two can happen.',
  means: {
    'speed-up': 'Proposes to pay the same with a higher fee, so that a block takes it sooner.',
    'take-back': 'Proposes to bring the coins back to this wallet before a block holds the payment.',
    'pay-again': 'Proposes the same payment anew with the same coins, so that it can never be paid twice.',
  },
  notInTime:
    'It was not completed in time, but your signature is out: it may still go out until its coins are spent. To pay after all, pay again with the same coins.',
  /** beside a proposal for coins of a payment that was not completed; and beside that payment */
  earlierOut:
    'An earlier payment of these coins was not completed and may still go out. Only one of the two can happen.',
  paidAgain: 'Another proposal spends the same coins. Only one of the two can happen.',
}
