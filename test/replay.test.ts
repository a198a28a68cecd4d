/**
 * From a CSV to the service and back: every answer of a real process equals Python's, with a model trained on that CSV. The
 * same command works for any CSV: `python -m day7_training replay`.
 */
import { join } from 'node:path'
import t from 'tap'
import { dataFolder, type ServiceProcess, startService } from './service.ts'
import { newDatabase } from './shared-postgres.ts'
import { trained, trainings } from './training.ts'

/** Trained on the CSV that lies beside it. */
const trainedOn = (rows: number, ...options: string[]): Promise<string> =>
  trained(`replay-${rows}`, (folder) => {
    const data = join(folder, 'installs.csv')
    return [
      ['synthesize', '--rows', String(rows), '--seed', '5', '--out', data],
      ['train', '--no-mlflow', '--data', data, '--out', join(folder, 'bundle'), ...options],
    ]
  })

t.test(
  'train on a CSV, serve the bundle, replay the CSV; the same with several ensembles and an interval',
  async (t) => {
    const [one, several] = [
      await trainedOn(3000, '--max-trees', '30'),
      await trainedOn(1500, '--two-part', '--with-interval', '--max-trees', '20'),
    ]
    const service = await startService(t, {
      MODEL_DIR: join(one, 'bundle'),
      DATA_DIR: dataFolder(t),
      DATABASE_URL: await newDatabase(t),
    })
    const other = await startService(t, {
      MODEL_DIR: join(several, 'bundle'),
      DATA_DIR: dataFolder(t),
      DATABASE_URL: 'off',
    })
    const replay = (folder: string, { url }: ServiceProcess, bundle = join(folder, 'bundle')): string[] => [
      ...['replay', '--data', join(folder, 'installs.csv'), '--bundle', bundle, '--url', url],
    ]
    await t.rejects(
      trainings(
        replay(one, service),
        replay(several, other),
        replay(one, service, '../artifacts/champion'), // another model differs
      ),
      { code: 1, stdout: /^3000 of 3000 equal\n1500 of 1500 equal\n[^]+\n(?!3000)\d+ of 3000 equal\n$/ },
    )
    t.equal(await service.stop(), 0)
    t.equal(await other.stop(), 0)
  },
)
