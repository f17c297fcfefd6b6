/** milliseconds after which the browser has taken the bytes of a download */
const TAKEN_MS = 10_000

/** Hands bytes to the browser as a download. */
export function saveFile({ filename, bytes }: { readonly filename: string; readonly bytes: Uint8Array }): void {
  const url = URL.createObjectURL(new Blob([new Uint8Array(bytes)], { type: 'application/octet-stream' }))
  const link = document.createElement('a')
  link.href = url
  link.download = filename
  link.click()
  setTimeout(() => URL.revokeObjectURL(url), TAKEN_MS)
}
