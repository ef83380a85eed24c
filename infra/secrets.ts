import { stage } from './names.ts'
import { currentSecret, generations } from './rotation.ts'

/** Signs sessions and codes. A new one signs everybody out. */
export const session = new random.RandomPassword('SessionSecret', {
  length: 48,
  special: false,
  keepers: { sessions: stage.sessions },
})

/** Opens /setup until there is an administrator; not a secret of the state, so that the deployment can print it. */
export const setupToken = new random.RandomString('SetupToken', { length: 32, special: false }).result

const { even, odd } = generations(new Date())
const secrets = {
  even: new random.RandomPassword('EdgeSecretEven', { length: 40, special: false, keepers: { generation: `${even}` } }),
  odd: new random.RandomPassword('EdgeSecretOdd', { length: 40, special: false, keepers: { generation: `${odd}` } }),
}
const current = currentSecret({ even, odd })

/** What CloudFront sends, so that the app knows the request came through it. */
export const edgeSecret = secrets[current].result

/** What the app accepts: also the one before, which CloudFront's edges send until they all know the new one. */
export const acceptedEdgeSecrets = $interpolate`${secrets.even.result},${secrets.odd.result}`
