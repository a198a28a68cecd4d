/**
 * What the values of a Parquet column are: their storage type and what is said to be stored in it → one of a few forms. Columns are
 * read in their storage type, so that nothing is rounded on the way to a form.
 */
import type { SchemaElement, SchemaTree } from 'hyparquet'
import type { Kind } from '../../inputs/index.ts'

export type TimeUnit = 'MILLIS' | 'MICROS' | 'NANOS'

export type Form =
  /** Booleans, integers (bigint where they have 64 bits), floating-point numbers. */
  | { readonly of: 'boolean' | 'integer' | 'float' }
  /** Texts, or bytes where they are not UTF-8. */
  | { readonly of: 'text' }
  /** Bytes that are said to be a text of some kind. */
  | { readonly of: 'enum' | 'json' }
  /** Bytes of which nothing is said. As a field they may be a text in UTF-8. */
  | { readonly of: 'bytes'; readonly isFixed: boolean }
  | { readonly of: 'uuid' | 'null' | 'date' }
  | { readonly of: 'timestamp'; readonly unit: TimeUnit; readonly isUtc: boolean }
  | { readonly of: 'time'; readonly unit: TimeUnit }
  | { readonly of: 'decimal'; readonly scale: number }
  /** Lists and structures. */
  | { readonly of: 'nested' }

/** @returns a text: why such a column cannot be written */
export function formOf({ element, children }: SchemaTree): Form | string {
  if (children.length > 0 || element.repetition_type === 'REPEATED')
    return leavesOf({ element, children }).every(isPlainLeaf)
      ? { of: 'nested' }
      : 'lists or structures of other values than texts and numbers'
  const meaning = meaningOf(element)
  const logical = element.logical_type
  switch (meaning) {
    case 'UTF8':
    case 'STRING':
      return { of: 'text' }
    case 'ENUM':
      return { of: 'enum' }
    case 'JSON':
      return { of: 'json' }
    case 'UUID':
      return { of: 'uuid' }
    case 'NULL':
      return { of: 'null' }
    case 'DATE':
      return { of: 'date' }
    case 'DECIMAL':
      return { of: 'decimal', scale: (logical?.type === 'DECIMAL' ? logical.scale : element.scale) ?? 0 }
    case 'TIMESTAMP':
      return logical?.type === 'TIMESTAMP'
        ? { of: 'timestamp', unit: logical.unit, isUtc: logical.isAdjustedToUTC }
        : { of: 'timestamp', unit: 'MILLIS', isUtc: false }
    case 'TIMESTAMP_MILLIS':
    case 'TIMESTAMP_MICROS':
      return { of: 'timestamp', unit: meaning === 'TIMESTAMP_MILLIS' ? 'MILLIS' : 'MICROS', isUtc: true }
    case 'TIME':
      return { of: 'time', unit: logical?.type === 'TIME' ? logical.unit : 'MILLIS' }
    case 'TIME_MILLIS':
    case 'TIME_MICROS':
      return { of: 'time', unit: meaning === 'TIME_MILLIS' ? 'MILLIS' : 'MICROS' }
    case 'INTERVAL':
      return 'intervals'
    default:
      return formOfStorage(element)
  }
}

function formOfStorage({ type, logical_type }: SchemaElement): Form | string {
  switch (type) {
    case 'BOOLEAN':
      return { of: 'boolean' }
    case 'INT32':
    case 'INT64':
      return { of: 'integer' }
    case 'INT96':
      return { of: 'timestamp', unit: 'NANOS', isUtc: false }
    case 'FLOAT':
    case 'DOUBLE':
      return { of: 'float' }
    case 'BYTE_ARRAY':
      return { of: 'bytes', isFixed: false }
    case 'FIXED_LEN_BYTE_ARRAY':
      return logical_type?.type === 'FLOAT16' ? { of: 'float' } : { of: 'bytes', isFixed: true }
    default:
      return `values of type ${String(type)}`
  }
}

/** What is said to be stored; the newer way of saying it counts. */
export const meaningOf = ({ logical_type, converted_type }: SchemaElement): string =>
  logical_type?.type ?? converted_type ?? ''

/** Whether hyparquet is to be told nothing of what is stored, and so gives what is stored. */
export const isReadAsStored = (form: Form): boolean =>
  ['enum', 'json', 'bytes', 'date', 'timestamp', 'time', 'decimal'].includes(form.of)

/** Forms that a field of a kind takes. */
const TAKEN: Readonly<Record<Kind, readonly Form['of'][]>> = {
  text: ['text', 'enum', 'bytes', 'null'],
  number: ['integer', 'float', 'decimal', 'text', 'enum', 'bytes', 'null'],
  boolean: ['boolean', 'integer', 'text', 'enum', 'bytes', 'null'],
  time: ['timestamp', 'date', 'integer', 'text', 'enum', 'bytes', 'null'],
}

export const isTaken = (kind: Kind, form: Form): boolean =>
  TAKEN[kind].includes(form.of) && !(form.of === 'bytes' && form.isFixed)

function leavesOf({ element, children }: Pick<SchemaTree, 'element' | 'children'>): SchemaElement[] {
  return children.length === 0 ? [element] : children.flatMap(leavesOf)
}

const PLAIN_MEANINGS = /^(|UTF8|STRING|INTEGER|U?INT_\d+)$/
const PLAIN_STORAGE = new Set(['BOOLEAN', 'INT32', 'INT64', 'FLOAT', 'DOUBLE'])

function isPlainLeaf(element: SchemaElement): boolean {
  const meaning = meaningOf(element)
  return (
    PLAIN_MEANINGS.test(meaning) && (PLAIN_STORAGE.has(element.type ?? '') || /^(UTF8|STRING)$/.test(meaning))
  )
}
