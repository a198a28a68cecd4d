/**
 * `DATABASE_URL` → how the driver connects. Whatever a connection string of libpq, Prisma or a provider says is obeyed or refused by name, and no
 * message repeats the password.
 */
import type { Options } from 'postgres'
import { encryption } from './encryption.ts'
import { DatabaseUrlError, PARAMETERS } from './url-parameters.ts'

export type ConnectOptions = Pick<
  Options<Record<string, never>>,
  | 'host'
  | 'port'
  | 'path'
  | 'user'
  | 'pass'
  | 'database'
  | 'ssl'
  | 'connect_timeout'
  | 'keep_alive'
  | 'target_session_attrs'
  | 'connection'
>

const FORM = 'postgres://user:password@host:5432/database, or off'
const DEFAULT_PORT = 5432

/** The rest of the address behind `postgres://`. A password that was not encoded may hold any character: then the last `@` ends it. */
const FORMS = [
  /^(?<user>[^/?]*)@(?<hosts>[^@/?#\s]*)(?:\/(?<database>[^?]*))?(?:\?(?<query>.*))?$/s,
  /^(?:(?<user>.*)@)?(?<hosts>[^@/?#\s]*)(?:\/(?<database>[^?@]*))?(?:\?(?<query>[^@]*))?$/s,
]

/**
 * @param most connections that the caller may open
 * @throws DatabaseUrlError that says what is wrong
 */
export function connectOptions(url: string, most: number): ConnectOptions {
  const [, rest] = /^postgres(?:ql)?:\/\/(.*)$/s.exec(url) ?? []
  const parts = rest === undefined ? undefined : FORMS.map((form) => form.exec(rest)).find(Boolean)?.groups
  if (!parts) throw new DatabaseUrlError(`expected ${FORM}, got no such address`)
  const query = new Map<string, string>()
  for (const [name, value] of new URLSearchParams((parts['query'] ?? '').replaceAll('+', '%2B'))) {
    // Text that is no name may be part of a password, and is not repeated.
    if (!/^\w+$/.test(name))
      throw new DatabaseUrlError(
        'expected parameters as name=value, got another; encode `@`, `/` and `?` of a password',
      )
    if (query.has(name)) throw new DatabaseUrlError(`${name}: expected once, got it twice`)
    query.set(name, value)
  }
  const [user, ...password] = (parts['user'] ?? '').split(':')
  const at = hostsOf(query.get('host') ?? decoded(parts['hosts']!), query.get('port'))
  const socket = at.hosts.find((host) => host.startsWith('/'))
  if (socket !== undefined && at.hosts.length > 1)
    throw new DatabaseUrlError('host: expected one socket, or hosts, got both')
  const connection: Record<string, string> = {}
  const options: Record<string, unknown> = { connection }
  for (const [name, value] of query) {
    const parameter = Object.hasOwn(PARAMETERS, name) && PARAMETERS[name]
    if (!parameter)
      throw new DatabaseUrlError(`${name}: expected a parameter of libpq or Prisma, got an unknown one`)
    parameter(value, { name, options, connection, most })
  }
  return {
    ...(socket === undefined
      ? { host: at.hosts, port: at.ports }
      : { path: `${socket}/.s.PGSQL.${at.ports[0]}` }),
    ...present('user', decoded(user!) || query.get('user')),
    ...present('pass', decoded(password.join(':')) || query.get('password')),
    ...present('database', decoded(parts['database'] ?? '') || query.get('dbname')),
    ssl: socket === undefined ? encryption(query, at.hosts) : false,
    ...options,
  } as ConnectOptions
}

const present = (name: string, value: string | undefined): object => (value ? { [name]: value } : {})

/** A `%` that begins no code stands for itself: passwords are often pasted as they are. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll(/%(?![0-9a-fA-F]{2})/g, '%25'))
  } catch {
    return text
  }
}

function hostsOf(text: string, port: string | undefined) {
  const each = text.split(',')
  const ports = (port ?? '').split(',')
  const pairs = each.map((entry, i) => {
    const [, host, own] = /^(\[[^\]]*\]|[^:]*|[^[].*:.*:.*)(?::(\d+))?$/.exec(entry) ?? []
    const number = Number(own ?? (ports[i] || ports[0] || DEFAULT_PORT))
    if (host === undefined || !Number.isInteger(number) || number < 1 || number > 65_535)
      throw new DatabaseUrlError('host: expected host:port, with a port from 1 to 65535, got another')
    return { host: host.replace(/^\[(.*)\]$/, '$1') || 'localhost', port: number }
  })
  return { hosts: pairs.map(({ host }) => host), ports: pairs.map(({ port }) => port) }
}
