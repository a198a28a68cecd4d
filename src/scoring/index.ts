export type { OutputFormat } from './layout.ts'
export { scoreFile, type ScoringOptions, type ScoringProgress, type ScoringSummary } from './score-file.ts'
export type { UnknownValue } from './unknown-values.ts'
