import type { Stream } from '@libp2p/interface'
import { lpStream, streamPair } from '@libp2p/utils'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'

const FILE = join(
  fileURLToPath(new URL('../../..', import.meta.url)),
  'node_modules/@libp2p/multistream-select/dist/src/handle.js',
)

/** Of @libp2p/multistream-select, patched: see patches/README.md. */
describe('the negotiation of a protocol', () => {
  let handle: (stream: Stream, protocols: readonly string[]) => Promise<string>
  beforeAll(async () => {
    handle = ((await import(/* @vite-ignore */ pathToFileURL(FILE).href)) as { handle: typeof handle }).handle
  })

  const text = (line: string): Uint8Array => new TextEncoder().encode(`${line}\n`)

  async function negotiate(proposals: readonly string[]): Promise<string> {
    const [near, far] = await streamPair()
    const answered = handle(far, ['/tandem/test/1']).then(
      protocol => protocol,
      (error: Error) => error.message,
    )
    // all of them in one packet, as one message of a data channel may hold them
    const all = Buffer.concat(
      proposals.map(proposal => Buffer.concat([Buffer.from([proposal.length + 1]), text(proposal)])),
    )
    near.send(Uint8Array.from(all))
    return answered
  }

  it('takes one of several', async () => {
    expect(await negotiate(['/multistream/1.0.0', '/other/1', '/another/1', '/tandem/test/1'])).toBe('/tandem/test/1')
  })

  it('ends after so many that nobody speaks, or lists without end', async () => {
    expect(await negotiate(Array.from({ length: 1_000 }, () => ''))).toBe('too many protocols were proposed')
    expect(await negotiate(Array.from({ length: 1_000 }, () => 'ls'))).toBe('too many protocols were proposed')
  })

  it('is the one that listens: greetings are answered with greetings', async () => {
    const [near, far] = await streamPair()
    void handle(far, ['/tandem/test/1'])
    const messages = lpStream(near)
    await messages.write(text('/multistream/1.0.0'))
    expect(new TextDecoder().decode((await messages.read()).subarray())).toBe('/multistream/1.0.0\n')
  })
})
