import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import AmountField from '../../components/spend/AmountField.vue'
import AmountText from '../../components/wallet/AmountText.vue'
import { useSettingsStore } from '../../stores/settings'
import { button, described, field, settle, show } from './support'

beforeEach(() => localStorage.clear())
afterEach(() => {
  document.body.innerHTML = ''
})

/** The field with its model kept, as a page does. */
async function amount(text: string, error?: string) {
  const wrapper = await show(AmountField, {
    modelValue: text,
    error,
    'onUpdate:modelValue': (value: string) => wrapper.setProps({ modelValue: value }),
  })
  return wrapper
}

describe('AmountField', () => {
  it('is a field named Amount', async () => {
    await amount('1000')
    expect(field('Amount').value).toBe('1000')
    expect(field('Amount').getAttribute('aria-invalid')).toBe('false')
  })

  it('says what is wrong at the field', async () => {
    await amount('x', 'This is not an amount.')
    expect(described(field('Amount'))).toBe('This is not an amount.')
    expect(field('Amount').getAttribute('aria-invalid')).toBe('true')
  })

  it('changes the unit without losing a satoshi, there and back', async () => {
    await amount('123456789')
    button('Unit: sats. Switch to BTC').click()
    await settle()
    expect(field('Amount').value).toBe('1.23456789')
    expect(useSettingsStore().unit).toBe('BTC')
    button('Unit: BTC. Switch to sats').click()
    await settle()
    expect(field('Amount').value).toBe('123456789')
  })

  it('leaves a text alone that is no amount', async () => {
    await amount('twelve')
    button('Unit: sats. Switch to BTC').click()
    await settle()
    expect(field('Amount').value).toBe('twelve')
  })
})

describe('AmountText', () => {
  it.each([
    ['sats', 1_234_567n, false, '1\u2009234\u2009567sats'],
    ['sats', 250_000n, true, '+250\u2009000sats'],
    ['BTC', 1_234_567n, false, '0.01\u2009234\u2009567BTC'],
  ] as const)('writes %s exactly: %s', async (unit, sats, signed, text) => {
    const wrapper = await show(AmountText, { sats, signed }, () => useSettingsStore().setUnit(unit))
    expect(wrapper.text()).toBe(text)
  })
})
