/**
 * Locks the packages of `training/`: each list becomes a lock file with hashes, for Python 3.11 and later on any platform. Versions that are
 * locked already stay, unless `--upgrade` is given. Needs uv.
 */
import { execFileSync } from 'node:child_process'
import { GROUPS, listOf } from './groups.ts'

const done: string[] = []
for (const group of [undefined, ...GROUPS]) {
  const list = listOf(group)
  execFileSync(
    'uv',
    [
      ...['pip', 'compile', '--quiet', '--universal', '--python-version', '3.11', '--generate-hashes'],
      ...['--no-annotate', '--custom-compile-command', 'npm run venv:lock'],
      ...done.flatMap((lock) => ['--constraint', lock]),
      ...process.argv.slice(2),
      ...[`${list}.in`, '--output-file', `${list}.lock`],
    ],
    { cwd: import.meta.dirname, stdio: 'inherit' },
  )
  done.push(`${list}.lock`)
}
