import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'

/** Files of the working folder that git knows or would add, by patterns of git. What was deleted is left out. */
export function listFiles(...patterns: string[]): string[] {
  const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--', ...patterns]
  const listed = execFileSync('git', args, { encoding: 'utf8' }).split('\0')
  return [...new Set(listed)].filter(file => file !== '' && existsSync(file)).sort()
}

/** What ships or serves: no tests, no documents, no settings of tools. */
const PRODUCT =
  /^(services|stores|composables|components|pages|middleware|plugins|locales|relay|devnet|scripts)\/|^(app|error)\.vue$/

export const isProduct = (file: string): boolean => PRODUCT.test(file)

/**
 * The TypeScript of a file. A `.vue` file keeps its script; everything else in it becomes empty lines, so that line
 * numbers stay true.
 */
export function readScript(file: string): string {
  const text = readFileSync(file, 'utf8')
  return file.endsWith('.vue') ? scriptOf(text) : text
}

export function scriptOf(vue: string): string {
  const blank = (part: string): string => part.replace(/[^\n]/g, '')
  let script = ''
  let end = 0
  for (const match of vue.matchAll(/(^<script\b[^>]*>)([\s\S]*?)^<\/script>/gm)) {
    const start = match.index + (match[1] ?? '').length
    script += blank(vue.slice(end, start)) + (match[2] ?? '')
    end = start + (match[2] ?? '').length
  }
  return script + blank(vue.slice(end))
}
