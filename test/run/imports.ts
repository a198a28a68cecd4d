/**
 * A file of TypeScript → the files that it imports, and those that they import.
 */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** As paths from the project's folder, with itself. */
export function importedBy(file: string, found = new Set<string>()): ReadonlySet<string> {
  // A test may hold the text of a module that it writes.
  if (found.has(file) || !existsSync(file)) return found
  found.add(file)
  const text = readFileSync(file, 'utf8')
  for (const [, specifier] of text.matchAll(/(?:from|import\() ?'(\.[^']+)'/g))
    importedBy(join(dirname(file), specifier!), found)
  return found
}
