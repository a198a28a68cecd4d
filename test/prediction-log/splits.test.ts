/**
 * The split of the traffic in the database: one in force for all processes, each change a row and a model event.
 */
import t, { type Test } from 'tap'
import { appendAndShip, openLog, type Place, PLACES } from './log.ts'

const SETTINGS = { challengerShare: 0.1, salt: 'day7', shadow: false }
const CALLED = { challengerShare: 0.5, salt: 'ü', shadow: true }

async function life(t: Test, place: Place, processes: number): Promise<void> {
  const logs = Array.from({ length: processes }, (_, at) => openLog(t, place, { host: `host ${at}` }))
  const [one, two] = [logs[0]!, logs.at(-1)!]
  for (const log of logs) await appendAndShip(log, [])
  t.equal(await one.splits.latest(), null)

  const adopted = await Promise.all(logs.map((log) => log.splits.adopt(SETTINGS)))
  for (const each of adopted)
    t.same(each, { ...SETTINGS, id: adopted[0]!.id, origin: 'settings', since: adopted[0]!.since })
  t.same(await two.splits.adopt(SETTINGS), adopted[0], 'the same settings change nothing')
  const other = { ...SETTINGS, challengerShare: 0.2 }
  t.match(await two.splits.adopt(other), { ...other, origin: 'settings' }, 'other settings do')

  const called = await one.splits.keep(CALLED, SETTINGS, 'admin')
  t.match(called, { ...CALLED, origin: 'admin' })
  t.ok(called.since > adopted[0]!.since)
  t.same(await two.splits.latest(), called)
  t.same(await two.splits.adopt(SETTINGS), called, 'settings do not undo a call')
  const reset = await two.splits.keep(SETTINGS, SETTINGS, 'settings')
  t.same(await one.splits.latest(), reset)
  await t.rejects(one.splits.keep({ challengerShare: 1.5 }, SETTINGS, 'admin'), { code: '23514' })
  for (const log of logs) await log.close(5000)

  const rows = await place.sql(
    (sql) => sql`select challenger_share, origin from rollout_settings order by setting_id`,
  )
  t.same(rows, [
    { challenger_share: 0.1, origin: 'settings' },
    { challenger_share: 0.2, origin: 'settings' },
    { challenger_share: 0.5, origin: 'admin' },
    { challenger_share: 0.1, origin: 'settings' },
  ])
  const events = await place.sql(
    (sql) => sql`select event, variant, model_version, detail from model_events order by time, detail`,
  )
  t.equal(events.length, 4, 'each with its event')
  t.same(events[2], {
    event: 'traffic',
    variant: null,
    model_version: null,
    detail: 'challenger_share=0.5 shadow=true salt=ü by admin',
  })
}

for (const [name, placeOf] of Object.entries(PLACES))
  t.test(name, async (t) => {
    const place = await placeOf(t)
    await life(t, place, place.database === 'embedded' ? 1 : 4)
  })
