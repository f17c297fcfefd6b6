import { readFileSync, writeFileSync } from 'node:fs'

/**
 * `npm run lock`: completes package-lock.json after `npm install --package-lock-only`. A registry that does not serve
 * the native binaries of other platforms makes npm leave them out, and then `npm ci` refuses the lockfile. Each missing
 * optional dependency gets an entry with its platform, which every machine but that platform's skips.
 */
interface Entry {
  version?: string
  optionalDependencies?: Record<string, string>
  os?: string[]
  cpu?: string[]
  optional?: true
  dev?: true
}

const FILE = 'package-lock.json'
const SYSTEMS = ['android', 'darwin', 'freebsd', 'win32', 'openharmony', 'linux', 'openbsd', 'netbsd', 'sunos', 'aix']
const PROCESSORS: Array<[RegExp, string]> = [
  [/arm64|aarch64/, 'arm64'],
  [/x64|x86_64/, 'x64'],
  [/ia32/, 'ia32'],
  [/riscv64/, 'riscv64'],
  [/ppc64/, 'ppc64'],
  [/s390x/, 's390x'],
  [/loong64/, 'loong64'],
  [/wasm32/, 'wasm32'],
  [/arm/, 'arm'],
]

const lock = JSON.parse(readFileSync(FILE, 'utf8')) as { packages: Record<string, Entry> }
const { packages } = lock

/** As Node resolves: the nearest node_modules on the way up. */
function resolve(from: string, name: string): Entry | undefined {
  for (let base = from; ; base = base.slice(0, Math.max(0, base.lastIndexOf('/node_modules/')))) {
    const found = packages[`${base === '' ? '' : `${base}/`}node_modules/${name}`]
    if (found !== undefined || base === '') return found
    if (!base.includes('/node_modules/')) base = ''
    const top = packages[`node_modules/${name}`]
    if (base === '') return top
  }
}

let added = 0
for (const [key, entry] of Object.entries({ ...packages })) {
  for (const [name, range] of Object.entries(entry.optionalDependencies ?? {})) {
    const version = range.replace(/^[\^~]/, '')
    const there = resolve(key, name)
    if (there !== undefined && (there.version === version || version !== range)) continue
    const os = SYSTEMS.find(system => name.includes(system))
    const cpu = PROCESSORS.find(([pattern]) => pattern.test(name))?.[1]
    packages[`${there === undefined ? '' : `${key}/`}node_modules/${name}`] = {
      version,
      ...(cpu === undefined ? {} : { cpu: [cpu] }),
      ...(entry.dev === true ? { dev: true } : {}),
      optional: true,
      ...(os === undefined ? {} : { os: [os] }),
    }
    added++
  }
}
lock.packages = Object.fromEntries(Object.entries(packages).sort(([a], [b]) => a.localeCompare(b, 'en')))
writeFileSync(FILE, `${JSON.stringify(lock, null, 2)}\n`)
console.log(`${added} entries added`)
