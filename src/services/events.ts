/**
 * What happens to models → events of the log.
 */
import { hostname } from 'node:os'
import { v7 as uuidv7 } from 'uuid'
import type { ModelEvent } from '../prediction-log/index.ts'
import type { Refusal, Slot, SlotChange, Variant } from '../rollout/index.ts'

export const HOST = hostname()

export function slotEvent({ variant, slot }: SlotChange, now: Date): ModelEvent {
  return slot ? servingEvent(variant, slot) : event({ time: now, event: 'cleared', variant })
}

export function refusedEvent({ variant, origin, reason }: Refusal, now: Date): ModelEvent {
  return event({ time: now, event: 'refused', variant, detail: `${origin}: ${reason}` })
}

function servingEvent(variant: Variant, { bundle, origin, since }: Slot): ModelEvent {
  const { name: modelName, version: modelVersion } = bundle.manifest
  return event({ time: since, event: 'serving', variant, modelName, modelVersion, detail: origin })
}

type Told = Pick<ModelEvent, 'time' | 'event' | 'variant'> & Partial<ModelEvent>

function event({ modelName = null, modelVersion = null, detail = null, ...told }: Told): ModelEvent {
  return {
    eventId: uuidv7(),
    host: HOST,
    modelName: storable(modelName),
    modelVersion: storable(modelVersion),
    detail: storable(detail),
    ...told,
  }
}

/** PostgreSQL stores neither NUL nor half a surrogate pair, and what is wrong with a bundle may quote either. */
const storable = (text: string | null): string | null =>
  text && text.toWellFormed().replaceAll('\0', '\uFFFD')
