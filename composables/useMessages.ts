import { en } from '../locales/en'
import { fill } from '../locales/text'
import type { FieldError } from '../services/core/domain/views'

/** The text of a code that may come from anywhere, so that only the table's own keys count. */
export function pick(table: Readonly<Record<string, string>>, code: string | undefined): string | undefined {
  return code !== undefined && Object.hasOwn(table, code) ? table[code] : undefined
}

/** Refusals of an input as sentences. The words of each screen have a composable of their own beside this one. */
export function useMessages() {
  /** A refusal at its field: `field-code`, then `code`, then a sentence that is true of any refusal. */
  function fieldError(error: Pick<FieldError, 'code'> & Partial<FieldError>): string {
    const text = pick(en.field, `${error.field ?? ''}-${error.code}`) ?? pick(en.field, error.code) ?? en.field.unknown
    return fill(text, { detail: error.detail })
  }

  return { fieldError }
}
