/**
 * The parameters of a connection string: each is obeyed, or refused by name with what to do instead.
 */
export class DatabaseUrlError extends Error {
  readonly code = 'DATABASE_URL'
  override readonly name = 'DatabaseUrlError'
}

interface Parameter {
  readonly name: string
  /** Connections that the caller may open. */
  readonly most: number
  /** Options of the driver. */
  readonly options: Record<string, unknown>
  /** Settings that the server is sent at the start. */
  readonly connection: Record<string, string>
}

type Obey = (value: string, parameter: Parameter) => void

/** Read elsewhere, or true of the driver anyway. */
const met: Obey = () => {}

/** @param obey is given a value that is one of them */
const oneOf =
  (values: readonly string[], obey: Obey = met, instead = ''): Obey =>
  (value, parameter) => {
    if (!values.includes(value))
      throw new DatabaseUrlError(
        `${parameter.name}: expected ${values.join(' or ')}, got ${JSON.stringify(value)}${instead}`,
      )
    obey(value, parameter)
  }

const seconds =
  (option: string): Obey =>
  (value, { name, options }) => {
    if (!/^\d{1,5}$/.test(value))
      throw new DatabaseUrlError(`${name}: expected whole seconds, got ${JSON.stringify(value)}`)
    if (Number(value) > 0) options[option] = Number(value)
  }

const refused =
  (why: string): Obey =>
  (_, { name }) => {
    throw new DatabaseUrlError(`${name}: ${why}`)
  }

const setting =
  (name: string): Obey =>
  (value, { connection }) =>
    void (connection[name] = value)

const SSL_MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full']
const SESSIONS = ['any', 'read-write', 'read-only', 'primary', 'standby', 'prefer-standby']

/** By name; docs/operations.md has the same list. */
export const PARAMETERS: Readonly<Record<string, Obey>> = {
  host: met,
  hostaddr: refused('expected none: the certificate is compared with host'),
  port: met,
  user: met,
  password: met,
  dbname: met,
  sslmode: oneOf(SSL_MODES),
  sslrootcert: met,
  sslcert: met,
  sslkey: met,
  sslpassword: met,
  sslcompression: oneOf(['0']),
  sslsni: oneOf(['1']),
  sslnegotiation: oneOf(['postgres', 'direct'], (value, { options }) => {
    if (value === 'direct') options['sslnegotiation'] = value
  }),
  channel_binding: oneOf(
    ['disable', 'prefer'],
    met,
    '; the driver binds no channels, so leave it out, and use sslmode=verify-full',
  ),
  gssencmode: oneOf(['disable', 'prefer']),
  connect_timeout: seconds('connect_timeout'),
  keepalives: oneOf(['0', '1'], (value, { options }) => {
    if (value === '0') options['keep_alive'] = null
  }),
  keepalives_idle: seconds('keep_alive'),
  keepalives_interval: refused('expected none: the operating system has it'),
  keepalives_count: refused('expected none: the operating system has it'),
  tcp_user_timeout: refused('expected none: every call has its own time limit'),
  target_session_attrs: oneOf(SESSIONS, (value, { options }) => {
    if (value !== 'any') options['target_session_attrs'] = value
  }),
  load_balance_hosts: oneOf(['disable']),
  application_name: setting('application_name'),
  fallback_application_name: met,
  client_encoding: oneOf(['UTF8', 'utf8', 'UTF-8', 'utf-8', 'auto']),
  options: setting('options'),
  search_path: setting('search_path'),
  schema: setting('search_path'),
  pgbouncer: oneOf(['true', 'false']),
  connection_limit: (value, { name, most }) => {
    if (!(Number(value) >= most))
      throw new DatabaseUrlError(
        `${name}: expected at least ${most}, which a process opens at most, got ${JSON.stringify(value)}`,
      )
  },
  pool_timeout: refused('expected none: every question has its own time limit'),
  socket_timeout: refused('expected none: every call has its own time limit'),
  statement_cache_size: met,
  prepareThreshold: met,
}
