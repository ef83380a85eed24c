/** What differs from stage to stage; from the environment, which `npm run deploy` fills from `.env.<stage>`. */
export interface Settings {
  region: string
  /** Host name of the portal. */
  domain: string
  /** ARN of its certificate in us-east-1, where the domain's DNS is not in this account's Route 53. */
  certificate?: string
  /** Sender of all mail; its domain is a verified identity of SES in the region. */
  mailFrom: string
  /** Who hears of alarms. */
  alarmEmail: string
  /** IANA time zone in which retention ends. */
  zone: string
  /** Another value here signs everybody out. */
  sessions: string
}

/** @throws {Error} naming every setting that is missing or can't be */
export function settings(env: Record<string, string | undefined> = process.env): Settings {
  const read = {
    region: env.AWS_REGION ?? 'eu-central-1',
    domain: env.REGISTRATUR_DOMAIN ?? '',
    certificate: env.REGISTRATUR_CERTIFICATE || undefined,
    mailFrom: env.REGISTRATUR_MAIL_FROM ?? '',
    alarmEmail: env.REGISTRATUR_ALARM_EMAIL ?? '',
    zone: env.REGISTRATUR_ZONE ?? 'Europe/Berlin',
    sessions: env.REGISTRATUR_SESSIONS ?? '1',
  }
  const wrong = [
    /^eu-[a-z]+-\d$/.test(read.region) || 'AWS_REGION: a region in the EU, such as eu-central-1',
    /^([a-z0-9-]+\.)+[a-z]{2,}$/.test(read.domain) || 'REGISTRATUR_DOMAIN: a host name, such as archive.example.com',
    ADDRESS.test(read.mailFrom) || 'REGISTRATUR_MAIL_FROM: an e-mail address',
    ADDRESS.test(read.alarmEmail) || 'REGISTRATUR_ALARM_EMAIL: an e-mail address',
    !read.certificate || /^arn:aws:acm:us-east-1:/.test(read.certificate) || 'REGISTRATUR_CERTIFICATE: in us-east-1',
  ].filter((problem) => problem !== true)
  if (wrong.length) throw new Error(`Settings are missing or wrong:\n${wrong.map((line) => `  ${line}`).join('\n')}`)
  return read
}

const ADDRESS = /^[^\s@]+@([a-z0-9-]+\.)+[a-z]{2,}$/
