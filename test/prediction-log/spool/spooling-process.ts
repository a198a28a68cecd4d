/**
 * Appends records to the spool in a folder until it is killed; after a hundred it tells its parent how many are kept.
 *
 *   node spooling-process.ts FOLDER
 */
import { Spool } from '../../../src/prediction-log/spool/spool.ts'
import { recordOf } from '../records.ts'

const spool = new Spool({
  folder: process.argv[2]!,
  owner: 'killed',
  maxBytes: 2 ** 30,
  fsyncMs: 1000,
  fields: null,
  logger: console,
})
for (let kept = 1; ; kept++) {
  await spool.append([recordOf({ userId: `user ${kept}` })])
  if (kept === 100) process.send!(kept)
}
