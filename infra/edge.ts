import { readdirSync } from 'node:fs'
import { extname, join, sep } from 'node:path'
import { stage } from './names.ts'
import { edgeSecret } from './secrets.ts'
import { web } from './web.ts'

// Identifiers of CloudFront's own policies, the same in every account.
const CACHING_OPTIMIZED = '658327ea-f89d-4fab-a63d-7e88639e58f6'
const CACHING_DISABLED = '4135ea2d-6df8-44a3-9df3-4b5a84be39ad'
const ALL_VIEWER_EXCEPT_HOST = 'b689b0a8-53d0-40ab-baf2-68738e2966ac'

const TYPES: Record<string, string> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.txt': 'text/plain; charset=utf-8',
  '.ttf': 'font/ttf',
  '.woff2': 'font/woff2',
}

const assets = new aws.s3.Bucket('Assets', { forceDestroy: true })
new aws.s3.BucketPublicAccessBlock('AssetsClosed', {
  bucket: assets.id,
  blockPublicAcls: true,
  blockPublicPolicy: true,
  ignorePublicAcls: true,
  restrictPublicBuckets: true,
})
const paths = clientFiles(join($cli.paths.root, 'portal/dist/client'))
for (const { key, path } of paths) {
  const hashed = key.startsWith('_astro/')
  new aws.s3.BucketObjectv2(
    `Asset-${key}`,
    {
      bucket: assets.id,
      key,
      source: new $util.asset.FileAsset(path),
      contentType: TYPES[extname(key)] ?? 'application/octet-stream',
      cacheControl: hashed ? 'public, max-age=31536000, immutable' : 'public, max-age=3600',
    },
    // Pages that are open while we deploy still load what they were made with.
    { retainOnDelete: hashed },
  )
}

const access = new aws.cloudfront.OriginAccessControl('AssetsAccess', {
  originAccessControlOriginType: 's3',
  signingBehavior: 'always',
  signingProtocol: 'sigv4',
})

/** The app sets its own; these are for files, and for whatever CloudFront answers itself. */
const headers = new aws.cloudfront.ResponseHeadersPolicy('SecurityHeaders', {
  name: `registratur-${$app.stage}`,
  securityHeadersConfig: {
    strictTransportSecurity: { accessControlMaxAgeSec: 63072000, includeSubdomains: true, override: false },
    contentTypeOptions: { override: true },
    frameOptions: { frameOption: 'DENY', override: false },
    referrerPolicy: { referrerPolicy: 'same-origin', override: false },
    contentSecurityPolicy: {
      contentSecurityPolicy: "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
      override: false,
    },
  },
  customHeadersConfig: {
    items: [{ header: 'cross-origin-resource-policy', value: 'same-origin', override: false }],
  },
})

/** Whatever the client claims, the app learns its address from CloudFront. */
const clientAddress = new aws.cloudfront.Function('ClientAddress', {
  name: `registratur-${$app.stage}-client-address`,
  runtime: 'cloudfront-js-2.0',
  publish: true,
  code: `function handler(event) {
  event.request.headers['x-client-address'] = { value: event.viewer.ip }
  return event.request
}
`,
})

const https = { viewerProtocolPolicy: 'redirect-to-https', compress: true, responseHeadersPolicyId: headers.id }
const files = {
  ...https,
  targetOriginId: 'assets',
  allowedMethods: ['GET', 'HEAD'],
  cachedMethods: ['GET', 'HEAD'],
  cachePolicyId: CACHING_OPTIMIZED,
}

export const portal = new sst.aws.Cdn('Portal', {
  comment: `registratur ${$app.stage}`,
  domain: stage.certificate ? { name: stage.domain, dns: false, cert: stage.certificate } : { name: stage.domain },
  origins: [
    {
      originId: 'web',
      domainName: web.url.apply((url) => new URL(url).host),
      customHeaders: [{ name: 'x-edge-secret', value: edgeSecret }],
      customOriginConfig: {
        httpPort: 80,
        httpsPort: 443,
        originProtocolPolicy: 'https-only',
        originSslProtocols: ['TLSv1.2'],
        originReadTimeout: 60,
        originKeepaliveTimeout: 60,
      },
    },
    { originId: 'assets', domainName: assets.bucketRegionalDomainName, originAccessControlId: access.id },
  ],
  defaultCacheBehavior: {
    ...https,
    targetOriginId: 'web',
    allowedMethods: ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT'],
    cachedMethods: ['GET', 'HEAD'],
    cachePolicyId: CACHING_DISABLED,
    originRequestPolicyId: ALL_VIEWER_EXCEPT_HOST,
    functionAssociations: [{ eventType: 'viewer-request', functionArn: clientAddress.arn }],
  },
  orderedCacheBehaviors: [
    '/_astro/*',
    ...paths.filter(({ key }) => !key.includes('/')).map(({ key }) => `/${key}`),
  ].map((pathPattern) => ({ ...files, pathPattern })),
  transform: {
    distribution: (distribution) => {
      distribution.httpVersion = 'http2and3'
      distribution.isIpv6Enabled = true
      distribution.priceClass = 'PriceClass_100'
    },
  },
})

new aws.s3.BucketPolicy('AssetsPolicy', {
  bucket: assets.id,
  policy: $jsonStringify({
    Version: '2012-10-17',
    Statement: [
      {
        Sid: 'OnlyThroughOurDistribution',
        Effect: 'Allow',
        Principal: { Service: 'cloudfront.amazonaws.com' },
        Action: 's3:GetObject',
        Resource: $interpolate`${assets.arn}/*`,
        Condition: { StringEquals: { 'AWS:SourceArn': portal.nodes.distribution.arn } },
      },
      {
        Sid: 'OnlyWithTls',
        Effect: 'Deny',
        Principal: '*',
        Action: 's3:*',
        Resource: [assets.arn, $interpolate`${assets.arn}/*`],
        Condition: { Bool: { 'aws:SecureTransport': 'false' } },
      },
    ],
  }),
})

/** CloudFront compresses by itself: the precompressed copies stay here. */
function clientFiles(folder: string): { key: string; path: string }[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/\.(br|gz)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({
      path,
      key: path
        .slice(folder.length + 1)
        .split(sep)
        .join('/'),
    }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
}
