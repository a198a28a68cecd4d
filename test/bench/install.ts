/**
 * Everything the benchmark needs, made from what is committed: the Python environment and the npm package from their lock files,
 * the C program, and the models with their conversions in .work/. What is up to date stays. Needs Python 3.11 or later, gcc
 * and some minutes the first time (lleaves compiles the larger model for about six).
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface BenchModel {
  readonly name: string
  readonly trees: number
  readonly leaves: number
  readonly folder: string
}

const FOLDER = import.meta.dirname
const WORK = join(FOLDER, '.work')
const VENV = join(FOLDER, '.venv')

export const PYTHON = join(VENV, 'bin', 'python')
export const NATIVE = join(WORK, 'native')
export const ROWS = 10_000
export const FEATURES = 24
export const MODELS: readonly BenchModel[] = [
  { name: '300 trees × 31 leaves', trees: 300, leaves: 31, folder: join(WORK, '300x31') },
  { name: '1000 trees × 63 leaves', trees: 1000, leaves: 63, folder: join(WORK, '1000x63') },
]

/** @throws Error if a step fails; a peer that cannot read the model is no such failure */
export function install(): void {
  mkdirSync(WORK, { recursive: true })
  once('venv', ['requirements.lock'], VENV, () => {
    rmSync(VENV, { recursive: true, force: true })
    run('python3', ['-m', 'venv', VENV])
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--require-hashes']
    run(PYTHON, [...pip, '-r', 'requirements.lock'])
  })
  // Without install scripts: they would only fetch GPU libraries.
  once('npm', ['package-lock.json'], join(FOLDER, 'node_modules'), () =>
    run('npm', ['ci', '--ignore-scripts', '--no-audit']),
  )
  once('native', ['native.c'], NATIVE, () =>
    run('gcc', ['-O2', '-Wall', '-Wextra', '-o', NATIVE, 'native.c', '-ldl', '-lm']),
  )
  for (const { name, trees, leaves, folder } of MODELS)
    once(`${trees}x${leaves}`, ['prepare.py', 'requirements.lock'], folder, () => {
      console.error(`making the model of ${name} and its conversions`)
      run(PYTHON, ['prepare.py', folder, String(trees), String(leaves)])
    })
}

/** LightGBM's shared library inside the environment. */
export function findLightgbm(): string {
  const library = globSync('lib/*/site-packages/lightgbm/lib/lib_lightgbm.{so,dylib}', { cwd: VENV })[0]
  if (!library) throw new Error(`expected lib_lightgbm in ${VENV}, found none`)
  return join(VENV, library)
}

/** Does the step unless its product is there and was made from the same sources. */
function once(step: string, sources: readonly string[], product: string, make: () => void): void {
  const hash = createHash('sha256')
  for (const source of sources) hash.update(readFileSync(join(FOLDER, source)))
  const stamp = join(WORK, `${step}.stamp`)
  const state = hash.digest('hex')
  if (existsSync(product) && existsSync(stamp) && readFileSync(stamp, 'utf8') === state) return
  make()
  writeFileSync(stamp, state)
}

function run(command: string, args: readonly string[]): void {
  const { status, error } = spawnSync(command, args, { cwd: FOLDER, stdio: ['ignore', 2, 2] })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: exit code ${status}`, { cause: error })
}
