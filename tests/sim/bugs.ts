/** A fault that is planted in the app's own code for one build, to see that the simulation finds it. */
export interface Bug {
  readonly name: string
  readonly changes: ReadonlyArray<{ readonly file: string; readonly from: string; readonly to: string }>
  /** rules of judge.ts by which it may be found */
  readonly found: readonly string[]
  /** where it was found last: tried first, so that a look at all of them takes seconds */
  readonly seed?: number
}

const VAULT = 'services/adapters/keyworker'
const SIGNING = 'services/core/signing/protocol'

/** The last four were in the app, and the simulation found them. */
export const BUGS: readonly Bug[] = [
  {
    name: 'the vault makes the same nonces for every attempt',
    changes: [
      { file: `${VAULT}/approvals.ts`, from: 'random: this.deps.entropy.bytes(32)', to: 'random: new Uint8Array(32)' },
      { file: `${VAULT}/approvals.ts`, from: 'extra: nonceExtra(handle, i)', to: 'extra: new Uint8Array()' },
    ],
    found: ['nonce-twice', 'nonce-reuse'],
    seed: 4,
  },
  {
    name: 'the nonce guard is gone: a handle can be used again, for other nonces of the same attempt',
    changes: [
      {
        file: `${VAULT}/nonce-book.ts`,
        from: 'this.#entries.delete(handle.session)\n    entry.cancelTimer()\n    return entry.secrets',
        to: 'return entry.secrets.map(s => s.slice())',
      },
      {
        file: `${VAULT}/approvals.ts`,
        from: 'if (released !== undefined && sameAttempt(released.attempt, attempt)) {',
        to: 'if (released !== undefined && released.noncesHash === toHex(hash)) {',
      },
      {
        file: `${SIGNING}/cosigner.ts`,
        from: 'return onOtherNonces(context, name, message, s.released.nonces)',
        to: "setLive(context, { phase: 'signing', nonces: message, checked: true })\n    return signWhenLast(context)",
      },
    ],
    found: ['nonce-reuse'],
    seed: 1490,
  },
  {
    name: 'expiry ends a session whose partials are out',
    changes: [
      {
        file: `${SIGNING}/ends.ts`,
        from: "if (isOpen(context.s.state) || (context.s.state === 'released'",
        to: "if (isOpen(context.s.state) || (isLive(context.s.state) && context.s.state === 'released') || (context.s.state === 'released'",
      },
    ],
    found: ['free-after-release', 'disagree'],
    seed: 77,
  },
  {
    name: 'the wrong member is named when a partial signature is wrong',
    changes: [
      {
        file: 'services/core/crypto/aggregate.ts',
        from: 'return err(member < 0 ? { input } : { member, input })',
        to: 'return err(member < 0 ? { input } : { member: (member + 1) % partials.length, input })',
      },
    ],
    found: ['honest-offence', 'honest-blamed'],
    seed: 108,
  },
  {
    name: 'a member signs what it has not approved',
    changes: [
      {
        file: `${SIGNING}/state.ts`,
        from: "s.members.every((_, m) => voteOf(s, m) === 'yes')",
        to: "s.members.some((_, m) => voteOf(s, m) === 'yes')",
      },
      {
        file: `${SIGNING}/cosigner.ts`,
        from: "if (voteOf(s, s.self) !== 'yes' || s.unapproved)",
        to: 'if (s.unapproved)',
      },
      {
        file: `${VAULT}/approvals.ts`,
        from: "return stored.value?.kind === 'yes' && stored.value.digest === job.digest\n      ? ok(stored.value)\n      : fail('not-approved', 'no stored yes for this session')",
        to: "return stored.value?.kind === 'yes' ? ok(stored.value) : ok({ kind: 'yes', digest: job.digest, vote: undefined as never })",
      },
      {
        file: `${VAULT}/approvals.ts`,
        from: "await this.#put(open, job.sessionId, {\n        kind: 'yes',\n        digest: job.digest,\n        vote,\n        released",
        to: "vote === undefined ? ok(undefined) : await this.#put(open, job.sessionId, {\n        kind: 'yes',\n        digest: job.digest,\n        vote,\n        released",
      },
    ],
    found: ['not-approved'],
    seed: 2,
  },
  {
    name: 'a vote that was lost on its way is not told again',
    changes: [
      {
        file: `${SIGNING}/sync.ts`,
        from: 'vote &&\n      !(s.final',
        to: "vote &&\n      s.state === 'broadcast' &&\n      !(s.final",
      },
    ],
    found: ['waits-for-nothing'],
    seed: 5,
  },
  {
    name: 'what may still go out holds no coins',
    changes: [
      {
        file: `${SIGNING}/state.ts`,
        from: "case 'released':\n    case 'signed':\n    case 'broadcast':\n      return true",
        to: "case 'signed':\n    case 'broadcast':\n      return true",
      },
    ],
    found: ['free-after-release', 'not-held'],
    seed: 4,
  },
  {
    name: 'a run that was told of a newer one of the same member goes on signing',
    changes: [
      {
        file: `${SIGNING}/step.ts`,
        from: 'if (s.locked) return\n  const broken',
        to: "if (s.locked || s.id !== '') return\n  const broken",
      },
    ],
    found: ['older-signs'],
    seed: 2286,
  },
  {
    name: 'a member who comes back on a new computer does not ask about a session that it hears of',
    changes: [
      {
        file: `${SIGNING}/sync.ts`,
        from: "if (message.body.type === 'propose' || !('digest' in message.body)) return undefined",
        to: "if (message.body.type !== 'cancel' || !('digest' in message.body)) return undefined",
      },
    ],
    found: ['waits-for-nothing'],
    seed: 11,
  },
  {
    name: 'two computers of one member that name the same attempt, each with nonces of its own, are accused of two faces',
    changes: [
      {
        file: `${SIGNING}/cosigner.ts`,
        from: "if (contradict(message, before)) return offence(context, name.hub, 'nonces-equivocation'",
        to: "if (context.at > 0) return offence(context, name.hub, 'nonces-equivocation'",
      },
    ],
    found: ['honest-offence'],
    seed: 1_045_015,
  },
  {
    name: 'two devices ask each other about a session that one of them refuses, for ever',
    changes: [
      {
        file: 'services/core/signing/runtime/inbox.ts',
        from: 'this.#asksAgain(from, message.session) ? askAbout(message) : undefined',
        to: 'askAbout(message)',
      },
    ],
    found: ['no-rest'],
    seed: 2495,
  },
  {
    name: 'a member who makes other nonces for an attempt, after his disk was set back, is accused of it',
    changes: [
      {
        file: `${SIGNING}/hub.ts`,
        from: "return partGone(context, member, 'nonces-gone', member, everybodyElse(context.s))",
        to: "return spoiled(context, 'pubnonces-count', member, undefined, [before, message])",
      },
    ],
    found: ['honest-offence'],
    seed: 1_011_986,
  },
  {
    name: 'a computer that has called off what its member signed elsewhere stays with that, against signatures that verify',
    changes: [
      { file: `${SIGNING}/step.ts`, from: "mayComeBack(s) && isBody(message, 'final')", to: 'false' },
      {
        file: 'services/core/signing/runtime/chain-watch.ts',
        from: "return paid.has(txidOfProposal(session.proposal) ?? '')",
        to: 'return false',
      },
    ],
    found: ['disagree'],
    seed: 107,
  },
]
