/**
 * A folder for DATA_DIR with an embedded database that is made already. To make one takes six seconds of a core; a copy, none.
 */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { openEmbeddedDatabase } from '../src/prediction-log/embedded.ts'
import { dataFolder } from './service.ts'

const CACHE = 'node_modules/.cache/day7-test'
const { version } = JSON.parse(readFileSync('node_modules/@electric-sql/pglite/package.json', 'utf8'))
const TEMPLATE = join(CACHE, `pglite-${version}`)
/** As openEmbeddedDatabase has it. */
const DATABASE = 'postgres/data'

/** Empty of everything but what a new database holds. */
export async function embeddedFolder(t: Test): Promise<string> {
  if (!existsSync(TEMPLATE)) await makeTemplate()
  const folder = dataFolder(t)
  cpSync(TEMPLATE, join(folder, DATABASE), { recursive: true })
  return folder
}

/** Test files run side by side: the first one that is ready stays. */
async function makeTemplate(): Promise<void> {
  mkdirSync(CACHE, { recursive: true })
  const making = mkdtempSync(join(CACHE, 'making-'))
  await (await openEmbeddedDatabase(making)).close()
  try {
    renameSync(join(making, DATABASE), TEMPLATE)
  } catch (error) {
    if (!existsSync(TEMPLATE)) throw error
  }
  rmSync(making, { recursive: true, force: true })
}
