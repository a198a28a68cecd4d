/**
 * Model events are written with the next contact, at the latest when the log is closed; one that the database refuses holds up nothing.
 */
import t from 'tap'
import type { ModelEvent } from '../../src/prediction-log/index.ts'
import { appendAndShip, openLog, serverPlace } from './log.ts'
import { recordOf } from './records.ts'

const eventOf = (id: number, detail: string | null): ModelEvent => ({
  eventId: `00000000-0000-7000-8000-${String(id).padStart(12, '0')}`,
  time: new Date('2026-01-01T00:00:00Z'),
  event: 'refused',
  variant: 'champion',
  modelName: null,
  modelVersion: null,
  host: 'here',
  detail,
})

t.test('events and predictions', async (t) => {
  const place = await serverPlace(t)
  const said: string[] = []
  const note = (_: object, message: string) => void said.push(message)
  const log = openLog(t, place, { logger: { info: note, warn: note, error: note } })
  log.recordModelEvent(eventOf(1, null))
  await appendAndShip(log, [recordOf()])
  log.recordModelEvent(eventOf(2, 'a NUL: \0'))
  await appendAndShip(log, [recordOf({ userId: 'after' })])
  t.match(log.status(), { state: 'shipping', shipped: 2, lastError: null })
  t.match(said, [/the database refuses events; they are lost/])
  log.recordModelEvent(eventOf(3, 'the last one'))
  await log.close(10_000)
  const events = await place.sql((sql) => sql`select detail from model_events order by event_id`)
  t.same(events, [{ detail: null }, { detail: 'the last one' }])
})
