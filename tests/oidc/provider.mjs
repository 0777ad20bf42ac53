// An OpenID provider on loopback, with one person and three clients. Whoever comes is signed in and consents, unless the sign-in
// name that the request hints at is `nobody`, who declines.
//
//     node provider.mjs FILE CERTIFICATE      writes its address into FILE when it is ready; CERTIFICATE is the robot's, in PEM

import {generateKeyPairSync, X509Certificate} from 'node:crypto';
import {readFileSync, writeFileSync} from 'node:fs';
import {createServer} from 'node:http';

import Provider from 'oidc-provider';

const PORTAL = '10000000-0000-4000-8000-00000000000a';
const TOOL = '10000000-0000-4000-8000-00000000000d';
const ROBOT = '10000000-0000-4000-8000-00000000000e';
const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code';
const ADA = '60000000-0000-4000-8000-000000000001';

const robot = new X509Certificate(readFileSync(process.argv[3]));
const {privateKey} = generateKeyPairSync('rsa', {modulusLength: 2048});
const server = createServer();
await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
    jwks: {keys: [{...privateKey.export({format: 'jwk'}), use: 'sig', alg: 'RS256', kid: 'of-this-run'}]},
    cookies: {keys: ['of-this-run']},
    clients: [
        {
            client_id: PORTAL,
            client_secret: 'portal-secret-of-the-run',
            token_endpoint_auth_method: 'client_secret_post',
            redirect_uris: ['https://portal.example/signed-in'],
            grant_types: ['authorization_code', 'refresh_token'],
        },
        {
            client_id: TOOL,
            token_endpoint_auth_method: 'none',
            redirect_uris: [],
            response_types: [],
            grant_types: [DEVICE, 'refresh_token'],
        },
        {
            client_id: ROBOT,
            token_endpoint_auth_method: 'private_key_jwt',
            token_endpoint_auth_signing_alg: 'PS256',
            jwks: {keys: [{...robot.publicKey.export({format: 'jwk'}), use: 'sig', alg: 'PS256'}]},
            redirect_uris: [],
            response_types: [],
            grant_types: ['client_credentials'],
        },
    ],
    scopes: ['openid', 'offline_access', 'profile', 'email', 'api/read', 'api/write'],
    claims: {openid: ['sub'], profile: ['name', 'tid', 'oid', 'preferred_username'], email: ['email']},
    conformIdTokenClaims: false,
    rotateRefreshToken: true,
    features: {
        clientCredentials: {enabled: true},
        devInteractions: {enabled: false},
        deviceFlow: {enabled: true},
    },
    interactions: {url: (_, interaction) => `/interaction/${interaction.uid}`},
    findAccount: (_, id) => ({
        accountId: id,
        claims: () => ({
            sub: id,
            tid: '6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01',
            oid: ADA,
            name: 'Ada',
            preferred_username: 'ada@contoso.example',
            email: 'ada@contoso.example',
        }),
    }),
});

async function decide(request, response) {
    const {prompt, params, grantId} = await provider.interactionDetails(request, response);
    if (params.login_hint === 'nobody') {
        return {error: 'access_denied', error_description: 'the person declined'};
    }
    if (prompt.name === 'login') {
        return {login: {accountId: 'ada'}};
    }
    const grant = (grantId && (await provider.Grant.find(grantId)))
        || new provider.Grant({accountId: 'ada', clientId: params.client_id});
    // Everything but this one: a person may grant less than is asked for.
    for (const scope of prompt.details.missingOIDCScope ?? []) {
        if (scope === 'api/write') {
            grant.rejectOIDCScope(scope);
        } else {
            grant.addOIDCScope(scope);
        }
    }
    grant.addOIDCClaims(prompt.details.missingOIDCClaims ?? []);
    return {consent: {grantId: await grant.save()}};
}

const callback = provider.callback();
server.on('request', async (request, response) => {
    try {
        if (request.url.startsWith('/interaction/')) {
            const result = await decide(request, response);
            await provider.interactionFinished(request, response, result, {mergeWithLastSubmission: true});
        } else {
            callback(request, response);
        }
    } catch (error) {
        console.error(error);
        response.writeHead(500).end();
    }
});
writeFileSync(process.argv[2], issuer);
