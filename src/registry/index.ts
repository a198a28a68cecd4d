export {
  type DownloadOptions,
  downloadBundle,
  NotAFileError,
  NotWholeError,
  RefusedError,
} from './download.ts'
export { listVersions, type VersionRow } from './listing.ts'
export { promoteVersion, type Promotion } from './promote.ts'
export { type Publication, publishBundle, type PublishOptions } from './publish.ts'
export { pullBundle } from './pull.ts'
