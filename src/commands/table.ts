/**
 * Rows of cells → lines for people, with columns as wide as they need.
 */
export function tableOf(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  return rows
    .map((row) =>
      row
        .map((cell, at) => cell.padEnd(widths[at]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** To the minute, in UTC. */
export function timeOf(date: Date): string {
  return date.toISOString().slice(0, 16).replace('T', ' ')
}
