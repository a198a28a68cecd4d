/**
 * Connection strings as providers hand them out: obeyed, or refused by name and without the password.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { clientOptions } from '../../src/database/client.ts'
import { MOST_CONNECTIONS } from '../../src/database/pools.ts'
import { readConfig } from '../../src/config/index.ts'
import { DatabaseUrlError } from '../../src/database/url-parameters.ts'

const HERE = { host: ['h'], port: [5432] }

const OBEYED: Readonly<Record<string, object>> = {
  // Neon, Supabase, Heroku, RDS, Azure, Cloud SQL, Prisma, Render
  'postgresql://u:p@ep-a-1.eu.aws.neon.tech/neondb?sslmode=verify-full&channel_binding=prefer': {
    host: ['ep-a-1.eu.aws.neon.tech'],
    port: [5432],
    database: 'neondb',
    ssl: { rejectUnauthorized: true },
  },
  'postgres://postgres.abc:p@aws-0.pooler.supabase.com:6543/postgres?pgbouncer=true': {
    user: 'postgres.abc',
    port: [6543],
    ssl: 'prefer',
  },
  'postgres://u:p@ec2-1.compute.amazonaws.com:5432/d1': { ssl: 'prefer' },
  'postgresql://u:p@db.rds.amazonaws.com/d?sslmode=require': { ssl: { rejectUnauthorized: false } },
  'postgres://u%40srv:p@srv.postgres.database.azure.com/d?sslmode=require': { user: 'u@srv' },
  'postgresql://u:p@/d?host=/cloudsql/a:b:c': {
    path: '/cloudsql/a:b:c/.s.PGSQL.5432',
    database: 'd',
    ssl: false,
  },
  'postgresql://u:p@h/d?schema=day7&connection_limit=20': { connection: { search_path: 'day7' } },
  // Sockets
  'postgres://u@%2Fvar%2Frun%2Fpostgresql/d': { path: '/var/run/postgresql/.s.PGSQL.5432' },
  'postgres://u@%2Frun:6000/d': { path: '/run/.s.PGSQL.6000' },
  'postgres:///d?host=/run&port=6000': { path: '/run/.s.PGSQL.6000' },
  // Passwords, as they are and encoded
  'postgres://u:a#b@h/d': { ...HERE, user: 'u', pass: 'a#b', database: 'd' },
  'postgres://u:a%23b%40c%2Fd%3F%25@h/d': { pass: 'a#b@c/d?%' },
  'postgres://u:100%@h/d': { pass: '100%' },
  'postgres://u:a@b@h/d': { ...HERE, pass: 'a@b' },
  'postgres://u:a/b?c@h/d': { ...HERE, pass: 'a/b?c' },
  'postgres://u:a:b@h/d': { pass: 'a:b' },
  'postgres://u:p@h/d?application_name=a@b': { ...HERE, connection: { application_name: 'a@b' } },
  'postgres://u:p+q@h/d%20e': { pass: 'p+q', database: 'd e' },
  'postgres://h/d?user=u&password=p%26q': { user: 'u', pass: 'p&q' },
  // Hosts
  'postgres://u@[::1]:5433/d': { host: ['::1'], port: [5433], ssl: false },
  'postgres://u@a:1,b,c:3/d?target_session_attrs=read-write&port=7': {
    host: ['a', 'b', 'c'],
    port: [1, 7, 3],
    target_session_attrs: 'read-write',
  },
  'postgres://': { host: ['localhost'], ssl: false },
  // The rest
  'postgres://u@h/d?connect_timeout=9&keepalives=1&keepalives_idle=30': {
    connect_timeout: 9,
    keep_alive: 30,
  },
  'postgres://u@h/d?options=-c%20search_path%3Da': {
    connection: { options: '-c search_path=a', TimeZone: 'UTC' },
  },
  'postgres://u@h/d?sslrootcert=system': { ssl: { rejectUnauthorized: true } },
  'postgres://u@localhost/d?sslmode=prefer': { ssl: 'prefer' },
  'postgres://u@h/d?sslmode=disable': { ssl: false, connect_timeout: 5 },
}

t.test('obeyed', async (t) => {
  for (const [url, wanted] of Object.entries(OBEYED)) t.match(clientOptions(url), wanted, url)
})

const REFUSED: Readonly<Record<string, string>> = {
  'host=h user=u password=s3cret': 'expected postgres://',
  'mysql://u:s3cret@h/d': 'expected postgres://',
  'postgres://u:s3cret@h:port/d': 'host: expected host:port, with a port from 1 to 65535',
  'postgres://u:s3cret@h:70000/d': 'host: expected host:port, with a port from 1 to 65535',
  'postgres://u:s3cret@h/d?host=/a,b': 'host: expected one socket, or hosts',
  'postgres://u:s3cret@h/d?channel_binding=require':
    'channel_binding: expected disable or prefer, got "require"',
  'postgres://u:s3cret@h/d?sslmode=no-verify': 'sslmode: expected disable or allow or prefer',
  'postgres://u:s3cret@h/d?sslmode=prefer&sslrootcert=CERT':
    'sslmode: expected require, verify-ca or verify-full',
  'postgres://u:s3cret@h/d?sslmode=verify-ca&sslrootcert=/no/such':
    'sslrootcert: expected a file that can be read, got /no/such (ENOENT)',
  'postgres://u:s3cret@h/d?sslmode=require&sslmode=disable': 'sslmode: expected once, got it twice',
  'postgres://u:s3cret@h/d?connection_limit=1': `connection_limit: expected at least ${MOST_CONNECTIONS}`,
  'postgres://u:s3cret@h/d?connect_timeout=soon': 'connect_timeout: expected whole seconds, got "soon"',
  'postgres://u:s3cret@h/d?keepalives_interval=3': 'keepalives_interval: expected none',
  'postgres://u:s3cret@h/d?target_session_attrs=writable': 'target_session_attrs: expected any or read-write',
  'postgres://u:s3cret@h/d?client_encoding=LATIN1': 'client_encoding: expected UTF8',
  'postgres://u:s3cret@h/d?pool_timeout=3': 'pool_timeout: expected none',
  'postgres://u:s3cret@h/d?sslcrl=x': 'sslcrl: expected a parameter of libpq or Prisma, got an unknown one',
  'postgres://u:a@b?s3cret@h/d': 'expected parameters as name=value, got another',
  'postgres://u:s3cret@h/d?__proto__=x': '__proto__: expected a parameter',
  'postgres://u:s3cret@h/d?constructor=x': 'constructor: expected a parameter',
}

t.test('refused by name at the start, without the password', async (t) => {
  const certificate = join(t.testdir(), 'cert.pem')
  writeFileSync(certificate, 'no certificate')
  for (const [url, message] of Object.entries(REFUSED)) {
    const DATABASE_URL = url.replace('CERT', certificate)
    t.throws(() => clientOptions(DATABASE_URL), DatabaseUrlError)
    let said = ''
    try {
      readConfig({ DATABASE_URL })
    } catch (error) {
      said = (error as Error).message
    }
    t.ok(said.includes(`DATABASE_URL: ${message}`), said)
    t.notOk(said.includes('s3cret'), 'the password is not told')
  }
})
