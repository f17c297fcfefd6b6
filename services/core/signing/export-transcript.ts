import type { SessionId } from '../domain/ids'
import { err, ok, type Result } from '../domain/result'
import type { FieldError } from '../domain/views'
import { encodeTranscript, transcriptStatement } from './runtime/transcript'
import { sessionField, type WalletSessions } from './wallet-sessions'

/** What was said in a session, chained and signed by this member, as a file (runtime/transcript.ts). */
export async function exportTranscript(
  sessions: WalletSessions,
  id: SessionId,
): Promise<Result<{ readonly filename: string; readonly bytes: Uint8Array }, FieldError>> {
  const { network, descriptor, self, roster, id: walletId } = sessions.wallet.record
  const own = roster.find(e => e.accountKey === self)
  if (sessions.get(id) === undefined || own === undefined) return err(sessionField('unknown-session'))
  const unsigned = { session: id, exporter: self, ...(await sessions.transcripts.entries(id)) }
  const statement = transcriptStatement(walletId, unsigned)
  const signature = await sessions.d.signer.signStatement(network, own.origin, statement)
  if (!signature.ok) return err(sessionField(`signer-${signature.error.code}`))
  return ok({
    filename: `tandem-session-${id.slice(0, 8)}.transcript`,
    bytes: encodeTranscript({ version: 1, network, descriptor, ...unsigned, signature: signature.value }),
  })
}
