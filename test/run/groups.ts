/**
 * Test files → which of them share a process. Half of what a small one costs is to load tap, the code and a model, which all of a folder need.
 */
import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'

/** Files that start processes, look at their own or at time, or change a module before others load it, are each alone in one. */
const ALONE =
  /child_process|process\.(on|exit|chdir)\b|startService|createPostgresServer|createMlflowServer|playwright|worker_threads|performance\.now|await import\(|\/long\.ts'/

/** Of the test that `together.ts` adds to those of a file. */
export const END_OF = 'end of '

/** The variable that names the files to `together.ts`: of its arguments tap makes the name of a folder, which has room for few. */
export const FILES = 'DAY7_TEST_FILES'

/** In their order; those that share a process are where the first of them was. */
export function groupFiles(files: readonly string[]): readonly (readonly string[])[] {
  const groups = Map.groupBy(files, (file) => (ALONE.test(readFileSync(file, 'utf8')) ? file : dirname(file)))
  return [...groups.values()]
}
