/**
 * How many processes answer on the port, and how they leave it.
 */
import type { LogConfig } from './log.ts'
import type { Reader, Setting } from './setting.ts'

export interface ProcessesConfig {
  readonly workers: number
  readonly shutdownDrainMs: number
}

export const PROCESSES_SETTINGS = [
  {
    name: 'WORKERS',
    default: '1',
    description:
      'Processes that answer on the port. More than one needs `DATABASE_URL`; SIGHUP replaces them one by one.',
  },
  {
    name: 'SHUTDOWN_DRAIN_MS',
    default: '0',
    description:
      'When the service is told to stop, `/health/ready` is 503 for so long before the port closes, and all requests are answered. Behind a balancer: longer than it takes to notice.',
  },
] as const satisfies readonly Setting[]

type Name = (typeof PROCESSES_SETTINGS)[number]['name']

export function readProcesses(
  read: Reader<Name>,
  { database }: Pick<LogConfig, 'database'>,
): ProcessesConfig {
  const workers = read.whole('WORKERS', 1, 256)
  if (workers > 1 && database === 'embedded')
    read.fault(
      'WORKERS',
      `expected 1 with the embedded database, which belongs to one process, got ${workers}; set DATABASE_URL to a PostgreSQL server, or to off`,
    )
  return { workers, shutdownDrainMs: read.whole('SHUTDOWN_DRAIN_MS', 0, 600_000) }
}
