import { enSettings } from '../locales/en-settings'

/** Words of the settings page. */
export const useSettingsWords = () => enSettings
