import { readFileSync, statSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { listFiles } from './sources'

/**
 * Finds names in comments and documents that name nothing: files, folders, headings, sections, npm scripts. A unit test
 * runs it (tests/unit/docs/references.test.ts); `npx tsx scripts/references.ts` prints what it finds.
 *
 * What counts as a name:
 *   services/core/net/gate.ts   a path from the top, or its end (`core/net/gate.ts`, `gate.ts`), or from its own folder
 *   services/core/net           a folder, when it starts with one of the top or with `core/`, `adapters/`, `ports/`
 *   docs/protocol.md, "Blame"   a heading, or words in bold that open a paragraph
 *   docs/protocol.md section 9  a heading with this number; inside of a document with numbers `section 9` alone
 *   [text](relay.md#limits)     a link of a document
 *   `npm run check`             a script of package.json
 */
export interface Broken {
  readonly file: string
  readonly line: number
  readonly what: string
}

/** Names of files that are not in the repository. */
const ELSEWHERE: ReadonlyArray<{ readonly name: RegExp; readonly from: RegExp; readonly why: string }> = [
  {
    name: /^(\.output|\.nuxt|dist|\.tandem|\.vectors|test-results|node_modules)(\/|$)/,
    from: /./,
    why: 'made by a command',
  },
  { name: /^[\w-]+\.js$/, from: /^patches\/README\.md$/, why: 'files of the patched package' },
]

/** Text that people read, with the line of the file in which each of its lines stands. */
interface Prose {
  readonly text: string
  readonly lines: readonly number[]
}

/** What the tree holds. */
export interface Tree {
  readonly files: readonly string[]
  readonly scripts: readonly string[]
  read(file: string): string
}

const TOP =
  /^(services|stores|components|composables|pages|locales|plugins|middleware|relay|devnet|scripts|patches|tests|docs|assets|public|\.github|\.ci)\//
const INNER = /^(core|adapters|ports)\/[a-z]/
const EXTENSION = /[\w*\]}]\.(ts|vue|md|c?js|mjs|json|yml)$/

/**
 * Comments of a file of code, and lines that name a document. Prettier puts each line of a comment behind `//` or `*`,
 * so no parser is needed.
 */
function commentsOf(text: string): Prose[] {
  const found: Array<[number, string]> = []
  for (const [i, line] of text.split('\n').entries()) {
    const whole = /^\s*(?:\/\*+|\*|\/\/|<!--)(.*?)(?:\*\/|-->)?\s*$/.exec(line)?.[1]
    const comment = whole ?? (/\.md\b/.test(line) ? line : /\s\/\/ (.*)$/.exec(line)?.[1])
    if (comment !== undefined) found.push([i, comment])
  }
  return joined(found)
}

function joined(lines: ReadonlyArray<readonly [number, string]>): Prose[] {
  const parts: Array<{ texts: string[]; lines: number[] }> = []
  for (const [at, text] of lines) {
    const last = parts.at(-1)
    if (last?.lines.at(-1) === at - 1) {
      last.texts.push(text)
      last.lines.push(at)
    } else parts.push({ texts: [text], lines: [at] })
  }
  return parts.map(part => ({ text: part.texts.join('\n'), lines: part.lines }))
}

/** Paragraphs of a document; what stands between ``` is left out. */
function paragraphsOf(text: string): Prose[] {
  let code = false
  const lines: Array<[number, string]> = []
  for (const [i, line] of text.split('\n').entries()) {
    if (line.trimStart().startsWith('```')) code = !code
    else if (!code && line.trim() !== '') lines.push([i, line])
  }
  return joined(lines)
}

interface Heading {
  readonly title: string
  readonly number?: string
  readonly slug: string
}

/** As GitHub makes anchors of headings. */
const slugOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(' ', '-')

