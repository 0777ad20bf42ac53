"""azure-keyvault-secrets, at a vault's own host name through the emulator's proxy: it answers the vault's challenge."""

import unittest
import uuid

from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.identity import ClientSecretCredential
from azure.keyvault.secrets import SecretClient

from here import FACTS


def client():
    credential = ClientSecretCredential(FACTS["tenant"], FACTS["client"], FACTS["secret"])
    return SecretClient("https://contoso-keys.vault.azure.net", credential)


class Vault(unittest.TestCase):
    def test_a_secret_has_versions(self):
        vault, name = client(), f"python-{uuid.uuid4().hex[:8]}"
        first = vault.set_secret(name, "one", content_type="text/plain", tags={"a": "b"})
        second = vault.set_secret(name, "two")
        self.assertEqual(vault.get_secret(name).value, "two")
        self.assertEqual(vault.get_secret(name, first.properties.version).value, "one")
        self.assertEqual(first.properties.tags, {"a": "b"})
        versions = {known.version for known in vault.list_properties_of_secret_versions(name)}
        self.assertEqual(versions, {first.properties.version, second.properties.version})
        self.assertIn(name, [known.name for known in vault.list_properties_of_secrets()])

    def test_a_disabled_version_is_not_given(self):
        vault, name = client(), f"python-{uuid.uuid4().hex[:8]}"
        made = vault.set_secret(name, "one")
        vault.update_secret_properties(name, made.properties.version, enabled=False)
        with self.assertRaises(HttpResponseError) as caught:
            vault.get_secret(name)
        self.assertEqual(caught.exception.status_code, 403)

    def test_a_deleted_secret_comes_back(self):
        vault, name = client(), f"python-{uuid.uuid4().hex[:8]}"
        vault.set_secret(name, "one")
        vault.begin_delete_secret(name).wait()
        with self.assertRaises(ResourceNotFoundError):
            vault.get_secret(name)
        vault.begin_recover_deleted_secret(name).wait()
        self.assertEqual(vault.get_secret(name).value, "one")


if __name__ == "__main__":
    unittest.main()
