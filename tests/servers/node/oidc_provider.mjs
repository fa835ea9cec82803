// oidc-provider on 127.0.0.1, for tests.servers.node. Environment: NODE_SERVERS, the folder with node_modules, and
// OIDC_SETTINGS, JSON: {clients, nonces, tls: {key, cert, ca}}. Prints its port, and ends with its input.
import { createServer as createHttp } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { createHash, X509Certificate } from 'node:crypto';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

const require = createRequire(join(process.env.NODE_SERVERS, 'package.json'));
const entry = require.resolve('oidc-provider');
const library = await import(pathToFileURL(entry));
const inside = (path) => import(pathToFileURL(join(dirname(entry), path)));
const { default: validateDpop, checkDpopReplay } = await inside('helpers/validate_dpop.js');
const { default: instance } = await inside('helpers/weak_cache.js');

// Since Node 22; oidc-provider uses it, and does with Node 20 otherwise.
URL.parse ??= (text) => (URL.canParse(text) ? new URL(text) : null);

const settings = JSON.parse(process.env.OIDC_SETTINGS);
const scheme = settings.tls ? 'https' : 'http';
const log = [];

const listener = (request, response) => provider.callback()(request, response);
const server = settings.tls
  ? createHttps({ ...settings.tls, requestCert: true, rejectUnauthorized: false }, listener)
  : createHttp(listener);
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const origin = `${scheme}://127.0.0.1:${server.address().port}`;

function certificateOf(ctx) {
  const peer = ctx.socket.getPeerX509Certificate?.();
  return peer ? new X509Certificate(peer.raw) : undefined;
}

console.info = console.warn = () => {};
const provider = new library.Provider(origin, {
  clients: settings.clients,
  scopes: ['orders:read'],
  clientAuthMethods: [
    'client_secret_basic', 'client_secret_post', 'client_secret_jwt', 'private_key_jwt', 'none',
    ...(settings.tls ? ['tls_client_auth', 'self_signed_tls_client_auth'] : []),
  ],
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    revocation: { enabled: true },
    dPoP: { enabled: true, nonceSecret: Buffer.alloc(32, 7), requireNonce: () => Boolean(settings.nonces) },
    mTLS: {
      enabled: Boolean(settings.tls),
      certificateBoundAccessTokens: true,
      tlsClientAuth: Boolean(settings.tls),
      selfSignedTlsClientAuth: Boolean(settings.tls),
      getCertificate: (ctx) => certificateOf(ctx)?.toString(),
      certificateAuthorized: (ctx) => ctx.socket.authorized,
      certificateSubjectMatches: (ctx, property, expected) => certificateOf(ctx)?.subject === expected,
    },
  },
});

// Before the routes of the provider: a log of the requests, and an API that takes its tokens.
provider.use(async (ctx, next) => {
  if (ctx.path === '/_log') {
    ctx.body = log.splice(0);
    return;
  }
  try {
    await (ctx.path === '/api' ? answer(ctx) : next());
  } finally {
    log.push({ method: ctx.method, path: ctx.path, status: ctx.status, dpop: ctx.get('DPoP') });
  }
});

async function answer(ctx) {
  const [type, value] = ctx.get('Authorization').split(' ');
  const token = value ? await provider.ClientCredentials.find(value) : undefined;
  ctx.oidc = new provider.OIDCContext(ctx);
  ctx.oidc.urlFor = () => `${origin}/api`;
  try {
    if (!token) throw Object.assign(new Error(), { error: 'invalid_token' });
    const proof = await validateDpop(provider, ctx, value);
    await checkDpopReplay(provider, ctx, proof, token.clientId, instance(provider).errors?.InvalidToken);
    const certificate = certificateOf(ctx);
    const thumbprint = certificate && createHash('sha256').update(certificate.raw).digest('base64url');
    if (token.jkt !== proof?.thumbprint || (token.jkt && type !== 'DPoP') || (token['x5t#S256'] ?? thumbprint) !== thumbprint) {
      throw Object.assign(new Error(), { error: 'invalid_token' });
    }
    ctx.body = { client: token.clientId, type };
  } catch (error) {
    ctx.status = 401;
    const challenge = token?.jkt || type === 'DPoP' ? 'DPoP' : 'Bearer';
    ctx.set('WWW-Authenticate', `${challenge} error="${error.error ?? 'invalid_dpop_proof'}"`);
    ctx.body = { error: error.error, error_description: error.error_description ?? error.message };
  }
}

console.log(server.address().port);
process.stdin.resume().on('end', () => process.exit(0));
