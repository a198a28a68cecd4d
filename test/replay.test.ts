/**
 * From a CSV to the service and back: every answer of a real process equals Python's, with a model trained on that CSV. The
 * same command works for any CSV: `python -m day7_training replay`.
 */
import { join } from 'node:path'
import t from 'tap'
import { dataFolder, startService } from './service.ts'
import { newDatabase } from './shared-postgres.ts'
import { trained, training } from './training.ts'

/** Trained on the CSV that lies beside it. */
const trainedOn = (rows: number, ...options: string[]): Promise<string> =>
  trained(`replay-${rows}`, (folder) => {
    const data = join(folder, 'installs.csv')
    return [
      ['synthesize', '--rows', String(rows), '--seed', '5', '--out', data],
      ['train', '--no-mlflow', '--data', data, '--out', join(folder, 'bundle'), ...options],
    ]
  })

t.test('train on a CSV, serve the bundle, replay the CSV', async (t) => {
  const folder = await trainedOn(3000, '--max-trees', '30')
  const [data, bundle] = [join(folder, 'installs.csv'), join(folder, 'bundle')]
  const service = await startService(t, {
    MODEL_DIR: bundle,
    DATA_DIR: dataFolder(t),
    DATABASE_URL: await newDatabase(t),
  })
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
  const folder = await trainedOn(1500, '--two-part', '--with-interval', '--max-trees', '20')
  const [data, bundle] = [join(folder, 'installs.csv'), join(folder, 'bundle')]
  const service = await startService(t, { MODEL_DIR: bundle, DATA_DIR: dataFolder(t), DATABASE_URL: 'off' })
  const replayed = await training('replay', '--data', data, '--bundle', bundle, '--url', service.url)
  t.equal(replayed, '1500 of 1500 equal\n')
  t.equal(await service.stop(), 0)
})
