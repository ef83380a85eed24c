import { randomBytes, randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Engine, freePorts, MissingEngine, type Running, run, start, until } from './process.ts'

export interface S3Engine extends Engine {
  accessKeyId: string
  secretAccessKey: string
}

const PROGRAMS = ['ceph-mon', 'ceph-osd', 'radosgw', 'radosgw-admin', 'ceph-authtool', 'monmaptool', 'ceph']

/**
 * Start Ceph's S3 gateway: one monitor, one store in memory, one gateway, all on the loopback interface.
 *
 * @throws {MissingEngine} without Debian's packages
 */
export async function startCeph(): Promise<S3Engine> {
  for (const program of PROGRAMS) {
    await run('which', [program]).catch(() => {
      throw new MissingEngine(`${program} is missing: apt-get install radosgw ceph-mon ceph-osd ceph-common`)
    })
  }
  const folder = await mkdtemp(join(tmpdir(), 'registratur-ceph-'))
  const programs: Running[] = []
  const stop = async () => {
    for (const program of programs.toReversed()) await program.stop()
    await rm(folder, { recursive: true, force: true })
  }
  try {
    return { ...(await startIn(folder, programs)), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function startIn(folder: string, programs: Running[]): Promise<Omit<S3Engine, 'stop'>> {
  const [s3 = 0, v2 = 0, v1 = 0] = await freePorts(3)
  const fsid = randomUUID()
  const osdId = randomUUID()
  const monitor = `[v2:127.0.0.1:${v2},v1:127.0.0.1:${v1}]`
  const path = (name: string) => join(folder, name)
  const configuration = ['-c', path('ceph.conf')]
  const keyring = path('keyring')
  for (const name of ['mon.a', 'osd.0', 'rgw', 'run', 'log']) await mkdir(path(name))
  await writeFile(path('ceph.conf'), configurationOf(folder, { fsid, monitor, s3 }))

  const mayDo = (rights: Record<string, string>) =>
    Object.entries(rights).flatMap(([what, how]) => ['--cap', what, how])
  for (const [name, rights] of [
    ['mon.', { mon: 'allow *' }],
    ['client.admin', { mon: 'allow *', osd: 'allow *', mgr: 'allow *' }],
    ['osd.0', { mon: 'allow profile osd', osd: 'allow *' }],
    ['client.rgw', { mon: 'allow rwx', osd: 'allow rwx' }],
  ] as [string, Record<string, string>][]) {
    const create = name === 'mon.' ? ['-C'] : []
    await run('ceph-authtool', [...create, keyring, '--gen-key', '-n', name, ...mayDo(rights)])
  }
  await run('monmaptool', ['--create', '--fsid', fsid, '--addv', 'a', monitor, '--clobber', path('monmap')])
  await run('ceph-mon', [...configuration, '--mkfs', '-i', 'a', '--monmap', path('monmap'), '--keyring', keyring])
  programs.push(start('ceph-mon', [...configuration, '-f', '-i', 'a']))
  await run('ceph', [...configuration, '--connect-timeout', '60', 'osd', 'new', osdId])
  await run('ceph-osd', [...configuration, '-i', '0', '--mkfs', '--osd-uuid', osdId])
  programs.push(start('ceph-osd', [...configuration, '-f', '-i', '0']))
  programs.push(start('radosgw', [...configuration, '-f', '-n', 'client.rgw']))

  const url = `http://127.0.0.1:${s3}`
  await until(async () => (await fetch(url)).status < 500, programs, 120)
  const [accessKeyId, secretAccessKey] = [randomBytes(10).toString('hex'), randomBytes(20).toString('hex')]
  const user = ['user', 'create', '--uid=archive', '--display-name=archive']
  await run('radosgw-admin', [...configuration, ...user, `--access-key=${accessKeyId}`, `--secret=${secretAccessKey}`])
  return { url, accessKeyId, secretAccessKey }
}

function configurationOf(folder: string, { fsid, monitor, s3 }: { fsid: string; monitor: string; s3: number }): string {
  return `[global]
fsid = ${fsid}
mon host = ${monitor}
mon initial members = a
keyring = ${folder}/keyring
run dir = ${folder}/run
admin socket = ${folder}/run/$name.asok
pid file = ${folder}/run/$name.pid
log file = ${folder}/log/$name.log
public addr = 127.0.0.1
cluster addr = 127.0.0.1
auth allow insecure global id reclaim = true
mon allow pool size one = true
mon data = ${folder}/mon.$id
mon data avail crit = 1
osd data = ${folder}/osd.$id
osd objectstore = memstore
memstore device bytes = 2147483648
osd crush chooseleaf type = 0
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pg autoscale mode = off
[client.rgw]
rgw data = ${folder}/rgw
rgw frontends = beast endpoint=127.0.0.1:${s3}
`
}
