/**
 * The package as its users have it: packed, unpacked elsewhere, imported under its name, and called as a command.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import t from 'tap'
import { loadBundle } from '../src/bundle/index.ts'
import { EXAMPLE } from './example.ts'

const FIELDS = Object.keys(EXAMPLE) as (keyof typeof EXAMPLE)[]

const bundle = await loadBundle('artifacts/champion')
const { revenue } = bundle.predict(bundle.rowOf(EXAMPLE))
const folder = t.testdir()
// Without the options that the test runner gives to every Node below it.
const plainly = (cwd: string, ...command: string[]): string =>
  execFileSync('env', ['-u', 'NODE_OPTIONS', ...command], { cwd, encoding: 'utf8' })

plainly('.', 'npm', 'pack', '--silent', '--pack-destination', folder)
plainly(
  folder,
  'tar',
  '-xzf',
  readdirSync(folder).find((name) => name.endsWith('.tgz'))!,
)
mkdirSync(join(folder, 'node_modules/.bin'), { recursive: true })
renameSync(join(folder, 'package'), join(folder, 'node_modules/day7'))
// What it depends on is not installed again.
for (const name of readdirSync('node_modules').filter((name) => !name.startsWith('.')))
  symlinkSync(resolve('node_modules', name), join(folder, 'node_modules', name))
symlinkSync('../day7/dist/cli.js', join(folder, 'node_modules/.bin/day7'))

t.test('day7 and day7/ensemble', (t) => {
  const run = (script: string) => plainly(folder, 'node', '--input-type=module', '-e', script).trim()
  const champion = resolve('artifacts/champion')
  t.equal(
    run(`import { loadBundle } from 'day7'
      const bundle = await loadBundle('${champion}')
      console.log(bundle.predict(bundle.rowOf(${JSON.stringify(EXAMPLE)})).revenue)`),
    String(revenue),
  )
  t.equal(
    run(`import { parseModel } from 'day7/ensemble'
      import { readFileSync } from 'node:fs'
      const ensemble = parseModel(readFileSync('${champion}/model.txt', 'utf8'))
      console.log(ensemble.kernel, ensemble.featureNames.length, ensemble.predict(ensemble.rowOf({ event_2: 50 })) > 0)`),
    `wasm ${bundle.manifest.features.length} true`,
  )
  t.end()
})

t.test('the ensemble needs nothing of Node', (t) => {
  const built = readdirSync(join(folder, 'node_modules/day7/dist/ensemble'))
    .filter((file) => file.endsWith('.js'))
    .map((file) => readFileSync(join(folder, 'node_modules/day7/dist/ensemble', file), 'utf8'))
    .join('')
  t.notMatch(built, /node:|process\.|\bBuffer\b|require\(/)
  t.end()
})

t.test('the command finds the model that ships, wherever it is called', (t) => {
  const row = FIELDS.map((field) => EXAMPLE[field]).join()
  writeFileSync(join(folder, 'in.csv'), `${FIELDS.join()}\n${row}\n`)
  const day7 = (...args: string[]) => plainly(folder, 'node', 'node_modules/.bin/day7', ...args)
  t.equal(
    day7('predict', 'in.csv'),
    `${FIELDS.join()},predicted_revenue\n${row},${Number(revenue.toFixed(6))}\n`,
  )
  t.equal(day7('openapi'), readFileSync('openapi.yaml', 'utf8'), 'all of the service is there')
  t.match(readFileSync(join(folder, 'node_modules/day7/dist/cli.js'), 'utf8'), /^#!\/usr\/bin\/env node\n/)
  t.same(readdirSync(join(folder, 'node_modules/day7/dist/database/sql')), readdirSync('src/database/sql'))
  t.end()
})
