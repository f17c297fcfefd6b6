import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findChromium } from '../../support/chromium'
import { requireOrSkip } from '../../support/require'
import type { BrowserChoice } from './member'

/** The namespace that scripts/e2e.ts made for this run: the internet of these tests. */
const INTERNET = process.env.TANDEM_NETNS

/** The system's own programs: an npm package in the path has a program called nft too. */
const system = { encoding: 'utf8', env: { ...process.env, PATH: '/usr/sbin:/usr/bin:/sbin:/bin' } } as const

export const noNamespaces = requireOrSkip(
  'netns',
  INTERNET !== undefined && spawnSync('nft', ['--version'], system).status === 0,
  'network namespaces need root, ip (iproute2) and nft (nftables)',
)

function must(command: string, ...args: string[]) {
  const done = spawnSync(command, args, system)
  if (done.status !== 0) throw new Error(`${command} ${args.join(' ')}: ${done.stderr}`)
}

/**
 * `cone`: one outside port for all destinations, as home routers have it; `symmetric`: another one for each, which STUN
 * cannot foretell.
 */
export type Nat = 'cone' | 'symmetric'

/** A flat with a router: a private network behind a masquerade, joined to the internet of the run. */
export class Home {
  private readonly folder = mkdtempSync(join(tmpdir(), 'tandem-home-'))

  private constructor(
    private readonly inside: string,
    private readonly router: string,
    private readonly cable: string,
  ) {}

  /** `number` 1 to 250 makes names and networks distinct. */
  static make(number: number, nat: Nat): Home {
    const inside = `${INTERNET}-home${number}`
    const router = `${INTERNET}-router${number}`
    const home = new Home(inside, router, `street${number}`)
    for (const namespace of [inside, router]) {
      must('ip', 'netns', 'add', namespace)
      // an IPv6 address that appears a second later would be a change of network for the browser
      must(
        'ip',
        'netns',
        'exec',
        namespace,
        'sysctl',
        '-qw',
        'net.ipv6.conf.all.disable_ipv6=1',
        'net.ipv6.conf.default.disable_ipv6=1',
      )
      must('ip', '-n', namespace, 'link', 'set', 'dev', 'lo', 'up')
    }
    must('ip', 'link', 'add', 'name', home.cable, 'type', 'veth', 'peer', 'name', 'wan', 'netns', router)
    must('ip', '-n', router, 'link', 'add', 'name', 'lan', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', inside)
    must('ip', 'addr', 'add', `10.78.${number}.1/24`, 'dev', home.cable)
    must('ip', '-n', router, 'addr', 'add', `10.78.${number}.2/24`, 'dev', 'wan')
    must('ip', '-n', router, 'addr', 'add', `192.168.${number}.1/24`, 'dev', 'lan')
    must('ip', '-n', inside, 'addr', 'add', `192.168.${number}.2/24`, 'dev', 'eth0')
    must('ip', 'link', 'set', 'dev', home.cable, 'up')
    for (const link of ['wan', 'lan']) must('ip', '-n', router, 'link', 'set', 'dev', link, 'up')
    must('ip', '-n', inside, 'link', 'set', 'dev', 'eth0', 'up')
    must('ip', '-n', router, 'route', 'add', 'default', 'via', `10.78.${number}.1`)
    must('ip', '-n', inside, 'route', 'add', 'default', 'via', `192.168.${number}.1`)
    for (const namespace of [INTERNET ?? '', router])
      must('ip', 'netns', 'exec', namespace, 'sysctl', '-qw', 'net.ipv4.ip_forward=1')
    // what comes unasked is dropped before it is remembered: a remembered one would take the port that the answer to it
    // needs
    must(
      'ip',
      'netns',
      'exec',
      router,
      'nft',
      `
      add table ip home
      add chain ip home in { type filter hook input priority 0; }
      add rule ip home in iifname "wan" ct state new drop
      add chain ip home out { type nat hook postrouting priority 100; }
      add rule ip home out oifname "wan" masquerade ${nat === 'symmetric' ? 'fully-random' : ''}`,
    )
    return home
  }

  /**
   * A browser in this flat. The page's address is no secure origin for it unless it is told so: no such exception is
   * needed for https.
   */
  browser(app: string): BrowserChoice {
    const executablePath = join(this.folder, 'chromium')
    writeFileSync(executablePath, `#!/bin/sh\nexec ip netns exec ${this.inside} ${findChromium() ?? ''} "$@"\n`, {
      mode: 0o755,
    })
    return { executablePath, args: [`--unsafely-treat-insecure-origin-as-secure=${app}`] }
  }

  /** The router lets no UDP through any more, as many offices and hotels do. */
  blockUdp() {
    must(
      'ip',
      'netns',
      'exec',
      this.router,
      'nft',
      'add table inet office; add chain inet office through { type filter hook forward priority 0; }; add rule inet office through meta l4proto udp drop',
    )
  }

  allowUdp() {
    must('ip', 'netns', 'exec', this.router, 'nft', 'delete table inet office')
  }

  /** The cable to the internet is pulled; nobody is told. */
  unplug() {
    must('ip', '-n', this.router, 'link', 'set', 'dev', 'lan', 'down')
  }

  plug() {
    must('ip', '-n', this.router, 'link', 'set', 'dev', 'lan', 'up')
  }

  remove() {
    for (const namespace of [this.inside, this.router]) spawnSync('ip', ['netns', 'delete', namespace], system)
    spawnSync('ip', ['link', 'delete', 'dev', this.cable], system)
    rmSync(this.folder, { recursive: true, force: true })
  }
}
