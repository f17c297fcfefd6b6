import { it } from 'vitest'
import { circle, createWorld } from './people'
it('x', async () => {
  const t = performance.now()
  const made = await circle(createWorld(), 2)
  console.log('circle', performance.now() - t)
  const t2 = performance.now()
  await Promise.all(made.everybody.map(p => p.close()))
  console.log('close', performance.now() - t2)
  const t3 = performance.now()
  await made.everybody[0]!.open()
  console.log('open', performance.now() - t3)
  await made.everybody[0]!.close()
})
