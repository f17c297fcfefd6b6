import { spawnSync } from 'node:child_process'

/**
 * Step `commits` of `npm run check`: the first line of a commit message has at most 72 characters, because lists of
 * commits and mails show no more. What was committed before there was the rule stays as it is. A date tells the two
 * apart: a shallow clone knows no older commit by name.
 */
const CHARACTERS = 72
/** unix seconds: 2026-12-01 */
const SINCE = Date.UTC(2026, 11, 1) / 1000

/** Lines of `git log --format=%h%x09%ct%x09%s` whose subject is too long, one sentence each. */
export function longSubjects(log: string): string[] {
  return log.split('\n').flatMap(line => {
    const [hash = '', time = '', ...rest] = line.split('\t')
    const subject = rest.join('\t')
    const length = [...subject].length
    return Number(time) < SINCE || length <= CHARACTERS
      ? []
      : [`${hash} has a subject of ${length} characters: ${subject}`]
  })
}

if (process.argv[1]?.endsWith('commit-subjects.ts') === true) {
  const git = spawnSync('git', ['log', '--format=%h%x09%ct%x09%s'], { encoding: 'utf8' })
  // a copy without its history has nothing to check
  const found = git.status === 0 ? longSubjects(git.stdout) : []
  for (const fault of found) console.log(fault)
  process.exitCode = found.length === 0 ? 0 : 1
}
