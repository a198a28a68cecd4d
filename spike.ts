import { createPostgresServer } from './test/postgres-server.ts'
import postgres from 'postgres'
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { EXAMPLE } from './test/example.ts'
import { createInterface } from 'node:readline'
const server = await createPostgresServer()
writeFileSync('/tmp/spike/post.lua', `wrk.method='POST'\nwrk.headers['content-type']='application/json'\nwrk.body='${JSON.stringify({ ...EXAMPLE, user_id: 'player 1' })}'`)
async function start(env: Record<string, string>) {
  const p = spawn(process.execPath, [...(process.argv[3]?.split(' ') ?? []), 'src/server.ts'], { env: { PATH: process.env.PATH!, PORT: '0', DATA_DIR: mkdtempSync('/tmp/spike/d'), ...env }, stdio: ['ignore', 'pipe', 'inherit'] })
  const url = await new Promise<string>((r) => createInterface(p.stdout).on('line', (l) => { if (process.env.V) console.log(l); const m = /listening at (http:[^"]+)/.exec(l); if (m) r(m[1]!) }))
  return { url, p }
}
const variants = { off: await start({ DATABASE_URL: 'off' }), on: await start({ DATABASE_URL: server.url }) } as Record<string, any>
if (process.argv[2] === 'dead') variants.dead = await start({ DATABASE_URL: 'postgres://a@127.0.0.1:1/x', LOG_SPOOL_MAX_BYTES: '8000000000' })
if (process.argv[2] === 'embedded') variants.embedded = await start({})
await new Promise((r) => setTimeout(r, 1500))
const wrk = (url: string, s: number) => { const o = spawnSync('wrk', ['-t1', '-c' + (process.env.C ?? '32'), `-d${s}s`, '--latency', '-s', '/tmp/spike/post.lua', url + '/predict'], { encoding: 'utf8' }).stdout; return [/Requests\/sec:\s+([\d.]+)/.exec(o)?.[1], /50%\s+(\S+)/.exec(o)?.[1], /99%\s+(\S+)/.exec(o)?.[1], /Non-2xx.*/.exec(o)?.[0] ?? ''].join(' ') }
const cpu = async (v: any) => { const m = await (await fetch(v.url + '/metrics')).text(); return Number(/process_cpu_seconds_total ([\d.]+)/.exec(m)![1]) }
for (let i = 0; i < 6; i++) for (const [name, v] of Object.entries(variants)) { const a = await cpu(v); const r = wrk(v.url, i === 0 ? 2 : 4); const b = await cpu(v); console.log(name, r, 'cpu us/req', ((b - a) / (parseFloat(r) * (i === 0 ? 2 : 4)) * 1e6).toFixed(1)) }
for (const [name, v] of Object.entries(variants)) if (name !== 'off') { console.log(name, await (await fetch(v.url + '/health/ready')).text()); console.log(await (await fetch(v.url + '/stats')).text()) }
await new Promise((r) => setTimeout(r, 3000))
for (const [name, v] of Object.entries(variants)) if (name !== 'off') console.log(name, await (await fetch(v.url + '/health/ready')).text())
const sql = postgres(server.url, { max: 1, onnotice(){} })
console.log(await sql`select count(*), (select sum(predictions) from prediction_totals where resolution='hour') from predictions`)
console.log(await sql`select * from model_events`)
await sql.end()
for (const v of Object.values(variants)) v.p.kill('SIGTERM')
await new Promise((r) => setTimeout(r, 1000))
await server.remove()
