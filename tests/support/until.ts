/** Waits for an eventual state: checks now and every 5 ms; @throws when it has not come after `ms`. */
export async function until(condition: () => boolean, what: string, ms = 15_000): Promise<void> {
  const end = Date.now() + ms
  while (!condition()) {
    if (Date.now() > end) throw new Error(`did not come: ${what}`)
    await new Promise(resolve => {
      setTimeout(resolve, 5)
    })
  }
}
