/**
 * Characters that may not stand in a name or a note: controls, line and paragraph separators, lone surrogates, and the
 * invisible ones that reorder or hide text (bidi marks and overrides, zero-width space, soft hyphen, tags). ZWJ and
 * ZWNJ stay: emoji and several scripts need them. The list is spelt out instead of \p{Cf} so that two browsers with
 * different Unicode tables agree.
 */
const FORBIDDEN =
  /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\uffff\u{e0000}-\u{e007f}]/u
const FORBIDDEN_ALL = new RegExp(FORBIDDEN.source, 'gu')

/**
 * UTF-8 length of a text, bytes; a lone surrogate counts as the replacement character that stands for it. Pages use it,
 * and need no library for it.
 */
export function utf8Length(text: string): number {
  let bytes = 0
  for (const char of text) {
    const code = char.codePointAt(0) ?? 0
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x1_0000 ? 3 : 4
  }
  return bytes
}

/** True when a text from elsewhere may be shown as it is. The wire refuses any other text; it never alters one. */
export const isCleanText = (text: string): boolean => !FORBIDDEN.test(text)

/** A name is clean, not empty and has no white space around it. */
export const isCleanName = (text: string): boolean => text.length > 0 && text.trim() === text && isCleanText(text)

/**
 * One's own input made fit for the wire: composed (NFC), white space runs to one space, forbidden characters dropped,
 * trimmed, cut at a whole character so that it is at most `maxBytes` of UTF-8. May give an empty text.
 */
export function cleanText(text: string, maxBytes: number): string {
  const clean = text.normalize('NFC').replace(/\s+/gu, ' ').replace(FORBIDDEN_ALL, '').replace(/ +/g, ' ').trim()
  let out = ''
  let bytes = 0
  for (const char of clean) {
    bytes += utf8Length(char)
    if (bytes > maxBytes) break
    out += char
  }
  return out.trim()
}
