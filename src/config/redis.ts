/**
 * The Redis server that several processes share.
 */
import type { Reader, Setting } from './setting.ts'

export interface RedisConfig {
  /** Null: there is none. */
  readonly redisUrl: string | null
}

export const REDIS_SETTINGS = [
  {
    name: 'REDIS_URL',
    default: '',
    description:
      'Redis in which all processes count requests and remember answers together, `redis(s)://user:password@host:6379/0`. Empty: each for itself.',
    secret: true,
  },
] as const satisfies readonly Setting[]

type Name = (typeof REDIS_SETTINGS)[number]['name']

export function readRedis(read: Reader<Name>): RedisConfig {
  const value = read.text('REDIS_URL')
  // The value may hold a password and is not repeated.
  const url = URL.parse(value)
  if (value !== '' && (!/^rediss?:$/.test(url?.protocol ?? '') || !url?.hostname))
    read.fault('REDIS_URL', 'expected redis(s)://user:password@host:port/number, or nothing')
  return { redisUrl: value || null }
}
