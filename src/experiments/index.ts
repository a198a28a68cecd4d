export { compareAside } from './aside.ts'
export type { Arms, Comparison } from './compare.ts'
export type { Difference } from './difference.ts'
export { VERDICTS } from './verdict.ts'
