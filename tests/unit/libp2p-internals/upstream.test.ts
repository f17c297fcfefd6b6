import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

/**
 * Each file of services/adapters/libp2p/internals names the place of the library that it reaches into. An update of one
 * of these packages fails here, so that somebody looks at that place and then writes the new version into the header.
 */

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const FOLDER = join(ROOT, 'services/adapters/libp2p/internals')
const FILES = readdirSync(FOLDER).filter(name => name.endsWith('.ts'))
const packageOf = (name: string): string => join(ROOT, 'node_modules', name)
const versionOf = (name: string): string =>
  (JSON.parse(readFileSync(join(packageOf(name), 'package.json'), 'utf8')) as { version: string }).version

/** The header as one line, without the stars of the comment. */
const headerOf = (name: string): string =>
  (/^\/\*\*\n([\s\S]*?)\*\//.exec(readFileSync(join(FOLDER, name), 'utf8'))?.[1] ?? '')
    .split('\n')
    .map(line => line.replace(/^ \* ?/, '').trim())
    .join(' ')
const partOf = (header: string, title: string): string =>
  new RegExp(`${title}: (.*?)(?= (?:Guards|Upstream|Needless when|Held by): |$)`).exec(header)?.[1] ?? ''

describe.each(FILES)('internals/%s', name => {
  const header = headerOf(name)

  it('says what it guards, and when it is needless', () => {
    expect(partOf(header, 'Guards')).not.toBe('')
    expect(partOf(header, 'Needless when')).not.toBe('')
  })

  it('was written for the installed versions, and names files that are there', () => {
    const upstream = partOf(header, 'Upstream')
    const packages = [...upstream.matchAll(/((?:@libp2p\/)?[\w-]+) (\d+\.\d+\.\d+)/g)]
    expect(packages.length).toBeGreaterThan(0)
    for (const [, of = '', version] of packages) expect(`${of} ${versionOf(of)}`).toBe(`${of} ${version ?? ''}`)
    for (const [, of = '', rest = ''] of upstream.matchAll(
      /((?:@libp2p\/)?[\w-]+) \d+\.\d+\.\d+(.*?)(?=(?:@libp2p\/|libp2p )[\w-]* ?\d|$)/g,
    ))
      for (const [file] of rest.matchAll(/dist\/src\/[\w/.-]+\.js/g))
        expect(existsSync(join(packageOf(of), file)), `${of}/${file}`).toBe(true)
    expect(upstream).toMatch(/dist\/src\//)
  })

  it('names tests that are there, and stands in the table of the folder', () => {
    const tests = [...partOf(header, 'Held by').matchAll(/tests\/[\w/.-]+\.(?:test|spec)\.ts/g)].map(([path]) => path)
    expect(tests.length).toBeGreaterThan(0)
    for (const path of tests) expect(existsSync(join(ROOT, path)), path).toBe(true)
    expect(readFileSync(join(FOLDER, 'README.md'), 'utf8')).toContain(`\`${name}\``)
  })
})

/** Words of the installed library on which this folder stands and which no object shows from outside. */
const PLACES: ReadonlyArray<readonly [string, string, string]> = [
  [
    '@libp2p/webrtc',
    'dist/src/webrtc/index.browser.js',
    'export const RTCPeerConnection = globalThis.RTCPeerConnection;',
  ],
  [
    '@libp2p/webrtc',
    'dist/src/private-to-private/transport.js',
    'initiateConnection({\n            rtcConfiguration: await getRtcConfiguration(this.init.rtcConfiguration),',
  ],
  [
    '@libp2p/webrtc',
    'dist/src/private-to-private/transport.js',
    'new RTCPeerConnection(await getRtcConfiguration(this.init.rtcConfiguration))',
  ],
  ['@libp2p/webrtc', 'dist/src/private-to-private/initiate-connection.js', 'new RTCPeerConnection(rtcConfiguration)'],
  ['@libp2p/webrtc', 'dist/src/constants.js', "'/webrtc-signaling/0.0.1'"],
  ['@libp2p/webrtc', 'dist/src/muxer.js', 'peerConnection'],
  ['@libp2p/identify', 'dist/src/identify.js', 'const message = await this._identify(connection, options);'],
  ['@libp2p/circuit-relay-v2', 'dist/src/server/index.js', 'await this.handleHopProtocol({'],
  ['@libp2p/circuit-relay-v2', 'dist/src/server/index.js', 'await this.handleReserve({'],
  ['@libp2p/circuit-relay-v2', 'dist/src/server/index.js', 'await this.handleConnect({'],
  ['@libp2p/circuit-relay-v2', 'dist/src/server/index.js', 'const destinationStream = await this.stopHop({'],
  ['@libp2p/gossipsub', 'dist/src/gossipsub.js', 'this.sendSubscriptions(id, Array.from(this.subscriptions), true)'],
  ['@libp2p/gossipsub', 'dist/src/gossipsub.js', 'await this.handleReceivedRpc(peerId, rpc)'],
  ['@libp2p/crypto', 'dist/src/keys/secp256k1/index.browser.js', "from '@noble/curves/secp256k1.js'"],
  ['libp2p', 'dist/src/upgrader.js', 'muxer = muxerFactory.createStreamMuxer(stream);'],
  ['libp2p', 'dist/src/connection.js', 'this.muxer = init.muxer;'],
]

describe('the library as it is installed', () => {
  it.each(PLACES)('%s %s has %s', (name, file, words) => {
    expect(readFileSync(join(packageOf(name), file), 'utf8')).toContain(words)
  })
})
