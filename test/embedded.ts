/**
 * A folder for DATA_DIR with an embedded database that is made already. To make one takes six seconds of a core; a copy, none.
 */
import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Test } from 'tap'
import { openEmbeddedDatabase } from '../src/prediction-log/embedded.ts'
import { dataFolder } from './service.ts'
import { copy, copyTemplate, keyOf } from './template.ts'

const MAKERS = ['node_modules/@electric-sql/pglite/package.json']
/** As openEmbeddedDatabase has it. */
const DATABASE = 'postgres/data'

/** Empty of everything but what a new database holds. */
export async function embeddedFolder(t: Test): Promise<string> {
  const folder = dataFolder(t)
  await makeEmbedded(folder)
  return folder
}

/** @param folder for DATA_DIR */
export async function makeEmbedded(folder: string): Promise<void> {
  const database = join(folder, DATABASE)
  mkdirSync(dirname(database), { recursive: true })
  await copyTemplate('pglite', keyOf(MAKERS), makeDatabase, database)
}

async function makeDatabase(folder: string): Promise<void> {
  const data = `${folder}-data`
  await (await openEmbeddedDatabase(data)).close()
  copy(join(data, DATABASE), folder)
}
