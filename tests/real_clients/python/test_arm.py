"""azure-mgmt-resource, -network, -compute and -authorization: a machine with everything it needs, and its end."""

import unittest
import uuid

from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.mgmt.authorization import AuthorizationManagementClient
from azure.mgmt.compute import ComputeManagementClient
from azure.mgmt.network import NetworkManagementClient
from azure.mgmt.resource.resources import ResourceManagementClient

from here import FACTS, ORIGIN, credential

SUBSCRIPTION = FACTS["subscription"]
WHERE = {"base_url": ORIGIN, "credential_scopes": [f"{ORIGIN}/.default"]}
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ2FJdmPVbGpZFm3W8Wg2nuxZKbDmYBTrVX9ovBWZ4fG me@home"
PLACE = {"location": "westeurope"}


def clients():
    kinds = (ResourceManagementClient, NetworkManagementClient, ComputeManagementClient, AuthorizationManagementClient)
    return [kind(credential(), SUBSCRIPTION, **WHERE) for kind in kinds]


def make_network(network, group):
    network.network_security_groups.begin_create_or_update(group, "nsg", {**PLACE, "properties": {"securityRules": [{
        "name": "ssh", "properties": {
            "priority": 100, "direction": "Inbound", "access": "Allow", "protocol": "Tcp", "sourcePortRange": "*",
            "destinationPortRange": "22", "sourceAddressPrefix": "203.0.113.0/24", "destinationAddressPrefix": "*",
        },
    }]}}).result()
    subnet = network.virtual_networks.begin_create_or_update(group, "vnet", {**PLACE, "properties": {
        "addressSpace": {"addressPrefixes": ["10.0.0.0/16"]},
        "subnets": [{"name": "default", "properties": {"addressPrefix": "10.0.0.0/24"}}],
    }}).result().subnets[0]
    address = network.public_ip_addresses.begin_create_or_update(group, "pip", {
        **PLACE, "sku": {"name": "Standard"}, "properties": {"publicIPAllocationMethod": "Static"},
    }).result()
    return network.network_interfaces.begin_create_or_update(group, "nic", {**PLACE, "properties": {
        "ipConfigurations": [{"name": "primary", "properties": {
            "subnet": {"id": subnet.id}, "publicIPAddress": {"id": address.id},
        }}],
    }}).result()


def machine(nic):
    return {**PLACE, "tags": {"owner": "python"}, "properties": {
        "hardwareProfile": {"vmSize": "Standard_D2s_v5"},
        "storageProfile": {
            "imageReference": {"publisher": "Canonical", "offer": "ubuntu-24_04-lts", "sku": "server", "version": "latest"},
            "osDisk": {"name": "vm-os", "createOption": "FromImage", "deleteOption": "Delete"},
        },
        "osProfile": {"computerName": "vm", "adminUsername": "azureuser", "linuxConfiguration": {
            "disablePasswordAuthentication": True,
            "ssh": {"publicKeys": [{"path": "/home/azureuser/.ssh/authorized_keys", "keyData": KEY}]},
        }},
        "networkProfile": {"networkInterfaces": [{"id": nic.id, "properties": {"deleteOption": "Delete"}}]},
    }}


