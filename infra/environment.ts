import { documents, stage, staging, table, url } from './names.ts'

/** What every function knows of the archive. */
export const environment = {
  REGISTRATUR_URL: url,
  REGISTRATUR_ZONE: stage.zone,
  REGISTRATUR_TABLE: table.name,
  REGISTRATUR_VAULT_BUCKET: documents,
  REGISTRATUR_STAGING_BUCKET: staging,
}
