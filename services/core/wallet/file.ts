/** The encrypted wallet file: words and file restore a wallet anywhere. */
import type { Aggregator, Signer } from '../../ports/signer'
import { err, ok, type Result } from '../domain/result'
import type { FieldError } from '../domain/views'
import type { WalletRecord } from '../domain/wallet'
import { decodeWalletFile, encodeWalletFile, unwrapWalletFile, wrapWalletFile } from '../roster/file'
import { preverify } from '../roster/join'
import { checkRecord, wholeRecordClaims } from '../roster/wallet-record'

const fault = (code: string) => err<FieldError>({ field: 'file', code })

export async function exportWalletFile(
  record: WalletRecord,
  signer: Pick<Signer, 'sealFile'>,
): Promise<{ readonly filename: string; readonly text: string }> {
  const text = wrapWalletFile(record, await signer.sealFile(encodeWalletFile(record, [])))
  const name = record.name.replace(/[^\p{L}\p{N}]+/gu, '-').toLowerCase()
  return { filename: `tandem-${name}-${record.id.slice(0, 6)}.json`, text }
}

/** A wallet file of this profile, checked as a roster from outside is. */
export async function readWalletFile(
  text: string,
  signer: Pick<Signer, 'openFile' | 'ownsAccount'> & Pick<Aggregator, 'verifyStatement'>,
): Promise<Result<WalletRecord, FieldError>> {
  const unwrapped = unwrapWalletFile(text)
  if (!unwrapped.ok) return fault(`file-${unwrapped.error.code}`)
  const opened = await signer.openFile(unwrapped.value.sealed)
  if (!opened.ok) return fault(`file-${opened.error.code}`)
  const content = decodeWalletFile(opened.value)
  if (!content.ok) return fault(`file-${content.error.code}`)
  const { record } = content.value
  const verify = await preverify(wholeRecordClaims(record), (statement, signature) =>
    signer.verifyStatement(statement, signature),
  )
  const own = record.roster.find(e => e.accountKey === record.self)
  const sound = checkRecord(record, verify).ok && own !== undefined
  return sound && (await signer.ownsAccount(record.network, own)) ? ok(record) : fault('file-damaged')
}
