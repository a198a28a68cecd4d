/** The code where there is one (ECONNREFUSED, 28P01): it is shown to callers, and messages may name users and hosts. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? error.message) : String(error)
}
