export interface Bip390Vectors {
  readonly valid: Array<{ readonly descriptor: string; readonly scripts: string[] }>
  readonly invalid: Array<{ readonly descriptor: string }>
}

/**
 * The test vectors of the BIP390 page, which has no file of its own for them: list items `* <tt>descriptor</tt>` with
 * their scripts as `** <tt>script</tt>` below, and after "Invalid descriptors" items `* reason: <tt>descriptor</tt>`.
 */
export function extractBip390(page: string): Bip390Vectors {
  const section = page.split(/^==Test Vectors==$/m)[1]?.split(/^==[^=]/m)[0] ?? ''
  const [valid = '', invalid = ''] = section.split(/^Invalid descriptors$/m)
  const out: Bip390Vectors = { valid: [], invalid: [] }
  for (const line of valid.split('\n')) {
    const [, stars, text] = /^(\*{1,2}) <tt>(.+)<\/tt>$/.exec(line.trim()) ?? []
    if (text === undefined) continue
    if (stars === '*') out.valid.push({ descriptor: text, scripts: [] })
    else out.valid.at(-1)?.scripts.push(text)
  }
  for (const line of invalid.split('\n')) {
    const [, descriptor] = /^\* .+: <tt>(.+)<\/tt>$/.exec(line.trim()) ?? []
    if (descriptor !== undefined) out.invalid.push({ descriptor })
  }
  return out
}

/** The file that the tests read; its hash is pinned, so a page that reads differently is refused. */
export const bip390File = (vectors: Bip390Vectors): string => `${JSON.stringify(vectors, null, 1)}\n`
