import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

export const BUILT = '.output/public'

/** Newest change in what the build is made of. */
function newestSource(): number {
  const roots = [
    'app.vue',
    'error.vue',
    'app.config.ts',
    'nuxt.config.ts',
    'package-lock.json',
    'pages',
    'components',
    'composables',
    'layouts',
    'plugins',
    'stores',
    'services',
    'locales',
    'assets',
    'public',
    'patches',
  ]
  const newest = (path: string): number => {
    if (!existsSync(path)) return 0
    const stat = statSync(path)
    return stat.isDirectory()
      ? readdirSync(path).reduce((max, name) => Math.max(max, newest(join(path, name))), 0)
      : stat.mtimeMs
  }
  return Math.max(...roots.map(newest))
}

/** Builds the app when its sources are newer than the last build; ends the program when that fails. */
export function buildIfChanged(quiet: boolean) {
  const index = join(BUILT, 'index.html')
  if (existsSync(index) && statSync(index).mtimeMs > newestSource()) return
  console.error('Building the app (about half a minute, once) ...')
  const done = spawnSync('npm', ['run', '-s', 'generate'], {
    stdio: ['ignore', quiet ? 'ignore' : 2, quiet ? 'pipe' : 2],
    encoding: 'utf8',
  })
  if (done.status !== 0) {
    console.error(done.stderr ?? '')
    console.error('The build failed; run "npm run generate" to see why')
    process.exit(1)
  }
}
