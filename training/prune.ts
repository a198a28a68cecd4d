/**
 * Removes from an environment what installed packages carry and nobody runs: their own tests, sources in C, type stubs and sample data, and the largest
 * library of pyarrow that reads no file. A fifth of the environment's size.
 */
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'

const FOLDERS = /(^|[\\/])(tests|include|sample_data)$/
const FILES =
  /\.(pyi|pxd|pyx|h|hpp|c|cc|cpp|a)$|(^|[\\/])pyarrow[\\/](libarrow_flight|libarrow_python_flight|_flight)[^\\/]*$/
export function prune(venv: string): void {
  for (const lib of readdirSync(venv, { recursive: true, encoding: 'utf8' })) {
    if (!lib.endsWith('site-packages')) continue
    const packages = join(venv, lib)
    for (const entry of readdirSync(packages, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name)
      const inside = path.slice(packages.length + 1)
      if (entry.isDirectory() ? FOLDERS.test(inside) : FILES.test(inside))
        rmSync(path, { recursive: true, force: true })
    }
  }
}
