import { describe, expect, it } from 'vitest'
import { steps } from '../../infra/deploy.ts'
import { currentSecret, generations } from '../../infra/rotation.ts'
import { settings } from '../../infra/settings.ts'

const RIGHT = {
  REGISTRATUR_DOMAIN: 'archive.example.com',
  REGISTRATUR_MAIL_FROM: 'archive@example.com',
  REGISTRATUR_ALARM_EMAIL: 'operators@example.com',
}

describe('settings', () => {
  it('are complete with three of them', () => {
    expect(settings(RIGHT)).toEqual({
      region: 'eu-central-1',
      domain: 'archive.example.com',
      certificate: undefined,
      mailFrom: 'archive@example.com',
      alarmEmail: 'operators@example.com',
      zone: 'Europe/Berlin',
      sessions: '1',
    })
  })

  it('name everything that is missing or wrong, at once', () => {
    const message = (env: Record<string, string>) => {
      try {
        return String(settings(env))
      } catch (error) {
        return (error as Error).message
      }
    }
    expect(message({})).toMatch(/DOMAIN[\s\S]*MAIL_FROM[\s\S]*ALARM_EMAIL/)
    expect(message({ ...RIGHT, AWS_REGION: 'us-east-1' })).toMatch(/AWS_REGION/)
    expect(message({ ...RIGHT, REGISTRATUR_DOMAIN: 'https://archive.example.com' })).toMatch(/REGISTRATUR_DOMAIN/)
    expect(message({ ...RIGHT, REGISTRATUR_CERTIFICATE: 'arn:aws:acm:eu-central-1:1:certificate/x' })).toMatch(
      /us-east-1/,
    )
  })
})

describe('the edge secret', () => {
  const quarters = ['2026-02-01', '2026-05-01', '2026-08-01', '2026-11-01', '2027-02-01'].map(
    (day) => new Date(`${day}T00:00:00Z`),
  )

  it('stays within a quarter', () => {
    expect(generations(new Date('2026-10-01T00:00:00Z'))).toEqual(generations(new Date('2026-12-31T23:59:59Z')))
  })

  it('changes every quarter, and the one in use before is still accepted', () => {
    for (const [at, quarter] of quarters.slice(1).entries()) {
      const before = generations(quarters[at] as Date)
      const after = generations(quarter)
      const used = currentSecret(before)
      expect(currentSecret(after)).not.toBe(used)
      expect(after[used]).toBe(before[used])
      expect(after[currentSecret(after)]).not.toBe(before[currentSecret(after)])
    }
  })
})

describe('a deployment', () => {
  it('brings the vault before the app, for the same stage and origin', () => {
    const commands = steps('test', { domain: 'archive.example.com' }).map(({ command }) => command.join(' '))
    const [vault, app] = [
      commands.findIndex((c) => /cdk deploy/.test(c)),
      commands.findIndex((c) => /sst deploy/.test(c)),
    ]
    expect(vault).toBeGreaterThan(-1)
    expect(app).toBeGreaterThan(vault)
    expect(commands[vault]).toContain('--context stage=test --context origin=https://archive.example.com')
    expect(commands[app]).toContain('--stage test')
  })
})
