import { randomBytes } from 'node:crypto'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { expect, test } from './support/test'
import { expectPaid, fund, OUTSIDE, seat } from './support/circle'
import { PASSWORD } from './support/member'
import { record, recorded } from './support/recorder'
import type { Recorded } from './support/recorder'
import { find, findLogarithms, publicNonces, secretsOf } from './support/secrets'

const accountPaths = (records: readonly Recorded[]): string[] => [
  ...new Set(records.flatMap(r => r.texts).filter(text => /^87h\/1h\/\d+h$/.test(text))),
]

test("no secret crosses the worker's boundary, is stored or logged, and nobody else is asked anything", async ({
  stack,
  launch,
}) => {
  const [anna, ben] = await Promise.all([launch('Anna', { observe: record }), launch('Ben', { observe: record })])
  for (const member of [anna, ben]) await member.createProfile()
  await seat(anna, [ben], await anna.createWallet('Vault', 2))
  for (const member of [anna, ben]) {
    await member.confirmSafety()
    await member.saveWalletFile()
  }
  await fund(stack, 'Vault', [anna, ben], [60_000, 50_000])
  await anna.lock()
  await anna.unlock()
  await anna.openWallet('Vault')
  const wish = { to: OUTSIDE, sats: 90_000, note: 'a quiet one' }
  await anna.propose(wish)
  await ben.openRequest()
  await ben.approve()
  await expectPaid(stack, [anna, ben], wish)

  const hosts = [stack.app, stack.esplora].map(url => new URL(url).host)
  hosts.push(stack.relay.replace(/^\/ip4\/([^/]+)\/tcp\/(\d+)\/.*$/, '$1:$2'))
  for (const member of [anna, ben]) {
    await test.step(`${member.name}'s browser`, async () => {
      const records = await recorded(member)
      const strangers = member.requests.filter(url => /^(https?|wss?):/.test(url) && !hosts.includes(new URL(url).host))
      expect(strangers, 'addresses that are neither app, relay nor chain').toEqual([])
      expect(member.requests.some(url => url.startsWith('ws://'))).toBe(true)

      // the recording is one: it holds what must have happened
      const places = new Set(records.map(r => `${r.where} ${r.what}`))
      for (const place of [
        'to worker createProfile',
        'from worker unlock',
        'from worker makeNonces',
        'from worker makePartials',
        'indexeddb of the worker profiles',
      ])
        expect([...places]).toContain(place)
      const nonces = publicNonces(records)
      expect(nonces.length, 'two points for each of two inputs').toBeGreaterThanOrEqual(4)
      const accounts = accountPaths(records).filter(path =>
        records.some(r => r.what === 'newAccount' && r.texts.includes(path)),
      )
      expect(accounts.length).toBeGreaterThanOrEqual(1)

      const secrets = secretsOf(member.words, PASSWORD, accounts)
      const lines = member.console.map((text): Recorded => ({
        where: 'console',
        what: 'seen from outside',
        texts: [text],
        bytes: [],
      }))
      expect(find([...records, ...lines], secrets)).toEqual([])
      expect(findLogarithms(records, nonces)).toEqual([])
      // the check itself sees these secrets where they may be
      const blind = secrets.map(({ name, value }) => ({ name, value }))
      expect(find(records, blind).sort()).toEqual(
        expect.arrayContaining([
          'peer key in from worker unlock',
          'password in to worker unlock',
          'words in to worker createProfile',
        ]),
      )
    })
  }
})

test('a planted secret is found wherever it is put', async ({ launch }) => {
  const anna = await launch('Anna', { observe: record })
  const key = randomBytes(32)
  const words = 'legal winner thank year wave sausage worth useful legal winner thank yellow'
  const nonce = randomBytes(32)
  await anna.page.evaluate(
    async ({ hex, base64, phrase, numbers, secnonce }) => {
      localStorage.setItem('planted', `{"k":"${hex.toUpperCase()}"}`)
      console.warn('planted', { deep: [new Map([['x', `ab${base64}`]])] })
      sessionStorage.setItem('planted words', phrase)
      const db = await new Promise<IDBDatabase>((resolve, reject) => {
        const open = indexedDB.open('planted', 1)
        open.onupgradeneeded = () => open.result.createObjectStore('planted')
        open.onsuccess = () => resolve(open.result)
        open.onerror = () => reject(new Error('no database'))
      })
      db.transaction('planted', 'readwrite')
        .objectStore('planted')
        .put({ inside: new Uint8Array([9, ...numbers, 9]) }, 'x')
      const worker = new Worker(
        URL.createObjectURL(new Blob(['onmessage = e => postMessage(e.data)'], { type: 'text/javascript' })),
      )
      await new Promise(resolve => {
        worker.addEventListener('message', resolve)
        worker.postMessage({
          id: 1,
          method: 'planted',
          list: numbers,
          nonce: new Uint8Array([...secnonce, ...numbers]),
        })
      })
    },
    {
      hex: key.toString('hex'),
      base64: Buffer.concat([Buffer.from('!'), key, Buffer.from('!')]).toString('base64'),
      phrase: words,
      numbers: [...key],
      secnonce: [...nonce],
    },
  )

  const records = await recorded(anna)
  expect(
    find(records, [
      { name: 'key', value: key },
      { name: 'words', value: words },
    ]).sort(),
  ).toEqual([
    'key in console warn',
    'key in from worker planted',
    'key in indexeddb planted',
    'key in storage planted',
    'key in to worker planted',
    'words in storage planted words',
  ])
  const point = Buffer.from(secp256k1.getPublicKey(nonce, true)).toString('hex')
  expect(findLogarithms(records, [point])).toEqual(['secret of a public point in to worker planted'])
  expect(find(records, [{ name: 'another', value: randomBytes(32) }])).toEqual([])
})
