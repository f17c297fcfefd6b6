import type { Chain } from '../../ports/chain'

/** Fee rates, sat/vB: for the next two blocks, for six, for a day. */
export interface FeeEstimates {
  readonly fast: number
  readonly normal: number
  readonly slow: number
}

/** What the server estimates; 1 where it says nothing, because nodes relay no less by default. */
export async function feeEstimates(chain: Chain | undefined): Promise<FeeEstimates> {
  const read = await chain?.feeEstimates()
  const at = (target: number): number => {
    const known =
      read?.ok === true ? [...read.value].filter(([blocks]) => blocks <= target).map(([, rate]) => rate) : []
    return Math.max(1, known.length > 0 ? Math.min(...known) : 1)
  }
  return { fast: at(2), normal: at(6), slow: at(144) }
}
