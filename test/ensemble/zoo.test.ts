/**
 * The evaluator equals LightGBM on every model of the zoo, read from model.txt and from the dump: raw scores and leaves bit for
 * bit, outputs within 2 ulp (the C library's exp is not JavaScript's), contributions within 1e-9 of their sum. The zoo is the
 * committed one, or the folder that ZOO_DIR names.
 */
import { statSync } from 'node:fs'
import t from 'tap'
import { AXES, axesOf } from './zoo/axes.ts'
import { compare } from './zoo/compare.ts'
import { COMMITTED_ZOO, readSpecimen, zooFiles } from './zoo.ts'

const FEWEST_MODELS = 60
const FEWEST_ROWS = 40
const files = zooFiles(process.env['ZOO_DIR'] ?? COMMITTED_ZOO)

for (const file of files) {
  const specimen = readSpecimen(file)
  t.test(specimen.name, (t) => {
    compare(t, specimen, 'text', specimen.text, specimen.objective)
    if (specimen.dump) compare(t, specimen, 'dump', specimen.dump, specimen.dump.objective ?? '')
    else t.ok(specimen.dumpRefused, `no dump: ${specimen.dumpRefused}`)
    t.end()
  })
}

t.test('the zoo covers its axes', (t) => {
  t.ok(files.length >= FEWEST_MODELS, `${files.length} models`)
  const specimens = files.map(readSpecimen)
  const axes = new Set(specimens.flatMap((specimen) => [...axesOf(specimen)]))
  for (const axis of AXES) t.ok(axes.has(axis), axis)
  t.ok(
    specimens.every(({ answers: [all] }) => all!.rowCount >= FEWEST_ROWS),
    `at least ${FEWEST_ROWS} rows a model`,
  )
  t.end()
})

t.test('the committed zoo stays small', (t) => {
  const bytes = zooFiles(COMMITTED_ZOO).reduce((sum, file) => sum + statSync(file).size, 0)
  t.ok(bytes < 15e6, `${bytes} bytes`)
  t.end()
})
