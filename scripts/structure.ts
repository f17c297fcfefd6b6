import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import ts from 'typescript'
import { isProduct, listFiles, readScript } from './sources'

/**
 * `npm run -s structure`: the figures of the structure, counted on the sources as they stand in the working folder.
 *   --json   one object, with every place
 *   --check  ends with 1 when a product file is over 400 lines, or a product function over 80 without a reason
 * A reason is a line of the comment above the function that starts with "Long because". A function counts with
 * everything inside of it: an inner function is part of the outer one, and counts on its own too.
 */
const FUNCTION_LINES = 80
const FILE_LINES = 400
const COLUMNS = 120

interface LongFunction {
  readonly at: string
  readonly name: string
  readonly lines: number
  readonly reason?: string
}

interface FileLines {
  readonly file: string
  readonly lines: number
}

/** How many imports of one folder name files of another. */
interface Edge {
  readonly from: string
  readonly to: string
  readonly imports: number
}

interface Structure {
  readonly doors: readonly FileLines[]
  readonly longFunctions: readonly LongFunction[]
  readonly longFiles: readonly FileLines[]
  readonly longTestFiles: readonly FileLines[]
  readonly wideLines: ReadonlyArray<{ readonly file: string; readonly lines: number }>
  readonly edges: readonly Edge[]
  readonly mutual: ReadonlyArray<readonly [Edge, Edge]>
}

/** `services/core/net/gate.ts` is of `core/net`, `services/p2p.ts` of `doors`, `stores/p2p.ts` of `stores`. */
export function folderOf(file: string): string {
  const inner = /^services\/((core|adapters)\/[^/]+|ports)\//.exec(file)?.[1]
  if (inner !== undefined) return inner
  if (/^services\/[^/]+$/.test(file)) return 'doors'
  return file.includes('/') ? file.slice(0, file.indexOf('/')) : 'root'
}

const parse = (file: string, text: string): ts.SourceFile =>
  ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true, ts.ScriptKind.TS)

/** What people call a function: its own name, or that of what it is given to. */
function nameOf(node: ts.FunctionLikeDeclaration): string {
  if (ts.isConstructorDeclaration(node)) return 'constructor'
  if (node.name !== undefined) return node.name.getText()
  const outer = node.parent
  if ((ts.isVariableDeclaration(outer) || ts.isPropertyAssignment(outer)) && outer.initializer === node)
    return outer.name.getText()
  if (ts.isCallExpression(outer)) return `function given to ${outer.expression.getText().slice(0, 40)}`
  return 'function without a name'
}

/** The comments above the statement or member that the function stands in. */
function headerOf(node: ts.Node, text: string): string {
  let owner = node
  while (!ts.isStatement(owner) && !ts.isClassElement(owner) && !ts.isObjectLiteralElement(owner)) owner = owner.parent
  const ranges = ts.getLeadingCommentRanges(text, owner.getFullStart()) ?? []
  return ranges.map(range => text.slice(range.pos, range.end)).join('\n')
}

