/**
 * Python and TypeScript agree: bundles of every kind that training can write, each with thousands of dirty golden installs
 * (nulls, unseen categories, zeros, huge and tiny counts, odd case, other alphabets). Loading one compares features and raw
 * scores bit for bit and outputs to one unit in the last place. A long run has every kind by itself, and models of full size.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { loadBundle } from '../../src/bundle/index.ts'
import { LONG } from '../long.ts'
import { trained } from '../training.ts'

const GOLDEN_ROWS = 3000

/** More of the same would show nothing more, and training takes its time. */
const FEW = ['--max-trees', '40']

/** All that a bundle can be, in as few as there are objectives: nothing of one hides what another has. */
const FEWEST: Readonly<Record<string, readonly string[]>> = {
  'as it is': FEW,
  'poisson, no missing values, goss': [
    ...['--objective', 'poisson', '--set', 'use_missing=false', '--set', 'data_sample_strategy=goss'],
    ...FEW,
  ],
  'squared error of the root, missing is zero, dart': [
    ...['--objective', 'regression', '--set', 'reg_sqrt=true'],
    ...['--set', 'zero_as_missing=true', '--set', 'boosting=dart'],
    ...FEW,
  ],
  'absolute error, one large tree': [
    ...['--objective', 'regression_l1', '--set', 'num_leaves=255', '--set', 'min_data_in_leaf=2'],
    ...['--max-trees', '1'],
  ],
}

const EACH: Readonly<Record<string, readonly string[]>> = {
  'as it is': [],
  'missing is zero': ['--set', 'zero_as_missing=true', ...FEW],
  'no missing values': ['--set', 'use_missing=false', ...FEW],
  'large trees': ['--set', 'num_leaves=255', '--set', 'min_data_in_leaf=2', ...FEW],
  dart: ['--set', 'boosting=dart', ...FEW],
  goss: ['--set', 'data_sample_strategy=goss', ...FEW],
  poisson: ['--objective', 'poisson', ...FEW],
  'squared error of the root': ['--objective', 'regression', '--set', 'reg_sqrt=true', ...FEW],
  'absolute error': ['--objective', 'regression_l1', ...FEW],
  'one tree': ['--max-trees', '1'],
}

const KINDS = LONG ? EACH : FEWEST

t.test('Python and TypeScript agree on every kind of bundle', async (t) => {
  const folder = await trained(LONG ? 'kinds-long' : 'kinds', (folder) => {
    const data = join(folder, 'installs.csv')
    const train = ['train', '--no-mlflow', '--data', data, '--golden-rows', String(GOLDEN_ROWS)]
    return [
      ['synthesize', '--rows', '4000', '--seed', '11', '--out', data],
      ...Object.entries(KINDS).map(([kind, options]) => [...train, '--out', join(folder, kind), ...options]),
    ]
  })
  const missingTypes = new Set<string>()
  for (const kind of Object.keys(KINDS)) {
    const out = join(folder, kind)
    const bundle = await loadBundle(out)
    t.equal(
      bundle.goldenCount,
      GOLDEN_ROWS,
      `${kind}: ${bundle.ensemble.treeCount} trees, every golden prediction equal`,
    )
    const model = await readFile(join(out, 'model.json'), 'utf8')
    for (const [, missing] of model.matchAll(/"missing_type":"(\w+)"/g)) missingTypes.add(missing!)
    if (kind === 'as it is') t.match(model, '"decision_type":"=="', 'there are categorical splits')
  }
  t.same([...missingTypes].toSorted(), ['NaN', 'None', 'Zero'], 'all three missing types were met')
})

t.test('the shipped champion is what its command gives, byte for byte', async (t) => {
  const folder = await trained('champion', (folder) => [['champion', '--out', folder]])
  const read = async (from: string, file: string) => readFile(join(from, file), 'utf8')
  const manifest = JSON.parse(await read('artifacts/champion', 'manifest.json'))
  t.same({ ...JSON.parse(await read(folder, 'manifest.json')), created: manifest.created }, manifest)
  for (const file of Object.keys(manifest.files))
    t.ok((await read(folder, file)) === (await read('artifacts/champion', file)), `${file} is the same`)
})
