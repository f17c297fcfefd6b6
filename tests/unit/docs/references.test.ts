import { describe, expect, it } from 'vitest'
import { brokenReferences, workingTree, type Tree } from '../../../scripts/references'

// not written out, because this file is read as well
const MD = '.md'
const GUIDE = `docs/guide${MD}`

/** A small repository: a guide and a module, and one more file with what is tried. */
function treeWith(file: string, text: string): Tree {
  const files: Record<string, string> = {
    [GUIDE]: '# The guide\n\n## 1. First steps\n\n**Keys.** Words in bold open a paragraph.\n\n### 1.2 `More` of it\n',
    'services/core/net/gate.ts': '',
    [file]: text,
  }
  return { files: Object.keys(files), scripts: ['check'], read: name => files[name] ?? '' }
}

const inCode = (...lines: string[]): string[] =>
  brokenReferences(treeWith('services/vault.ts', lines.join('\n'))).map(b => `${b.line} ${b.what}`)
const inDocument = (...lines: string[]): string[] =>
  brokenReferences(treeWith(`docs/other${MD}`, lines.join('\n'))).map(b => `${b.line} ${b.what}`)

describe('names in comments and documents', () => {
  it('all exist in this repository', () => {
    const broken = brokenReferences(workingTree())
    expect(broken.map(b => `${b.file}:${b.line} ${b.what}`)).toEqual([])
  })

  it('may be a path, its end, a folder, several at once', () => {
    expect(inCode('// services/core/net/gate.ts, core/net/gate.ts; gate.ts. (`core/net`)')).toEqual([])
    expect(inCode('// services/{vault,core/net/gate}.ts and services/core/ and services/**/*.ts')).toEqual([])
  })

  it('are reported where a file or folder is missing', () => {
    expect(inCode('const a = 1', '/* core/net/gates.ts */')).toEqual(['2 core/net/gates.ts does not exist'])
    expect(inCode('/**', ' * The rule is in', ' * services/net/gate.ts.', ' */')).toEqual([
      '3 services/net/gate.ts does not exist (there is services/core/net/gate.ts)',
    ])
    expect(inCode('// services/core/nets')).toEqual(['1 services/core/nets does not exist'])
    expect(inCode('// services/{vault,core/net/door}.ts')).toHaveLength(1)
    expect(inCode('// services/core/**/*.vue')).toHaveLength(1)
    expect(inDocument('see `services/gate.ts`')).toHaveLength(1)
  })

  it('may be a heading, over the end of a line too', () => {
    expect(inCode(`/* ${GUIDE}, "First steps"; ${GUIDE} section 1.2; guide${MD}, "Keys" */`)).toEqual([])
    expect(inCode('/**', ` * Why: ${GUIDE}, "First`, ' * steps".', ' */')).toEqual([])
  })

  it('are reported where a heading or a section is missing', () => {
    expect(inCode(`// ${GUIDE}, "Second steps"`)).toEqual([`1 ${GUIDE} has no heading "Second steps"`])
    expect(inCode(`it('keeps ${GUIDE}, section 7', run)`)).toEqual([`1 ${GUIDE} has no section 7`])
    expect(inDocument('## 3. Other', '', 'As section 4 says (3.1).')).toHaveLength(2)
  })

  it('are links and scripts as well', () => {
    expect(inDocument(`[a](guide${MD}#1-first-steps) [b](#here) [c](https://x.org/y${MD})`, '# Here')).toEqual([])
    expect(inDocument(`[a](guide${MD}#first-steps)`)).toEqual([`1 ${GUIDE} has no heading for #first-steps`])
    expect(inDocument(`[a](guides${MD})`)).toContain(`1 link to guides${MD}, which does not exist`)
    expect(inDocument('`npm run check` and `npm run -s chek`')).toEqual(['1 package.json has no script chek'])
  })

  it('are not looked for in code', () => {
    expect(inCode("import { x } from './nowhere/at-all.ts'")).toEqual([])
    expect(inDocument('```', 'core/net/nothing.ts', '```')).toEqual([])
  })
})
