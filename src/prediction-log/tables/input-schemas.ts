/**
 * The input schemas of the predictions, one row each, and a view of each with typed columns. A shipment registers those that the database
 * does not know before it inserts their rows.
 */
import postgres, { type Sql, type TransactionSql } from 'postgres'
import { type InputSchema, parseInputSchema } from '../../inputs/index.ts'
import { settleAnew } from './installs.ts'
import { viewOf } from './input-view.ts'

/** Null: nobody has its document. */
export type SchemaOf = (id: string) => Promise<InputSchema | null>

/** @returns what could not be had, for people: no prediction waits for it */
export async function registerSchemas(
  transaction: TransactionSql,
  schemaOf: SchemaOf,
): Promise<readonly string[]> {
  // In the order of the ids: two shipments never wait for each other in a circle.
  const unknown = await transaction<{ id: string }[]>`
    select distinct schema_id as id from day7_incoming_5 as incoming
    where schema_id is not null and not exists (
      select from input_schemas as known where known.schema_id = incoming.schema_id and document is not null
    )
    order by 1`
  const notes: string[] = []
  for (const { id } of unknown) {
    const schema = await schemaOf(id)
    notes.push(...(schema ? await register(transaction, schema) : await registerWithout(transaction, id)))
  }
  return notes
}

async function register(transaction: TransactionSql, schema: InputSchema): Promise<string[]> {
  const { id, document, target } = schema
  const facets = schema.withRole('facet').map(({ name }) => name)
  const [row] = await transaction<{ isNew: boolean }[]>`
    insert into input_schemas as known (schema_id, document, facets, horizon_days)
    values (${id}, ${transaction.json(document as postgres.JSONValue)}, ${facets}, ${target.horizonDays})
    on conflict (schema_id) do update
      set document = excluded.document, facets = excluded.facets, horizon_days = excluded.horizon_days
      where known.document is null
    returning xmax = 0 as "isNew"`
  // Another shipment was first.
  if (!row) return []
  // Its predictions have come before it, and were not counted by its facets.
  if (!row.isNew) {
    await transaction`
      select day7_recount(hour) from (
        select distinct date_trunc('hour', time, 'UTC') as hour from predictions where schema_id = ${id} order by 1
      ) as hours`
    await settleAnew(transaction, id)
  }
  return makeView(transaction, schema)
}

async function registerWithout(transaction: TransactionSql, id: string): Promise<string[]> {
  await transaction`insert into input_schemas (schema_id) values (${id}) on conflict do nothing`
  return [
    `the spool has no document of the input schema ${id}: its predictions are stored, but not counted by facets`,
  ]
}

/**
 * For a role that may: a service that may create nothing stores predictions without the view of their schema.
 * @returns what could not be made
 */
export async function makeMissingViews(sql: Sql): Promise<string[]> {
  const rows = await sql<{ document: object }[]>`
    select document from input_schemas where view_name is null and document is not null order by schema_id`
  const notes: string[] = []
  for (const { document } of rows)
    notes.push(...(await sql.begin((transaction) => makeView(transaction, parseInputSchema(document)))))
  return notes
}

async function makeView(transaction: TransactionSql, schema: InputSchema): Promise<string[]> {
  const { name, statements } = viewOf(schema)
  try {
    await transaction.savepoint(async (savepoint) => {
      for (const statement of statements) await savepoint.unsafe(statement)
      await savepoint`update input_schemas set view_name = ${name} where schema_id = ${schema.id}`
    })
    return []
  } catch (error) {
    // An error without a code of PostgreSQL is one of the connection.
    if (!(error instanceof postgres.PostgresError)) throw error
    return [
      `the view ${name} of the input schema ${schema.id} cannot be made, and its predictions are stored all the same: ${error.message}`,
    ]
  }
}
