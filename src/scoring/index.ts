export type { OutputFormat } from './layout.ts'
export { compressionOfName } from './output.ts'
export { findParts, type Part } from './parts.ts'
export {
  scoreFile,
  type ScoringOptions,
  type ScoringPart,
  type ScoringProgress,
  type ScoringSummary,
} from './score-file.ts'
export type { UnknownValue } from './unknown-values.ts'
