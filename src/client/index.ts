export type { components, operations, paths } from './api.ts'
export {
  type BatchPrediction,
  type CallOptions,
  type ClientOptions,
  createClient,
  type Day7Client,
  type Install,
  type Outcome,
  type OutcomesAnswer,
  type Prediction,
} from './client.ts'
export { Day7Error } from './errors.ts'
export { type Fetch, RETRIES, type RetryPolicy } from './retries.ts'
