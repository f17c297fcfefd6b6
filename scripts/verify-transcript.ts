import { readFileSync } from 'node:fs'
import {
  verifyTranscript,
  type Finding,
  type TranscriptFault,
  type TranscriptReport,
} from '../services/core/signing/runtime/verify-transcript'

/**
 * `npm run -s verify-transcript FILE`: checks what a member's device has kept of a session, with nothing but the file.
 * Exit status 0: nobody is proven to have broken a rule; 1: somebody is; 2: the file is no transcript, or was changed.
 */
const FAULTS: Readonly<Record<TranscriptFault['code'], string>> = {
  unreadable: 'This is not a transcript, or one of a newer version.',
  wallet: 'The wallet that it names is not valid.',
  exporter: 'Whoever exported it is not a member of the wallet.',
  chain: 'The exporter’s signature does not fit: something was changed, moved or taken out.',
  entry: 'An entry is no message of this session with its sender’s signature.',
  order: 'Entries are not in the order of their times.',
}

const name = (report: TranscriptReport, member: number): string =>
  `member ${member + 1} (${report.members[member]?.slice(0, 10)}…)`

function finding(report: TranscriptReport, f: Finding): string {
  switch (f.kind) {
    case 'said-two-things':
      return `${name(report, f.member)} sent two different ${f.type} in attempt ${f.attempt.counter}.`
    case 'wrong-partial':
      return `${name(report, f.member)} sent a wrong partial signature for input ${f.input + 1} in attempt ${f.attempt.counter}.`
    case 'left-out':
      return `${name(report, f.hub)} did not use what ${name(report, f.member)} signed for attempt ${f.attempt.counter}: it left that out, or was sent something else.`
    case 'wrong-final':
      return `${name(report, f.member)} sent signatures that are not valid.`
    case 'complete':
      return f.txid === undefined
        ? 'All signatures are there and valid.'
        : `All signatures are there and valid: transaction ${f.txid}.`
  }
}

const [file, ...rest] = process.argv.slice(2)
if (file === undefined || rest.length > 0) {
  console.error('verify-transcript: give one file, as saved from a payment’s screen.')
  process.exit(2)
}
let bytes: Uint8Array
try {
  bytes = readFileSync(file)
} catch (error) {
  console.error(`verify-transcript: ${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`)
  process.exit(2)
}
const checked = verifyTranscript(new Uint8Array(bytes))
if (!checked.ok) {
  const { code, entry } = checked.error
  console.error(`verify-transcript: ${FAULTS[code]}${entry === undefined ? '' : ` (entry ${entry + 1})`}`)
  process.exit(2)
}
const report = checked.value
console.log(
  `Session ${report.session}\nexported by ${name(report, report.exporter)}; ${report.said.length} messages, each signed by its sender${report.complete ? '' : '; more was said than is kept'}\n`,
)
for (const { at, member, type, attempt, detail } of report.said) {
  console.log(
    `${new Date(at).toISOString()}  member ${String(member + 1).padEnd(3)} ${type}${attempt === undefined ? '' : ` (attempt ${attempt.counter}, hub ${attempt.hub + 1})`}${detail ? `: ${detail}` : ''}`,
  )
}
console.log(
  `\n${report.findings.length === 0 ? 'Nothing is proven against anybody, and the payment is not complete.' : report.findings.map(f => finding(report, f)).join('\n')}`,
)
process.exit(report.findings.some(f => f.kind !== 'complete') ? 1 : 0)