export function longFunctions(file: string, text: string, limit = FUNCTION_LINES): LongFunction[] {
  const source = parse(file, text)
  const found: LongFunction[] = []
  const line = (position: number): number => source.getLineAndCharacterOfPosition(position).line + 1
  function visit(node: ts.Node): void {
    if (ts.isFunctionLike(node) && 'body' in node && node.body !== undefined) {
      const first = line(node.getStart())
      const lines = line(node.getEnd()) - first + 1
      const reason = /^[\s/*]*(Long because [^\n]*?)[\s*/]*$/m.exec(headerOf(node, text))?.[1]
      if (lines > limit)
        found.push({ at: `${file}:${first}`, name: nameOf(node), lines, ...(reason === undefined ? {} : { reason }) })
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

/** The relative imports of a file, types and `import()` too, as paths without their ending. */
export function importsOf(file: string, text: string): string[] {
  return ts
    .preProcessFile(text, true, true)
    .importedFiles.map(({ fileName }) => fileName)
    .filter(name => name.startsWith('.'))
    .map(name => join(dirname(file), name))
}

function edgesOf(files: readonly string[], texts: ReadonlyMap<string, string>): Edge[] {
  const counts = new Map<string, number>()
  for (const file of files)
    for (const target of importsOf(file, texts.get(file) ?? '')) {
      const pair = `${folderOf(file)} ${folderOf(target)}`
      counts.set(pair, (counts.get(pair) ?? 0) + 1)
    }
  return [...counts]
    .map(([pair, imports]) => ({ from: pair.split(' ')[0] ?? '', to: pair.split(' ')[1] ?? '', imports }))
    .filter(edge => edge.from !== edge.to)
    .sort((a, b) => a.from.localeCompare(b.from) || b.imports - a.imports)
}

function mutualOf(edges: readonly Edge[]): Array<[Edge, Edge]> {
  return edges.flatMap(edge => {
    const back = edges.find(other => other.from === edge.to && other.to === edge.from)
    return back !== undefined && edge.from < edge.to ? [[edge, back] as [Edge, Edge]] : []
  })
}

const countLines = (text: string): number => text.split('\n').length - (text.endsWith('\n') ? 1 : 0)
const byLines = (a: { readonly lines: number }, b: { readonly lines: number }): number => b.lines - a.lines

/** Lines that are wider than the limit; a table of a document cannot be broken and is left out. */
function wideLines(file: string): number {
  const lines = readFileSync(file, 'utf8').split('\n')
  return lines.filter(line => line.length > COLUMNS && !(file.endsWith('.md') && /^\s*\|/.test(line))).length
}

function measure(): Structure {
  const sources = listFiles('*.ts', '*.vue')
  const lengths = sources.map(file => ({ file, lines: countLines(readFileSync(file, 'utf8')) }))
  const product = sources.filter(isProduct)
  const scripts = new Map(product.map(file => [file, readScript(file)]))
  const edges = edgesOf(product, scripts)
  const over = lengths.filter(({ lines }) => lines > FILE_LINES).sort(byLines)
  return {
    doors: lengths.filter(({ file }) => /^services\/[^/]+\.ts$/.test(file)),
    longFunctions: product.flatMap(file => longFunctions(file, scripts.get(file) ?? '')).sort(byLines),
    longFiles: over.filter(({ file }) => isProduct(file)),
    longTestFiles: over.filter(({ file }) => !isProduct(file)),
    wideLines: listFiles('*.ts', '*.vue', '*.js', '*.cjs', '*.md')
      .map(file => ({ file, lines: wideLines(file) }))
      .filter(({ lines }) => lines > 0)
      .sort(byLines),
    edges,
    mutual: mutualOf(edges),
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, next) => total + next, 0)

const row = (count: number, text: string): void => console.log(`  ${String(count).padStart(4)} ${text}`)

function printWide(wide: Structure['wideLines']): void {
  const kinds: ReadonlyArray<readonly [string, (file: string) => boolean]> = [
    ['product', isProduct],
    ['tests', file => file.startsWith('tests/')],
    ['documents', file => file.endsWith('.md')],
  ]
  console.log(`lines over ${COLUMNS} columns, tables of documents left out: ${sum(wide.map(w => w.lines))}`)
  const kindOf = (file: string): string => kinds.find(([, is]) => is(file))?.[0] ?? 'settings of tools'
  for (const kind of [...kinds.map(([name]) => name), 'settings of tools'])
    row(sum(wide.filter(({ file }) => kindOf(file) === kind).map(w => w.lines)), kind)
}

function print(s: Structure): void {
  const isCore = ({ from, to }: Edge): boolean => /^(core\/|ports)/.test(from) && /^(core\/|ports)/.test(to)
  const core = s.edges.filter(isCore)
  console.log(`doors: ${sum(s.doors.map(door => door.lines))} lines in ${s.doors.length} files (services/*.ts)`)
  for (const { file, lines } of s.doors) row(lines, file)
  const bare = s.longFunctions.filter(({ reason }) => reason === undefined).length
  console.log(`functions over ${FUNCTION_LINES} lines: ${s.longFunctions.length}, ${bare} of them without a reason`)
  for (const { at, name, lines, reason } of s.longFunctions)
    row(lines, `${at} ${name}${reason === undefined ? '' : ` (${reason})`}`)
  console.log(`product files over ${FILE_LINES} lines: ${s.longFiles.length}`)
  for (const { file, lines } of s.longFiles) row(lines, file)
  console.log(`test files over ${FILE_LINES} lines: ${s.longTestFiles.length}`)
  for (const { file, lines } of s.longTestFiles) row(lines, file)
  printWide(s.wideLines)
  console.log(`imports across folders: ${sum(s.edges.map(e => e.imports))} in ${s.edges.length} pairs`)
  console.log(`  inside of core and ports: ${sum(core.map(e => e.imports))} in ${core.length} pairs`)
  for (const { from, to, imports } of core) row(imports, `${from} -> ${to}`)
  console.log(`folders that import each other: ${s.mutual.length}`)
  for (const [there, back] of s.mutual)
    row(there.imports, `${there.from} -> ${there.to}, and ${back.imports} in the other direction`)
}

function check(s: Structure): number {
  const faults = [
    ...s.longFunctions
      .filter(({ reason }) => reason === undefined)
      .map(f => `${f.at} ${f.name} has ${f.lines} lines, and no "Long because ..." above it`),
    ...s.longFiles.map(({ file, lines }) => `${file} has ${lines} lines, more than ${FILE_LINES}`),
  ]
  for (const fault of faults) console.log(fault)
  return faults.length === 0 ? 0 : 1
}

if (process.argv[1]?.endsWith('structure.ts') === true) {
  const structure = measure()
  if (process.argv.includes('--check')) process.exitCode = check(structure)
  else if (process.argv.includes('--json')) console.log(JSON.stringify(structure, undefined, 2))
  else print(structure)
}
