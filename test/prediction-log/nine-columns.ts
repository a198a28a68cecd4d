/**
 * A record → its line as releases before JSON wrote it, with a column for each of the nine fields.
 */
import { crc32 } from 'node:zlib'
import { NINE_FIELDS } from '../../src/inputs/index.ts'
import type { TestRecord } from './records.ts'

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' }

export function nineColumnsOf(record: TestRecord): string {
  const isShadow = record.variant === 'shadow'
  const values = [
    record.predictionId,
    record.time.toISOString(),
    record.userId,
    ...NINE_FIELDS.fields.map((_, at) => (isShadow ? null : record.row[at]!)),
    record.predictedRevenue,
    record.rawScore,
    record.inferenceTimeUs,
    record.modelName,
    record.modelVersion,
    record.variant,
  ]
  const fields = values.map((value) =>
    value === null ? '\\N' : String(value).replaceAll(/[\\\t\n\r]/g, (character) => ESCAPES[character]!),
  )
  const line = `${fields.join('\t')}\n`
  return `${crc32(line).toString(16).padStart(8, '0')}\t${line}`
}
