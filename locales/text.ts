/** How English puts values into a text: what the other files of this folder need, and nothing about any screen. */

export type Values = Readonly<Record<string, string | number | undefined>>

/** Puts values in place of `{name}`; a place that is not spoken of stays, for a second round or for a slot. */
export const put = (text: string, values: Values = {}): string =>
  text.replace(/\{(\w+)\}/g, (place, name: string) =>
    Object.hasOwn(values, name) ? String(values[name] ?? '') : place,
  )

/** The same for a whole sentence, which begins with a capital. */
export function fill(text: string, values: Values = {}): string {
  const filled = put(text, values)
  return filled.charAt(0).toUpperCase() + filled.slice(1)
}

/** One form for one thing, another for any other number of them; `{n}` is the number. */
export const count = (n: number, forms: { readonly one: string; readonly many: string }): string =>
  put(n === 1 ? forms.one : forms.many, { n })

/** "Ann", "Ann and Bob", "Ann, Bob and Cy" */
export function listOf(names: readonly string[]): string {
  if (names.length < 2) return names[0] ?? ''
  return `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
}
