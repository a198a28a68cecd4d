/**
 * Where predictions are kept, how fast they get there, and for how long they stay.
 */
import { clientOptions } from '../database/index.ts'
import type { LoggedFields } from '../prediction-log/index.ts'
import type { Reader, Setting } from './setting.ts'

export interface LogConfig {
  readonly dataDir: string
  readonly database: { readonly url: string } | 'embedded' | 'off'
  readonly logFlushMs: number
  readonly logFsyncMs: number
  readonly logSpoolMaxBytes: number
  readonly logWhenFull: 'drop' | 'reject'
  readonly logRetentionDays: number
  readonly logFields: LoggedFields
}

export const LOG_SETTINGS = [
  {
    name: 'DATA_DIR',
    default: '.day7',
    description: 'Folder of the spool, of the embedded database and of models from the registry.',
  },
  {
    name: 'DATABASE_URL',
    default: '',
    description:
      'PostgreSQL server of the prediction log, `postgres://user:password@host:5432/database`. Empty: an embedded one in `DATA_DIR`. `off`: no log.',
    secret: true,
  },
  {
    name: 'LOG_FLUSH_MS',
    default: '500',
    description: 'Pause between two shipments of predictions to the database.',
  },
  {
    name: 'LOG_FSYNC_MS',
    default: '1000',
    description:
      'The spool goes to the disk this often: what a loss of power may cost. `0`: before every answer.',
  },
  {
    name: 'LOG_SPOOL_MAX_BYTES',
    default: '1073741824',
    description: 'Disk that the spool of one process may take while the database is away.',
  },
  {
    name: 'LOG_WHEN_FULL',
    default: 'drop',
    description:
      'When the spool or its disk is full: `drop` answers and counts what is not kept, `reject` answers 503.',
  },
  {
    name: 'LOG_RETENTION_DAYS',
    default: '400',
    description: 'Days after which predictions, their statistics and outcomes are deleted.',
  },
  {
    name: 'LOG_FIELDS',
    default: '',
    description:
      'Inputs that are kept in the log: names of fields, and `user_id`, between commas, or as JSON, `["a, b","c"]`. Empty: `user_id` and every field without the role `personal`. `none` keeps none.',
  },
] as const satisfies readonly Setting[]

type Name = (typeof LOG_SETTINGS)[number]['name']

export function readLog(read: Reader<Name>): LogConfig {
  return {
    dataDir: read.text('DATA_DIR'),
    database: database(read),
    logFlushMs: read.whole('LOG_FLUSH_MS', 1, 60_000),
    logFsyncMs: read.whole('LOG_FSYNC_MS', 0, 600_000),
    logSpoolMaxBytes: read.whole('LOG_SPOOL_MAX_BYTES', 1_048_576, 2 ** 40),
    logWhenFull: read.oneOf('LOG_WHEN_FULL', ['drop', 'reject']),
    logRetentionDays: read.whole('LOG_RETENTION_DAYS', 1, 36_500),
    logFields: logFields(read),
  }
}

function logFields(read: Reader<Name>): LoggedFields {
  const value = read.text('LOG_FIELDS').trim()
  if (value === '') return null
  if (value === 'none') return new Set()
  const names = value.startsWith('[') ? parsed(value) : value.split(',').map((part) => part.trim())
  if (Array.isArray(names) && names.every((name) => typeof name === 'string' && name !== ''))
    return new Set(names)
  read.fault('LOG_FIELDS', `expected names between commas, or an array of texts in JSON, got ${value}`)
  return null
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return null
  }
}

function database(read: Reader<Name>): LogConfig['database'] {
  const value = read.text('DATABASE_URL')
  if (value === '') return 'embedded'
  if (value === 'off') return 'off'
  try {
    clientOptions(value)
  } catch (error) {
    read.fault('DATABASE_URL', (error as Error).message)
  }
  return { url: value }
}
