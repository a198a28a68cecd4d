/**
 * The thread of the embedded database: opens PGlite on a folder and serves it on a Unix socket, so that its work never holds
 * up a request. Posts `ready` once it listens; a failure to open becomes the thread's error.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { PGlite } from '@electric-sql/pglite'
import { PGLiteSocketServer } from '@electric-sql/pglite-socket'

const { folder, socket } = workerData as { folder: string; socket: string }
const database = await PGlite.create(folder)
const server = new PGLiteSocketServer({ db: database, path: socket })
await server.start()
parentPort!.on('message', async () => {
  await server.stop()
  await database.close()
  parentPort!.close()
})
parentPort!.postMessage('ready')
