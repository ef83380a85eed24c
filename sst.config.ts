/// <reference path="./.sst/platform/config.d.ts" />

export default $config({
  async app(input) {
    const { settings } = await import('./infra/settings.ts')
    return {
      name: 'registratur',
      home: 'aws',
      // Nothing that must be kept is in here: that is the vault stack.
      removal: 'remove',
      protect: input?.stage === 'production',
      providers: { aws: { region: settings().region, version: '7.20.0' }, random: '4.16.6' },
    }
  },
  async run() {
    const { portal } = await import('./infra/edge.ts')
    await import('./infra/jobs.ts')
    await import('./infra/alarms.ts')
    const { setupToken } = await import('./infra/secrets.ts')
    return { url: portal.domainUrl, setUp: $interpolate`${portal.domainUrl}/setup?token=${setupToken}` }
  },
})
