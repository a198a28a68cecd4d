export { CSV, NDJSON, readStreams, rowStreamOptions, streamReplies } from './reply.ts'
