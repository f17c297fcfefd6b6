/** Trouble on demand: what public servers do on bad days, for tests of the wallet. */
import type { ChainBlock } from '../engines/block'
import { refusal, type Reply } from './reply'

export const FAULT_KINDS = ['429', '429-nocors', '500', '503', 'html', 'hang', 'drop-reply', 'stale-tip'] as const
export type FaultKind = (typeof FAULT_KINDS)[number]

export interface Fault {
  readonly kind: FaultKind
  /** Calls that it strikes: beginning of the path, `*` stands for one part of it; all calls without it. */
  readonly path: string | undefined
  /** Calls that it still strikes; without end if undefined. */
  left: number | undefined
}

/** What a fault makes of one call. `hang` never answers; `drop-reply` does the work and then breaks the connection. */
export type Strike =
  | { readonly how: 'reply'; readonly reply: Reply; readonly cors: boolean }
  | { readonly how: 'hang' }
  | { readonly how: 'drop-reply' }

const TIP_PATHS = ['/blocks/tip/height', '/blocks/tip/hash']

function matches(path: string, pattern: string | undefined): boolean {
  if (pattern === undefined) return true
  const parts = path.split('/')
  return pattern
    .split('/')
    .every((part, i, all) =>
      part === '*' ? parts[i] !== undefined : i === all.length - 1 ? parts[i]?.startsWith(part) : parts[i] === part,
    )
}

export class Faults {
  private active: (Fault & { readonly tip: ChainBlock })[] = []

  add(kind: FaultKind, path: string | undefined, count: number | undefined, tip: ChainBlock): void {
    this.active.push({ kind, path, left: count, tip })
  }

  clear(): void {
    this.active = []
  }

  list(): { kind: FaultKind; path?: string; left?: number }[] {
    return this.active.map(({ kind, path, left }) => ({
      kind,
      ...(path === undefined ? {} : { path }),
      ...(left === undefined ? {} : { left }),
    }))
  }

  /** The first fault that this call runs into, used up by one. */
  strike(path: string): Strike | undefined {
    const fault = this.active.find(candidate => candidate.kind !== 'stale-tip' && matches(path, candidate.path))
    if (fault === undefined) return undefined
    this.useUp(fault)
    switch (fault.kind) {
      case '429':
        return { how: 'reply', reply: refusal(429, 'Too Many Requests'), cors: true }
      case '429-nocors':
        return { how: 'reply', reply: refusal(429, 'Too Many Requests'), cors: false }
      case '500':
        return { how: 'reply', reply: refusal(500, 'Internal Server Error'), cors: true }
      case '503':
        return { how: 'reply', reply: refusal(503, 'Service Unavailable'), cors: true }
      case 'html': {
        const body = '<!doctype html><html><head><title>Checking</title></head><body><h1>One moment</h1></body></html>'
        return { how: 'reply', reply: { status: 200, type: 'text/html', body }, cors: true }
      }
      case 'hang':
      case 'drop-reply':
        return { how: fault.kind }
      case 'stale-tip':
        return undefined
    }
  }

  /** Tip that a call sees: that of the moment when `stale-tip` was set, else the true one. */
  tipFor(path: string, tip: ChainBlock): ChainBlock {
    if (!TIP_PATHS.includes(path)) return tip
    const fault = this.active.find(candidate => candidate.kind === 'stale-tip' && matches(path, candidate.path))
    if (fault === undefined) return tip
    this.useUp(fault)
    return fault.tip
  }

  private useUp(fault: Fault): void {
    if (fault.left === undefined) return
    fault.left -= 1
    if (fault.left <= 0) this.active = this.active.filter(candidate => candidate !== fault)
  }
}
