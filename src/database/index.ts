export { Connections, type DatabaseLocation, type Purpose } from './connections.ts'
export { migrateServer } from './migrate-server.ts'
export { answersAt, listenAt } from './socket-lock.ts'
export { transact } from './transaction.ts'
