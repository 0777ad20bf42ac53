"""msgraph-sdk, at Graph's own host name through the emulator's proxy: applications, secrets, and the tenant."""

import asyncio
import unittest
import uuid

from azure.core.exceptions import ClientAuthenticationError
from azure.identity import ClientSecretCredential
from msgraph import GraphServiceClient
from msgraph.generated.applications.applications_request_builder import ApplicationsRequestBuilder
from msgraph.generated.applications.item.add_password.add_password_post_request_body import AddPasswordPostRequestBody
from msgraph.generated.models.application import Application
from msgraph.generated.models.federated_identity_credential import FederatedIdentityCredential
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.generated.models.password_credential import PasswordCredential
from msgraph.generated.models.service_principal import ServicePrincipal
from kiota_abstractions.base_request_configuration import RequestConfiguration

from here import FACTS

SCOPE = "https://graph.microsoft.com/.default"


def client():
    credential = ClientSecretCredential(FACTS["tenant"], FACTS["client"], FACTS["secret"])
    return GraphServiceClient(credential, [SCOPE])


def listing(**options):
    parameters = ApplicationsRequestBuilder.ApplicationsRequestBuilderGetQueryParameters(**options)
    configuration = RequestConfiguration(query_parameters=parameters)
    configuration.headers.add("ConsistencyLevel", "eventual")
    return configuration


class Graph(unittest.IsolatedAsyncioTestCase):
    async def test_an_application_gets_a_secret_that_signs_in(self):
        graph = client()
        name = f"python {uuid.uuid4().hex[:8]}"
        application = await graph.applications.post(Application(display_name=name, sign_in_audience="AzureADMyOrg"))
        await graph.service_principals.post(ServicePrincipal(app_id=application.app_id))
        body = AddPasswordPostRequestBody(password_credential=PasswordCredential(display_name="one"))
        one = graph.applications.by_application_id(application.id)
        password = await one.add_password.post(body)
        token = ClientSecretCredential(FACTS["tenant"], application.app_id, password.secret_text).get_token(SCOPE)
        self.assertTrue(token.token)
        shown = await one.get()
        self.assertEqual([known.key_id for known in shown.password_credentials], [password.key_id])
        self.assertIsNone(shown.password_credentials[0].secret_text)
        for options in (
            {"filter": f"appId eq '{application.app_id}'"},
            {"filter": f"startswith(displayName,'{name}')"},
            {"search": f'"displayName:{name.split()[1]}"'},
        ):
            found = await graph.applications.get(listing(**options))
            self.assertEqual([known.id for known in found.value], [application.id], options)
        await one.federated_identity_credentials.post(FederatedIdentityCredential(
            name="main", issuer=FACTS["issuer"], subject=f"repo:{name}", audiences=["api://AzureADTokenExchange"],
        ))
        credentials = await one.federated_identity_credentials.get()
        self.assertEqual([known.subject for known in credentials.value], [f"repo:{name}"])
        owners = await one.owners.get()
        self.assertEqual(len(owners.value), 1)
        await one.delete()
        deleted = await graph.directory.deleted_items.graph_application.get()
        self.assertIn(application.id, [known.id for known in deleted.value])
        with self.assertRaises(ClientAuthenticationError):
            ClientSecretCredential(FACTS["tenant"], application.app_id, password.secret_text).get_token(SCOPE)

    async def test_the_tenant_is_read(self):
        graph = client()
        organization = (await graph.organization.get()).value[0]
        self.assertEqual((organization.id, organization.display_name), (FACTS["tenant"], "Contoso"))
        self.assertEqual([domain.id for domain in (await graph.domains.get()).value], ["contoso.onmicrosoft.com"])
        self.assertEqual([user.display_name for user in (await graph.users.get()).value], ["Ada"])
        self.assertEqual((await graph.groups.get()).value, [])

    async def test_an_error_has_its_code(self):
        with self.assertRaises(ODataError) as caught:
            await client().applications.by_application_id(str(uuid.uuid4())).get()
        self.assertEqual(caught.exception.error.code, "Request_ResourceNotFound")


if __name__ == "__main__":
    unittest.main()
