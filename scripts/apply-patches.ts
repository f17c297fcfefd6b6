import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

export type PatchOutcome = { readonly ok: true } | { readonly ok: false; readonly reason: string }

/**
 * Applies `patches/*.patch` to `node_modules` by patch-package. Applied ones stay as they are, so it can run before
 * every command; install scripts, which usually do this, may be off.
 *
 * @param root folder with `package.json`, `patches` and `node_modules`
 */
export function applyPatches(root: string): PatchOutcome {
  if (!existsSync(join(root, 'node_modules'))) return { ok: false, reason: 'node_modules is missing: run npm ci first' }
  const bin = join(dirname(createRequire(import.meta.url).resolve('patch-package/package.json')), 'index.js')
  // a patch made for another version than the installed one is an error too: it may fit by accident
  const run = spawnSync(process.execPath, [bin, '--error-on-fail', '--error-on-warn'], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  })
  if (run.error !== undefined) return { ok: false, reason: `patch-package did not start: ${run.error.message}` }
  if (run.status === 0) return { ok: true }
  const output = `${run.stdout}\n${run.stderr}`.replaceAll(/\u001B\[[0-9;]*m/g, '')
  const failed = /Failed to apply patch for package (\S+)/.exec(output)?.[1]
  const [, madeFor, installed] = /Patch file created for\s+(\S+)\s+applied to\s+(\S+)/.exec(output) ?? []
  const line =
    failed !== undefined
      ? `the patch for ${failed} does not apply`
      : madeFor !== undefined
        ? `the patch for ${madeFor} meets ${installed}`
        : (output
            .split('\n')
            .find(l => /error|warn/i.test(l))
            ?.trim() ?? `patch-package ended with ${run.status}`)
  return { ok: false, reason: `${line} (see patches/README.md)` }
}
