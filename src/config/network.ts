/**
 * Where the service listens, what it takes, and how it ends.
 */
import type { Reader, Setting } from './setting.ts'

export interface NetworkConfig {
  readonly host: string
  readonly port: number
  readonly logLevel: string
  readonly bodyLimitBytes: number
  readonly batchMaxUsers: number
  readonly shutdownGraceMs: number
}

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const

export const NETWORK_SETTINGS = [
  { name: 'HOST', default: '127.0.0.1', description: 'Address to listen on.' },
  { name: 'PORT', default: '5001', description: 'Port to listen on; 0 takes a free one.' },
  { name: 'LOG_LEVEL', default: 'info', description: `One of ${LOG_LEVELS.join(', ')}.` },
  {
    name: 'BODY_LIMIT_BYTES',
    default: '8388608',
    description: 'Largest request body; a larger one gets 413.',
  },
  {
    name: 'BATCH_MAX_USERS',
    default: '10000',
    description: 'Most users in one `/batch_predict`, and most outcomes in one `/outcomes`.',
  },
  {
    name: 'SHUTDOWN_GRACE_MS',
    default: '10000',
    description: 'Time for open requests and waiting predictions when the service is told to stop.',
  },
] as const satisfies readonly Setting[]

type Name = (typeof NETWORK_SETTINGS)[number]['name']

export function readNetwork(read: Reader<Name>): NetworkConfig {
  return {
    host: read.text('HOST'),
    port: read.whole('PORT', 0, 65_535),
    logLevel: read.oneOf('LOG_LEVEL', LOG_LEVELS),
    bodyLimitBytes: read.whole('BODY_LIMIT_BYTES', 1024, 2 ** 30),
    batchMaxUsers: read.whole('BATCH_MAX_USERS', 1, 1_000_000),
    shutdownGraceMs: read.whole('SHUTDOWN_GRACE_MS', 0, 600_000),
  }
}
