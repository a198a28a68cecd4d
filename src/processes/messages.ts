/**
 * What the primary process and its workers say to each other.
 */

/** Of Prometheus: the metrics of one process. */
export type Figures = readonly object[]

export type ToWorker =
  /** All workers end. */
  | { readonly day7: 'stop' }
  /** This one ends, and the others listen on. */
  | { readonly day7: 'retire' }
  | { readonly day7: 'tell figures'; readonly id: number }
  | { readonly day7: 'answer'; readonly id: number; readonly answer: unknown }
  | { readonly day7: 'no answer'; readonly id: number; readonly reason: string }

export type FromWorker =
  | { readonly day7: 'ready' }
  | { readonly day7: 'figures'; readonly id: number; readonly figures: Figures }
  /** When it ends. */
  | { readonly day7: 'last figures'; readonly figures: Figures }
  | { readonly day7: 'ask'; readonly id: number; readonly question: Question }

export type Question =
  | { readonly of: 'all figures' }
  /** Bytes travel as base64. Null: it is only looked for. */
  | { readonly of: 'shared value'; readonly name: string; readonly value: string | null }

/** What all workers share in the memory of the primary. Of all who keep a value under a name, one is first. */
export interface SharedValues {
  /** @returns null to the first, and to all others what the first has kept */
  keep(name: string, value: Buffer): Promise<Buffer | null>
  find(name: string): Promise<Buffer | null>
}
