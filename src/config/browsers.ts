/**
 * What browsers are told: whose pages may ask, and what the service's own pages may do.
 */
import type { Reader, Setting } from './setting.ts'

export interface BrowsersConfig {
  readonly browsers: {
    /** Origins whose pages may read answers; `*`: all. */
    readonly corsOrigins: readonly string[] | '*'
    /** Names under which the service may be asked while callers need no key, in lower case; `*`: all. */
    readonly allowedHosts: readonly string[] | '*'
    readonly securityHeaders: boolean
    /** Null: our own. */
    readonly contentSecurityPolicy: string | null
    /** 0: no Strict-Transport-Security. */
    readonly hstsMaxAgeS: number
  }
}

export const BROWSER_SETTINGS = [
  {
    name: 'CORS_ORIGINS',
    default: '',
    description:
      'Origins whose pages may ask the service, `https://a.example` between commas, or `*`. Empty: its own only.',
  },
  {
    name: 'ALLOWED_HOSTS',
    default: '',
    description:
      'Names under which the service may be asked while callers need no key, between commas, without ports; `*`: all. IP addresses, `localhost` and `HOST` always may.',
  },
  {
    name: 'SECURITY_HEADERS',
    default: 'on',
    description: '`on`: helmet’s headers on every answer, and a content security policy. `off`: none.',
  },
  {
    name: 'CONTENT_SECURITY_POLICY',
    default: '',
    description:
      'The policy of `/docs` and other pages. Empty: they may load and ask the service itself, and no more.',
  },
  {
    name: 'HSTS_MAX_AGE_S',
    default: '0',
    description:
      '`Strict-Transport-Security` for so many seconds, for a service that is reached over TLS only. `0`: none.',
  },
] as const satisfies readonly Setting[]

type Name = (typeof BROWSER_SETTINGS)[number]['name']

export function readBrowsers(read: Reader<Name>): BrowsersConfig {
  return {
    browsers: {
      corsOrigins: corsOrigins(read),
      allowedHosts: allowedHosts(read),
      securityHeaders: read.oneOf('SECURITY_HEADERS', ['on', 'off']) === 'on',
      contentSecurityPolicy: policy(read),
      hstsMaxAgeS: read.whole('HSTS_MAX_AGE_S', 0, 63_072_000),
    },
  }
}

function corsOrigins(read: Reader<Name>): readonly string[] | '*' {
  const value = read.text('CORS_ORIGINS')
  if (value === '') return []
  if (value === '*') return '*'
  const origins = value.split(',').map((part) => part.trim())
  for (const origin of origins)
    if (URL.parse(origin)?.origin !== origin)
      read.fault(
        'CORS_ORIGINS',
        `expected origins such as https://a.example between commas, or *, got "${origin}"`,
      )
  return origins
}

function allowedHosts(read: Reader<Name>): readonly string[] | '*' {
  const value = read.text('ALLOWED_HOSTS')
  if (value === '') return []
  if (value === '*') return '*'
  const names = value.split(',').map((part) => part.trim().toLowerCase().replace(/\.$/, ''))
  for (const name of names)
    if (!/^[\w-]+(\.[\w-]+)*$/.test(name))
      read.fault('ALLOWED_HOSTS', `expected names such as day7.example between commas, or *, got "${name}"`)
  return names
}

function policy(read: Reader<Name>): string | null {
  const value = read.text('CONTENT_SECURITY_POLICY')
  // A header can hold no other.
  if (/[^\x20-\x7e]/.test(value))
    read.fault('CONTENT_SECURITY_POLICY', 'expected ASCII without control characters, got others')
  return value || null
}
