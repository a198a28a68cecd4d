/**
 * A transaction that is believed only when the server says that it is committed. Between client and server there may be a pooler: one that
 * answered `commit` with ROLLBACK lost predictions that were taken for stored.
 */
import type { Sql, TransactionSql } from 'postgres'

export class NotCommittedError extends Error {
  readonly code = 'NOT_COMMITTED'
  override readonly name = 'NotCommittedError'
}

/** @throws NotCommittedError if the server does not know it as committed, and what `work` throws */
export async function transact<T>(sql: Sql, work: (transaction: TransactionSql) => Promise<T>): Promise<T> {
  let id = ''
  const result = await sql.begin(async (transaction) => {
    const [begun] = await transaction<[{ id: string }]>`select pg_current_xact_id()::text as id`
    id = begun.id
    return work(transaction)
  })
  const [{ status }] = await sql<[{ status: string | null }]>`select pg_xact_status(${id}::xid8) as status`
  if (status !== 'committed')
    throw new NotCommittedError(`expected the database to have committed transaction ${id}, got ${status}`)
  return result as T
}
