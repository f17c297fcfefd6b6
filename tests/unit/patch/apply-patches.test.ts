import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { applyPatches } from '../../../scripts/apply-patches'

const PATCH = `diff --git a/node_modules/left/index.js b/node_modules/left/index.js
index 1111111..2222222 100644
--- a/node_modules/left/index.js
+++ b/node_modules/left/index.js
@@ -1,3 +1,3 @@
 one
-two
+zwei
 three
`

describe('applyPatches', () => {
  let root: string
  const file = (): string => join(root, 'node_modules/left/index.js')

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'tandem-patch-'))
    mkdirSync(join(root, 'node_modules/left'), { recursive: true })
    mkdirSync(join(root, 'patches'))
    writeFileSync(join(root, 'package.json'), JSON.stringify({ name: 'x', dependencies: { left: '1.0.0' } }))
    writeFileSync(join(root, 'node_modules/left/package.json'), JSON.stringify({ name: 'left', version: '1.0.0' }))
    writeFileSync(file(), 'one\ntwo\nthree\n')
    writeFileSync(join(root, 'patches/left+1.0.0.patch'), PATCH)
  })
  afterEach(() => rmSync(root, { recursive: true, force: true }))

  it('applies, and stays content when it is applied already', () => {
    expect(applyPatches(root)).toEqual({ ok: true })
    expect(readFileSync(file(), 'utf8')).toBe('one\nzwei\nthree\n')
    expect(applyPatches(root)).toEqual({ ok: true })
    expect(readFileSync(file(), 'utf8')).toBe('one\nzwei\nthree\n')
  })

  it('fails in one line that names the package when it does not apply', () => {
    writeFileSync(file(), 'one\nanother\nthree\n')
    expect(applyPatches(root)).toEqual({
      ok: false,
      reason: 'the patch for left does not apply (see patches/README.md)',
    })
  })

  it('fails for another version than the patch was made for', () => {
    writeFileSync(join(root, 'node_modules/left/package.json'), JSON.stringify({ name: 'left', version: '1.0.1' }))
    expect(applyPatches(root)).toEqual({
      ok: false,
      reason: 'the patch for left@1.0.0 meets left@1.0.1 (see patches/README.md)',
    })
  })

  it('says what to do where nothing is installed', () => {
    rmSync(join(root, 'node_modules'), { recursive: true })
    expect(applyPatches(root)).toEqual({ ok: false, reason: 'node_modules is missing: run npm ci first' })
  })
})
