"""The azure-devops client: projects, teams and service connections, by a token of each kind."""

import unittest
import uuid

from azure.devops.connection import Connection
from azure.devops.exceptions import AzureDevOpsServiceError
from azure.devops.v7_1.service_endpoint.models import (
    EndpointAuthorization,
    ProjectReference,
    ServiceEndpoint,
    ServiceEndpointProjectReference,
)
from msrest.authentication import BasicAuthentication, BasicTokenAuthentication

from here import FACTS, ORIGIN, credential


def connection():
    return Connection(base_url=f"{ORIGIN}/Contoso", creds=BasicAuthentication("", FACTS["pat"]))


def new_endpoint(name, project):
    return ServiceEndpoint(
        name=name, type="azurerm", url="https://management.azure.com/",
        data={
            "subscriptionId": FACTS["subscription"], "subscriptionName": "Production", "environment": "AzureCloud",
            "scopeLevel": "Subscription", "creationMode": "Manual",
        },
        authorization=EndpointAuthorization(scheme="ServicePrincipal", parameters={
            "tenantid": FACTS["tenant"], "serviceprincipalid": FACTS["client"], "authenticationType": "spnKey",
            "serviceprincipalkey": FACTS["secret"],
        }),
        is_shared=False, is_ready=True,
        service_endpoint_project_references=[ServiceEndpointProjectReference(
            name=name, project_reference=ProjectReference(id=project.id, name=project.name),
        )],
    )


class DevOps(unittest.TestCase):
    def test_projects_and_teams_are_listed(self):
        core = connection().clients_v7_1.get_core_client()
        project = core.get_project("Web")
        self.assertEqual([known.id for known in core.get_projects()], [project.id])
        self.assertEqual([team.name for team in core.get_teams(project.id)], ["Web Team"])
        self.assertEqual([team.name for team in core.get_all_teams()], ["Web Team"])

    def test_a_token_of_entra_opens_the_organization_too(self):
        token = credential().get_token("499b84ac-1321-427f-aa17-267ca6975798/.default").token
        entra = Connection(base_url=f"{ORIGIN}/contoso", creds=BasicTokenAuthentication({"access_token": token}))
        self.assertEqual(entra.clients_v7_1.get_core_client().get_project("Web").name, "Web")

    def test_a_service_connection_lives_and_hides_its_secret(self):
        clients = connection().clients_v7_1
        project = clients.get_core_client().get_project("Web")
        endpoints = clients.get_service_endpoint_client()
        name = f"python {uuid.uuid4().hex[:8]}"
        made = endpoints.create_service_endpoint(new_endpoint(name, project))
        self.assertIsNone(made.authorization.parameters["serviceprincipalkey"])
        shown = endpoints.get_service_endpoint_details("Web", made.id)
        self.assertEqual((shown.name, shown.data["subscriptionId"]), (name, FACTS["subscription"]))
        shown.description = "changed"
        shown.service_endpoint_project_references[0].description = "changed"
        changed = endpoints.update_service_endpoint(shown, made.id)
        self.assertEqual(changed.name, name)
        listed = endpoints.get_service_endpoints("Web", type="azurerm")
        self.assertIn(made.id, [known.id for known in listed])
        by_name = endpoints.get_service_endpoints_by_names("Web", [name])
        self.assertEqual([known.id for known in by_name], [made.id])
        endpoints.delete_service_endpoint(made.id, [project.id])
        self.assertNotIn(made.id, [known.id for known in endpoints.get_service_endpoints("Web")])

    def test_an_error_is_read(self):
        with self.assertRaises(AzureDevOpsServiceError) as caught:
            connection().clients_v7_1.get_core_client().get_project("None")
        self.assertEqual(caught.exception.type_key, "ProjectDoesNotExistWithNameException")


if __name__ == "__main__":
    unittest.main()
