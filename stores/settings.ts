import { defineStore } from 'pinia'

const UNIT_KEY = 'tandem.unit'

/** What this browser prefers, and what its config.json said. Nothing here is secret or tied to a profile. */
export const useSettingsStore = defineStore('settings', {
  state: () => ({
    unit: (globalThis.localStorage?.getItem(UNIT_KEY) === 'BTC' ? 'BTC' : 'sats') as 'sats' | 'BTC',
    /** code of what is wrong with config.json; the app then shows one sentence */
    configError: null as { code: string; detail: string } | null,
    /** the page moved here because its usual port was taken; profiles live at this older address */
    movedFrom: null as string | null,
  }),
  actions: {
    setUnit(unit: 'sats' | 'BTC') {
      this.unit = unit
      globalThis.localStorage?.setItem(UNIT_KEY, unit)
    },
  },
})
