/**
 * From a CSV to the service and back: every answer of a real process equals Python's, with a model trained on that CSV. The
 * same command works for any CSV: `python -m day7_training replay`.
 */
import { join } from 'node:path'
import t from 'tap'
import { embeddedFolder } from './embedded.ts'
import { startService } from './service.ts'
import { training, trainings } from './training.ts'

t.test('train on a CSV, serve the bundle, replay the CSV', async (t) => {
  const folder = await embeddedFolder(t)
  const data = join(folder, 'installs.csv')
  const bundle = join(folder, 'bundle')
  await trainings(
    ['synthesize', '--rows', '3000', '--seed', '5', '--out', data],
    ['train', '--no-mlflow', '--data', data, '--out', bundle, '--max-trees', '30'],
  )
  const service = await startService(t, { MODEL_DIR: bundle, DATA_DIR: folder })
  const replay = (model: string) =>
    training('replay', '--data', data, '--bundle', model, '--url', service.url)
  t.equal(await replay(bundle), '3000 of 3000 equal\n')
  await t.rejects(
    replay('../artifacts/champion'),
    { code: 1, stdout: /\n\d+ of 3000 equal\n$/ },
    'another model differs',
  )
  t.equal(await service.stop(), 0)
})

t.test('the same with several ensembles and an interval', async (t) => {
  const folder = await embeddedFolder(t)
  const data = join(folder, 'installs.csv')
  const bundle = join(folder, 'bundle')
  const options = ['--two-part', '--with-interval', '--max-trees', '20']
  await trainings(
    ['synthesize', '--rows', '1500', '--seed', '6', '--out', data],
    ['train', '--no-mlflow', '--data', data, '--out', bundle, ...options],
  )
  const service = await startService(t, { MODEL_DIR: bundle, DATA_DIR: folder })
  const replayed = await training('replay', '--data', data, '--bundle', bundle, '--url', service.url)
  t.equal(replayed, '1500 of 1500 equal\n')
  t.equal(await service.stop(), 0)
})
