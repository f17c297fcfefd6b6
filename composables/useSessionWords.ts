import { enSession } from '../locales/en-session'
import { fill, listOf, put } from '../locales/text'
import type { Verdict } from '../services/core/domain/signing-state'
import type { NoticeMessage, StatusSentence, StatusTitle } from '../services/core/signing/rules/session-screen'
import type { Who } from '../services/core/signing/rules/who'
import { useAmount } from './useAmount'
import { useFailureWords, whoText } from './useFailureWords'
import { useProposalWords } from './useProposalWords'
import { useReplaceWords } from './useReplaceWords'

/** What a notice says. `{others}` in the text stands for the links to other sessions; else `see` follows the text. */
export interface NoticeWords {
  readonly title?: string
  readonly text: string
  readonly see: string
}

const names = (who: readonly Who[]): string => listOf(who.map(whoText))

function verdictText(verdict: Verdict): string {
  if (verdict.kind === 'ok') return ''
  if (verdict.kind === 'not-yet-seen') return enSession.verdict['not-yet-seen'][verdict.what]
  return fill(enSession.verdict.wrong, { rule: enSession.verdict.rule[verdict.rule] })
}

/** The codes of services/core/signing/rules/session-screen.ts as sentences. */
export function useSessionWords() {
  const { format, unit } = useAmount()
  const proposals = useProposalWords()
  const failure = useFailureWords()
  const replace = useReplaceWords()

  function title(message: StatusTitle): string {
    switch (message.code) {
      case 'asks-you':
        return put(enSession.asksYou, { name: message.proposer })
      case 'away':
        return failure.away.title
      case 'being-replaced':
        return proposals.beingReplaced
      case 'state':
        return proposals.title(message.state)
    }
  }

  function sentence(message: StatusSentence): string {
    switch (message.code) {
      case 'failed':
        return failure.end(message.reason, message.by)
      case 'away':
        return failure.away.sentence(message.who)
      case 'being-replaced':
        return replace.beingReplaced
      case 'not-in-time':
        return replace.notInTime
      case 'state':
        return fill(enSession.sentence[message.state], { by: whoText(message.by) })
      case 'waiting-for-you':
        return enSession.waitingForYou
      case 'waiting-for':
        return fill(enSession.waitingFor, { names: names(message.who) })
    }
  }

  function notice(message: NoticeMessage): NoticeWords {
    switch (message.code) {
      case 'verdict':
        return { text: verdictText(message.verdict), see: '' }
      case 'attempt-failed':
        return { title: failure.title, text: failure.sentence(message.attempt), see: '' }
      case 'locked':
        return { text: fill(enSession.locked, { names: names(message.who) }), see: '' }
      case 'paid-again':
        return { text: replace.paidAgain, see: replace.seeOther }
      case 'earlier-out':
        return { text: replace.earlierOut, see: replace.seeOther }
      case 'rivals':
        return { text: enSession.rivals, see: enSession.theOther }
      case 'replaces':
        return {
          text: replace.replacesText(message, `${format(message.sentSats)} ${unit.value}`),
          see: replace.seeEarlier,
        }
    }
  }

  return {
    ...enSession,
    title,
    sentence,
    notice,
    seeOther: replace.seeOther,
    replacesLabel: replace.replacesLabel,
    /** inside of a sentence or as a label: "you", "Ann", "a member" */
    label: (who: Who): string => (who.kind === 'member' ? who.name : enSession.whoInside[who.kind]),
  }
}