function headingsOf(document: string): Heading[] {
  return paragraphsOf(document).flatMap(({ text }) =>
    text.split('\n').flatMap((line): Heading[] => {
      const heading = /^#+\s+(.*?)\s*$/.exec(line)?.[1]?.replaceAll('`', '')
      if (heading === undefined) {
        const bold = /^(?:- )?\*{1,2}([^*]+?)[.:]?\*{1,2}/.exec(line)?.[1]
        return bold === undefined ? [] : [{ title: bold, slug: '' }]
      }
      const [, number, title] = /^(?:(\d+(?:\.\d+)*)\.?\s+)?(.*)$/.exec(heading) ?? []
      return [{ title: title ?? heading, slug: slugOf(heading), ...(number === undefined ? {} : { number }) }]
    }),
  )
}

/** Looks names up in one tree. */
class Names {
  readonly #files: ReadonlySet<string>
  readonly #headings = new Map<string, Heading[]>()

  constructor(private readonly tree: Tree) {
    this.#files = new Set(tree.files)
  }

  /** The file that `name` means in `from`: from the top, from the folder of `from`, or the end of a path. */
  file(name: string, from: string): string | undefined {
    const near = normalize(join(dirname(from), name))
    const bare = name.replace(/^\.\//, '')
    const whole = [bare, near].find(path => this.#files.has(path))
    return whole ?? this.tree.files.find(path => path.endsWith(`/${bare}`))
  }

  /** A file or folder, named from the top. */
  isPath(path: string): boolean {
    return this.#files.has(path) || this.tree.files.some(file => file.startsWith(`${path.replace(/\/$/, '')}/`))
  }

  exists(name: string, from: string): boolean {
    if (ELSEWHERE.some(e => e.name.test(name) && e.from.test(from))) return true
    return spread(name).every(one => this.#one(one, from))
  }

  #one(name: string, from: string): boolean {
    if (name.includes('*')) {
      const pattern = name
        .replace(/[.+?^$()[\]|\\{}]/g, '\\$&')
        .replaceAll('**/', '(.+/)?')
        .replaceAll('*', '[^/]*')
      return this.tree.files.some(path => new RegExp(`(^|/)${pattern.replace(/^\//, '')}`).test(path))
    }
    if (this.file(name, from) !== undefined) return true
    const folder = name.replace(/\/$/, '')
    return this.tree.files.some(
      path => `/${path}`.includes(`/${folder}/`) || (INNER.test(name) && path === `services/${folder}.ts`),
    )
  }

  headings(file: string): readonly Heading[] {
    const known = this.#headings.get(file) ?? headingsOf(this.tree.read(file))
    this.#headings.set(file, known)
    return known
  }

  /** Files of the same name, for who has to mend it. */
  hint(name: string): string {
    const base = name.replace(/\/$/, '').split('/').at(-1) ?? ''
    const same = base === '' ? [] : this.tree.files.filter(path => path.endsWith(`/${base}`))
    return same.length === 0 ? '' : ` (there is ${same.slice(0, 3).join(', ')})`
  }
}

/** `services/{p2p,vault}.ts` are two names. */
function spread(name: string): string[] {
  const [, before, choices, after] = /^([^{]*)\{([^}]*)\}(.*)$/.exec(name) ?? []
  return choices === undefined ? [name] : choices.split(',').flatMap(c => spread(`${before}${c.trim()}${after}`))
}

type Report = (offset: number, what: string) => void

const TOKEN = /[\w@.[\]*/~-]+(?:\{[\w./*,\s-]+\}[\w@.[\]*/~-]*)*/g

/** Words that look like paths of ours. */
function checkPaths(text: string, from: string, names: Names, report: Report): void {
  for (const match of text.matchAll(TOKEN)) {
    const token = match[0].replace(/^\[([^\]]*)\]$/, '$1').replace(/[.:]+$/, '')
    const isName = EXTENSION.test(token) || ((TOP.test(token) || INNER.test(token)) && !token.includes('...'))
    if (!isName || /^(\/\/|@|~)/.test(token) || /[\w.]:\/*$/.test(text.slice(0, match.index))) continue
    if (!names.exists(token, from)) report(match.index, `${token} does not exist${names.hint(token)}`)
  }
}

const CITATION = /([\w./-]*\w\.md)\b[)`\]]*(?:\([^)]*\))?,?\s+(?:section\s+(\d+(?:\.\d+)?)|["“]([^"”]+)["”])/g

/** `docs/protocol.md, "Blame"` and `docs/protocol.md section 9`. */
function checkHeadings(text: string, from: string, names: Names, report: Report): void {
  for (const match of text.matchAll(CITATION)) {
    const [, name = '', number, title] = match
    const file = names.file(name, from)
    if (file === undefined) continue
    const headings = names.headings(file)
    const wanted = title?.replaceAll(/\s+/g, ' ')
    if (number !== undefined && !headings.some(h => h.number === number))
      report(match.index, `${file} has no section ${number}`)
    if (wanted !== undefined && !headings.some(h => h.title === wanted))
      report(match.index, `${file} has no heading "${wanted}"`)
  }
}

/** `section 7` and `(4.2)` inside of a document whose headings have numbers. */
function checkSections(text: string, from: string, names: Names, report: Report): void {
  const numbers = new Set(names.headings(from).flatMap(h => h.number ?? []))
  if (numbers.size === 0) return
  for (const match of text.matchAll(/(?<!\.md,?\s+)\bsections?\s+(\d+(?:\.\d+)?)|\((\d+\.\d+)\)/g)) {
    const number = match[1] ?? match[2] ?? ''
    if (!numbers.has(number)) report(match.index, `${from} has no section ${number}`)
  }
}

/** `[text](relay.md#limits)` of a document. */
function checkLinks(text: string, from: string, names: Names, report: Report): void {
  for (const match of text.matchAll(/\]\(([^)\s]+)\)/g)) {
    const target = match[1] ?? ''
    if (/^[a-z]+:/.test(target)) continue
    const [path = '', anchor] = target.split('#')
    const file = path === '' ? from : normalize(join(dirname(from), path))
    if (!names.isPath(file)) report(match.index, `link to ${path}, which does not exist`)
    else if (anchor !== undefined && !names.headings(file).some(h => h.slug === anchor))
      report(match.index, `${file} has no heading for #${anchor}`)
  }
}

function checkScripts(text: string, tree: Tree, report: Report): void {
  for (const match of text.matchAll(/\bnpm run (?:-s |--silent )?([a-z][\w:-]*)/g)) {
    const script = match[1] ?? ''
    if (!tree.scripts.includes(script)) report(match.index, `package.json has no script ${script}`)
  }
}

export function brokenReferences(tree: Tree): Broken[] {
  const names = new Names(tree)
  const broken: Broken[] = []
  for (const file of tree.files) {
    const isDocument = file.endsWith('.md')
    if (!isDocument && !/\.(ts|vue|c?js)$/.test(file)) continue
    const text = tree.read(file)
    for (const { text: prose, lines } of isDocument ? paragraphsOf(text) : commentsOf(text)) {
      const report: Report = (offset, what) => {
        const line = lines[prose.slice(0, offset).split('\n').length - 1] ?? 0
        broken.push({ file, line: line + 1, what })
      }
      checkPaths(prose, file, names, report)
      checkHeadings(prose, file, names, report)
      checkScripts(prose, tree, report)
      if (!isDocument) continue
      checkSections(prose, file, names, report)
      checkLinks(prose, file, names, report)
    }
  }
  return broken
}

/** The working folder. */
export function workingTree(): Tree {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { readonly scripts: object }
  return {
    files: listFiles().filter(file => statSync(file).isFile()),
    scripts: Object.keys(scripts),
    read: file => readFileSync(file, 'utf8'),
  }
}

if (process.argv[1]?.endsWith('references.ts') === true) {
  const broken = brokenReferences(workingTree())
  for (const { file, line, what } of broken) console.log(`${file}:${line} ${what}`)
  process.exitCode = broken.length === 0 ? 0 : 1
}
