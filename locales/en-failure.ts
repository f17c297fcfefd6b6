/**
 * What keeps all who have approved from signing, why an attempt did not work, or a proposal failed: said on the page of
 * a payment and fetched with it. `{who}`: whose doing it is.
 */
export const enFailure = {
  away: {
    title: 'Approved by all',
    sentence: {
      one: 'Signing goes on by itself as soon as {names} is connected. Nothing has to be approved again.',
      many: 'Signing goes on by itself as soon as {names} are connected. Nothing has to be approved again.',
    },
  },
  title: 'The last attempt did not work',
  reason: {
    late: '{who} did not answer in time',
    stalled: '{who} did not go on in time',
    'member-left': '{who} went offline',
    reloaded: '{who} reloaded the page',
    'nonces-gone': '{who} was interrupted while signing',
    locked: '{who} locked the profile',
    leaving: '{who} took the approval back',
    'not-approved': '{who} had not approved on this device',
    'not-yet-seen': '{who} could not see all coins on the chain',
    expired: '{who} saw that the time was over',
    superseded: 'a newer attempt took over',
    'pubnonce-invalid': '{who} sent a part that is invalid',
    'pubnonces-count': '{who} sent too few or too many parts',
    'partial-invalid': '{who} sent a wrong signature',
    'partials-count': '{who} sent too few or too many signatures',
    'partials-equivocation': '{who} sent two different signatures',
    'nonces-without-mine': '{who} left out what another member had sent',
    'partials-other-nonces': 'the signatures did not belong to this attempt',
    'nonces-invalid': 'the parts did not fit together',
    'partials-invalid': 'the signatures did not fit together',
    'signature-invalid': 'the signature that came of it is not valid',
    check: '{who} found in the last check that {rule}',
    signer: '{who} could not sign, because the device refused it',
    unknown: 'it could not be completed',
  },
  /** why a proposal failed, beside what may go wrong with an attempt */
  end: {
    expired: 'it was not approved in time',
    'input-spent': 'one of its coins was spent elsewhere',
    'paid-before': 'the earlier payment came into a block first',
  },
  /** behind the reason, where it is known: the step of the progress list, the coin as numbered in the details */
  at: 'at “{step}”',
  coin: 'for coin {n}',
  proven: 'Signed messages prove it.',
  reported: '{by} reports this.',
  stopped: 'It is not tried again by itself: decide whether to try once more.',
  again: 'It is tried again by itself.',
}
