/**
 * PostgreSQL for tests that neither stop nor harm it: the server of the run, which test/run/servers.ts has started, or one of this process.
 * Each test has a database of its own.
 */
import postgres, { type Sql } from 'postgres'
import t, { type Test } from 'tap'
import { v4 as uuidv4 } from 'uuid'
import { CLIENT } from '../src/database/client.ts'
import { createPostgresServer, MIGRATED } from './postgres-server.ts'
import { POSTGRES } from './run/servers.ts'
import { dataFolder } from './service.ts'

let own: Promise<string> | undefined

function serverUrl(): Promise<string> {
  const shared = process.env[POSTGRES]
  return shared ? Promise.resolve(shared) : (own ??= startOwn())
}

async function startOwn(): Promise<string> {
  const server = await createPostgresServer()
  t.teardown(() => server.remove())
  return server.url
}

/**
 * Goes with the test.
 * @param schema as a service leaves it that has started, or none, for tests of how it gets there
 * @param options of `create database`, of one without a schema
 * @returns its address
 */
export async function newDatabase(
  t: Test,
  schema: 'newest' | 'none' = 'newest',
  options = schema === 'newest' ? `template ${MIGRATED} strategy file_copy` : '',
): Promise<string> {
  const url = await serverUrl()
  const name = `test_${uuidv4().replaceAll('-', '')}`
  await withClient(url, (sql) => sql.unsafe(`create database ${name} ${options}`))
  t.teardown(() => withClient(url, (sql) => sql.unsafe(`drop database ${name} with (force)`)))
  return url.replace(/[^/]+$/, name)
}

/** Settings of a service that logs to a database of its own. */
export const logSettings = async (t: Test) => ({
  DATA_DIR: dataFolder(t),
  DATABASE_URL: await newDatabase(t),
})

export async function withClient<T>(url: string, work: (sql: Sql) => Promise<T>): Promise<T> {
  const sql = postgres(url, { ...CLIENT, max: 1 })
  return work(sql).finally(() => sql.end())
}
