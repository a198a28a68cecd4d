/**
 * The documents of the input schemas whose lines a spool folder holds, `schemas/ID.json`: whoever ships the lines, perhaps another
 * process at another time, tells the database what they mean.
 */
import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { type InputSchema, parseInputSchema } from '../../inputs/index.ts'

const FOLDER = 'schemas'
const SAFE_ID = /^[\w-]+$/

/** The documents of one process. */
export class SchemaDocuments {
  readonly #spoolFolder: string
  readonly #owner: string
  readonly #kept = new Set<string>()

  /** @param owner that no other process ever has */
  constructor(spoolFolder: string, owner: string) {
    this.#spoolFolder = spoolFolder
    this.#owner = owner
  }

  /** Resolves when those that are new are on the disk. */
  async keep(schemas: ReadonlyMap<string, InputSchema>): Promise<void> {
    if (schemas.size === this.#kept.size) return
    for (const [id, { document }] of schemas) {
      if (this.#kept.has(id)) continue
      await write(join(this.#spoolFolder, FOLDER), id, `${id}.${this.#owner}.tmp`, JSON.stringify(document))
      this.#kept.add(id)
    }
  }
}

/** A file of that name is there as a whole or not at all, also after a loss of power. */
async function write(folder: string, id: string, temporary: string, text: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const file = await open(join(folder, temporary), 'w', 0o600)
  await file
    .writeFile(text)
    .then(() => file.sync())
    .finally(() => file.close())
  await rename(join(folder, temporary), join(folder, `${id}.json`))
  const directory = await open(folder)
  await directory.sync().finally(() => directory.close())
}

/** @returns null: there is none in the folder, or it is not the document of that id */
export async function readSchema(spoolFolder: string, id: string): Promise<InputSchema | null> {
  if (!SAFE_ID.test(id)) return null
  try {
    const text = await readFile(join(spoolFolder, FOLDER, `${id}.json`), 'utf8')
    const schema = parseInputSchema(JSON.parse(text))
    return schema.id === id ? schema : null
  } catch {
    return null
  }
}
