/**
 * What happened to the slots and to the split → the last period in which two versions were in service together and the users were split
 * between them in one way, in every process. Only of such a period can the arms be compared: of the days before a greater
 * share, the champion's arm has more than the challenger's.
 *
 * A period starts with the last process that caught up, and ends with the first that changed. A host that comes later, with what the
 * others have, changes nothing.
 */

export interface SlotEvent {
  readonly time: Date
  readonly host: string
  readonly variant: 'champion' | 'challenger'
  /** Null: the slot was cleared. */
  readonly version: string | null
}

export interface SplitChange {
  readonly time: Date
  readonly challengerShare: number
  readonly salt: string
}

export interface Period {
  readonly since: Date
  /** Null: it lasts. */
  readonly until: Date | null
  readonly challengerShare: number
}

/** A host whose first model comes so long after the others' was not there when they changed. */
const CATCHES_UP_WITHIN_MS = 600_000
/** A split is in force in every process when it was polled; clocks differ a little, too. */
const SETTLES_WITHIN_MS = 10_000

/** @returns null if there never was one, as far as is on record */
export function lastPeriodOf(
  versions: Readonly<Record<SlotEvent['variant'], string>>,
  events: readonly SlotEvent[],
  splits: readonly SplitChange[],
): Period | null {
  const changes = [...changesOf(events), ...splits].toSorted((a, b) => a.time.getTime() - b.time.getTime())
  const slots = { champion: null as string | null, challenger: null as string | null }
  let split: SplitChange | undefined
  let period = null as Period | null
  for (const change of changes) {
    if ('host' in change) slots[change.variant] = change.version
    else if (split?.salt === change.salt && split.challengerShare === change.challengerShare) continue
    else split = change
    if (period?.until === null) period = { ...period, until: change.time }
    if (split && slots.champion === versions.champion && slots.challenger === versions.challenger)
      period = {
        since: new Date(change.time.getTime() + SETTLES_WITHIN_MS),
        until: null,
        challengerShare: split.challengerShare,
      }
  }
  return period
}

/** Without what changes nothing: a process that starts again, a host that joins the others. */
function changesOf(events: readonly SlotEvent[]): SlotEvent[] {
  const onHost = new Map<string, string | null>()
  const changed = new Map<SlotEvent['variant'], SlotEvent>()
  return events
    .toSorted((a, b) => a.time.getTime() - b.time.getTime())
    .filter((event) => {
      const key = `${event.variant} ${event.host}`
      const before = onHost.get(key)
      onHost.set(key, event.version)
      if (before === event.version) return false
      const last = changed.get(event.variant)
      if (last?.version !== event.version) changed.set(event.variant, event)
      else if (before === undefined && event.time.getTime() - last.time.getTime() > CATCHES_UP_WITHIN_MS)
        return false
      return true
    })
}
