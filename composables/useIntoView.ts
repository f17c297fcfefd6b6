/** Brings what a press has changed into view where it is not; at once for who wants less motion. */
export function bringIntoView(element: Element | null | undefined): void {
  const still = globalThis.matchMedia('(prefers-reduced-motion: reduce)').matches
  element?.scrollIntoView({ block: 'nearest', behavior: still ? 'instant' : 'smooth' })
}
