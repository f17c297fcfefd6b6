import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/**
 * Step `lines` of `npm run check`: comments and documents are at most 120 columns wide. Prettier keeps the code itself,
 * but breaks no comment, no text in quotes, and no document.
 */
const COLUMNS = 120

/** What may be wider: a file, and what in it cannot be broken. */
const EXCEPTIONS: ReadonlyArray<{ readonly file: string; readonly line: RegExp; readonly why: string }> = [
  {
    file: 'services/core/domain/ice.ts',
    line: /^ {2}\/\^\(stuns/,
    why: 'a regular expression that looks like a comment',
  },
]

const isException = (file: string, line: string): boolean => EXCEPTIONS.some(e => e.file === file && e.line.test(line))

const COMMENT = /^\s*(\/\/|\/?\*|<!--)|\s\/\/ /

/** Lines of a document that a writer can break: no table, no heading, no code, no bare address. */
function* proseLines(text: string): Generator<[number, string]> {
  let code = false
  for (const [i, line] of text.split('\n').entries()) {
    if (line.trimStart().startsWith('```')) code = !code
    else if (!code && !/^\s*(\||#|\S+$)/.test(line)) yield [i + 1, line]
  }
}

function* commentLines(text: string): Generator<[number, string]> {
  for (const [i, line] of text.split('\n').entries()) if (COMMENT.test(line)) yield [i + 1, line]
}

const files = execFileSync('git', ['ls-files', '*.ts', '*.vue', '*.md'], { encoding: 'utf8' }).trim().split('\n')
let wide = 0
for (const file of files) {
  const lines = file.endsWith('.md') ? proseLines : commentLines
  for (const [number, line] of lines(readFileSync(file, 'utf8'))) {
    if (line.length <= COLUMNS || isException(file, line)) continue
    wide++
    console.log(`${file}:${number} is ${line.length} columns wide`)
  }
}
process.exitCode = wide === 0 ? 0 : 1
