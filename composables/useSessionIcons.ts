import type { SessionIcon } from '../services/core/signing/rules/session-row'

const ICONS: Readonly<Record<SessionIcon, string>> = {
  answer: 'i-lucide-pen-line',
  wait: 'i-lucide-hourglass',
  sign: 'i-lucide-signature',
  warn: 'i-lucide-triangle-alert',
  sent: 'i-lucide-send',
  done: 'i-lucide-circle-check',
  failed: 'i-lucide-circle-x',
  ended: 'i-lucide-circle-slash',
  forbid: 'i-lucide-octagon-alert',
  look: 'i-lucide-search',
  again: 'i-lucide-rotate-cw',
  lock: 'i-lucide-lock',
  compare: 'i-lucide-git-compare',
  replace: 'i-lucide-replace',
}

/** The drawing for each code of the core. */
export const useSessionIcons = () => ICONS
