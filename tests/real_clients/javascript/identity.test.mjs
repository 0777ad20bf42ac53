// @azure/identity: secrets, certificates and federated assertions, good and bad.
import assert from "node:assert/strict";
import { createSign, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";

import { ClientAssertionCredential, ClientCertificateCredential, ClientSecretCredential } from "@azure/identity";

import { facts, where } from "./here.mjs";

const GRAPH = "https://graph.microsoft.com/.default";

function federated(changes = {}) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    aud: "api://AzureADTokenExchange", iss: facts.issuer, sub: facts.subject, jti: randomUUID(), nbf: now,
    exp: now + 300, ...changes,
  };
  const text = `${part({ alg: "RS256", kid: "k1" })}.${part(claims)}`;
  const key = readFileSync(join(facts.folder, "issuer.pem"));
  return `${text}.${createSign("RSA-SHA256").update(text).sign(key).toString("base64url")}`;
}

async function refused(credential, number) {
  await assert.rejects(credential.getToken(GRAPH), (error) => error.message.includes(String(number)));
}

test("a secret buys a token", async () => {
  const token = await new ClientSecretCredential(facts.tenant, facts.client, facts.secret, where).getToken(GRAPH);
  assert.equal(token.token.split(".").length, 3);
  assert.ok(token.expiresOnTimestamp > Date.now());
});

test("a wrong and an expired secret are told apart", async () => {
  await refused(new ClientSecretCredential(facts.tenant, facts.client, "nonsense", where), 7000215);
  await refused(new ClientSecretCredential(facts.tenant, facts.client, facts.expired, where), 7000222);
});

test("a certificate buys a token, and somebody else's none", async () => {
  const by = (name) => ({ certificatePath: join(facts.folder, name) });
  const own = new ClientCertificateCredential(facts.tenant, facts.client, by("own.pem"), where);
  assert.ok((await own.getToken(GRAPH)).token);
  await refused(new ClientCertificateCredential(facts.tenant, facts.client, by("stranger.pem"), where), 700027);
});

test("a federated assertion buys a token, and one for somebody else none", async () => {
  const by = (assertion) => new ClientAssertionCredential(facts.tenant, facts.client, assertion, where);
  assert.ok((await by(async () => federated()).getToken(GRAPH)).token);
  await refused(by(async () => federated({ sub: "repo:contoso/other" })), 700213);
});