class ResourceManager(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.resources, cls.network, cls.compute, cls.roles = clients()
        cls.group = f"python-{uuid.uuid4().hex[:8]}"
        cls.resources.resource_groups.create_or_update(cls.group, {**PLACE, "tags": {"run": "python"}})
        cls.nic = make_network(cls.network, cls.group)
        cls.vm = cls.compute.virtual_machines.begin_create_or_update(cls.group, "vm", machine(cls.nic)).result()

    def test_a_group_shows_what_is_in_it(self):
        groups = {group.name: group for group in self.resources.resource_groups.list()}
        self.assertEqual(groups[self.group].tags, {"run": "python"})
        kinds = {resource.type for resource in self.resources.resources.list_by_resource_group(self.group)}
        self.assertLessEqual({"Microsoft.Compute/virtualMachines", "Microsoft.Network/networkInterfaces"}, kinds)

    def test_a_machine_runs_with_its_interface_and_disk(self):
        vm = self.compute.virtual_machines.get(self.group, "vm", expand="instanceView")
        self.assertEqual(vm.provisioning_state, "Succeeded")
        self.assertIn("PowerState/running", [status.code for status in vm.instance_view.statuses])
        self.assertEqual(vm.storage_profile.os_disk.os_type, "Linux")
        nic = self.network.network_interfaces.get(self.group, "nic")
        self.assertEqual(nic.virtual_machine.id, self.vm.id)
        self.assertTrue(nic.etag)
        self.assertTrue(self.network.public_ip_addresses.get(self.group, "pip").ip_address)

    def test_a_machine_is_stopped_and_started(self):
        self.compute.virtual_machines.begin_deallocate(self.group, "vm").result()
        view = self.compute.virtual_machines.instance_view(self.group, "vm")
        self.assertIn("PowerState/deallocated", [status.code for status in view.statuses])
        self.compute.virtual_machines.begin_start(self.group, "vm").result()
        self.compute.virtual_machines.begin_reapply(self.group, "vm").result()
        self.compute.virtual_machines.begin_redeploy(self.group, "vm").result()

    def test_a_role_is_assigned_listed_and_withdrawn(self):
        scope = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{self.group}"
        reader = next(iter(self.roles.role_definitions.list(scope, filter="roleName eq 'Reader'")))
        mine = next(iter(self.roles.role_assignments.list_for_scope(f"/subscriptions/{SUBSCRIPTION}")))
        name = str(uuid.uuid4())
        properties = {"roleDefinitionId": reader.id, "principalId": mine.principal_id, "principalType": "ServicePrincipal"}
        made = self.roles.role_assignments.create(scope, name, {"properties": properties})
        self.assertEqual(made.role_definition_id, reader.id)
        here = [one.name for one in self.roles.role_assignments.list_for_scope(scope, filter="atScope()")]
        self.assertIn(name, here)
        self.roles.role_assignments.delete(scope, name)

    def test_what_is_wrong_is_refused_in_a_form_the_client_reads(self):
        with self.assertRaises(ResourceNotFoundError) as caught:
            self.compute.virtual_machines.get(self.group, "none")
        self.assertEqual(caught.exception.error.code, "ResourceNotFound")
        with self.assertRaises(HttpResponseError) as caught:
            wrong = machine(self.nic)
            wrong["properties"]["hardwareProfile"]["vmSize"] = "Standard_Nothing"
            self.compute.virtual_machines.begin_create_or_update(self.group, "other", wrong).result()
        self.assertEqual(caught.exception.status_code, 400)

    def test_an_old_etag_is_refused(self):
        group = self.network.network_security_groups.get(self.group, "nsg")
        rule = {"properties": {
            "priority": 200, "direction": "Inbound", "access": "Deny", "protocol": "*", "sourcePortRange": "*",
            "destinationPortRange": "80", "sourceAddressPrefix": "*", "destinationAddressPrefix": "*",
        }}
        self.network.security_rules.begin_create_or_update(self.group, "nsg", "web", rule).result()
        changed = self.network.network_security_groups.get(self.group, "nsg")
        self.assertNotEqual(changed.etag, group.etag)
        self.assertEqual({rule.name for rule in changed.security_rules}, {"ssh", "web"})

    def test_an_extension_and_a_command_run_in_the_machine(self):
        versions = self.compute.virtual_machine_extension_images.list_versions(
            "westeurope", "Microsoft.Azure.Extensions", "CustomScript"
        )
        self.assertTrue(versions)
        extension = {**PLACE, "properties": {
            "publisher": "Microsoft.Azure.Extensions", "type": "CustomScript", "typeHandlerVersion": "2.1",
            "autoUpgradeMinorVersion": True, "settings": {}, "protectedSettings": {"commandToExecute": "true"},
        }}
        made = self.compute.virtual_machine_extensions.begin_create_or_update(self.group, "vm", "script", extension)
        self.assertEqual(made.result().provisioning_state, "Succeeded")
        vm = self.compute.virtual_machines.get(self.group, "vm")
        self.assertEqual([resource.name for resource in vm.resources], ["script"])
        command = {"commandId": "RunShellScript", "script": ["echo hello"]}
        result = self.compute.virtual_machines.begin_run_command(self.group, "vm", command).result()
        self.assertIn("hello", result.value[0].message)

    def test_tags_are_named(self):
        self.resources.tags.create_or_update("cost")
        self.resources.tags.create_or_update_value("cost", "low")
        self.assertIn("cost", [tag.tag_name for tag in self.resources.tags.list()])

    @classmethod
    def tearDownClass(cls):
        cls.compute.virtual_machines.begin_delete(cls.group, "vm").result()
        cls.resources.resource_groups.begin_delete(cls.group).result()
        assert not cls.resources.resource_groups.check_existence(cls.group)


if __name__ == "__main__":
    unittest.main()
