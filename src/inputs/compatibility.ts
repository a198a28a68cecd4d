/**
 * Two input schemas → why the next would refuse requests that the present one accepts.
 */
import { describeText } from './describe.ts'
import { Fault } from './faults.ts'
import type { Field } from './field.ts'
import { valueFromJson } from './kinds.ts'
import type { InputSchema } from './schema.ts'

/** @returns one sentence a reason, in the order of the fields; none if every request that was good stays good */
export function incompatibilities(present: InputSchema, next: InputSchema): readonly string[] {
  const before = new Map(present.fields.map((field) => [field.name, field]))
  const after = new Map(next.fields.map((field) => [field.name, field]))
  const lost = present.fields
    .filter(({ name }) => !after.has(name))
    .map(({ name }) => `${name}: is no longer a field, and a request that has it is refused`)
  const changed = next.fields.flatMap((field) => {
    const earlier = before.get(field.name)
    if (earlier) return changes(earlier, field).map((change) => `${field.name}: ${change}`)
    return field.required ? [`${field.name}: is a new field, and a request without it is refused`] : []
  })
  const userId =
    present.userIdColumn === next.userIdColumn
      ? []
      : [columnChange('user_id', present.userIdColumn, next.userIdColumn)]
  return [...lost, ...changed, ...userId]
}

function changes(present: Field, next: Field): string[] {
  if (next.kind !== present.kind) return [`is a ${next.kind}, and was a ${present.kind}`]
  const reasons: [boolean, string][] = [
    [present.nullable && !next.nullable, 'takes no null any more'],
    [!present.required && next.required, 'must not be absent any more'],
    [next.minimum > present.minimum, `is at least ${next.minimum}, and was at least ${present.minimum}`],
    [next.maximum < present.maximum, `is at most ${next.maximum}, and was at most ${present.maximum}`],
    [
      next.maxLength < present.maxLength,
      `has at most ${next.maxLength} characters, and had at most ${present.maxLength}`,
    ],
    [
      next.format !== present.format && present.format !== 'iso',
      `is no longer read ${orderOf(present)}, but ${orderOf(next)}`,
    ],
    [present.trim && !next.trim, 'may have no blanks around it any more'],
  ]
  return [
    ...reasons.flatMap(([holds, reason]) => (holds ? [reason] : [])),
    ...markerChanges(present, next),
    ...(present.column === next.column ? [] : [columnChange('', present.column, next.column)]),
  ]
}

/** A text that is no marker any more stands for itself; one that is a marker now stands for null. */
function markerChanges(present: Field, next: Field): string[] {
  const lost = present.missing.filter((text) => !next.missing.includes(text) && takes(present, text))
  const added = next.missing.filter((text) => !present.missing.includes(text) && takes(present, text))
  return [
    ...lost
      .filter((text) => !takes(next, text))
      .map((text) => `no longer takes ${describeText(text)} for null`),
    ...added
      .filter((text) => !takes(next, text))
      .map((text) => `takes ${describeText(text)} for null, and no null`),
  ]
}

const takes = (field: Field, text: string): boolean => !(valueFromJson(field, text, 'cell') instanceof Fault)

function columnChange(name: string, present: string, next: string): string {
  return `${name === '' ? '' : `${name}: `}is the column ${describeText(next)} of a file, and was ${describeText(present)}`
}

function orderOf({ format }: Field): string {
  if (format === 'iso') return 'in ISO 8601 alone'
  return format === 'day_first' ? 'with the day first' : 'with the month first'
}
