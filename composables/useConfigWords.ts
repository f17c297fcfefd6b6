import { enConfig } from '../locales/en-config'
import { fill } from '../locales/text'
import { pick } from './useMessages'

/** What is wrong with config.json. */
export const useConfigWords =
  () =>
  ({ code, detail }: { readonly code: string; readonly detail: string }): string =>
    fill(pick(enConfig, code) ?? enConfig.unknown, { detail })
