/**
 * Behind a balancer: the short form of what `npm run test:faults` does for longer.
 */
import t from 'tap'
import { LONG } from '../long.ts'
import { NO_REDIS } from '../redis-server.ts'
import { balance, describeBalance } from './balance.ts'
import { NO_NGINX } from './nginx.ts'

t.test(
  'one of two services is killed under load',
  { skip: NO_NGINX || NO_REDIS || (!LONG && 'npm run test:long does, and more of it npm run test:faults') },
  async (t) => {
    const result = await balance({ perSecond: 300, atOnce: 16, quietS: 1, kills: 1, freezes: false })
    t.comment(describeBalance(result))
    t.match(result, { keyedFailed: 0, keylessFailedElsewhere: 0, lost: 0, miscounted: 0 })
    t.ok(result.notLoggedOnce <= result.unguarded)
    t.ok(result.keyed > 100)
    t.ok(result.passedOn > 0, 'nginx has sent requests again')
  },
)
