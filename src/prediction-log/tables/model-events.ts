/**
 * Which model served as what, from when, and on which host; which was refused, when a slot was cleared or the traffic split anew, and what retraining
 * came to.
 */
import type { Sql } from 'postgres'

export interface ModelEvent {
  /** Unique: an event that is written twice is there once. */
  readonly eventId: string
  readonly time: Date
  /** `traffic` events are written with what they tell of (rollout-settings.ts). */
  readonly event: 'serving' | 'refused' | 'cleared' | 'retrained' | 'withheld'
  readonly variant: string
  readonly modelName: string | null
  /** The bundle's; null where it is not known. */
  readonly modelVersion: string | null
  readonly host: string
  readonly detail: string | null
}

export async function insertModelEvents(sql: Sql, events: readonly ModelEvent[]): Promise<void> {
  for (const { eventId, time, event, variant, modelName, modelVersion, host, detail } of events)
    await sql`
      insert into model_events (event_id, time, event, variant, model_name, model_version, host, detail)
      values (${eventId}, ${time}, ${event}, ${variant}, ${modelName}, ${modelVersion}, ${host}, ${detail})
      on conflict (event_id) do nothing`
}

/** An event as it is told; `traffic` events have no model. */
export type ToldEvent = Omit<ModelEvent, 'eventId' | 'event' | 'variant'> & {
  readonly event: ModelEvent['event'] | 'traffic'
  readonly variant: string | null
}

/** The last ones, latest first. */
export async function queryModelEvents(sql: Sql, atMost: number): Promise<ToldEvent[]> {
  return sql<ToldEvent[]>`
    select time, event, variant, model_name as "modelName", model_version as "modelVersion", host, detail
    from model_events order by time desc, event_id desc limit ${atMost}`
}
