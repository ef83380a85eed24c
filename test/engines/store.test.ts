import { s3 } from '@registratur/aws/s3'
import { openStaging } from '@registratur/aws/staging'
import { openVault } from '@registratur/aws/vault'
import { stagingContract } from '@registratur/core/contract/staging'
import type { Store } from '@registratur/core/contract/store'
import { vaultContract } from '@registratur/core/contract/vault'
import { describe, inject } from 'vitest'
import { createBuckets, REGION } from './kit.ts'

const engine = inject('s3')

/** @param pageSize  objects per page of the vault's `list` */
async function open(pageSize?: number): Promise<Store> {
  if (!engine) throw new Error('no engine')
  process.env.AWS_ACCESS_KEY_ID = engine.accessKeyId
  process.env.AWS_SECRET_ACCESS_KEY = engine.secretAccessKey
  const client = s3({ region: REGION, endpoints: { s3: engine.url } })
  const { vault, staging } = await createBuckets(engine)
  return {
    staging: openStaging({ client, bucket: staging }),
    vault: openVault({ client, bucket: vault, stagingBucket: staging, pageSize }),
    fetch: (request) => fetch(request),
    close: async () => client.destroy(),
  }
}

describe.skipIf(!engine)('Ceph’s S3', () => {
  stagingContract(open)
  vaultContract(() => open())
})

describe.skipIf(!engine)('Ceph’s S3, in small pages', () => {
  vaultContract(() => open(3))
})
