// azure-devops-node-api: projects, teams and service connections, by a token of each kind.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import test from "node:test";

import { ClientSecretCredential } from "@azure/identity";
import azdev from "azure-devops-node-api";

import { facts, origin, where } from "./here.mjs";

const byToken = () => new azdev.WebApi(`${origin}/Contoso`, azdev.getPersonalAccessTokenHandler(facts.pat));

function newEndpoint(name, project) {
  return {
    name, type: "azurerm", url: "https://management.azure.com/", isShared: false, isReady: true,
    data: {
      subscriptionId: facts.subscription, subscriptionName: "Production", environment: "AzureCloud",
      scopeLevel: "Subscription", creationMode: "Manual",
    },
    authorization: { scheme: "ServicePrincipal", parameters: {
      tenantid: facts.tenant, serviceprincipalid: facts.client, authenticationType: "spnKey",
      serviceprincipalkey: facts.secret,
    } },
    serviceEndpointProjectReferences: [{ name, projectReference: { id: project.id, name: project.name } }],
  };
}

test("the caller, projects and teams are read", async () => {
  const api = byToken();
  assert.equal((await api.connect()).authenticatedUser.providerDisplayName, "Ada");
  const core = await api.getCoreApi();
  const projects = await core.getProjects();
  assert.deepEqual(projects.map((project) => project.name), ["Web"]);
  assert.deepEqual((await core.getTeams(projects[0].id)).map((team) => team.name), ["Web Team"]);
  assert.deepEqual((await core.getAllTeams()).map((team) => team.name), ["Web Team"]);
});

test("a token of Entra opens the organization too", async () => {
  const credential = new ClientSecretCredential(facts.tenant, facts.client, facts.secret, where);
  const { token } = await credential.getToken("499b84ac-1321-427f-aa17-267ca6975798/.default");
  const api = new azdev.WebApi(`${origin}/contoso`, azdev.getBearerHandler(token));
  assert.equal((await (await api.getCoreApi()).getProject("Web")).name, "Web");
});

test("a service connection lives and hides its secret", async () => {
  const api = byToken();
  const project = await (await api.getCoreApi()).getProject("Web");
  const endpoints = await api.getServiceEndpointApi();
  const name = `javascript ${randomUUID().slice(0, 8)}`;
  const made = await endpoints.createServiceEndpoint(newEndpoint(name, project));
  assert.equal(made.authorization.parameters.serviceprincipalkey, null);
  const shown = await endpoints.getServiceEndpointDetails("Web", made.id);
  assert.equal(shown.data.subscriptionId, facts.subscription);
  shown.serviceEndpointProjectReferences[0].description = "changed";
  assert.equal((await endpoints.updateServiceEndpoint(shown, made.id)).name, name);
  const ids = (await endpoints.getServiceEndpoints("Web", "azurerm")).map((one) => one.id);
  assert.ok(ids.includes(made.id));
  await endpoints.deleteServiceEndpoint(made.id, [project.id]);
  assert.ok(!(await endpoints.getServiceEndpoints("Web")).some((one) => one.id === made.id));
});

// The service may answer with the page for signing in, and a status that is no error: the client knows nobody then.
test("a wrong token makes nobody of the caller", async () => {
  const api = new azdev.WebApi(`${origin}/Contoso`, azdev.getPersonalAccessTokenHandler("nonsense"));
  const known = await api.connect().catch(() => null);
  assert.equal(known?.authenticatedUser, undefined);
});
