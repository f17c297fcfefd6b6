import { afterEach, describe, expect, it } from 'vitest'
import AddressText from '../../components/wallet/AddressText.vue'
import { show } from './support'

afterEach(() => {
  document.body.innerHTML = ''
})

describe('AddressText', () => {
  it.each([
    ['bcrt1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqc8gma6', 'bcrt1p', '0xlx … c8gm a6'],
    ['tb1pqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesf3hn0c', 'tb1p', 'qqqq … f3hn 0c'],
    ['tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx', 'tb1q', 'w508 … xpjz sx'],
    ['mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn', '', 'mipc … 1ZJR fn'],
  ])('stresses of %s what tells it from another', async (address, prefix, stressed) => {
    const wrapper = await show(AddressText, { address })
    const groups = wrapper.findAll('span > span')
    expect(wrapper.text()).toBe(address)
    expect(groups[0]?.classes('font-semibold')).toBe(prefix === '')
    if (prefix !== '') expect(groups[0]?.text()).toBe(prefix)
    const loud = groups.flatMap((g, i) => (g.classes('font-semibold') ? [[i, g.text()] as const] : []))
    expect(loud.map(([, text]) => text).join(' ')).toBe(stressed.replace(' …', ''))
    expect(loud.map(([i]) => i)).toEqual([prefix === '' ? 0 : 1, groups.length - 2, groups.length - 1])
  })
})
