/** Every address of the portal, in one place. */
const query = (params: Record<string, string | undefined>) => {
  const search = new URLSearchParams(Object.entries(params).flatMap(([key, value]) => (value ? [[key, value]] : [])))
  return search.size ? `?${search}` : ''
}

export const paths = {
  home: '/',
  signIn: (next?: string) => `/sign-in${query({ next })}`,
  signOut: '/sign-out',
  setup: '/setup',
  preferences: '/preferences',
  help: '/help',
  apiDocs: '/api/docs',
  customers: (params: Record<string, string | undefined> = {}) => `/customers${query(params)}`,
  newCustomer: '/customers/new',
  customer: (id: string, folder?: string, params: Record<string, string | undefined> = {}) =>
    `/customers/${id}${query({ folder, ...params })}`,
  editCustomer: (id: string) => `/customers/${id}/edit`,
  contacts: (id: string) => `/customers/${id}/contacts`,
  shares: (id: string, params: Record<string, string | undefined> = {}) => `/customers/${id}/shares${query(params)}`,
  journal: (id: string, params: Record<string, string | undefined> = {}) => `/customers/${id}/journal${query(params)}`,
  merge: (id: string) => `/customers/${id}/merge`,
  upload: (id: string, folder?: string) => `/customers/${id}/upload${query({ folder })}`,
  document: (customer: string, id: string, params: Record<string, string | undefined> = {}) =>
    `/customers/${customer}/documents/${id}${query(params)}`,
  staff: '/staff',
  keys: '/keys',
  settings: '/settings',
  archiveJournal: (params: Record<string, string | undefined> = {}) => `/journal${query(params)}`,
  portal: '/portal',
  sharedFile: (customer: string) => `/portal/${customer}`,
  sharedFolder: (customer: string, folder: string) => `/portal/${customer}/folders/${folder}`,
  sharedDocument: (customer: string, id: string) => `/portal/${customer}/documents/${id}`,
  content: (customer: string, document: string, version: number, disposition: 'inline' | 'attachment') =>
    `/api/customers/${customer}/documents/${document}/versions/${version}/content?disposition=${disposition}`,
}
