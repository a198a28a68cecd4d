/**
 * Programs of the machine that some tests need, and what installs them. A test whose program is missing is skipped by name.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

interface Program {
  /** Its path, or a name that is looked up. */
  readonly command: string
  readonly version: string
  /** Packages of Debian and Ubuntu, and of Homebrew. */
  readonly debian: string
  readonly homebrew: string
  readonly neededFor: string
}

/** Debian puts the programs of a PostgreSQL server into a folder of its version, which is in no path. */
export const POSTGRES_FOLDER = postgresFolder()

/** Set where Chromium is elsewhere. */
export const CHROMIUM = process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium'

export const PROGRAMS = {
  chromium: {
    command: CHROMIUM,
    version: '--version',
    debian: 'chromium',
    homebrew: 'chromium',
    neededFor: 'the dashboard and Swagger UI in a browser (CHROMIUM_PATH says where it is)',
  },
  nginx: {
    command: 'nginx',
    version: '-v',
    debian: 'nginx-light',
    homebrew: 'nginx',
    neededFor: 'several services behind a balancer',
  },
  redis: {
    command: 'redis-server',
    version: '--version',
    debian: 'redis-server',
    homebrew: 'redis',
    neededFor: 'rate limits and first answers that several services share',
  },
  faketime: {
    command: 'faketime',
    version: '--version',
    debian: 'faketime',
    homebrew: 'libfaketime',
    neededFor: 'hosts whose clock is wrong',
  },
  pgbouncer: {
    command: 'pgbouncer',
    version: '--version',
    debian: 'pgbouncer',
    homebrew: 'pgbouncer',
    neededFor: 'the prediction log behind a connection pooler',
  },
  postgresql: {
    command: join(POSTGRES_FOLDER, 'pg_basebackup'),
    version: '--version',
    debian: 'postgresql',
    homebrew: 'postgresql@17',
    neededFor: 'backups that are restored, and a standby that takes over',
  },
  prometheus: {
    command: 'prometheus',
    version: '--version',
    debian: 'prometheus',
    homebrew: 'prometheus',
    neededFor: 'alert rules, and the queries of the Grafana dashboard',
  },
  promtool: {
    command: 'promtool',
    version: '--version',
    debian: 'prometheus',
    homebrew: 'prometheus',
    neededFor: 'the form of /metrics and the tests of the alert rules',
  },
  java: {
    command: 'java',
    version: '-version',
    debian: 'openjdk-17-jre-headless',
    homebrew: 'openjdk@17',
    neededFor: 'Spark, in long runs',
  },
} as const satisfies Record<string, Program>

export type ProgramName = keyof typeof PROGRAMS

export function isInstalled(name: ProgramName): boolean {
  const { command, version } = PROGRAMS[name]
  if (command.startsWith('/')) return existsSync(command)
  return !spawnSync(command, [version], { stdio: 'ignore' }).error
}

/** For tap's `skip`: why the test cannot run, or false. */
export function missing(...names: readonly ProgramName[]): string | false {
  const absent = names.filter((name) => !isInstalled(name))
  if (absent.length === 0) return false
  const packages = [...new Set(absent.map((name) => PROGRAMS[name].debian))].join(' ')
  return `${absent.join(' and ')} not installed: apt-get install ${packages}`
}

function postgresFolder(): string {
  const folder = '/usr/lib/postgresql'
  const versions = existsSync(folder) ? readdirSync(folder).map(Number) : []
  return versions.length === 0 ? '' : join(folder, String(Math.max(...versions)), 'bin')
}
