"""What our own client made is read here, field by field; and what is made here, our own client reads afterwards."""

import asyncio
import json
import unittest

from azure.identity import ClientSecretCredential
from msgraph.generated.applications.item.add_password.add_password_post_request_body import AddPasswordPostRequestBody
from msgraph.generated.models.application import Application
from msgraph.generated.models.password_credential import PasswordCredential
from msgraph.generated.models.service_principal import ServicePrincipal

from here import FACTS, FOLDER, ORIGIN
from test_arm import clients, machine, make_network
from test_devops import connection, new_endpoint
from test_graph import SCOPE, client

GROUP = "rg-theirs"


class Ours(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.ours = json.loads((FOLDER / "ours.json").read_text())

    def test_the_application_and_its_secret(self):
        application = asyncio.run(client().applications.by_application_id(self.ours["application"]).get())
        self.assertEqual((application.display_name, application.app_id), ("Ours", self.ours["client"]))
        self.assertEqual([str(one.key_id) for one in application.password_credentials], [self.ours["key"]])
        credential = ClientSecretCredential(
            FACTS["tenant"], self.ours["client"], self.ours["secret"], authority=ORIGIN, disable_instance_discovery=True
        )
        self.assertTrue(credential.get_token(SCOPE).token)

    def test_the_service_connection(self):
        endpoint = connection().clients_v7_1.get_service_endpoint_client().get_service_endpoint_details(
            "Web", self.ours["endpoint"]
        )
        self.assertEqual((endpoint.name, endpoint.type), ("ours", "azurerm"))
        self.assertEqual(endpoint.authorization.scheme, "ServicePrincipal")
        parameters = endpoint.authorization.parameters
        self.assertEqual(parameters["serviceprincipalid"], self.ours["client"])
        self.assertEqual(parameters["tenantid"], FACTS["tenant"])
        self.assertIsNone(parameters["serviceprincipalkey"])
        self.assertEqual(endpoint.data["subscriptionId"], FACTS["subscription"])
        self.assertEqual(endpoint.data["creationMode"], "Manual")

    def test_the_machine_and_its_interface(self):
        _, network, compute, _ = clients()
        vm = compute.virtual_machines.get("rg-ours", "ours")
        self.assertEqual((vm.id, vm.location, vm.tags["owner"]), (self.ours["machine"], "westeurope", "ours"))
        self.assertEqual(vm.hardware_profile.vm_size, "Standard_D2s_v5")
        self.assertEqual(vm.storage_profile.image_reference.publisher, "Canonical")
        self.assertEqual(vm.os_profile.admin_username, self.ours["admin"])
        keys = vm.os_profile.linux_configuration.ssh.public_keys
        self.assertEqual([" ".join(key.key_data.split()[:2]) for key in keys],
                         [" ".join(self.ours["public_key"].split()[:2])])
        name = vm.network_profile.network_interfaces[0].id.rsplit("/", 1)[1]
        nic = network.network_interfaces.get("rg-ours", name, expand="ipConfigurations/publicIPAddress")
        self.assertEqual(nic.virtual_machine.id, vm.id)
        if self.ours["address"]:
            self.assertEqual(nic.ip_configurations[0].public_ip_address.ip_address, self.ours["address"])


class Theirs(unittest.TestCase):
    def test_theirs_are_made_for_ours_to_read(self):
        made = asyncio.run(self.application())
        clients_v7 = connection().clients_v7_1
        project = clients_v7.get_core_client().get_project("Web")
        endpoint = new_endpoint("theirs", project)
        endpoint.authorization.parameters["serviceprincipalid"] = made["client"]
        endpoint.authorization.parameters["serviceprincipalkey"] = made.pop("secret")
        made["endpoint"] = clients_v7.get_service_endpoint_client().create_service_endpoint(endpoint).id
        resources, network, compute, _ = clients()
        resources.resource_groups.create_or_update(GROUP, {"location": "westeurope"})
        nic = make_network(network, GROUP)
        vm = compute.virtual_machines.begin_create_or_update(GROUP, "vm", machine(nic)).result()
        made.update(nic=nic.id, machine=vm.id, vm_id=vm.vm_id)
        made["private_address"] = nic.ip_configurations[0].private_ip_address
        (FOLDER / "theirs.json").write_text(json.dumps(made))

    async def application(self):
        graph = client()
        application = await graph.applications.post(Application(display_name="Theirs"))
        await graph.service_principals.post(ServicePrincipal(app_id=application.app_id))
        body = AddPasswordPostRequestBody(password_credential=PasswordCredential(display_name="theirs 1"))
        password = await graph.applications.by_application_id(application.id).add_password.post(body)
        return {
            "application": application.id, "client": application.app_id, "key": str(password.key_id),
            "secret": password.secret_text,
        }


if __name__ == "__main__":
    unittest.main()
