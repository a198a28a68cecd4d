/**
 * How many files this process may have open, and what its settings need. Connections are files, too: with too many of them nothing else
 * can be opened, no segment of the spool and no connection to the database. So connections get what the rest does not need.
 */

export interface OpenFiles {
  /** What the settings need. */
  readonly expected: number
  /** Null: without limit, or not known here. */
  readonly actual: number | null
  /** Most connections at a time, within the limit. */
  readonly maxConnections: number
}

/**
 * Event loops of the threads, listener and streams (60), the database’s pools (10), the spool’s segments and lock (16), a bundle that is
 * being loaded, with its thread (20), MLflow, Redis, the token issuer and the collector of traces (22).
 */
const BESIDE_CONNECTIONS = 128
/** Of a limit that is lower than all that; then some of the rest will fail at times. */
const LEAST_CONNECTIONS = 8

export function openFilesFor(maxConnections: number, limit: number | null): OpenFiles {
  const left = limit === null ? Infinity : Math.max(LEAST_CONNECTIONS, limit - BESIDE_CONNECTIONS)
  return {
    expected: maxConnections + BESIDE_CONNECTIONS,
    actual: limit,
    maxConnections: Math.min(maxConnections, left),
  }
}

/** Of this process; Node has raised it as far as it may. */
export function openFileLimit(): number | null {
  const report: NodeJS.ProcessReport & { excludeNetwork?: boolean } = process.report
  // Otherwise it looks up the names of all addresses.
  report.excludeNetwork = true
  const { userLimits } = report.getReport() as {
    userLimits?: { open_files?: { soft: number | string } }
  }
  const limit = Number(userLimits?.open_files?.soft)
  return Number.isInteger(limit) ? limit : null
}

/**
 * Node opens a file to read how much memory the process has, and throws where it cannot; libraries ask in timers, where that would end
 * the process. They get what was read last.
 */
export function keepMemoryUsageReadable(): void {
  const read = process.memoryUsage
  let last = read()
  const readOrLast = (): NodeJS.MemoryUsage => {
    try {
      last = read()
    } catch {
      // Without a file descriptor.
    }
    return last
  }
  process.memoryUsage = Object.assign(readOrLast, {
    rss() {
      try {
        return read.rss()
      } catch {
        return last.rss
      }
    },
  })
}
