/**
 * Columns of a plan → the input fields that each is made from, over all the columns that it reads.
 */
import type { Column } from './operators.ts'

/** Positions, rising; never none, since what reads no columns reads a field. */
export function inputsOfColumns(columns: readonly Column[]): number[][] {
  const inputs: number[][] = []
  for (const { field, columns: read } of columns) {
    const found = new Set(read.flatMap((at) => inputs[at]!))
    if (field !== null) found.add(field)
    inputs.push([...found].sort((a, b) => a - b))
  }
  return inputs
}

/** The indexes of the columns that `at` is computed from, itself the last. */
export function columnsBehind(columns: readonly Column[], at: number): number[] {
  const needed = new Set([at])
  // A column reads only those before it.
  for (let i = at; i >= 0; i--) if (needed.has(i)) for (const read of columns[i]!.columns) needed.add(read)
  return [...needed].sort((a, b) => a - b)
}
