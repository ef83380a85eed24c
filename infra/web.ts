import { environment } from './environment.ts'
import { archiveFunction } from './function.ts'
import { everyRow, fileAndRead, receiveUploads } from './permissions.ts'
import { acceptedEdgeSecrets, session, setupToken } from './secrets.ts'

/** API and portal. Its URL is public; what doesn't come through CloudFront lacks the secret and is refused. */
export const web = archiveFunction('Web', {
  handler: 'functions/web.handler',
  streaming: true,
  url: { authorization: 'none', cors: false },
  memory: '1769 MB',
  timeout: '60 seconds',
  environment: {
    ...environment,
    REGISTRATUR_SESSION_SECRET: session.result,
    REGISTRATUR_EDGE_SECRETS: acceptedEdgeSecrets,
    REGISTRATUR_SETUP_TOKEN: setupToken,
  },
  permissions: [...everyRow(), ...receiveUploads(), ...fileAndRead()],
})
