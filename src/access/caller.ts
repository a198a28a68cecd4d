/**
 * Who may ask for what. A scope stands for itself alone: `admin` does not include `read`.
 */
export const SCOPES = ['predict', 'read', 'outcomes', 'admin'] as const

/** What a key or a token may be used for. */
export type AccessScope = (typeof SCOPES)[number]

/** The owner of a key or of a token. */
export interface Caller {
  /** `key:…` or `token:…`, the same for the same key or the same owner of tokens; not a secret. */
  readonly id: string
  /** For people; not a secret. */
  readonly name: string
  readonly scopes: ReadonlySet<string>
}

export function isScope(text: unknown): text is AccessScope {
  return (SCOPES as readonly unknown[]).includes(text)
}
