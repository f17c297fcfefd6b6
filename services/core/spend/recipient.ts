import { addressToScript, taprootKey } from '../crypto/address'
import type { NetworkParams } from '../domain/network'
import { err, ok, type Result } from '../domain/result'
import type { FieldError } from '../domain/views'

/**
 * The output script of an address as typed, or why no coins may be sent there. `isXCoordinate` is asked for the key of
 * a taproot address.
 */
export async function readRecipient(
  address: string,
  network: NetworkParams,
  isXCoordinate: (key: Uint8Array) => Promise<boolean>,
): Promise<Result<Uint8Array, FieldError>> {
  const fault = (code: string) => err({ field: 'recipient', code })
  const script = addressToScript(address, network)
  if (!script.ok) return fault(`address-${script.error.code}`)
  const key = taprootKey(script.value)
  return key === undefined || (await isXCoordinate(key)) ? ok(script.value) : fault('address-unsupported')
}
