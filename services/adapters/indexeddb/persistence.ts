/**
 * Asks the browser not to clear this site's data under disk pressure. A refusal is normal and no reason to stop: the
 * wallet file and the words are the backup. Call it after a person's own action; some browsers ask.
 */
export async function persistStorage(
  manager: Pick<StorageManager, 'persist' | 'persisted'> | undefined = globalThis.navigator?.storage,
): Promise<'granted' | 'denied' | 'unsupported'> {
  if (typeof manager?.persist !== 'function') return 'unsupported'
  try {
    return (await manager.persisted()) || (await manager.persist()) ? 'granted' : 'denied'
  } catch {
    return 'denied'
  }
}
