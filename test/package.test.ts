/**
 * The library as its users import it: built to JavaScript, under the package's name.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import t from 'tap'
import { loadBundle } from '../src/bundle/index.ts'
import { EXAMPLE } from './example.ts'

t.test('day7 and day7/ensemble', async (t) => {
  // Without the options that the test runner gives to every Node below it.
  const plainly = (...command: string[]) =>
    execFileSync('env', ['-u', 'NODE_OPTIONS', ...command], { encoding: 'utf8' })
  const run = (script: string) => plainly('node', '--input-type=module', '-e', script).trim()
  plainly('tsc', '-p', 'tsconfig.build.json')
  const bundle = await loadBundle('artifacts/champion')
  const { revenue } = bundle.predict(EXAMPLE)
  t.equal(
    run(`import { loadBundle } from 'day7'
      console.log((await loadBundle('artifacts/champion')).predict(${JSON.stringify(EXAMPLE)}).revenue)`),
    String(revenue),
  )
  t.equal(
    run(`import { parseModel } from 'day7/ensemble'
      import { readFileSync } from 'node:fs'
      const ensemble = parseModel(readFileSync('artifacts/champion/model.txt', 'utf8'))
      console.log(ensemble.kernel, ensemble.featureNames.length, ensemble.predict(ensemble.rowOf({ event_2: 50 })) > 0)`),
    `wasm ${bundle.manifest.features.length} true`,
  )
})

t.test('the ensemble needs nothing of Node', (t) => {
  const built = ['index', 'ensemble', 'wasm']
    .map((file) => readFileSync(`dist/ensemble/${file}.js`, 'utf8'))
    .join('')
  t.notMatch(built, /node:|process\.|Buffer|require\(/)
  t.end()
})
