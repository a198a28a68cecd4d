/**
 * TLS to a real server, with a certificate authority of the test's own: by name and by address, and what is refused.
 */
import { execFileSync } from 'node:child_process'
import { chownSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ConnectionOptions } from 'node:tls'
import postgres from 'postgres'
import t from 'tap'
import { clientOptions } from '../../src/database/client.ts'
import { createPostgresServer } from '../postgres-server.ts'
import { withClient } from '../shared-postgres.ts'
import { until } from '../until.ts'

const openssl = (...args: string[]): void => void execFileSync('openssl', args, { stdio: 'pipe' })

t.test('certificates', async (t) => {
  const folder = t.testdir()
  const at = (name: string): string => join(folder, name)
  const authority = (name: string): void =>
    openssl(
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-days',
      '2',
      '-subj',
      `/CN=${name}`,
      '-keyout',
      at(`${name}.key`),
      '-out',
      at(`${name}.crt`),
    )
  authority('ca')
  authority('other')
  function certificate(name: string, subject: string, days = '2'): void {
    openssl(
      'req',
      '-new',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-subj',
      '/CN=server',
      '-keyout',
      at(`${name}.key`),
      '-out',
      at(`${name}.csr`),
    )
    writeFileSync(at(`${name}.ext`), `subjectAltName=${subject}\n`)
    openssl(
      'x509',
      '-req',
      '-in',
      at(`${name}.csr`),
      '-CA',
      at('ca.crt'),
      '-CAkey',
      at('ca.key'),
      '-CAcreateserial',
      '-days',
      days,
      '-extfile',
      at(`${name}.ext`),
      '-out',
      at(`${name}.crt`),
    )
  }
  certificate('by-name', 'DNS:localhost')
  certificate('by-address', 'IP:127.0.0.1')
  certificate('expired', 'DNS:localhost,IP:127.0.0.1', '-1')
  certificate('client', 'DNS:client')

  const server = await createPostgresServer()
  t.teardown(() => server.remove())
  const [{ data }] = await withClient(
    server.url,
    (sql) => sql<[{ data: string }]>`
    select current_setting('data_directory') as data`,
  )
  const owner = statSync(data)

  async function serve(name: string): Promise<void> {
    for (const kind of ['crt', 'key']) {
      const path = join(data, `server.${kind}`)
      writeFileSync(path, readFileSync(at(`${name}.${kind}`)), { mode: 0o600 })
      chownSync(path, owner.uid, owner.gid)
    }
    await withClient(server.url, async (sql) => {
      await sql`alter system set ssl = on`
      await sql`select pg_reload_conf()`
    })
    // The postmaster reads the certificate a moment later.
    const served = (): string => {
      const { port } = new URL(server.url)
      const shown = execFileSync(
        'sh',
        [
          '-c',
          `openssl s_client -starttls postgres -connect 127.0.0.1:${port} </dev/null 2>/dev/null | openssl x509 -noout -serial 2>/dev/null || true`,
        ],
        { encoding: 'utf8' },
      )
      return shown
    }
    const wanted = execFileSync('openssl', ['x509', '-noout', '-serial', '-in', at(`${name}.crt`)], {
      encoding: 'utf8',
    })
    await until('the server has it', async () => served() === wanted)
  }

  /** @returns whether the connection is encrypted, or why there is none */
  async function connect(host: string, query: string): Promise<string> {
    const url = server.url.replace(/@.*\//, `@${host.replaceAll('PORT', new URL(server.url).port)}/`)
    const sql = postgres({ ...clientOptions(`${url}?${query}`), max: 1 })
    try {
      const [row] = await sql`select ssl from pg_stat_ssl where pid = pg_backend_pid()`
      return row!['ssl'] ? 'encrypted' : 'plain'
    } catch (error) {
      return (error as NodeJS.ErrnoException).code ?? String(error)
    } finally {
      await sql.end({ timeout: 0 })
    }
  }

  const CA = `sslrootcert=${at('ca.crt')}`
  const CASES: Readonly<Record<string, readonly (readonly [string, string, string])[]>> = {
    'by-name': [
      ['localhost:PORT', 'sslmode=disable', 'plain'],
      ['localhost:PORT', '', 'plain'],
      ['localhost:PORT', 'sslmode=prefer', 'encrypted'],
      ['localhost:PORT', 'sslmode=require', 'encrypted'],
      ['localhost:PORT', `sslmode=require&${CA}`, 'encrypted'],
      ['localhost:PORT', `sslmode=verify-ca&${CA}`, 'encrypted'],
      ['localhost:PORT', `sslmode=verify-full&${CA}`, 'encrypted'],
      ['127.0.0.1:PORT', `sslmode=verify-ca&${CA}`, 'encrypted'],
      ['127.0.0.1:PORT', `sslmode=verify-full&${CA}`, 'ERR_TLS_CERT_ALTNAME_INVALID'],
      [
        'localhost:PORT',
        `sslmode=verify-full&sslrootcert=${at('other.crt')}`,
        'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      ],
      ['localhost:PORT', `sslmode=require&sslrootcert=${at('other.crt')}`, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
      ['localhost:PORT', 'sslrootcert=system', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
      [
        'localhost:PORT',
        `sslmode=verify-full&${CA}&sslcert=${at('client.crt')}&sslkey=${at('client.key')}`,
        'encrypted',
      ],
    ],
    'by-address': [
      ['127.0.0.1:PORT', `sslmode=verify-full&${CA}`, 'encrypted'],
      ['localhost:PORT', `sslmode=verify-full&${CA}`, 'ERR_TLS_CERT_ALTNAME_INVALID'],
      ['127.0.0.1:PORT,127.0.0.9:1', `sslmode=verify-full&${CA}`, 'encrypted'],
    ],
    expired: [
      ['localhost:PORT', `sslmode=verify-full&${CA}`, 'CERT_HAS_EXPIRED'],
      ['127.0.0.1:PORT', `sslmode=verify-ca&${CA}`, 'CERT_HAS_EXPIRED'],
      ['localhost:PORT', 'sslmode=require', 'encrypted'],
    ],
  }
  for (const [name, cases] of Object.entries(CASES))
    await t.test(`a certificate ${name}`, async (t) => {
      await serve(name)
      for (const [host, query, wanted] of cases)
        t.equal(await connect(host, query), wanted, `${host} ${query.replaceAll(folder, '')}`)
    })
})

t.test('of several addresses, the one that is connected to counts', async (t) => {
  const { ssl } = clientOptions(
    'postgres://localhost,127.0.0.1,127.0.0.9,[2001:db8::1]/day7?sslmode=verify-full',
  )
  const check = (remoteAddress: string, subjectaltname: string): unknown =>
    Reflect.apply((ssl as ConnectionOptions).checkServerIdentity!, { socket: { remoteAddress } }, [
      'localhost', // as Node calls an address
      { subjectaltname, subject: {} },
    ])
  t.equal(check('127.0.0.1', 'IP Address:127.0.0.1'), undefined)
  t.equal(check('::ffff:127.0.0.9', 'IP Address:127.0.0.9'), undefined)
  t.equal(check('2001:db8:0:0:0:0:0:1', 'IP Address:2001:DB8:0:0:0:0:0:1'), undefined)
  t.match(check('127.0.0.1', 'IP Address:127.0.0.9'), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' })
  t.match(check('127.0.0.1', 'DNS:localhost'), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' })
  t.match(check('127.0.0.5', 'DNS:localhost'), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' })
})
